"""Packages for a person to file: facts, ids and hashes, word for word; no media, no staff, and nothing filed by the system."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from service.restricted.packages.workflow import hash_of
from tests.service.banks.conftest import upload
from tests.service.escalations.steps import opened
from tests.service.media.pictures import jpeg, scene
from tests.service.restricted.conftest import named
from tests.service.steps import assert_error, query, report, value


@pytest.fixture
async def record(app: FastAPI, database: str, platform: httpx.AsyncClient, colleague: httpx.AsyncClient) -> UUID:
    """A restricted record with a case and a picture."""
    named(database, "test-specialist")
    picture = await upload(platform, jpeg(scene(40, 30)))
    filed = await report(platform, "post-7", media=[picture], text="words of the post")
    return await opened(
        app,
        database,
        confidentiality="restricted",
        path="child_safety",
        cases=[filed["case_id"]],
        assets=[{"kind": "account", "id": "account-9"}],
        fields={"order_number": "4711"},
    )


@pytest.mark.parametrize("kind", ["ncmec", "nca", "law_enforcement"])
async def test_a_package_holds_facts_and_hashes_and_is_kept(
    database: str, record: UUID, colleague: httpx.AsyncClient, kind: str
) -> None:
    query(
        database,
        "INSERT INTO escalation_messages SELECT gen_random_uuid(), id, 'internal', 'note', 'among us' FROM escalations",
    )
    answer = await colleague.post(f"/v1/escalations/{record}/packages", json={"kind": kind})
    assert answer.status_code == 201, answer.text
    package = answer.json()
    body = package["body"]
    assert package["sha256"] == hash_of(body)
    assert "filed nothing" in body["notice"]
    assert package["filing"] is None
    assert body["accounts_and_assets"] == [{"kind": "account", "id": "account-9"}, {"kind": "author", "id": "a1"}]
    [item] = body["items"]
    assert (item["external_id"], item["reports"]) == ("post-7", 1)
    [evidence] = item["evidence"]
    content, picture = query(database, "SELECT encode(content_hash, 'hex') FROM evidence"), evidence["media"][0]
    assert [(evidence["content_sha256"],)] == content
    assert picture["sha256"] == value(database, "SELECT encode(sha256, 'hex') FROM media")
    assert ("order" in body) == (kind == "law_enforcement")
    words = json.dumps(body)
    for hidden in ("test-specialist", "among us", "words of the post", "stored_as"):
        assert hidden not in words
    again = (await colleague.get(f"/v1/escalations/{record}/packages/{package['id']}")).json()
    assert again == package
    made = query(database, "SELECT data FROM events WHERE kind = 'restricted.package_made'")
    assert made == [({"package": package["id"], "purpose": kind},)]
    # Nothing leaves: no message waits to be sent anywhere.
    assert value(database, "SELECT count(*) FROM outbox") == 0
    page = await colleague.get(f"/restricted/{record}/packages/{package['id']}")
    assert page.status_code == 200
    assert "The system files nothing" in page.text
    assert picture["sha256"] in page.text
    assert "<img" not in page.text


async def test_where_it_was_filed_is_entered_once_by_a_person(
    record: UUID, colleague: httpx.AsyncClient, database: str
) -> None:
    package = (await colleague.post(f"/v1/escalations/{record}/packages", json={"kind": "ncmec"})).json()
    path = f"/v1/escalations/{record}/packages/{package['id']}/filed"
    today = datetime.now(UTC).date()
    body = {"filed_on": today.isoformat(), "filed_with": "NCMEC", "reference": "CT-1"}
    for day in (today - timedelta(days=9), today + timedelta(days=9)):
        assert_error(await colleague.post(path, json={**body, "filed_on": day.isoformat()}), 422, "invalid_request")
    filed = (await colleague.post(path, json=body)).json()["filing"]
    assert (filed["reference"], filed["entered_by"]) == ("CT-1", "test-specialist")
    assert_error(await colleague.post(path, json=body), 409, "filed_already")
    with pytest.raises(Exception, match="append-only"):
        query(database, "UPDATE hand_off_packages SET kind = 'nca'")


async def test_only_who_is_named_makes_one(
    app: FastAPI, database: str, record: UUID, lead: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    assert_error(await lead.post(f"/v1/escalations/{record}/packages", json={"kind": "nca"}), 404, "not_found")
    plain = await opened(app, database)
    assert_error(await colleague.post(f"/v1/escalations/{plain}/packages", json={"kind": "nca"}), 403, "forbidden")


async def test_media_of_a_restricted_record_are_shown_most_blurred_and_never_opened(
    app: FastAPI, database: str, platform: httpx.AsyncClient, restricted: UUID, colleague: httpx.AsyncClient
) -> None:
    picture = await upload(platform, jpeg(scene(40, 30)))
    query(database, "INSERT INTO escalation_attachments SELECT e.id, %s, 'a', e.opened_by FROM escalations e", picture)
    preview = f"/v1/media/{picture}/preview"
    levels = [(await colleague.get(preview, params={"level": level})).headers.get("blur-level") for level in (2, 4)]
    assert levels[0] == levels[1]
    weak, strong = [(await colleague.get(preview, params={"level": level})).content for level in (2, 4)]
    assert weak == strong
    assert (await colleague.get(preview, params={"variant": "lines"})).status_code == 404
    reveal = {"lease_token": str(restricted), "reason": "to look"}
    assert (await colleague.post(f"/v1/media/{picture}/reveal", json=reveal)).status_code in {404, 409}
    assert value(database, "SELECT count(*) FROM exposures") == 0
