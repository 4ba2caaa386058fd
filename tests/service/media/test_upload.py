"""The multipart reader holds no more in memory than it must, leaves nothing behind and says what is wrong with a body."""

import asyncio
import os
import resource
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from service.errors.media import MediaTooLargeError, StorageUnavailableError, UnsupportedMediaError
from service.errors.requests import InvalidRequestError
from service.media import upload
from service.media.upload import HEAD_BYTES, MEMORY_BYTES, Kind, receive

TYPE = "multipart/form-data; boundary=frame"
LIMITS: dict[Kind, int] = {"image": 10_000, "video": 5_000_000, "audio": 20_000}
JPEG, MP4, MP3 = b"\xff\xd8\xff", b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"ID3\x04\0\0\0\0\0\0"


def part(data: bytes, name: str = "file", more: str = '; filename="a.jpg"') -> bytes:
    head = f'--frame\r\nContent-Disposition: form-data; name="{name}"{more}\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = b"--frame--\r\n"


def request_of(chunks: list[bytes], content_type: str | None = TYPE, *, gone: bool = False) -> Request:
    """A request whose body arrives in these chunks; `gone` cuts the connection after the last."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})
    arriving = iter(messages)

    async def take() -> dict[str, Any]:
        return next(arriving)

    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request({"type": "http", "headers": headers}, take)


async def taken(request: Request, folder: Path) -> tuple[bytes, str]:
    """What arrives, and what it is taken for."""
    async with receive(request, folder=folder, limits=LIMITS) as received:
        data = received.file.read()
        assert len(data) == received.size
        return data, received.mime


@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_file_is_read_however_it_arrives(tmp_path: Path, step: int) -> None:
    data = JPEG + bytes(range(256)) * 3 + b"\r\n--fram\r\n--frame"[:-2]
    body = part(b"ignored", name="note", more="") + part(data) + part(b"later", name="file2") + END
    chunks = [body[place : place + step] for place in range(0, len(body), step)]
    assert await taken(request_of(chunks), tmp_path) == (data, "image/jpeg")


@pytest.mark.parametrize("head", ['; filename="a;b\\".svg"', "", "; filename*=UTF-8''%e2%82%ac"])
async def test_declared_name_does_not_matter(tmp_path: Path, head: str) -> None:
    assert await taken(request_of([part(JPEG, more=head) + END]), tmp_path) == (JPEG, "image/jpeg")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (END, "there are 0"),
        (part(JPEG, name="picture") + END, "there are 0"),
        (part(JPEG) + part(b"y") + END, "there are 2"),
        (part(b"") + END, "empty"),
        (part(JPEG)[:-1], "cut off"),
        (b"no frame at all", "well-formed"),
        (b"", "there are 0"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, body: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        await taken(request_of([body]), tmp_path)


@pytest.mark.parametrize(
    "content_type",
    [None, "image/jpeg", "multipart/form-data", "application/json", "multipart/form-data; boundary=" + "x" * 300],
)
async def test_body_that_is_no_form_is_refused(tmp_path: Path, content_type: str | None) -> None:
    with pytest.raises(InvalidRequestError, match="multipart/form-data"):
        await taken(request_of([part(JPEG) + END], content_type), tmp_path)


async def test_connection_that_breaks_is_no_failure_of_ours(tmp_path: Path) -> None:
    body = part(MP4 + bytes(2 * MEMORY_BYTES))
    with pytest.raises(InvalidRequestError, match="cut off"):
        await taken(request_of([body[:-20]], gone=True), tmp_path)
    assert not list(tmp_path.iterdir())


async def test_upload_of_which_nothing_comes_any_more_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.01)
    arriving = iter([{"type": "http.request", "body": part(JPEG)[:-1], "more_body": True}])

    async def take() -> dict[str, Any]:
        for message in arriving:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(10):
        with pytest.raises(InvalidRequestError, match="nothing came for"):
            await taken(Request({"type": "http", "headers": request_of([]).headers.raw}, take), tmp_path)


async def test_full_disk_is_said(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk with no more room."""
    body = part(MP4 + bytes(4 * MEMORY_BYTES)) + END
    chunks = [body[place : place + 65_536] for place in range(0, len(body), 65_536)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEMORY_BYTES, limits[1]))
    try:
        with pytest.raises(StorageUnavailableError, match="send this again later") as failed:
            await taken(request_of(chunks), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(tmp_path) not in failed.value.detail


@pytest.mark.parametrize(("head", "limit"), [(JPEG, 10_000), (MP3, 20_000), (MP4, 5_000_000)])
async def test_each_kind_has_its_own_limit(tmp_path: Path, head: bytes, limit: int) -> None:
    data = head.ljust(limit, b"x")
    assert (await taken(request_of([part(data) + END]), tmp_path))[0] == data
    with pytest.raises(MediaTooLargeError, match=f"{limit:,} bytes"):
        await taken(request_of([part(data + b"x") + END]), tmp_path)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(("data", "said"), [(HEIC, "convert it to JPEG"), (b"plain text", "AVIF pictures.*FLAC sound")])
async def test_what_is_of_no_accepted_kind_is_refused_with_advice(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=said):
        await taken(request_of([part(data) + END]), tmp_path)


def endless(head: bytes, step: int) -> tuple[AsyncIterator[bytes], list[int]]:
    """A body that never ends, and how many bytes of it were taken."""
    sent = [0]

    async def arrive() -> AsyncIterator[bytes]:
        yield part(head)[:-2]
        while True:
            sent[0] += step
            yield b"x" * step

    return arrive(), sent


@pytest.mark.parametrize(("head", "refused"), [(JPEG, MediaTooLargeError), (b"plain text", UnsupportedMediaError)])
async def test_no_more_is_read_than_it_takes_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, refused: type[Exception]
) -> None:
    request = request_of([])
    body, sent = endless(head, 1000)
    monkeypatch.setattr(request, "stream", lambda: body)
    with pytest.raises(refused):
        await taken(request, tmp_path)
    assert sent[0] <= (LIMITS["image"] if head == JPEG else HEAD_BYTES) + 1000


async def test_large_file_lies_on_disk_without_a_name(tmp_path: Path) -> None:
    data = MP4 + os.urandom(3 * MEMORY_BYTES)
    body = part(data) + END
    step = 64 * 1024
    tracemalloc.start()
    request = request_of([])
    pieces = (body[place : place + step] for place in range(0, len(body), step))

    async def arrive() -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece

    request.stream = arrive  # type: ignore[method-assign]
    before = tracemalloc.get_traced_memory()[0]
    async with receive(request, folder=tmp_path / "new" / "uploads", limits=LIMITS) as received:
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        assert peak < 2 * MEMORY_BYTES
        assert not list((tmp_path / "new" / "uploads").iterdir())
        assert (received.kind, received.mime, received.size) == ("video", "video/mp4", len(data))
        assert received.file.read() == data
    assert received.file.closed
