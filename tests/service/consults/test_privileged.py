"""What is privileged is not there for whoever is not named: no page, address, list, count or event holds any of it."""

import re
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.consults import workflow
from tests.service.consults.steps import answered, asked, staffed
from tests.service.escalations.steps import opened
from tests.service.steps import Body, assert_error, query, value

QUESTION, ANSWER, REMARK, TITLE = (
    "mark-of-the-question",
    "mark-of-the-answer",
    "mark-of-the-remark",
    "mark-of-the-title",
)
MARKS = (QUESTION, ANSWER, REMARK, TITLE)
# Searches that would find it, if anything could.
SEARCHES = ("words", "query", "search", "q")


def gets(routes: list[BaseRoute]) -> Iterator[tuple[str, list[str]]]:
    """Every address of the application that answers GET, with the searches that it takes."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from gets(inner.routes)
        elif isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route.path, [one for one in SEARCHES if one in asked_for(route)]


def asked_for(route: APIRoute) -> set[str]:
    """The names of what can be asked for behind the ? of an address."""
    found: set[str] = set()
    for one in route.dependant.query_params:
        found |= {one.alias, *getattr(one.field_info.annotation, "model_fields", ())}
    return found


async def seen_by(app: FastAPI, person: httpx.AsyncClient, ids: dict[str, str]) -> tuple[str, int]:
    """All that one person is answered on every address, with and without a search; and how many of them answered."""
    said, answers = "", 0
    for path, searches in gets(app.routes):
        if path == "/v1/floor/events":
            # It never ends; what it sends are the numbers of the floor.
            continue
        filled = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "unknown"), path)
        for params in ({}, dict.fromkeys(searches, "mark")) if searches else ({},):
            answer = await person.get(filled, params=params)
            assert answer.status_code < 500, (filled, answer.text)
            # A refusal says again what it was asked for by id.
            said += answer.text if answer.is_success else answer.text.replace(ids["consult_id"], "")
            answers += answer.status_code == 200
    return said, answers


@pytest.fixture
async def record(app: FastAPI, database: str, keys: dict[str, str], lead: httpx.AsyncClient) -> UUID:
    await staffed(lead)
    return await opened(app, database)


@pytest.fixture
async def privileged(colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID) -> Body:
    """A privileged question with an answer, a remark and a title, all of it done."""
    body = await asked(colleague, record, question=QUESTION, privileged=True)
    path = f"/v1/consults/{body['id']}"
    await adviser.post(f"{path}/ask-back", json={"body": REMARK})
    await answered(adviser, body, ANSWER)
    assert (await colleague.put(f"{path}/precedent", json={"title": TITLE})).status_code == 200
    return body


async def test_no_address_tells_of_it(
    app: FastAPI,
    record: UUID,
    privileged: Body,
    reviewer: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    second: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    adviser: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    vendor = {"vendor": "Acme Reviews", "site": "Lisbon"}
    assert (await admin.patch("/v1/people/test-reviewer", json=vendor)).status_code == 200
    walked = dict(gets(app.routes))
    assert len(walked) > 100
    assert walked["/v1/consults/precedents"] == walked["/consults/precedents"] == ["words"]
    ids = {"escalation_id": str(record), "consult_id": privileged["id"]}
    for person in (reviewer, second, platform):
        said, answers = await seen_by(app, person, ids)
        assert answers > 5
        # Neither its words nor its id, by which an event or a link would name it.
        assert [mark for mark in (*MARKS, privileged["id"]) if mark in said] == []
    # The asker and the team read it.
    for person in (colleague, adviser):
        said = (await person.get(f"/v1/consults/{privileged['id']}")).text
        assert [mark for mark in MARKS if mark not in said] == []
    # The same walk finds it for somebody who is named by an administrator, from that moment on and no longer than that.
    right = {"privileged": True, "reason": "Works with Legal on press"}
    address = "/v1/people/second-specialist/privileged"
    assert (await admin.put(address, json=right)).status_code == 204
    said, _ = await seen_by(app, second, ids)
    assert [mark for mark in MARKS if mark not in said] == []
    assert privileged["id"] in (await second.get(f"/v1/escalations/{record}/timeline")).text
    assert (await admin.put(address, json={**right, "privileged": False})).status_code == 204
    assert_error(await second.get(f"/v1/consults/{privileged['id']}"), 404, "not_found")


async def test_counts_do_not_tell_either(
    colleague: httpx.AsyncClient,
    second: httpx.AsyncClient,
    adviser: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    other_lead: httpx.AsyncClient,
    record: UUID,
) -> None:
    await asked(colleague, record, privileged=True)
    await asked(colleague, record)

    async def waiting(person: httpx.AsyncClient) -> int:
        teams = (await person.get("/v1/consults/teams")).json()["teams"]
        return next(int(one["waiting"]) for one in teams if one["name"] == "legal")

    assert (await waiting(colleague), await waiting(second)) == (2, 1)
    [hidden, _] = (await colleague.get(f"/v1/escalations/{record}/consults")).json()["consults"]
    await colleague.post(f"/v1/consults/{hidden['id']}/withdraw")
    openly = {"team": "legal", "question": "And openly?", "again_of": hidden["id"]}
    path = f"/v1/escalations/{record}/consults"
    assert hidden["privileged"] is True
    assert_error(await colleague.post(path, json=openly), 422, "invalid_request")
    await asked(colleague, record, again_of=hidden["id"], privileged=True)
    assert len((await adviser.get("/v1/consults")).json()["consults"]) == 2
    # Asked anew of another team, that is not told which one was asked before.
    await staffed(lead, "product", "other-lead")
    await asked(colleague, record, team="product", again_of=hidden["id"], privileged=True)
    assert hidden["id"] not in (await other_lead.get("/v1/consults")).text
    assert len((await second.get(f"/v1/escalations/{record}/consults")).json()["consults"]) == 1


async def test_it_is_absent_from_documents_and_webhooks(
    app: FastAPI,
    database: str,
    record: UUID,
    privileged: Body,
    colleague: httpx.AsyncClient,
    adviser: httpx.AsyncClient,
) -> None:
    async with app.state.engine.begin() as connection:
        assert await workflow.for_audience(connection, record) == []
    assert value(database, "SELECT count(*) FROM outbox") == 0
    events = query(database, "SELECT data FROM events WHERE kind LIKE 'consult.%%' AND escalation_id IS NOT NULL")
    assert len(events) >= 4
    assert all(data["privileged"] is True and not set(MARKS) & set(map(str, data.values())) for (data,) in events)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM consult_members",
        "UPDATE principals SET role = 'reviewer' WHERE username = 'test-adviser'",
        "UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety'",
    ],
    ids=["left the team", "has another role", "the record became restricted"],
)
async def test_whoever_loses_the_right_loses_the_question(
    database: str, adviser: httpx.AsyncClient, privileged: Body, change: str
) -> None:
    path = f"/v1/consults/{privileged['id']}"
    assert (await adviser.get(path)).status_code == 200
    query(database, change)
    assert (await adviser.get(path)).status_code in {403, 404}


async def test_nobody_names_themself(admin: httpx.AsyncClient, lead: httpx.AsyncClient, keys: dict[str, str]) -> None:
    right = {"privileged": True, "reason": "I would like to know"}
    assert_error(await admin.put("/v1/people/test-admin/privileged", json=right), 403, "forbidden")
    assert_error(await lead.put("/v1/people/test-lead/privileged", json=right), 403, "forbidden")
    assert (await admin.put("/v1/people/test-lead/privileged", json=right)).status_code == 204
    assert_error(await admin.put("/v1/people/test-lead/privileged", json=right), 422, "invalid_request")
    [one] = (await admin.get("/v1/people", params={"search": "test-lead"})).json()["people"]
    assert (one["privileged"], one["privileged_reason"]) == (True, "I would like to know")
