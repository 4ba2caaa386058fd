"""A decision and its statement are made, changed, taken back and replaced together."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from service.statements.transparency import TransparencyStatement
from service.statements.workflow import Decision, restate
from tests.conftest import bearer, client_of, running_app
from tests.service.steps import Body, assert_error, claim, decide, decided, query, report, row_counts, value


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 60})


async def statement_of(person: httpx.AsyncClient, case_id: str) -> Body:
    """The one statement of a case."""
    [one] = (await person.get(f"/v1/cases/{case_id}/statements")).json()["statements"]
    return dict(one)


async def preview(person: httpx.AsyncClient, claimed: Body, **said: Any) -> Any:
    body = {"policy_area": "harassment", "actions": ["remove"], "lease_token": claimed["lease"]["token"]} | said
    answer = await person.post(f"/v1/cases/{claimed['case']['id']}/statement/preview", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def save(person: httpx.AsyncClient, claimed: Body, area: str = "harassment", **statement: Any) -> httpx.Response:
    body = {"lease_token": claimed["lease"]["token"], "policy_area": area, "statement": statement}
    return await person.put(f"/v1/cases/{claimed['case']['id']}/statement", json=body)


async def test_a_decision_tells_what_its_preview_said(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    hook = (await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})).json()
    assert hook["id"]
    before = await preview(reviewer, claimed, actions=["remove", "suspend_account"])
    assert (before["exemption"], before["problems"], before["assumed"], before["language"]) == (None, [], [], "en")
    await decided(reviewer, claimed, actions=["remove", "suspend_account"])
    told = await statement_of(reviewer, claimed["case"]["id"])
    assert (told["state"], told["notice"], told["sections"]) == ("waiting", before["notice"], before["sections"])
    sent = told["statement"]
    assert TransparencyStatement.model_validate(sent).as_json() == sent
    assert sent == before["statement"] | {"puid": told["puid"]}
    assert sent["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert (sent["content_date"], sent["source_type"]) == ("2026-11-20", "SOURCE_TYPE_OTHER_NOTIFICATION")
    assert re.fullmatch(r"ct-[0-9a-f-]{36}", told["puid"])
    message = value(database, "SELECT payload::jsonb -> 'data' -> 'statement' FROM outbox")
    assert message == {
        "puid": told["puid"],
        "language": "en",
        "notice": told["notice"],
        "until": sent["end_date_account_restriction"],
    }
    for private in ("test-reviewer", "a1", "r1", "clear case", "what post-1 says"):
        assert not re.search(rf"\b{private}\b", told["notice"] + str(sent)), private
    for language, word in (("es", "reclamación"), ("de", "Beschwerde"), ("fr", "réclamation")):
        again = (await reviewer.get(f"/v1/statements/{told['id']}", params={"language": language})).json()
        assert (again["language"], again["statement"]) == (language, sent)
        assert word in again["notice"]


async def test_what_the_holder_wrote_before_is_used_and_only_for_its_area(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await save(colleague, claimed, decision_facts="Not mine."), 409, "lease_stale")
    answer = await save(
        reviewer, claimed, decision_facts="It repeats an insult.", decision_ground_reference_url="https://p.example/r"
    )
    assert answer.status_code == 204, answer.text
    shown = await preview(reviewer, claimed)
    assert shown["edited"] == ["decision_facts", "decision_ground_reference_url"]
    before = row_counts(database)
    text = assert_error(await decide(reviewer, claimed, policy_area="privacy"), 422, "statement_incomplete")
    assert "'harassment'" in text
    assert row_counts(database) == before
    await decided(reviewer, claimed)
    told = await statement_of(reviewer, claimed["case"]["id"])
    assert told["statement"]["decision_facts"] == "It repeats an insult."
    assert "It repeats an insult." in told["notice"]


async def test_a_text_that_was_reset_is_not_used(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    await save(reviewer, claimed, area="privacy", decision_facts="Something else.")
    address = f"/v1/cases/{claimed['case']['id']}/statement"
    gone = await reviewer.delete(address, params={"lease_token": claimed["lease"]["token"]})
    assert gone.status_code == 204
    await decided(reviewer, claimed)
    assert (await statement_of(reviewer, claimed["case"]["id"]))["edited"] == []


@pytest.mark.parametrize(
    ("statement", "code", "named"),
    [
        (
            {"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"},
            "statement_incomplete",
            "illegal_content_legal_ground",
        ),
        ({"end_date_account_restriction": "2027-01-01"}, "statement_incomplete", "end_date_account_restriction"),
        ({"content_date": "2030-01-01"}, "statement_incomplete", "content_date"),
        ({"decision_facts": "See @somebody"}, "personal_data", "statement.decision_facts: a handle"),
        ({"decision_facts": "Posted by A1 again"}, "personal_data", "statement.decision_facts: a name"),
        ({"incompatible_content_ground": "Ask r1"}, "personal_data", "statement.incompatible_content_ground"),
        ({"puid": "mine"}, "invalid_request", "puid"),
        ({"automated_decision": "AUTOMATED_DECISION_FULLY"}, "invalid_request", "automated_decision"),
        ({"decision_facts": "x" * 5001}, "invalid_request", "decision_facts"),
    ],
)
async def test_a_decision_is_refused_where_its_statement_breaks_a_rule(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, statement: Body, code: str, named: str
) -> None:
    before = row_counts(database)
    text = assert_error(await decide(reviewer, claimed, statement=statement), 422, code)
    assert named in text
    assert "@somebody" not in text
    assert row_counts(database) == before
    await decided(reviewer, claimed)


async def test_what_restricts_nothing_has_none_and_what_is_exempt_says_why(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    cases = []
    ways: tuple[Body, ...] = (
        {"actions": ["warn"]},
        {"actions": ["no_violation"], "policy_area": "benign"},
        {"policy_area": "spam"},
    )
    for number, said in enumerate(ways):
        await report(platform, f"post-{number}")
        claimed = await claim(reviewer)
        assert (await preview(reviewer, claimed, **said) is None) == (number < 2)
        await decided(reviewer, claimed, severity=0, **said)
        cases.append((await reviewer.get(f"/v1/cases/{claimed['case']['id']}/statements")).json()["statements"])
    assert cases[:2] == [[], []]
    [spam] = cases[2]
    assert (spam["state"], spam["exemption"], spam["puid"], spam["statement"]) == ("exempt", "high_volume", None, None)


async def test_an_undo_takes_the_statement_back_unless_it_was_handed_out(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    made = await decided(reviewer, claimed)
    told = await statement_of(reviewer, claimed["case"]["id"])
    # The window is over for whoever hands out, and was open when the undo began.
    number = value(database, "INSERT INTO statement_batches (state) VALUES ('open') RETURNING number")
    query(database, "UPDATE statements SET state = 'batched', batch = %s", number)
    assert_error(await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo"), 409, "undo_expired")
    assert (await reviewer.get(f"/v1/statements/{told['id']}")).json()["state"] == "batched"
    query(database, "UPDATE statements SET state = 'made', batch = NULL")
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    after = (await reviewer.get(f"/v1/statements/{told['id']}")).json()
    assert (after["state"], after["puid"]) == ("withdrawn", told["puid"])


@pytest.mark.parametrize("handed_out", [False, True])
async def test_a_reviewed_decision_has_a_new_statement_that_names_the_earlier(
    app: FastAPI, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body, database: str, handed_out: bool
) -> None:
    wrote = {
        "decision_facts": "It repeats an insult.",
        "end_date_account_restriction": "2027-03-01",
        "content_date": "2026-11-03",
    }
    made = await decided(reviewer, claimed, actions=["remove", "suspend_account"], statement=wrote)
    earlier = await statement_of(reviewer, claimed["case"]["id"])
    # A review comes days later: what stands began when it did, and ends when it would have.
    began = "jsonb_set(payload, '{application_date}', '\"2026-11-05\"')"
    query(database, f"UPDATE statements SET payload = {began}")
    if handed_out:
        query(database, "UPDATE statements SET ready_at = now()")
        batch = (await lead.get("/v1/statements/export")).json()["batch"]
        assert (await lead.post("/v1/statements/export/confirm", json={"batch": batch})).status_code == 200
    person = value(database, "SELECT id FROM principals WHERE username = 'test-lead'")
    rules = app.state.statement_rules
    now = Decision(
        id=made["decision_id"], case_id=claimed["case"]["id"], at=datetime.now(UTC), until=datetime.now(UTC),
        policy_area="harassment", actions=["suspend_account"], basis="review",
    )  # fmt: skip
    async with app.state.engine.begin() as connection:
        told = await restate(connection, now, person=person, rules=rules)
    assert told is not None
    assert told.until == "2027-03-01"
    before, after = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}/statements")).json()["statements"]
    assert before["state"] == ("published" if handed_out else "withdrawn")
    assert (after["puid"], after["replaces"], after["state"]) == (told.puid, earlier["puid"], "ready")
    assert re.match(rf"It repeats an insult\. This .*{earlier['puid']}", after["statement"]["decision_facts"])
    days = (after["statement"]["application_date"], after["statement"]["content_date"])
    assert days == ("2026-11-05", "2026-11-03")
    assert "decision_visibility" not in after["statement"]
    # For another area and with another action: nothing is said of the first any more, and it begins now.
    other = replace(now, policy_area="privacy", actions=["age_restrict"])
    async with app.state.engine.begin() as connection:
        told = await restate(connection, other, person=person, rules=rules)
    last = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}/statements")).json()["statements"][-1]
    assert told is not None
    assert (last["puid"], last["edited"]) == (told.puid, ["content_date"])
    assert last["statement"]["category"] == "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
    assert last["statement"]["application_date"] == f"{datetime.now(UTC):%Y-%m-%d}"
    async with app.state.engine.begin() as connection:
        assert await restate(connection, replace(now, actions=[]), person=person, rules=rules) is None
    last = (await reviewer.get(f"/v1/statements/{last['id']}")).json()
    assert last["state"] == "withdrawn"


async def test_switched_off_none_is_made(
    settings: Settings, taxonomy: Any, keys: dict[str, str], platform: httpx.AsyncClient
) -> None:
    await report(platform)
    off = settings.model_copy(update={"statements": "off"})
    async with running_app(off, taxonomy) as other, client_of(other) as person:
        person.headers.update(bearer(keys["reviewer"]))
        claimed = await claim(person)
        await decided(person, claimed)
        case = f"/v1/cases/{claimed['case']['id']}"
        assert (await person.get(f"{case}/statements")).json() == {"statements": []}
        asked = {"policy_area": "spam", "actions": ["remove"]}
        assert_error(await person.post(f"{case}/statement/preview", json=asked), 404, "not_found")
