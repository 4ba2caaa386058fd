"""Whatever comes in wrong is answered with a clear 4xx in the one error shape, and leaves nothing behind."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.reports.schemas import NOTE_CHARACTERS, TEXT_CHARACTERS
from tests.service.steps import Body, as_json, assert_error, report_body, row_counts

JSON = {"Content-Type": "application/json"}
# Content in a request, which must not come back in an error.
SECRET = "do-not-repeat-me"
UUIDS = [f"0199f1c2-0000-7000-8000-{number:012x}" for number in range(11)]


def subject(**fields: Any) -> Body:
    return report_body(**{"text": SECRET, **fields})


def without(*path: str) -> Body:
    body = subject()
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return body


BAD_BODIES: dict[str, Body] = {
    "text over the limit": subject(text=SECRET + "x" * TEXT_CHARACTERS),
    "note over the limit": subject() | {"note": SECRET + "x" * NOTE_CHARACTERS},
    "lone surrogate in the text": subject(text=SECRET + "\ud800"),
    "lone surrogate in the note": subject() | {"note": SECRET + "\udfff"},
    "lone surrogate in a field's name": subject() | {"\ud800": 1},
    "nul in the text": subject(text=SECRET + "\x00"),
    "nul in the note": subject() | {"note": SECRET + "\x00"},
    "nul in the reason": subject() | {"reason": "a\x00b"},
    "nul in an id": subject(id="post\x001"),
    "nul in the reporter": subject() | {"reporter": {"id": "\x00"}},
    "unknown field": subject() | {"surprise": SECRET},
    "unknown field of a giant name": subject() | {"x" * 100_000: SECRET},
    "very many unknown fields": subject() | {f"{number}" * 50: SECRET for number in range(500)},
    "unknown field of the subject": subject(extra=SECRET),
    "unknown field of the reporter": subject() | {"reporter": {"id": "r1", "name": SECRET}},
    "unknown field of the author": subject(author={"id": "a1", "name": SECRET}),
    "text is a number": subject(text=12),
    "text is null": subject(text=None),
    "text is a list": subject(text=[SECRET]),
    "note is an object": subject() | {"note": {"text": SECRET}},
    "subject is a list": subject() | {"subject": [SECRET]},
    "reporter is text": subject() | {"reporter": SECRET},
    "views are text": subject(views_per_hour=SECRET),
    "views are a list": subject(views_per_hour=[1]),
    "views are nan": subject(views_per_hour=float("nan")),
    "views are infinite": subject(views_per_hour=float("inf")),
    "views are minus infinity": subject(views_per_hour=float("-inf")),
    "views are negative": subject(views_per_hour=-0.001),
    "views are beyond reason": subject(views_per_hour=1e9 + 1),
    "views are a giant whole number": subject(views_per_hour=10**400),
    "naive time": subject(created_at="2026-11-20T08:00:00"),
    "time is words": subject(created_at=SECRET),
    "time is not a number": subject(created_at=float("nan")),
    "time is a giant number": subject(created_at=1e300),
    "language with a blank": subject(language="en us"),
    "language of one letter": subject(language="e"),
    "language is a sentence": subject(language=SECRET + "!"),
    "kind in capitals": subject(kind="Post"),
    "kind with a line break": subject(kind="post\n"),
    "eleven media": subject(media=UUIDS),
    "the same media twice": subject(media=[UUIDS[0], UUIDS[0].upper()]),
    "media is a name": subject(media=[SECRET]),
    "media is one id": subject(media=UUIDS[0]),
    "unknown channel": subject() | {"channel": SECRET},
    "no channel": without("channel"),
    "no reason": without("reason"),
    "empty reason": subject() | {"reason": ""},
    "long reason": subject() | {"reason": SECRET * 10},
    "no subject": without("subject"),
    "subject is null": subject() | {"subject": None},
    "no id": without("subject", "id"),
    "empty id": subject(id=""),
    "long id": subject(id=SECRET * 20),
    "no kind": without("subject", "kind"),
    "neither text nor media": subject(text=""),
    "blank text and no media": subject(text=" \u2003\n"),
    "empty object": {},
}

BAD_BYTES: dict[str, bytes] = {
    "empty": b"",
    "not json": f"channel={SECRET}".encode(),
    "half json": json.dumps(subject()).encode()[:-9],
    "two values": json.dumps(subject()).encode() * 2,
    "array": json.dumps([subject()]).encode(),
    "text": json.dumps(SECRET).encode(),
    "number": b"12",
    "null": b"null",
    "invalid utf-8": json.dumps(subject()).replace(SECRET, "\xe9").encode("latin-1"),
    "utf-8 cut short": b'{"channel": "user", "reason": "\xf0\x9f',
    "deeply nested list": b"[" * 200_000 + b"]" * 200_000,
    "deeply nested object": b'{"subject":' * 50_000 + b"1" + b"}" * 50_000,
    "number of many digits": b'{"channel": ' + b"9" * 10_000 + b"}",
    "nul byte": b"\x00",
}


async def post(platform: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    return await platform.post("/v1/reports", content=content, headers=JSON | headers)


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_bad_body_is_refused_and_leaves_nothing(platform: httpx.AsyncClient, database: str, body: Body) -> None:
    before = row_counts(database)
    detail = assert_error(await post(platform, as_json(body)), 422, "invalid_request")
    assert SECRET not in detail
    assert len(detail) < 3_000
    assert row_counts(database) == before


@pytest.mark.parametrize("content", BAD_BYTES.values(), ids=BAD_BYTES.keys())
async def test_bytes_that_are_no_object_are_refused(platform: httpx.AsyncClient, database: str, content: bytes) -> None:
    before = row_counts(database)
    answer = await post(platform, content)
    detail = assert_error(answer, answer.status_code, answer.json()["error"])
    assert (answer.status_code, answer.json()["error"]) in {(400, "unreadable_body"), (422, "invalid_request")}
    assert SECRET not in detail
    assert row_counts(database) == before


async def test_every_problem_is_named_with_its_place(platform: httpx.AsyncClient) -> None:
    body = report_body(views_per_hour=-1, kind="NO") | {"channel": "?"}
    detail = assert_error(await post(platform, as_json(body)), 422, "invalid_request")
    assert {part.partition(":")[0] for part in detail.split("; ")} == {
        "channel",
        "subject.kind",
        "subject.views_per_hour",
    }


async def test_the_last_of_duplicate_keys_counts_as_in_any_json(platform: httpx.AsyncClient) -> None:
    doubled = json.dumps(report_body()).replace('"reason"', '"reason": "spam", "reason"', 1)
    assert (await post(platform, doubled.encode())).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
async def test_a_body_that_says_it_is_no_json_is_refused(platform: httpx.AsyncClient, database: str, kind: str) -> None:
    before = row_counts(database)
    answer = await platform.post("/v1/reports", content=as_json(subject()), headers={"Content-Type": kind})
    assert SECRET not in assert_error(answer, 422, "invalid_request")
    assert row_counts(database) == before


async def test_a_body_over_the_limit_is_refused_by_its_declared_length(
    platform: httpx.AsyncClient, database: str
) -> None:
    before = row_counts(database)
    answer = await post(platform, as_json(subject(text="x" * 1_000_000)))
    assert_error(answer, 413, "body_too_large")
    assert row_counts(database) == before


async def test_a_body_over_the_limit_without_a_length_is_refused_while_it_comes(
    platform: httpx.AsyncClient, database: str
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"note": "'
        for _ in range(100):
            sent += 1
            yield b"x" * 100_000

    before = row_counts(database)
    answer = await platform.post("/v1/reports", content=chunks(), headers=JSON)
    assert_error(answer, 413, "body_too_large")
    assert sent < 20
    assert row_counts(database) == before


async def test_a_length_that_lies_does_not_help(platform: httpx.AsyncClient) -> None:
    answer = await post(platform, b'{"note": "' + b"x" * 1_100_000, **{"Content-Length": "10"})
    assert_error(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/v1/cases/12"),
        ("GET", "/v1/cases/0199f1c2-0000-7000-8000-00000000000g"),
        ("PUT", "/v1/cases/x/draft"),
        ("POST", "/v1/cases/x/claim"),
        ("POST", "/v1/cases/x/lease/renew"),
        ("POST", "/v1/cases/x/lease/release"),
        ("POST", "/v1/cases/x/decisions"),
        ("POST", "/v1/decisions/x/undo"),
        ("GET", "/v1/cases/%00"),
        ("GET", "/v1/cases/%ff%fe"),
    ],
)
async def test_an_id_that_is_no_uuid_is_refused(reviewer: httpx.AsyncClient, method: str, address: str) -> None:
    assert_error(await reviewer.request(method, address, json={}), 422, "invalid_request")


@pytest.mark.parametrize(
    "address", ["/v1", "/v1/", "/v1/report", "/v1/reports/", "/v1/reports/1", "/v2/reports", "/v1/cases", "/v1/%2e%2e/"]
)
async def test_an_unknown_address_is_not_found(platform: httpx.AsyncClient, address: str) -> None:
    assert_error(await platform.get(address), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/v1/reports"),
        ("PUT", "/v1/reports"),
        ("DELETE", "/v1/queues"),
        ("PATCH", "/v1/score"),
        ("BREW", "/v1/me"),
    ],
)
async def test_a_wrong_method_is_refused(platform: httpx.AsyncClient, method: str, address: str) -> None:
    answer = await platform.request(method, address)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]
