"""The multipart reader holds no more than it must and says what is wrong with a body."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.requests import Request

from service.errors import InvalidRequestError, MediaTooLargeError
from service.media.upload import read_upload

TYPE = "multipart/form-data; boundary=frame"


def part(data: bytes, name: str = "file", more: str = '; filename="a.jpg"') -> bytes:
    head = f'--frame\r\nContent-Disposition: form-data; name="{name}"{more}\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = b"--frame--\r\n"


def request_of(chunks: list[bytes], content_type: str | None = TYPE, *, gone: bool = False) -> Request:
    """A request whose body arrives in these chunks; `gone` cuts the connection after the last."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})
    arriving = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(arriving)

    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request({"type": "http", "headers": headers}, receive)


@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_file_is_read_however_it_arrives(step: int) -> None:
    data = bytes(range(256)) * 3 + b"\r\n--fram\r\n--frame"[:-2]
    body = part(b"ignored", name="note", more="") + part(data) + part(b"later", name="file2") + END
    chunks = [body[place : place + step] for place in range(0, len(body), step)]
    assert await read_upload(request_of(chunks), limit=10_000) == data


@pytest.mark.parametrize("head", ['; filename="a;b\\".svg"', "", "; filename*=UTF-8''%e2%82%ac"])
async def test_declared_name_does_not_matter(head: str) -> None:
    assert await read_upload(request_of([part(b"x", more=head) + END]), limit=10) == b"x"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (END, "there are 0"),
        (part(b"x", name="picture") + END, "there are 0"),
        (part(b"x") + part(b"y") + END, "there are 2"),
        (part(b"") + END, "empty"),
        (part(b"x")[:-1], "cut off"),
        (b"no frame at all", "well-formed"),
        (b"", "there are 0"),
    ],
)
async def test_what_is_wrong_is_said(body: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        await read_upload(request_of([body]), limit=10)


@pytest.mark.parametrize(
    "content_type",
    [None, "image/jpeg", "multipart/form-data", "application/json", "multipart/form-data; boundary=" + "x" * 300],
)
async def test_body_that_is_no_form_is_refused(content_type: str | None) -> None:
    with pytest.raises(InvalidRequestError, match="multipart/form-data"):
        await read_upload(request_of([part(b"x") + END], content_type), limit=10)


async def test_connection_that_breaks_is_no_failure_of_ours() -> None:
    with pytest.raises(InvalidRequestError, match="cut off"):
        await read_upload(request_of([part(b"x" * 50)[:-20]], gone=True), limit=100)


async def test_limit_is_exact() -> None:
    assert len(await read_upload(request_of([part(b"x" * 10) + END]), limit=10)) == 10
    with pytest.raises(MediaTooLargeError, match="10 bytes"):
        await read_upload(request_of([part(b"x" * 11) + END]), limit=10)


def counting(chunks: int, make: Callable[[], bytes]) -> tuple[AsyncIterator[bytes], list[int]]:
    taken = [0]

    async def arrive() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            taken[0] += 1
            yield make()

    return arrive(), taken


async def test_reading_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of([])
    first = part(b"")[:-2]
    chunks, taken = counting(1000, lambda: first if taken[0] == 1 else b"x" * 1000)
    monkeypatch.setattr(request, "stream", lambda: chunks)
    with pytest.raises(MediaTooLargeError):
        await read_upload(request, limit=5000)
    assert taken[0] == 7
