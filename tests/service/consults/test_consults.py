"""Questions to teams: asked with a clock of their own, answered once by the team, kept for later cases."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.consults import workflow
from tests.service.consults.steps import answered, asked, staffed
from tests.service.escalations.steps import opened
from tests.service.steps import assert_error, query, value


@pytest.fixture
async def record(app: FastAPI, database: str, keys: dict[str, str], lead: httpx.AsyncClient) -> UUID:
    """A record, and somebody of Legal to ask about it."""
    await staffed(lead)
    return await opened(app, database, fields={"outlet": "The Daily", "deadline": "tomorrow"})


async def test_a_question_goes_there_and_back(
    database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    query(database, "UPDATE escalations SET owner = (SELECT id FROM principals WHERE username = 'test-specialist')")
    body = await asked(colleague, record, facts=["title", "source"], fields=["outlet"])
    assert (body["status"], body["state"]) == ("waiting", "open")
    [seen] = (await adviser.get("/v1/consults")).json()["consults"]
    # The question and what was chosen, and no more of the record.
    assert seen["shown"] == {
        "title": "A newspaper asks about removed posts",
        "summary": None,
        "facts": {"source": "press"},
        "fields": {"outlet": "The Daily"},
    }
    assert seen["escalation_id"] is None
    assert_error(await adviser.get(f"/v1/escalations/{record}"), 403, "forbidden")
    path = f"/v1/consults/{body['id']}"
    assert (await adviser.post(f"{path}/take", json={})).json()["taken_by"] == "test-adviser"
    back = await adviser.post(f"{path}/ask-back", json={"body": "Which posts?"})
    assert back.json()["status"] == "asked_back"
    told = await colleague.post(f"{path}/explain", json={"body": "The three of May"})
    assert told.json()["status"] == "taken"
    assert [(one["kind"], one["author"]) for one in told.json()["remarks"]] == [
        ("asked_back", "test-adviser"),
        ("explained", "test-specialist"),
    ]
    await answered(adviser, body, "Say that they broke the rules.")
    [got] = (await colleague.get(f"/v1/escalations/{record}/consults")).json()["consults"]
    assert (got["answer"], got["answered_by"], got["state"]) == (
        "Say that they broke the rules.",
        "test-adviser",
        "done",
    )
    kinds = [one["kind"] for one in (await colleague.get(f"/v1/escalations/{record}/timeline")).json()["events"]]
    wanted = ["asked", "taken", "asked_back", "explained", "answered"]
    assert [kind for kind in kinds if kind.startswith("consult.")] == [f"consult.{one}" for one in wanted]
    # The record never left its owner.
    assert (
        value(database, "SELECT p.username FROM escalations e JOIN principals p ON p.id = e.owner") == "test-specialist"
    )


async def test_an_answer_stands_and_is_given_once(
    colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    body = await asked(colleague, record)
    await answered(adviser, body)
    path = f"/v1/consults/{body['id']}"
    for call, sent in (("answer", {"answer": "Not so"}), ("take", {}), ("ask-back", {"body": "Why?"})):
        assert_error(await adviser.post(f"{path}/{call}", json=sent), 409, "consult_settled")
    assert_error(await colleague.post(f"{path}/withdraw"), 409, "consult_settled")
    again = await asked(colleague, record, question="And today?", again_of=body["id"])
    assert again["again_of"] == body["id"]
    refused = {"team": "legal", "question": "Once more?", "again_of": again["id"]}
    assert_error(await colleague.post(f"/v1/escalations/{record}/consults", json=refused), 422, "invalid_request")
    assert (await colleague.post(f"/v1/consults/{again['id']}/withdraw")).json()["status"] == "withdrawn"
    assert_error(await adviser.post(f"/v1/consults/{again['id']}/answer", json={"answer": "x"}), 409, "consult_settled")


async def test_a_question_that_a_colleague_has_is_taken_over_openly(
    database: str,
    colleague: httpx.AsyncClient,
    adviser: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    record: UUID,
) -> None:
    # A lead cannot put themself into a team: they would let themself read what is privileged.
    assert_error(await lead.put("/v1/consults/teams/legal/members/test-lead"), 403, "forbidden")
    made = await admin.post("/v1/people", json={"username": "other-lead", "role": "lead"})
    other = {"Authorization": f"Bearer {made.json()['api_key']}"}
    added = await lead.put("/v1/consults/teams/legal/members/test-lead", headers=other)
    assert [one["username"] for one in added.json()["teams"][0]["members"]] == ["test-adviser", "test-lead"]
    body = await asked(colleague, record)
    path = f"/v1/consults/{body['id']}"
    await adviser.post(f"{path}/take", json={})
    assert_error(await lead.post(f"{path}/answer", json={"answer": "x"}), 409, "taken_by_other")
    assert_error(await lead.post(f"{path}/take", json={}), 409, "taken_by_other")
    assert (await lead.post(f"{path}/take", json={"over": True})).json()["taken_by"] == "test-lead"
    assert_error(await adviser.post(f"{path}/answer", json={"answer": "x"}), 409, "taken_by_other")
    own = await asked(lead, record)
    for call, sent in (("answer", {"answer": "x"}), ("take", {"over": True}), ("ask-back", {"body": "x"})):
        assert_error(await lead.post(f"/v1/consults/{own['id']}/{call}", json=sent), 403, "forbidden")
    # In a team of their own they would ask nobody else.
    await staffed(lead, "sales")
    query(
        database,
        "UPDATE consult_members SET principal_id = (SELECT id FROM principals WHERE username = 'test-lead') WHERE team = 'sales'",
    )
    alone = {"team": "sales", "question": "?"}
    assert_error(await lead.post(f"/v1/escalations/{record}/consults", json=alone), 409, "nobody_to_ask")


async def test_nobody_is_asked_who_could_not_answer(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, record: UUID
) -> None:
    path = f"/v1/escalations/{record}/consults"
    assert_error(await colleague.post(path, json={"team": "sales", "question": "?"}), 409, "nobody_to_ask")
    assert_error(await colleague.post(path, json={"team": "wizards", "question": "?"}), 404, "not_found")
    unknown = {"team": "legal", "question": "?", "fields": ["shoe_size"]}
    assert "shoe_size" in assert_error(await colleague.post(path, json=unknown), 422, "invalid_request")
    assert_error(await lead.put("/v1/consults/teams/legal/members/test-reviewer"), 422, "invalid_request")
    # Nobody of Legal is named on the path: they must not learn that the record exists.
    restricted = await opened(app, database, confidentiality="restricted", path="child_safety")
    query(
        database,
        "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-specialist'",
    )
    hidden = f"/v1/escalations/{restricted}/consults"
    assert_error(await colleague.post(hidden, json={"team": "legal", "question": "?"}), 409, "nobody_to_ask")
    closed = {"title": "Legal", "minutes": 60, "closed": True}
    assert (await lead.put("/v1/consults/teams/legal", json=closed)).status_code == 200
    assert_error(await colleague.post(path, json={"team": "legal", "question": "?"}), 409, "nobody_to_ask")


async def test_its_clock_is_that_of_the_team_or_of_the_asker(
    database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, lead: httpx.AsyncClient, record: UUID
) -> None:
    made = {"title": "Tax law", "minutes": 90}
    assert (await lead.put("/v1/consults/teams/tax_law", json=made)).status_code == 200
    await staffed(lead, "tax_law")
    first = await asked(colleague, record, team="tax_law")
    second = await asked(colleague, record, minutes=10)
    length = "SELECT extract(epoch FROM due_at - asked_at)::int FROM consults WHERE id = %s"
    assert value(database, length, first["id"]) == 5400
    assert value(database, length, second["id"]) == 600
    # The first due comes first.
    assert [one["id"] for one in (await adviser.get("/v1/consults")).json()["consults"]] == [second["id"], first["id"]]
    passed = "UPDATE consults SET asked_at = asked_at - %s::interval, warn_at = warn_at - %s::interval, due_at = due_at - %s::interval"
    states: dict[str, list[str]] = {}
    for minutes in ("8 minutes", "3 minutes"):
        query(database, passed, *[minutes] * 3)
        for one in (await adviser.get("/v1/consults")).json()["consults"]:
            states.setdefault(one["id"], []).append(one["state"])
    assert states == {first["id"]: ["open", "open"], second["id"]: ["soon", "late"]}


def waits(database: str) -> list[str]:
    """What the internal clocks of the record wait for."""
    return [one for (one,) in query(database, "SELECT reason FROM sla_pauses WHERE resumed_at IS NULL ORDER BY reason")]


async def test_internal_clocks_wait_as_long_as_one_question_of_that_kind_does(
    database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    pause = await colleague.post(f"/v1/escalations/{record}/clocks/pause", json={"reason": "requester"})
    assert pause.status_code == 200, pause.text
    plain = await asked(colleague, record)
    first, second = [await asked(colleague, record, pauses=True) for _ in range(2)]
    hidden = await asked(colleague, record, pauses=True, privileged=True)
    assert waits(database) == ["consult", "other_team", "requester"]
    await answered(adviser, plain)
    await answered(adviser, first)
    assert waits(database) == ["consult", "other_team", "requester"]
    # With the last that everybody may see, nothing says that there is another one.
    await colleague.post(f"/v1/consults/{second['id']}/withdraw")
    assert waits(database) == ["other_team", "requester"]
    await answered(adviser, hidden)
    # What waits for something else still does.
    assert waits(database) == ["requester"]


async def test_of_two_answers_at_once_the_later_lets_the_clocks_go_on(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    first, second = [await asked(colleague, record, pauses=True) for _ in range(2)]
    person = value(database, "SELECT id FROM principals WHERE username = 'test-adviser'")
    async with app.state.engine.begin() as connection:
        await workflow.answer(connection, UUID(first["id"]), "Yes", person=person)
        other = asyncio.create_task(answered(adviser, second))
        await asyncio.wait({other}, timeout=0.1)
    await other
    assert waits(database) == []


async def test_a_record_that_waits_for_advice_goes_on_with_the_last_answer(
    database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    first, second = [await asked(colleague, record, pauses=pauses) for pauses in (True, False)]
    for verb, more in (("take", {}), ("wait", {"waiting_for": "consult"})):
        moved = await colleague.post(f"/v1/escalations/{record}/moves", json={"verb": verb, **more})
        assert moved.is_success, moved.text
    await answered(adviser, first)
    assert value(database, "SELECT status FROM escalations") == "waiting"
    assert waits(database) == ["consult"], "the record waits, and its clocks rest with it"
    await answered(adviser, second)
    assert value(database, "SELECT status FROM escalations") == "working"
    assert waits(database) == []


async def test_kept_answers_are_found_by_words_area_and_jurisdiction(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    here = await opened(app, database, policy_area="harassment", jurisdiction="DE")
    kept = []
    for where, question in ((here, "Is satire allowed?"), (record, "May a court order be public?")):
        body = await asked(colleague, where, question=question)
        path = f"/v1/consults/{body['id']}/precedent"
        assert_error(await colleague.put(path, json={"title": "Too early"}), 409, "consult_settled")
        await answered(adviser, body, "It depends on the audience.")
        assert (await colleague.put(path, json={"title": f"About {question}"})).status_code == 200
        kept.append(body["id"])

    async def found(person: httpx.AsyncClient, **asked_for: str) -> list[str]:
        answer = await person.get("/v1/consults/precedents", params=asked_for)
        return [one["id"] for one in answer.json()["precedents"]]

    for person in (colleague, adviser):
        assert await found(person) == kept[::-1]
        assert await found(person, words="satire") == kept[:1]
        assert await found(person, words='audience -"court order"') == kept[:1]
        assert await found(person, area="harassment", jurisdiction="DE", team="legal") == kept[:1]
        assert await found(person, jurisdiction="FR") == []
    assert (await colleague.put(f"/v1/consults/{kept[0]}/precedent", json={"title": None})).status_code == 200
    assert await found(colleague, words="satire") == []


async def test_documents_get_what_was_answered_without_names(
    app: FastAPI, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    await answered(adviser, await asked(colleague, record), "Yes")
    await answered(adviser, await asked(colleague, record, privileged=True), "No")
    await asked(colleague, record)
    async with app.state.engine.begin() as connection:
        advice = await workflow.for_audience(connection, record)
    assert [(one.team, one.answer) for one in advice] == [("Legal", "Yes")]
    assert "test-" not in str(advice)


async def test_what_is_not_there_is_not_told(
    colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    body = await asked(colleague, record)
    for person in (colleague, adviser):
        assert_error(await person.get(f"/v1/consults/{uuid4()}"), 404, "not_found")
    # Who works on the record is not of the team, and the other way round.
    assert_error(await adviser.post(f"/v1/consults/{body['id']}/withdraw"), 403, "forbidden")
    assert_error(await colleague.post(f"/v1/consults/{body['id']}/answer", json={"answer": "x"}), 403, "forbidden")


async def test_of_two_answers_at_once_one_stands(
    database: str, colleague: httpx.AsyncClient, adviser: httpx.AsyncClient, record: UUID
) -> None:
    body = await asked(colleague, record)
    path = f"/v1/consults/{body['id']}/answer"
    answers = await asyncio.gather(*(adviser.post(path, json={"answer": f"Answer {one}"}) for one in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    [stands] = [one.json()["answer"] for one in answers if one.is_success]
    assert value(database, "SELECT answer FROM consults") == stands
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'consult.answered'") == 1
