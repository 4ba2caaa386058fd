"""Looks for bytes of originals in whatever leaves the service, and in the records for whether they might leave."""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.db import libpq_url

WINDOW = 32
# Every run of so many original bytes in an answer holds a whole window that begins at a multiple of the step.
STEP = 16
SHORTEST_FOUND = WINDOW + STEP - 1
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{64,}")


class Originals:
    """Windows of bytes that only originals have, and which media they are of."""

    def __init__(self) -> None:
        self._media: dict[bytes, set[UUID]] = {}

    def add(self, media_id: UUID, secrets: Iterable[bytes], shown: Iterable[bytes] = ()) -> None:
        """Files that must not leave, and files that may, whose bytes (tables of a format) are no secret."""
        known = {window for data in shown for window in _windows(data, 1)}
        for data in secrets:
            for window in _windows(data, 1):
                if window not in known and len(set(window)) > 4:
                    self._media.setdefault(window, set()).add(media_id)

    def found_in(self, body: bytes) -> set[UUID]:
        """Media whose original is, in part, in these bytes: as they are, or in base 64."""
        return {media for data in (body, *_decoded(body)) for media in self._in(data)}

    def _in(self, data: bytes) -> Iterator[UUID]:
        for window in _windows(data, STEP):
            media = self._media.get(window, ())
            # What two different originals have in common is a table of their format.
            if len(media) == 1:
                yield from media


@dataclass
class Watch:
    """Stands between the service and its callers.

    At the first byte of each answer it looks into the database, on a connection of its own, which exposures are there.
    """

    app: ASGIApp
    database: str
    originals: Originals
    # Whose answers they are, where callers do not say it in a header of their own.
    who: str = ""
    leaks: list[str] = field(default_factory=list)
    seen: set[UUID] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection = psycopg.connect(libpq_url(self.database), autocommit=True)

    def close(self) -> None:
        self._connection.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorded: set[tuple[UUID, UUID]] | None = None
        body = bytearray()

        async def watched(message: Message) -> None:
            nonlocal recorded
            if message["type"] == "http.response.body" and message.get("body"):
                if recorded is None:
                    recorded = self._exposures()
                body.extend(message["body"])
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self.asked.append(scope["path"])
            self._judge(scope, bytes(body), recorded or set())

    def _judge(self, scope: Scope, body: bytes, recorded: set[tuple[UUID, UUID]]) -> None:
        found = self.originals.found_in(body)
        self.seen |= found
        if found:
            person = self._person(scope)
            for media in found:
                if person is None or (person, media) not in recorded:
                    self.leaks.append(f"{scope['method']} {scope['path']}: original bytes of {media} to {person}")

    def _exposures(self) -> set[tuple[UUID, UUID]]:
        return set(self._connection.execute("SELECT principal_id, media_id FROM exposures").fetchall())

    def _person(self, scope: Scope) -> UUID | None:
        """Whose key or session it is."""
        headers = dict(scope["headers"])
        name = headers.get(b"x-who", self.who.encode()).decode()
        row = self._connection.execute("SELECT id FROM principals WHERE username = %s", (name,)).fetchone()
        return row[0] if row else None


def plausible(schema: dict[str, Any], description: dict[str, Any], known: dict[str, Any]) -> Any:
    """A value that a schema of an OpenAPI description may take, with known ones where a field has their name."""
    if "$ref" in schema:
        return plausible(description["components"]["schemas"][schema["$ref"].rpartition("/")[2]], description, known)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return plausible(options[0], description, known)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        required = set(schema.get("required", ())) | (set(schema.get("properties", ())) & set(known))
        fields = schema.get("properties", {})
        return {
            name: known.get(name, plausible(fields[name], description, known)) for name in fields if name in required
        }
    if kind == "array":
        return [plausible(schema.get("items", {}), description, known)] if schema.get("minItems") else []
    simple = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 0.5), "boolean": True}
    return simple.get(str(kind), known["case_id"] if schema.get("format") == "uuid" else "to see it")


def _windows(data: bytes, step: int) -> Iterator[bytes]:
    return (data[place : place + WINDOW] for place in range(0, len(data) - WINDOW + 1, step))


def _decoded(body: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(body):
        for start in range(4):
            piece = run[start : start + (len(run) - start) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/")
            yield base64.b64decode(piece)
