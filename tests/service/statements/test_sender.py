"""Posting to a stand-in for the database that keeps its rules: all of a batch or nothing, and every puid once."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import HttpUrl, SecretStr

from service.settings import Settings, SettingsError
from service.statements.sender import Sender, configured_sender
from tests.service.statements.test_batches import more
from tests.service.steps import Body, claim, decided, query, report


@dataclass
class Database:
    """What was taken, and what it answers in place of that while `broken` holds something."""

    taken: dict[str, Any] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    address: str = ""

    def answer(self, statements: list[Body]) -> tuple[int, Any]:
        puids = [one["puid"] for one in statements]
        assert 1 <= len(puids) <= 100
        bad = {
            f"statement_{place}": {"puid": ["The puid is bad."]}
            for place, one in enumerate(puids)
            if one in self.refuses
        }
        if bad:
            return 422, {"errors": bad}
        if known := [one for one in puids if one in self.taken]:
            return 422, {"message": "not unique", "errors": {"puid": ["not unique"], "existing_puids": known}}
        self.taken |= dict(zip(puids, statements, strict=True))
        return 201, {"statements": statements}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        lower = {name.lower(): value for name, value in fields.items()}
        body = json.loads(await reader.readexactly(int(lower["content-length"])))
        self.tokens.add(lower["authorization"])
        how = self.broken.pop(0) if self.broken else ""
        status, said = self.answer(body["statements"]) if how in ("", "lost") else (int(how), {})
        if how != "lost":
            told = json.dumps(said).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(told)}\r\nConnection: close\r\n\r\n".encode() + told
            )
            await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Database]:
    """It listens on this machine."""
    found = Database()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1/statements"
    async with server:
        yield found


async def test_every_statement_arrives_once_whatever_goes_wrong(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, receiver: Database, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    others = more(database, 139)
    puids = {one for (one,) in query(database, "SELECT puid FROM statements")}
    receiver.refuses = {others[7], others[90]}
    # Out of order for a while, one answer that names two, then all taken and the answer lost, and answers that say nothing.
    receiver.broken = ["500", "", "lost", "429", "401", "422"]
    sender = Sender(app.state.engine, receiver.address, "secret")
    for _ in range(20):
        await sender.step()
    states = dict(query(database, "SELECT puid, state FROM statements"))
    assert {one for one, state in states.items() if state == "refused"} == receiver.refuses
    assert {one for one, state in states.items() if state == "published"} == puids - receiver.refuses
    assert set(receiver.taken) == puids - receiver.refuses
    assert receiver.tokens == {"Bearer secret"}
    messages = query(database, "SELECT DISTINCT refused_message FROM statements WHERE state = 'refused'")
    assert messages == [("puid: The puid is bad.",)]
    assert not await sender.step()


async def test_nothing_is_posted_unless_it_is_set_up(app: FastAPI, settings: Settings) -> None:
    engine = app.state.engine
    assert configured_sender(engine, settings) is None
    plain = settings.model_copy(update={"statements_url": HttpUrl("http://database.example/api")})
    with pytest.raises(SettingsError, match="TRIAGE_STATEMENTS_URL"):
        configured_sender(engine, plain)
    bare = settings.model_copy(update={"statements_url": HttpUrl("https://database.example/api")})
    with pytest.raises(SettingsError, match="TRIAGE_STATEMENTS_TOKEN"):
        configured_sender(engine, bare)
    whole = bare.model_copy(update={"statements_token": SecretStr("x")})
    assert configured_sender(engine, whole) is not None
