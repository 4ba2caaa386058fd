"""Whatever anybody else calls before the second person has answered: nothing of the proposal is in any answer."""

from collections.abc import Iterator
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


def addresses(app: FastAPI, ids: dict[str, str]) -> Iterator[str]:
    """Every address that can be read, filled with ids of the case in question; pages and all choices included."""
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
        for parameter in described.get(path, {}).get("get", {}).get("parameters", ()):
            for choice in parameter["schema"].get("enum", ()) if parameter["in"] == "query" else ():
                yield f"{filled}?{parameter['name']}={choice}"


async def seen(app: FastAPI, keys: dict[str, str], ids: dict[str, str], *, asker: str) -> dict[str, str]:
    """By role and address, everything that those who did not ask are answered, headers too."""
    found = {}
    for role, key in keys.items():
        if role == asker:
            continue
        async with client_of(app) as person:
            for address in addresses(app, ids):
                answer = await person.get(address, headers=bearer(key))
                assert answer.status_code < 500, (role, address, answer.text)
                found[f"{role} {address}"] = answer.text + str(answer.headers)
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
    found = await seen(app, keys, ids, asker="reviewer")
    assert len([one for one in found if one.startswith("specialist ")]) > 20
    assert "specialist /v1/opinions?side=answered" in found
    for shown in (f"/cases/{ids['case_id']}", f"/v1/cases/{ids['case_id']}"):
        assert "what post-1 says" in found[f"specialist {shown}"]
    assert not traces(found)
    # Not when the case is theirs, and not while their answer could still be undone.
    case = await claim(colleague)
    assert case["case"]["second_opinion"]["question"] == "what do you think?"
    assert SECRET not in str(case)
    assert not traces(await seen(app, keys, ids, asker="reviewer"))
    await decided(colleague, case)
    ids["message"] = str(value(database, "SELECT id FROM outbox"))
    assert not traces(await seen(app, keys, ids, asker="reviewer"))
    # Nor does what leaves the system, or the log of events, say it.
    assert SECRET not in str(query(database, "SELECT payload FROM outbox"))
    for kept in ("SELECT data FROM events", "SELECT args FROM procrastinate_jobs"):
        assert SECRET not in str(query(database, kept))
        assert "intellectual_property" not in str(query(database, kept))
    # The search is not blind itself: the one who asked reads it, and so do both once the answer stands.
    assert traces({"asker": (await reviewer.get("/v1/opinions")).text})
    rewrite(database, "UPDATE decisions SET undo_until = now()")
    assert traces({"answerer": (await colleague.get("/v1/opinions?side=answered")).text})
