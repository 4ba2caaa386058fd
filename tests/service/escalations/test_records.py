"""A record of an escalation: who sees it, what is kept with it, and the trace that every change leaves."""

import httpx
import pytest
from fastapi import FastAPI

from tests.service.escalations.steps import opened
from tests.service.steps import assert_error, query


@pytest.fixture
async def specialist(colleague: httpx.AsyncClient) -> httpx.AsyncClient:
    return colleague


async def test_a_record_holds_what_was_said_and_what_happened(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    got = (await specialist.get(f"/v1/escalations/{record}")).json()
    assert (got["source"], got["status"], got["owner"]) == ("press", "new", None)
    said = await specialist.post(f"/v1/escalations/{record}/messages", json={"body": "Called them back"})
    assert said.status_code == 201
    assert [one["body"] for one in (await specialist.get(f"/v1/escalations/{record}/messages")).json()["messages"]] == [
        "Called them back"
    ]
    events = (await specialist.get(f"/v1/escalations/{record}/timeline")).json()["events"]
    assert [one["kind"] for one in events] == ["escalation.opened", "escalation.said"]


@pytest.mark.parametrize("confidentiality", ["confidential", "restricted"])
async def test_what_is_confidential_is_not_there_for_others(
    app: FastAPI,
    database: str,
    specialist: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    confidentiality: str,
) -> None:
    path = "child_safety" if confidentiality == "restricted" else None
    record = await opened(app, database, by="test-reviewer", confidentiality=confidentiality, path=path)
    address = f"/v1/escalations/{record}"
    assert_error(await specialist.get(address), 404, "not_found")
    oversees = await lead.get(address)
    assert oversees.status_code == (404 if path else 200)
    query(
        database,
        "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-specialist'"
        if path
        else "INSERT INTO escalation_watchers (escalation_id, principal_id)"
        " SELECT e.id, p.id FROM escalations e, principals p WHERE p.username = 'test-specialist'",
    )
    assert (await specialist.get(address)).status_code == 200
