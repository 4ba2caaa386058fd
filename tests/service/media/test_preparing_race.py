"""A video that becomes ready while reports name it: its cases are placed by what is found in it, whoever comes first."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.pdq import Fingerprint
from service.media import clip_renderer
from service.media.clip_render import RenderedClip
from service.media.preparing.workflow import ATTEMPTS, Preparing, prepare
from service.settings import Settings
from tests.service.media.test_preparing import upload
from tests.service.steps import query, report, until, value

FOUND = Fingerprint((1 << 256) - 1, 90)
CLIP = RenderedClip("video", "video/mp4", 4, 3, 2000, sound=False, prints=((0, FOUND),), clean=b"copy")
NAME = text("INSERT INTO evidence_media (evidence_id, position, media_id) SELECT id, 1, :media FROM evidence")


@dataclass
class Placed:
    """Stands for ranking: notes which cases are placed anew and how many matches are known by then, or fails."""

    seen: list[tuple[list[UUID], int]] = field(default_factory=list)
    fails: bool = False

    async def __call__(self, connection: AsyncConnection, cases: Any) -> None:
        if self.fails:
            raise ConnectionError("told to")
        matches = await connection.execute(text("SELECT count(*) FROM bank_matches WHERE acts"))
        self.seen.append((list(cases), matches.scalar_one()))


@pytest.fixture
def placed() -> Placed:
    return Placed()


@pytest.fixture
def tools(app: FastAPI, settings: Settings, placed: Placed) -> Preparing:
    return Preparing(app.state.engine, app.state.storage, settings, placed)


@pytest.fixture
async def media(app: FastAPI, keys: dict[str, str], database: str, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A pending video in which a known picture is about to be found."""

    async def rendered(*_: object, **__: object) -> RenderedClip:
        return CLIP

    monkeypatch.setattr(clip_renderer, "render", rendered)
    query(
        database,
        """
        WITH bank AS (INSERT INTO hash_banks (id, name, purpose, owner, policy_area, match_share)
                      VALUES (gen_random_uuid(), 'b', 'p', 'o', 'spam', 1) RETURNING id)
        INSERT INTO bank_hashes (bank_id, pdq) SELECT id, ~ CAST(0 AS bit(256)) FROM bank
        """,
    )
    return await upload(app, database, b"\x1a\x45\xdf\xa3 a video")


async def begun(media: UUID, tools: Preparing, database: str) -> asyncio.Task[None]:
    """Preparing, which is over or waits for a lock."""
    task = asyncio.create_task(prepare(media, tools, attempts=0))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    await until(lambda: task.done() or bool(value(database, waiting)))
    return task


async def test_a_report_under_way_that_names_a_video_gets_what_is_found_in_it(
    app: FastAPI, platform: httpx.AsyncClient, media: UUID, tools: Preparing, placed: Placed, database: str
) -> None:
    case = UUID((await report(platform))["case_id"])
    async with app.state.engine.begin() as connection:
        await connection.execute(NAME, {"media": media})
        preparing = await begun(media, tools, database)
    await preparing
    assert placed.seen == [([case], 1)]
    assert value(database, "SELECT status FROM media") == "ready"


async def test_a_report_that_holds_the_case_may_name_the_video_again(
    app: FastAPI, platform: httpx.AsyncClient, media: UUID, tools: Preparing, placed: Placed, database: str
) -> None:
    """Neither waits for the other in a circle."""
    case = UUID((await report(platform, media=[str(media)]))["case_id"])
    async with app.state.engine.begin() as connection:
        await connection.execute(text("SELECT FROM cases FOR NO KEY UPDATE"))
        preparing = await begun(media, tools, database)
        await connection.execute(text("SELECT FROM media FOR KEY SHARE"))
    await preparing
    assert placed.seen == [([case], 1)]


@pytest.mark.parametrize("attempts", [1, ATTEMPTS])
async def test_cases_of_a_video_whose_preparing_broke_off_when_it_was_ready_are_placed_by_the_next_attempt(
    platform: httpx.AsyncClient, media: UUID, tools: Preparing, placed: Placed, database: str, attempts: int
) -> None:
    case = UUID((await report(platform, media=[str(media)]))["case_id"])
    placed.fails = True
    with pytest.raises(ConnectionError):
        await prepare(media, tools, attempts=attempts - 1)
    assert value(database, "SELECT status FROM media") == "ready"
    placed.fails = False
    await prepare(media, tools, attempts=attempts)
    assert placed.seen == [([case], 1)]
