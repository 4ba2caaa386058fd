"""Reads a batch of updates piece by piece: parsed in one go, 100,000 of them would hold up every other request."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError

from service.errors.requests import InvalidRequestError, UnreadableBodyError
from service.telemetry.batch import Batch, GivingWay
from service.telemetry.schemas import UPDATES, ViewsUpdate

LINES = ("application/x-ndjson", "application/jsonl", "application/ndjson")

# What is read between two rests: about half a millisecond of work.
_PIECE = 100
_PROBLEMS = 20
_PIECES: TypeAdapter[list[ViewsUpdate]] = TypeAdapter(list[ViewsUpdate])
_SPACE = "[ \\t\\r\\n]*"
_HEAD = re.compile(_SPACE.join(["", r"\{", '"updates"', ":", r"\[", ""]))
_NEXT = re.compile(_SPACE.join(["", ",", ""]))
_END = re.compile(_SPACE.join(["", r"\]", r"\}", ""]))
_FORM = 'the body must be {"updates": [{"id": …, "kind": …, "views_per_hour": …}, …]} and nothing else'


async def read_updates(body: bytes, *, content_type: str) -> Batch:
    """The updates of a body, JSON or a line for each. Raises UnreadableBodyError or InvalidRequestError."""
    batch = Batch()
    async for piece in pieces(body, content_type=content_type):
        batch.add(piece)
    return batch


async def pieces(body: bytes, *, content_type: str) -> AsyncIterator[list[ViewsUpdate]]:
    """The same, a piece at a time, each validated. Raises at the first piece in which anything is wrong."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UnreadableBodyError("the body is not UTF-8") from error
    elements = _of_lines(text) if content_type.partition(";")[0].strip().lower() in LINES else _of_object(text.strip())
    read, way = 0, GivingWay()
    while piece := list(islice(elements, _PIECE)):
        if read + len(piece) > UPDATES:
            raise InvalidRequestError(f"updates: at most {UPDATES:,} in one call; send the rest in another")
        yield _valid(piece, first=read)
        read += len(piece)
        await way.rest()


def _of_object(text: str) -> Iterator[Any]:
    head = _HEAD.match(text)
    if head is None:
        _parsed(text, 0)
        raise InvalidRequestError(_FORM)
    place = head.end()
    following: re.Match[str] | None = head
    while following is not None and not text.startswith("]", head.end()):
        element, place = _parsed(text, following.end())
        yield element
        following = _NEXT.match(text, place)
    if _END.fullmatch(text, place) is None:
        _, place = _parsed(text, 0)
        if place != len(text):
            raise UnreadableBodyError(f"the body is not valid JSON: something follows at character {place}")
        raise InvalidRequestError(_FORM)


def _of_lines(text: str) -> Iterator[Any]:
    # Not splitlines: characters such as U+2028 may stand inside a JSON text.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            element, end = _parsed(line.strip(), 0, line=number)
            if end != len(line.strip()):
                raise UnreadableBodyError(f"line {number} is not one JSON object")
            yield element


def _parsed(text: str, place: int, *, line: int | None = None) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError) as error:
        where = f"line {line}" if line else "the body"
        raise UnreadableBodyError(f"{where} is not valid JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _valid(piece: list[Any], *, first: int) -> list[ViewsUpdate]:
    try:
        return _PIECES.validate_python(piece)
    except ValidationError as error:
        # Where and why, but never the value.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        details = [f"updates.{_place(one['loc'], first)}: {one['msg']}" for one in problems[:_PROBLEMS]]
        raise InvalidRequestError("; ".join(details)) from error


def _place(location: tuple[int | str, ...], first: int) -> str:
    number, *rest = location
    return ".".join([str(first + int(number)), *(str(part)[:60] for part in rest)])
