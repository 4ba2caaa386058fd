"""Whatever anybody else calls before the second person has answered: nothing of the proposal is in any answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.steps import Body, claim, decided, query, report, rewrite, value

SECRET = "zanzibar"
# An area and an action that nothing else in the test names.
PROPOSAL: Body = {
    "actions": ["age_restrict"],
    "policy_area": "intellectual_property",
    "severity": 4,
    "note": f"I say {SECRET}",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 60})


def addresses(app: FastAPI, ids: dict[str, str], *, choices: bool) -> Iterator[str]:
    """Every address that can be read, filled with ids of the case in question; pages and, if wanted, all choices included."""
    described = app.openapi()["paths"]
    paths = {path for path, methods in described.items() if "get" in methods}
    pages = {
        getattr(route, "path", "")
        for part in app.routes
        for route in getattr(getattr(part, "original_router", None), "routes", [part])
        if "GET" in (getattr(route, "methods", None) or ())
    }
    for path in sorted(paths | pages):
        filled = path
        for name, one in ids.items():
            filled = filled.replace(f"{{{name}}}", one)
        filled = filled.replace("{author_id:path}", ids["author_id"])
        yield filled
        for parameter in described.get(path, {}).get("get", {}).get("parameters", ()) if choices else ():
            for choice in parameter["schema"].get("enum", ()) if parameter["in"] == "query" else ():
                yield f"{filled}?{parameter['name']}={choice}"


@dataclass
class Others:
    """Everybody but whoever asked. What a role is refused once it is refused always, and not asked for again."""

    app: FastAPI
    keys: dict[str, str]
    asker: str
    refused: set[str] = field(default_factory=set)

    async def seen(self, ids: dict[str, str], *, choices: bool = False) -> dict[str, str]:
        """By role and address, everything that they are answered, headers too."""
        found = {}
        for role, key in self.keys.items():
            async with client_of(self.app) as person:
                for address in addresses(self.app, ids, choices=choices) if role != self.asker else ():
                    where = f"{role} {address}"
                    if where in self.refused:
                        continue
                    answer = await person.get(address, headers=bearer(key))
                    assert answer.status_code < 500, (role, address, answer.text)
                    if answer.status_code == 403:
                        self.refused.add(where)
                    found[where] = answer.text + str(answer.headers)
        return found


def traces(found: dict[str, str]) -> list[str]:
    return [where for where, text in found.items() if SECRET in text]


async def test_nobody_else_reads_the_proposal_before_the_answer_stands(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    database: str,
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    await report(platform)
    held = await claim(reviewer)
    draft = {"lease_token": held["lease"]["token"], "body": PROPOSAL}
    assert (await reviewer.put(f"/v1/cases/{held['case']['id']}/draft", json=draft)).status_code == 204
    body = {"lease_token": held["lease"]["token"], "question": "what do you think?", "proposal": PROPOSAL}
    asked = (await reviewer.post(f"/v1/cases/{held['case']['id']}/second-opinion", json=body)).json()
    ids = {
        "case_id": held["case"]["id"],
        "opinion_id": asked["opinion_id"],
        "author_id": "a1",
        "queue": "default",
        "message": str(uuid4()),
        "media_id": str(uuid4()),
    }
    others = Others(app, keys, asker="reviewer")
    found = await others.seen(ids, choices=True)
    assert len([one for one in found if one.startswith("specialist ")]) > 20
    assert "specialist /v1/opinions?side=answered" in found
    for shown in (f"/cases/{ids['case_id']}", f"/v1/cases/{ids['case_id']}"):
        assert "what post-1 says" in found[f"specialist {shown}"]
    assert not traces(found)
    # Not when the case is theirs, and not while their answer could still be undone.
    case = await claim(colleague)
    assert case["case"]["second_opinion"]["question"] == "what do you think?"
    assert SECRET not in str(case)
    assert not traces(await others.seen(ids))
    await decided(colleague, case)
    ids["message"] = str(value(database, "SELECT id FROM outbox"))
    assert not traces(await others.seen(ids))
    # Nor does what leaves the system, or the log of events, say it.
    assert SECRET not in str(query(database, "SELECT payload FROM outbox"))
    for kept in ("SELECT data FROM events", "SELECT args FROM procrastinate_jobs"):
        assert SECRET not in str(query(database, kept))
        assert "intellectual_property" not in str(query(database, kept))
    # The search is not blind itself: the one who asked reads it, and so do both once the answer stands.
    assert traces({"asker": (await reviewer.get("/v1/opinions")).text})
    rewrite(database, "UPDATE decisions SET undo_until = now()")
    assert traces({"answerer": (await colleague.get("/v1/opinions?side=answered")).text})


async def about(person: httpx.AsyncClient, case_id: str) -> str:
    """What a case and its page tell somebody of decisions and events, and the strikes of its author."""
    addresses = (f"/v1/cases/{case_id}", f"/cases/{case_id}", "/v1/authors/a1/strikes")
    answers = [await person.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    case, page = answers[0].json(), answers[1].text
    # Beside these, the page of a reader explains the rank, which names areas of its own.
    part = page.partition('id="decisions-title"')[2].partition('class="case-why')[0]
    return f"{case['decisions']} {case['events']} {part} {answers[2].text}"


def words_of(app: FastAPI, said: Body) -> set[str]:
    """By what a decision would be known: its note, area and action, as they are and as pages say them."""
    taxonomy = app.state.taxonomy
    [action] = said["actions"]
    area = said["policy_area"]
    return {said["note"], area, action, taxonomy.area(area).name, taxonomy.action(action).name}


def told(text: str, words: set[str]) -> set[str]:
    return {word for word in words if word in text}


async def ask(person: httpx.AsyncClient, held: Body) -> None:
    body = {
        "lease_token": held["lease"]["token"],
        "question": "what do you think?",
        "proposal": PROPOSAL,
    }
    answer = await person.post(f"/v1/cases/{held['case']['id']}/second-opinion", json=body)
    assert answer.status_code == 201, answer.text


async def undone(person: httpx.AsyncClient, held: Body, said: Body) -> str:
    """Decide and take it back; the decision."""
    made = await decided(person, held, **said)
    assert (await person.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    return str(made["decision_id"])


async def test_what_the_one_who_asks_decided_and_took_back_stays_unknown(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
) -> None:
    await report(platform)
    held = await claim(reviewer)
    case_id, words = held["case"]["id"], words_of(app, PROPOSAL)
    decision = await undone(reviewer, held, PROPOSAL)
    # Without a question anybody may know.
    assert PROPOSAL["note"] in await about(colleague, case_id)
    assert decision in await about(colleague, case_id)
    await ask(reviewer, await claim(reviewer))
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        for person in (colleague, lead):
            text = await about(person, case_id)
            assert not told(text, {*words, decision, "reversed"})
            assert "undone" in text
            assert (await person.get("/v1/authors/a1/strikes")).json()["hidden"] == 0
    # Whoever decided so knows it anyway.
    assert {PROPOSAL["note"], decision, "reversed"} <= told(
        await about(reviewer, case_id), {*words, decision, "reversed"}
    )
    answer = await claim(colleague)
    assert not told(await about(colleague, case_id), {*words, decision})
    await decided(colleague, answer, actions=["remove"], policy_area="harassment")
    # While the answer can still be taken back and given anew, too.
    assert not told(await about(colleague, case_id), {*words, decision})
    rewrite(database, "UPDATE decisions SET undo_until = now()")
    assert {PROPOSAL["note"], decision} <= told(await about(colleague, case_id), {*words, decision})


async def test_an_answer_that_was_taken_back_leaves_the_next_one_blind(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    keys: dict[str, str],
) -> None:
    await report(platform)
    held = await claim(reviewer)
    case_id, words = held["case"]["id"], words_of(app, PROPOSAL)
    await ask(reviewer, held)
    first = await decided(colleague, await claim(colleague), **PROPOSAL)
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        # Not even before it is taken back: they may be the next to answer.
        text = await about(lead, case_id)
        assert not told(text, {*words, first["decision_id"]})
        assert (await lead.get("/v1/authors/a1/strikes")).json()["hidden"] == 1
        assert (await colleague.post(f"/v1/decisions/{first['decision_id']}/undo")).status_code == 200
        for _ in range(2):
            assert not told(await about(lead, case_id), {*words, first["decision_id"], "reversed"})
            assert not told(await about(reviewer, case_id), {first["decision_id"], "reversed"})
            # The second time with the case in their hands.
            await lead.post(f"/v1/cases/{case_id}/claim")
        assert PROPOSAL["note"] in await about(colleague, case_id)


async def test_it_stays_unknown_when_the_question_went_to_a_newer_case(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    keys: dict[str, str],
) -> None:
    await report(platform)
    held = await claim(reviewer)
    older, words = held["case"]["id"], words_of(app, PROPOSAL)
    await ask(reviewer, held)
    made = await decided(colleague, await claim(colleague), **PROPOSAL)
    newer = (await report(platform, reason="self_harm"))["case_id"]
    assert (await colleague.post(f"/v1/decisions/{made['decision_id']}/undo")).json() == {"case_id": newer}
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        for case_id in (older, newer):
            assert not told(await about(lead, case_id), {*words, made["decision_id"]})
