"""Restricted paths: named by two people, loud where too few are, and every reading on the record."""

from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.restricted.paths.workflow import raise_alarms
from tests.service.escalations.steps import opened
from tests.service.restricted.conftest import named
from tests.service.steps import Body, assert_error, query, value

MEMBERS = "/v1/restricted/paths/child_safety/members"
REASON = {"reason": "Trained on 2 November"}


async def proposed(admin: httpx.AsyncClient, username: str = "test-specialist") -> str:
    answer = await admin.post(MEMBERS, json={"username": username, **REASON})
    assert answer.status_code == 202, answer.text
    [path, _] = answer.json()["paths"]
    return str(next(one["id"] for one in path["changes"] if one["confirmed"] is None and one["username"] == username))


async def paths(person: httpx.AsyncClient) -> Body:
    return dict((await person.get("/v1/restricted/paths")).json())


async def test_it_takes_two_to_name_somebody(
    app: FastAPI,
    database: str,
    admin: httpx.AsyncClient,
    other_admin: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
) -> None:
    record = await opened(app, database, confidentiality="restricted", path="child_safety")
    change = await proposed(admin)
    confirm = f"/v1/restricted/changes/{change}/confirm"
    # Neither who asked, nor whom it is about, nor anybody else.
    assert_error(await admin.post(confirm), 409, "second_person_needed")
    for outside in (colleague, reviewer):
        assert_error(await outside.post(confirm), 404, "not_found")
    assert_error(await admin.post(MEMBERS, json={"username": "test-specialist", **REASON}), 409, "change_waiting")
    assert_error(await colleague.get(f"/v1/escalations/{record}"), 404, "not_found")
    assert (await other_admin.post(confirm)).status_code == 204
    assert (await colleague.get(f"/v1/escalations/{record}")).status_code == 200
    assert_error(await other_admin.post(confirm), 409, "change_settled")
    # From then on a member confirms too, and only for their own path.
    query(database, "UPDATE principals SET role = 'lead' WHERE username = 'test-reviewer'")
    change = await proposed(admin, "test-reviewer")
    assert (await colleague.post(f"/v1/restricted/changes/{change}/confirm")).status_code == 204
    removed = await admin.post(f"{MEMBERS}/test-specialist/remove", json={"reason": "Moved to another team"})
    assert [one["username"] for one in removed.json()["paths"][0]["members"]] == ["test-reviewer"]
    assert_error(await colleague.get(f"/v1/escalations/{record}"), 404, "not_found")
    assert_error(await admin.post(f"{MEMBERS}/test-specialist/remove", json=REASON), 404, "not_found")
    kinds = query(database, "SELECT kind FROM events WHERE kind LIKE 'restricted.member%%' ORDER BY id")
    steps = ["asked", "added", "asked", "added", "removed"]
    assert [kind for (kind,) in kinds] == [f"restricted.member_{one}" for one in steps]


async def test_nobody_names_themself_and_no_role_names_anybody(
    admin: httpx.AsyncClient, other_admin: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    # An administrator could open no record; as a lead they could, and still not confirm themself.
    assert_error(await admin.post(MEMBERS, json={"username": "test-admin", **REASON}), 422, "invalid_request")
    assert_error(await lead.post(MEMBERS, json={"username": "test-lead", **REASON}), 403, "forbidden")
    change = await proposed(admin, "test-lead")
    named(database, "test-lead", "law_enforcement")
    # Of another path they learn nothing; on theirs, they are not their own second person.
    assert_error(await lead.post(f"/v1/restricted/changes/{change}/confirm"), 404, "not_found")
    named(database, "test-lead", "child_safety")
    assert_error(await lead.post(f"/v1/restricted/changes/{change}/confirm"), 409, "second_person_needed")
    assert (await other_admin.post(f"/v1/restricted/changes/{change}/decline")).status_code == 204
    assert_error(await admin.post(f"/v1/restricted/changes/{uuid4()}/confirm"), 404, "not_found")
    with pytest.raises(Exception, match="check constraint"):
        query(
            database,
            "INSERT INTO path_changes (id, path, principal_id, change, reason, asked_by, settled_by, settled_at, confirmed)"
            " SELECT gen_random_uuid(), 'child_safety', o.id, 'add', 'x', p.id, p.id, now(), true FROM principals p, principals o"
            " WHERE p.username = 'test-admin' AND o.username = 'test-specialist'",
        )


async def test_too_few_people_are_loud_once(
    app: FastAPI, database: str, admin: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    def raised() -> list[tuple[str, str]]:
        return query(
            database,
            "SELECT data ->> 'path', data ->> 'alarm' FROM events WHERE kind = 'restricted.alarm'"
            " ORDER BY data ->> 'path' COLLATE \"C\", data ->> 'alarm'",
        )

    few = [("child_safety", "few_members"), ("law_enforcement", "few_members")]
    for _ in range(2):
        await raise_alarms(app.state.engine)
        assert raised() == few
    await opened(app, database, confidentiality="restricted", path="child_safety")
    alarms = (await paths(admin))["alarms"]
    assert alarms[0] == {"path": "child_safety", "kind": "nobody_may_open", "count": 1}
    for page in ("/restricted", "/console"):
        assert "one record waits, and nobody may open it" in (await admin.get(page)).text
    assert await raise_alarms(app.state.engine) == 1
    assert raised() == [few[0], ("child_safety", "nobody_may_open"), few[1]]
    # Of those who are named only people count who are there and could open it.
    named(database, "test-specialist")
    named(database, "test-platform")
    assert (await paths(admin))["alarms"][0] == {"path": "child_safety", "kind": "few_members", "count": 1}
    named(database, "test-lead")
    assert [one["path"] for one in (await paths(admin))["alarms"]] == ["law_enforcement"]
    await raise_alarms(app.state.engine)
    query(database, "UPDATE principals SET active = false WHERE username = 'test-lead'")
    assert await raise_alarms(app.state.engine) == 1
    # Whoever is not one of them is told neither how many records there are nor who may open them.
    assert (await paths(admin))["paths"][0]["open_records"] is None
    assert (await paths(colleague))["paths"][0]["open_records"] == 1
    assert [one["path"] for one in (await paths(colleague))["paths"]] == ["child_safety"]
    # Where members and administrators begin it is loud.
    for caller, address in ((colleague, "/escalations"), (admin, "/floor")):
        assert "people are named who can open records" in (await caller.get(address)).text


@pytest.mark.parametrize("address", ["/v1/escalations/{}", "/v1/escalations/{}/timeline", "/escalations/{}"])
async def test_reading_is_on_the_record_before_anything_is_answered(
    app: FastAPI, database: str, restricted: UUID, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, address: str
) -> None:
    def reads() -> list[tuple[str]]:
        return query(
            database,
            "SELECT p.username FROM events e JOIN principals p ON p.id = e.actor WHERE e.kind = 'restricted.read'"
            " AND e.escalation_id = %s",
            restricted,
        )

    assert_error(await lead.get(f"/v1/escalations/{restricted}"), 404, "not_found")
    assert reads() == []
    assert (await colleague.get(address.format(restricted))).status_code == 200
    assert reads() == [("test-specialist",)]
    # A page asks several times; that is one reading.
    told = (await colleague.get(f"/v1/escalations/{restricted}/reads")).json()["reads"]
    assert [one["username"] for one in told] == ["test-specialist"]
    assert len(reads()) == 1
    plain = await opened(app, database)
    await colleague.get(address.format(plain))
    assert (
        value(database, "SELECT count(*) FROM events WHERE kind = 'restricted.read' AND escalation_id = %s", plain) == 0
    )
