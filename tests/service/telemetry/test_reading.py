"""A batch is read piece by piece, and is refused as a whole where anything in it is wrong."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors.requests import InvalidRequestError, UnreadableBodyError
from service.telemetry.reading import pieces, read_updates
from service.telemetry.schemas import UPDATES, ViewsUpdate

JSON = "application/json"
LINES = "application/x-ndjson"
ONE = {"id": "p1", "kind": "post", "views_per_hour": 12.5}


def read(body: Any, content_type: str = JSON) -> list[ViewsUpdate]:
    """Read a body, given as bytes or as what JSON makes of it."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()

    async def collect() -> list[ViewsUpdate]:
        return [update async for piece in pieces(data, content_type=content_type) for update in piece]

    return asyncio.run(collect())


rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=30),
            "kind": st.sampled_from(["post", "profile"]),
            "views_per_hour": st.floats(0, 1e9),
        }
    ),
    max_size=20,
)


@given(rows=rows, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_what_was_written_is_read(rows: list[dict[str, Any]], indent: int | None, ascii_only: bool) -> None:
    body = json.dumps({"updates": rows}, indent=indent, ensure_ascii=ascii_only).encode()
    assert [one.model_dump(exclude={"at"}) for one in read(b" \n" + body + b"\n")] == rows


@given(rows=rows, end=st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_lines_are_read_as_well(rows: list[dict[str, Any]], end: bytes) -> None:
    body = end.join(json.dumps(row, ensure_ascii=False).encode() for row in rows)
    assert [one.model_dump(exclude={"at"}) for one in read(body, f"{LINES}; charset=utf-8")] == rows


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"updates": [',
        b'{"updates": [{}',
        b'{"updates": [{}, ]}',
        b'{"updates": []} {}',
        b'{"updates": [{"id": NaN}]}',
        b'{"updates": [' + b"[" * 200_000,
        b'{"updates": [{}] "x": 1}',
    ],
    ids=["empty", "cut", "no utf-8", "no end", "cut array", "comma", "two", "nan", "nested", "no comma"],
)
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        read(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"update": []}', b'{"updates": {}}', b'{"updates": [], "x": 1}'])
def test_json_of_another_form_is_told_the_form(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="updates"):
        read(body)


@pytest.mark.parametrize("body", [b'{"id": "a"', b"x", b"{} {}"])
def test_a_bad_line_is_named(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="line 2"):
        read(json.dumps(ONE).encode() + b"\n" + body, LINES)


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"views_per_hour": -1}, "views_per_hour"),
        ({"views_per_hour": 1e400}, "views_per_hour"),
        ({"views_per_hour": None}, "views_per_hour"),
        ({"kind": "Post"}, "kind"),
        ({"id": ""}, "id"),
        ({"id": "a\x00"}, "id"),
        ({"id": "a" * 201}, "id"),
        ({"at": "2026-01-01T00:00:00"}, "at"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_update_is_named_by_its_place(changed: dict[str, Any], place: str) -> None:
    # Beyond the first piece, so that the place is that of the body and not that of the piece.
    body = json.dumps({"updates": [*[ONE] * 700, ONE | changed]}).replace("Infinity", "1e400").encode()
    with pytest.raises(InvalidRequestError, match=rf"^updates\.700\.{place}: "):
        read(body)


def test_the_refusal_never_repeats_a_value() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read({"updates": [ONE | {"id": "words of somebody" * 20}]})
    assert "words of" not in refused.value.detail


def test_more_than_a_call_may_carry_is_refused() -> None:
    body = ("\n".join([json.dumps(ONE)] * (UPDATES + 1))).encode()
    with pytest.raises(InvalidRequestError, match="100,000"):
        read(body, LINES)


async def test_others_have_their_turn_while_a_large_body_is_read() -> None:
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.create_task(watch())
    await read_updates(json.dumps({"updates": [ONE] * 20_000}).encode(), content_type=JSON)
    watching.cancel()
    assert turns >= 50
