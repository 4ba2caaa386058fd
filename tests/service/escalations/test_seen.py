"""What hangs on a record is there for whoever may see the record: its events in the log, and what came with it."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from service import events
from tests.conftest import bearer, client_of
from tests.service.escalations.steps import opened
from tests.service.media.pictures import jpeg, scene
from tests.service.steps import assert_error, query, value

Client = httpx.AsyncClient
SECRET = {"confidential": None, "restricted": "child_safety"}


async def event(app: FastAPI, record: UUID, **data: Any) -> None:
    async with app.state.engine.begin() as connection:
        await events.record_on(connection, "escalation.said", record, data=data)


@pytest.mark.parametrize("confidentiality", ["normal", *SECRET])
async def test_the_log_shows_no_event_of_a_record_to_whoever_may_not_see_it(
    app: FastAPI, database: str, keys: dict[str, str], lead: Client, confidentiality: str
) -> None:
    record = await opened(app, database, confidentiality=confidentiality, path=SECRET.get(confidentiality))
    await event(app, record, message="m-1")
    await event(app, record, message="m-2", privileged=True)

    async def seen(caller: Client) -> set[str]:
        """What both the page's question and the file hold of this record."""
        asked = (await caller.get("/v1/events", params={"kind": "escalation"})).json()["events"]
        told = {one["data"].get("message", one["kind"]) for one in asked}
        assert {one["escalation_id"] for one in asked} <= {str(record)}
        for kind in ("csv", "jsonl"):
            file = (await caller.get("/v1/events/export", params={"kind": "escalation", "format": kind})).text
            assert {name for name in ("m-1", "m-2", "escalation.opened") if name in file} == told
        page = (await caller.get("/admin/audit", params={"kind": "escalation"})).text
        assert page.count("Opened an escalation") == 1 + ("escalation.opened" in told), "beside the filter"
        return told

    async with client_of(app) as admin:
        admin.headers.update(bearer(keys["admin"]))
        normal = {"escalation.opened", "m-1"}
        assert await seen(lead) == (set() if confidentiality == "restricted" else normal)
        assert await seen(admin) == (normal if confidentiality == "normal" else set())
        query(database, "UPDATE principals SET privileged = true WHERE role = 'lead'")
        query(database, "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE role = 'lead'")
        assert await seen(lead) == normal | {"m-2"}


async def test_what_came_with_a_record_is_blurred_and_there_for_those_who_see_the_record(
    app: FastAPI, database: str, colleague: Client, lead: Client, reviewer: Client
) -> None:
    record = await opened(app, database)
    path = f"/v1/escalations/{record}/attachments"
    sent = await colleague.post("/v1/media", files={"file": ("scene.jpg", jpeg(scene()), "image/jpeg")})
    media = sent.json()["media_id"]
    assert (await reviewer.get(f"/v1/media/{media}/preview")).status_code == 200, "nothing shows it yet"
    assert_error(await lead.post(path, json={"media_id": media}), 404, "not_found")
    assert (await colleague.post(path, json={"media_id": media, "name": "scene.jpg"})).status_code == 204
    [shown] = (await lead.get(path)).json()["attachments"]
    assert (shown["name"], shown["medium"]["id"]) == ("scene.jpg", media)
    assert shown["medium"]["level"] >= 1
    preview = await lead.get(shown["medium"]["preview_url"])
    assert int(preview.headers["x-blur-level"]) >= 1
    assert shown["medium"]["preview_url"].split("?")[0] in (await lead.get(f"/escalations/{record}")).text
    assert_error(await reviewer.get(f"/v1/media/{media}/preview"), 404, "not_found")
    query(database, "UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety'")
    for caller in (colleague, lead):
        assert_error(await caller.get(path), 404, "not_found")
        assert_error(await caller.get(f"/v1/media/{media}/preview"), 404, "not_found")
    query(database, "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE role = 'lead'")
    assert (await lead.get(f"/v1/media/{media}/preview")).status_code == 200
    [kept] = (await lead.get(path)).json()["attachments"]
    assert kept["medium"]["level"] == 4
    # A case with the same picture gives this reason too, to whoever reviews it.
    assert kept["medium"]["level_reason"] == "Kept at the strongest blur"
    assert value(database, "SELECT count(*) FROM exposures") == 0
