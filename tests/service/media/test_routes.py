"""Over HTTP: uploads are whole or refused, previews are blurred enough, originals need a record and a live lease."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from service.db import create_engine
from service.errors.media import MediaTooLargeError, UnknownMediaError
from service.media import grants
from service.media.blurring import STILL
from service.media.grants import Grant
from service.media.renderer import UPLOADS
from service.media.workflow import ingest, require_known
from service.settings import Settings
from tests.conftest import bearer, client_of, running_app
from tests.service.media.console import Console, error, stored_files
from tests.service.media.pictures import animation, draw, gif, jpeg, load, png, webp

PREVIEW_HEADERS = {
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
}


async def test_upload_is_stored_clean_with_all_previews(console: Console, settings: Settings) -> None:
    data = jpeg(keep="none") + b"trailing payload"
    answer = await console.upload(data)
    assert answer.status_code == 201
    assert answer.json() == {"media_id": answer.json()["media_id"], "kind": "image", "status": "ready", "failure": None}
    [row] = await console.execute("SELECT * FROM media")
    assert (str(row.id), row.mime, row.width, row.height, row.frames) == (
        answer.json()["media_id"],
        "image/jpeg",
        400,
        300,
        1,
    )
    assert row.sha256 == hashlib.sha256(data).digest()
    files = stored_files(settings)
    assert len(files) == 1 + len(STILL)
    assert not any(b"payload" in path.read_bytes() for path in files)
    derivatives = await console.execute(
        "SELECT level, width, height FROM media_derivatives WHERE variant = 'gray' ORDER BY level"
    )
    assert [row.level for row in derivatives] == [0, 1, 2, 3, 4]


async def test_same_bytes_are_new_media_but_one_file(console: Console, settings: Settings) -> None:
    data = png()
    first, second = await asyncio.gather(console.uploaded(data), console.uploaded(data))
    assert first != second
    assert await console.count("media") == 2
    assert len(stored_files(settings)) == 12


@pytest.mark.parametrize("data", [webp(), gif(animation()), webp(animation())], ids=["webp", "gif", "moving webp"])
async def test_other_kinds_are_taken(console: Console, data: bytes) -> None:
    preview = await console.preview(await console.uploaded(data))
    assert preview.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", (415, "unsupported_media")),
        (b"%PDF-1.7", (415, "unsupported_media")),
        (b"", (422, "invalid_request")),
        (b"\xff\xd8\xff" + bytes(20_000_000), (413, "media_too_large")),
        (b"\xff\xd8\xff" + bytes(20_100_000), (413, "media_too_large")),
    ],
    ids=["svg", "pdf", "empty", "bytes", "far too many bytes"],
)
async def test_refused_upload_leaves_nothing(
    console: Console, settings: Settings, data: bytes, expected: tuple[int, str]
) -> None:
    assert error(await console.upload(data)) == expected
    assert await console.count("media") == 0
    assert not stored_files(settings)


async def test_upload_without_the_field_is_invalid(console: Console) -> None:
    assert error(await console.upload(jpeg(), name="picture")) == (422, "invalid_request")
    answer = await console.client.post("/v1/media", content=jpeg(), headers=bearer(console.keys["platform"]))
    assert error(answer) == (422, "invalid_request")


async def test_endless_upload_is_cut_off(console: Console) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--f\r\nContent-Disposition: form-data; name="file"\r\n\r\n\xff\xd8\xff'
        while True:
            sent += 1_000_000
            yield bytes(1_000_000)

    headers = {**bearer(console.keys["platform"]), "Content-Type": "multipart/form-data; boundary=f"}
    answer = await console.client.post("/v1/media", content=endless(), headers=headers)
    assert error(answer) == (413, "media_too_large")
    assert sent <= 22_000_000


async def test_waiting_uploads_hold_no_database_connection(
    settings: Settings, taxonomy: Taxonomy, keys: dict[str, str]
) -> None:
    narrow = settings.model_copy(update={"database_pool": 1})
    begun, release = asyncio.Event(), asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b'--f\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        begun.set()
        await release.wait()
        yield jpeg() + b"\r\n--f--\r\n"

    headers = {**bearer(keys["platform"]), "Content-Type": "multipart/form-data; boundary=f"}
    async with running_app(narrow, taxonomy) as app, client_of(app) as caller:
        upload = asyncio.create_task(caller.post("/v1/media", content=stalling(), headers=headers))
        await begun.wait()
        async with asyncio.timeout(10):
            assert (await caller.get("/v1/me", headers=bearer(keys["platform"]))).status_code == 200
        release.set()
        assert (await upload).status_code == 201


async def test_who_waits_for_the_storage_holds_no_database_connection(
    console: Console, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    media, token, whole = await console.revealed()
    lens = (await console.reveal(media, token, way="lens")).json()["url"]
    open_file, held = app.state.storage.open, []

    async def watched(name: str, *piece: int) -> Any:
        held.append(app.state.engine.pool.checkedout())
        return await open_file(name, *piece)

    monkeypatch.setattr(app.state.storage, "open", watched)
    for address in (f"/v1/media/{media}/preview", whole, f"{lens}&x=0&y=0"):
        assert (await console.get(address)).status_code == 200
    assert held == [0, 0, 0]


async def test_too_many_uploads_at_once_are_turned_away(console: Console, app: FastAPI) -> None:
    app.state.renderer._uploads = UPLOADS
    answer = await console.upload(jpeg())
    assert error(answer) == (429, "overloaded")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("role", ["ml", "admin"])
async def test_only_writers_upload(console: Console, role: str) -> None:
    assert error(await console.upload(jpeg(), role=role)) == (403, "forbidden")


async def test_unknown_callers_get_nothing(client: httpx.AsyncClient) -> None:
    media = uuid4()
    for answer in (
        await client.post("/v1/media", files={"file": jpeg()}),
        await client.get(f"/v1/media/{media}/preview"),
        await client.post(f"/v1/media/{media}/reveal", json={"lease_token": str(media), "reason": "x"}),
        await client.get(f"/v1/media/{media}/original?grant=x"),
    ):
        assert error(answer) == (401, "not_signed_in")


async def test_preview_is_blurred_grey_and_not_kept(console: Console) -> None:
    media = await console.uploaded(png(draw(800, 600, inside="<circle cx='200' cy='150' r='90' fill='red'/>")))
    answer = await console.preview(media, "?level=4")
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in PREVIEW_HEADERS} == PREVIEW_HEADERS
    assert answer.headers["content-disposition"] == 'inline; filename="media.jpg"'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-blur-level"] == "4"
    image = load(answer.content)
    assert (image.width, image.height, image.bands) == (21, 16, 1)


@pytest.mark.parametrize(
    ("areas", "reason", "asked", "served"),
    [
        (None, "harassment", "?level=1", 3),
        (None, "harassment", "?level=4", 4),
        (None, "harassment", "", 3),
        (None, "child_safety", "?level=2", 4),
        ({"harassment": 0.9}, "harassment", "?level=1", 2),
        ({"harassment": 0.9}, "harassment", "", 2),
        ({"harassment": 0.9}, "harassment", "?level=3", 3),
        ({"graphic_violence": 0.4}, "harassment", "?level=2", 3),
        ({"graphic_violence": 0.9}, "harassment", "?level=2", 4),
    ],
)
async def test_preview_is_never_below_what_the_case_needs(
    console: Console, areas: dict[str, float] | None, reason: str, asked: str, served: int
) -> None:
    media = await console.uploaded()
    await console.report(media, reason=reason)
    if areas is not None:
        await console.score(areas)
    answer = await console.preview(media, asked)
    assert answer.headers["x-blur-level"] == str(served)
    [item] = (await console.claim())["case"]["media"]
    assert item["level"] <= served
    assert item["preview_url"] == f"/v1/media/{media}/preview?level={item['level']}"
    assert (await console.get(item["preview_url"])).headers["x-blur-level"] == str(item["level"])


async def test_picture_without_a_case_counts_as_not_scored(console: Console) -> None:
    assert (await console.preview(await console.uploaded(), "?level=1")).headers["x-blur-level"] == "3"


async def test_a_preview_is_as_hidden_as_its_case(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.execute("INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    held_for = "held_for = (SELECT id FROM principals WHERE role = 'reviewer'), held_as = 'hold'"
    await console.execute(
        f"UPDATE cases SET queue = 'few', status = 'held', held_until = now() + interval '1 hour', {held_for}"
    )
    assert (await console.preview(media)).status_code == 200
    assert error(await console.preview(media, role="lead")) == (404, "not_found")
    # Kept back for them once, and no longer.
    await console.execute("UPDATE cases SET status = 'open', held_until = NULL")
    assert error(await console.preview(media)) == (404, "not_found")


async def test_picture_in_several_cases_gets_the_strongest_blur_of_them(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.score({"harassment": 0.9})
    assert (await console.preview(media)).headers["x-blur-level"] == "2"
    await console.report(media, reason="child_safety")
    assert (await console.preview(media)).headers["x-blur-level"] == "4"
    levels = [(await console.claim(role=role))["case"]["media"][0]["level"] for role in ("reviewer", "lead")]
    assert levels == [4, 4]


async def test_new_report_about_a_changed_post_blurs_its_old_picture_more(console: Console) -> None:
    old, new = await console.uploaded(), await console.uploaded(png())
    await console.report(old, subject="post-x")
    await console.score({"harassment": 0.9})
    assert (await console.preview(old)).headers["x-blur-level"] == "2"
    await console.report(new, subject="post-x", reason="self_harm")
    assert (await console.preview(old)).headers["x-blur-level"] == "4"


async def test_failed_score_blurs_like_none(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.execute("UPDATE evidence SET score_state = 'failed'")
    assert (await console.preview(media)).headers["x-blur-level"] == "3"
    [item] = (await console.claim())["case"]["media"]
    assert item["level"] == 3


@pytest.mark.parametrize("level", ["5", "-1", "two", "", "2.5"])
async def test_other_levels_are_invalid(console: Console, level: str) -> None:
    media = await console.uploaded()
    assert error(await console.preview(media, f"?level={level}")) == (422, "invalid_request")


async def test_unknown_media_is_not_found(console: Console) -> None:
    assert error(await console.preview(str(uuid4()), "?level=2")) == (404, "not_found")
    assert error(await console.preview("nonsense", "?level=2")) == (422, "invalid_request")


async def test_missing_preview_shows_a_placeholder_and_never_the_original(console: Console, settings: Settings) -> None:
    media = await console.uploaded()
    for path in stored_files(settings):
        path.unlink()
    assert error(await console.preview(media, "?level=4")) == (404, "derivative_pending")
    await console.execute("DELETE FROM media_derivatives")
    assert error(await console.preview(media, "?level=4")) == (404, "derivative_pending")


async def test_reveal_records_and_then_serves_the_clean_copy(console: Console) -> None:
    data = jpeg()
    media = await console.uploaded(data + b"payload")
    case = await console.report(media)
    token = (await console.claim())["lease"]["token"]
    assert await console.count("exposures") == 0
    answer = await console.reveal(media, token, reason="  who is shown  ")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    body = answer.json()
    [row] = await console.execute("SELECT *, expires_at - at AS lasts FROM exposures")
    assert (str(row.id), str(row.media_id), str(row.case_id)) == (body["exposure_id"], media, case)
    assert (str(row.lease_token), row.reason, row.lasts.total_seconds()) == (token, "who is shown", 60)
    [event] = await console.execute("SELECT * FROM events WHERE kind = 'media.revealed'")
    assert (str(event.case_id), event.actor) == (case, row.principal_id)
    assert event.data == {"media": media, "exposure": body["exposure_id"], "kind": "whole"}
    original = await console.get(body["url"])
    assert original.status_code == 200
    assert {name: original.headers[name] for name in PREVIEW_HEADERS} == PREVIEW_HEADERS
    assert (original.headers["content-type"], "x-blur-level" in original.headers) == ("image/jpeg", False)
    assert b"payload" not in original.content
    assert (load(original.content) - load(data)).abs().avg() < 2


async def test_address_does_not_outlive_the_lease(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    token = (await console.claim())["lease"]["token"]
    await console.execute("UPDATE cases SET lease_expires_at = now() + interval '7 seconds'")
    body = (await console.reveal(media, token)).json()
    [row] = await console.execute("SELECT x.expires_at = c.lease_expires_at AS same FROM exposures x, cases c")
    assert row.same
    await console.execute("UPDATE cases SET lease_expires_at = now()")
    assert error(await console.get(body["url"])) == (409, "lease_stale")


async def test_original_ends_with_the_lease(console: Console) -> None:
    _, token, url = await console.revealed()
    assert (await console.get(url)).status_code == 200
    [case] = await console.execute("SELECT id FROM cases")
    release = f"/v1/cases/{case.id}/lease/release"
    await console.client.post(release, json={"lease_token": token}, headers=bearer(console.keys["reviewer"]))
    assert error(await console.get(url)) == (409, "lease_stale")


async def test_address_runs_out(settings: Settings, taxonomy: Taxonomy, keys: dict[str, str], database: str) -> None:
    brief = settings.model_copy(update={"reveal_seconds": 1})
    engine = create_engine(database, pool=1)
    async with running_app(brief, taxonomy) as app, client_of(app) as caller, engine.connect() as connection:
        console = Console(caller, keys, connection)
        _, _, url = await console.revealed()
        await asyncio.sleep(1.1)
        assert error(await console.get(url)) == (410, "link_expired")
    await engine.dispose()


async def test_address_works_for_its_person_only(console: Console) -> None:
    _, _, url = await console.revealed()
    for role in ("lead", "specialist"):
        assert error(await console.get(url, role=role)) == (404, "not_found")
    assert error(await console.get(url, role="platform")) == (403, "forbidden")
    assert (await console.get(url)).status_code == 200


async def test_grant_opens_nothing_else(console: Console, settings: Settings) -> None:
    media, _, url = await console.revealed()
    other = await console.uploaded(png())
    assert error(await console.get(url.replace(media, other))) == (404, "not_found")
    [grant] = parse_qs(urlsplit(url).query)["grant"]
    [row] = await console.execute("SELECT * FROM exposures")
    address = f"/v1/media/{media}/original"
    forged = [
        "",
        "x",
        grant.swapcase(),
        grant[:-5] + grant[-4:],
        grants.sign(Grant(row.id, row.media_id, row.principal_id), "another key of thirty-two characters"),
        grants.sign(Grant(uuid4(), row.media_id, row.principal_id), settings.signing_key),
        grants.sign(Grant(row.id, UUID(other), row.principal_id), settings.signing_key),
    ]
    for token in forged:
        assert error(await console.get(f"{address}?grant={token}")) == (404, "not_found")
    assert error(await console.get(address)) == (422, "invalid_request")
    assert error(await console.get(f"{address}?grant={'x' * 501}")) == (422, "invalid_request")


async def test_no_record_no_bytes(console: Console) -> None:
    _, _, url = await console.revealed()
    await console.execute("SELECT set_config('triage.removing_samples', 'on', false)")
    await console.execute("DELETE FROM exposures")
    assert error(await console.get(url)) == (404, "not_found")


async def test_reveal_needs_the_live_lease_of_a_case_with_that_picture(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    lone = await console.uploaded(png())
    claimed = await console.claim()
    token = claimed["lease"]["token"]
    assert error(await console.reveal(lone, token)) == (404, "not_found")
    assert error(await console.reveal(str(uuid4()), token)) == (404, "not_found")
    assert error(await console.reveal(media, str(uuid4()))) == (409, "lease_stale")
    assert error(await console.reveal(media, token, role="lead")) == (409, "lease_stale")
    assert error(await console.reveal(media, token, role="platform")) == (403, "forbidden")
    await console.execute("UPDATE cases SET lease_expires_at = now()")
    assert error(await console.reveal(media, token)) == (409, "lease_stale")
    assert await console.count("exposures") == 0


@pytest.mark.parametrize("reason", ["", "   \n", "x" * 501, "a\x00b"])
async def test_reveal_needs_a_reason(console: Console, reason: str) -> None:
    answer = await console.reveal(str(uuid4()), str(uuid4()), reason=reason)
    assert error(answer) == (422, "invalid_request")


async def test_missing_file_of_an_original_is_not_found(console: Console, settings: Settings) -> None:
    _, _, url = await console.revealed()
    for path in stored_files(settings):
        path.unlink()
    assert error(await console.get(url)) == (404, "not_found")


async def test_no_address_but_the_granted_one_gives_original_bytes(console: Console, app: FastAPI) -> None:
    media, _, _ = await console.revealed()
    paths = [path for path in app.openapi()["paths"] if path.startswith("/v1/media")]
    assert sorted(paths) == [
        "/v1/media",
        "/v1/media/{media_id}",
        "/v1/media/{media_id}/lens",
        "/v1/media/{media_id}/original",
        "/v1/media/{media_id}/preview",
        "/v1/media/{media_id}/reveal",
    ]
    assert error(await console.get(f"/v1/media/{media}/original")) == (422, "invalid_request")
    assert (await console.get(f"/v1/media/{media}", role="platform")).headers["content-type"] == "application/json"


async def test_unknown_media_are_named(console: Console) -> None:
    media, unknown = UUID(await console.uploaded()), uuid4()
    await require_known(console.connection, [media])
    with pytest.raises(UnknownMediaError, match=str(unknown)) as refused:
        await require_known(console.connection, [media, unknown])
    assert str(media) not in refused.value.detail


async def test_samples_are_taken_in_within_the_callers_transaction(
    console: Console, app: FastAPI, settings: Settings
) -> None:
    [person] = await console.execute("SELECT id FROM principals WHERE role = 'platform'")
    tools = {"renderer": app.state.renderer, "storage": app.state.storage, "settings": settings}
    row = await ingest(console.connection, png(), uploaded_by=person.id, sample=True, **tools)
    [stored] = await console.execute("SELECT id, sample, uploaded_by FROM media")
    assert (stored.id, stored.sample, stored.uploaded_by) == (row.id, True, person.id)
    with pytest.raises(MediaTooLargeError, match="bytes"):
        await ingest(console.connection, bytes(20_000_001), uploaded_by=person.id, sample=True, **tools)
