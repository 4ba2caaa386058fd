"""What becomes of uploads of an accepted kind, and how their files are asked for piece by piece."""

import re
from typing import Any

import httpx
import pytest
import pyvips
from fastapi import FastAPI

from service.media.containers import CLIP_FORMATS
from service.media.sniff import FORMATS
from service.settings import Settings
from tests.conftest import bearer
from tests.service.media.clips import heic
from tests.service.media.console import Console, error
from tests.service.media.pictures import avif, gif, jpeg, png, scene

MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(range(256)) * 5000
MP3 = b"ID3\x04\0\0\0\0\0\0" + bytes(100)


async def stored_as_it_came(console: Console, settings: Settings) -> tuple[Any, bytes]:
    """The one row, and the file that it says is kept."""
    [row] = await console.execute("SELECT * FROM media")
    return row, (settings.data_dir / "media" / row.uploaded_as).read_bytes()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (jpeg()[:-900], "damaged or cut off"),
        (png(pyvips.Image.black(8000, 6500)), "pixels"),
        (gif(scene())[:-20], "damaged or cut off"),
    ],
    ids=["truncated", "pixels", "cut off"],
)
async def test_picture_that_cannot_be_shown_is_kept_and_says_why(
    console: Console, settings: Settings, data: bytes, said: str
) -> None:
    answer = await console.upload(data)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["kind"], body["status"]) == ("image", "failed")
    assert said in body["failure"]
    row, kept = await stored_as_it_came(console, settings)
    assert (row.status, row.failure, row.stored_as, row.bytes) == ("failed", body["failure"], None, len(data))
    assert kept == data
    media = body["media_id"]
    await console.report(media)
    claimed = await console.claim()
    [item] = claimed["case"]["media"]
    assert (item["status"], item["failure"], item["preview_url"]) == ("failed", body["failure"], None)
    assert error(await console.preview(media, "?level=4")) == (404, "media_failed")
    assert error(await console.reveal(media, claimed["lease"]["token"])) == (404, "media_failed")
    assert await console.count("exposures") == 0


@pytest.mark.parametrize(
    ("data", "way_out"),
    [
        (heic(), "convert it to JPEG"),
        (avif().replace(b"ftypavif", b"ftypavis"), "as GIF or WebP"),
        (b"%PDF-1.7", "none of the accepted kinds"),
    ],
    ids=["heic", "moving avif", "pdf"],
)
async def test_what_is_refused_names_a_way_out(console: Console, data: bytes, way_out: str) -> None:
    answer = await console.upload(data)
    assert error(answer) == (415, "unsupported_media")
    assert way_out in answer.json()["detail"]


async def test_refusal_names_everything_that_is_accepted(console: Console) -> None:
    named = (await console.upload(b"plain text")).json()["detail"].lower().replace("jpeg", "jpg")
    suffixes = [one.suffix for one in FORMATS.values()] + [one.suffix for one in CLIP_FORMATS.values()]
    assert [one for one in suffixes if not re.search(rf"\b{one}\b", named)] == []


def test_heic_cannot_be_decoded_here() -> None:
    # Once this fails, HEIC can be taken in.
    with pytest.raises(pyvips.Error, match="not been built in: HEVC"):
        pyvips.Image.heifload_buffer(heic()).avg()


@pytest.mark.parametrize(("data", "kind", "mime"), [(MP4, "video", "video/mp4"), (MP3, "audio", "audio/mpeg")])
async def test_video_and_sound_wait_for_a_worker(
    console: Console, settings: Settings, data: bytes, kind: str, mime: str
) -> None:
    answer = await console.upload(data)
    assert answer.status_code == 201
    assert answer.json() == answer.json() | {"kind": kind, "status": "pending", "failure": None}
    row, kept = await stored_as_it_came(console, settings)
    assert (row.kind, row.mime, row.status, row.bytes) == (kind, mime, "pending", len(data))
    assert row.uploaded_as.endswith(row.sha256.hex())
    assert kept == data
    [job] = await console.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'media.prepare'")
    assert job.args == {"media": answer.json()["media_id"]}
    await console.report(answer.json()["media_id"])
    claimed = await console.claim()
    assert claimed["case"]["media"][0]["status"] == "pending"
    assert error(await console.preview(answer.json()["media_id"])) == (404, "derivative_pending")


async def test_sender_can_follow_an_upload(console: Console) -> None:
    uploaded = (await console.upload(MP3)).json()
    address = f"/v1/media/{uploaded['media_id']}"
    assert (await console.get(address, role="platform")).json() == uploaded
    await console.execute("UPDATE media SET status = 'failed', failure = 'it is silent'")
    told = (await console.get(address, role="platform")).json()
    assert told == uploaded | {"status": "failed", "failure": "it is silent"}
    assert error(await console.get(address, role="specialist")) == (404, "not_found")
    assert error(await console.get(address, role="reviewer")) == (404, "not_found")
    assert error(await console.get(address, role="ml")) == (403, "forbidden")


async def test_clips_have_a_limit_of_their_own(console: Console, app: FastAPI, settings: Settings) -> None:
    app.state.settings = settings.model_copy(update={"media_clip_max_bytes": 1_000_000})
    assert error(await console.upload(MP4)) == (413, "media_too_large")
    assert await console.count("media") == 0
    assert not list((settings.data_dir / "uploads").iterdir())


async def ranged(console: Console, url: str, asked: str, **headers: str) -> httpx.Response:
    sent = bearer(console.keys["reviewer"]) | {"Range": asked} | headers
    return await console.client.get(url, headers=sent)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=100-", 100, None), ("bytes=-7", -7, None)],
)
async def test_a_piece_of_an_original(console: Console, asked: str, start: int, end: int | None) -> None:
    _, _, url = await console.revealed()
    whole = await console.get(url)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    size = len(whole.content)
    answer = await ranged(console, url, asked)
    assert (answer.status_code, answer.content) == (206, whole.content[start:end])
    assert answer.headers["content-length"] == str(len(answer.content))
    first = start % size
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{size}"
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-5", "bytes=-", "lines=0-1", "bytes=a-b", "bytes=" + "9" * 30 + "-"]
)
async def test_what_is_no_single_range_gets_the_whole(console: Console, asked: str) -> None:
    media = await console.uploaded()
    whole = await console.preview(media, "?level=4")
    answer = await ranged(console, f"/v1/media/{media}/preview?level=4", asked)
    assert (answer.status_code, answer.content) == (200, whole.content)
    assert "content-range" not in answer.headers


async def test_a_condition_on_a_piece_never_holds(console: Console) -> None:
    media = await console.uploaded()
    answer = await ranged(console, f"/v1/media/{media}/preview?level=4", "bytes=0-1", **{"If-Range": '"x"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("asked", ["bytes=1000000-", "bytes=-0"])
async def test_a_piece_behind_the_end_is_refused(console: Console, asked: str) -> None:
    media = await console.uploaded()
    size = len((await console.preview(media, "?level=4")).content)
    answer = await ranged(console, f"/v1/media/{media}/preview?level=4", asked)
    assert error(answer) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{size}"


async def test_each_piece_needs_the_live_lease(console: Console) -> None:
    _, _, url = await console.revealed()
    assert (await ranged(console, url, "bytes=0-9")).status_code == 206
    await console.execute("UPDATE cases SET lease_expires_at = now()")
    assert error(await ranged(console, url, "bytes=10-19")) == (409, "lease_stale")
