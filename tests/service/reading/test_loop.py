"""Every picture is read once, its text is scored and places the case; one bad picture harms nothing, and texts go first."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Score
from models.rank import RankConfig
from service.cases.placing import with_read
from service.db import create_engine
from service.errors.media import StorageUnavailableError
from service.reading import reader, store, workflow
from service.reading.lines import Line
from service.reading.reader import PictureReader, UnreadablePictureError
from service.reading.workflow import Reading, Unread, unread
from service.scoring.live_model import LiveModel
from service.scoring.workflow import ScoringLoop
from service.settings import Settings
from tests.service.reading.drawn import written
from tests.service.scoring.doubles import Scripted, grave, harmless, loaded
from tests.service.steps import query, report, until, value

BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (0.0, 0.1))
ATTEMPTS = 2
WRITTEN = "House 42"


def by_text(text: str) -> Score:
    """Grave where the picture's words stand, harmless elsewhere."""
    return grave(text) if WRITTEN in text else harmless(text)


@dataclass
class Scribe:
    """A reader that finds the same lines everywhere, or fails as it is told."""

    lines: list[Line] = field(default_factory=lambda: [Line(WRITTEN, BOX, 0.9), Line("<b>x</b>", BOX, 0.8)])
    fails: type[BaseException] | None = None
    seen: list[bytes] = field(default_factory=list)

    def read(self, data: bytes) -> list[Line]:
        self.seen.append(data)
        if self.fails:
            raise self.fails(WRITTEN)
        return self.lines


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=4)
    yield one
    await one.dispose()


@pytest.fixture
def make(app: FastAPI, engine: AsyncEngine, taxonomy: Taxonomy) -> Callable[..., Any]:
    """A loop on the storage of the application."""

    async def made(scribe: Any = None, scorer: Scripted | None = None) -> Reading:
        model = await loaded(scorer or Scripted(by_text))
        one = Reading(engine, model, app.state.storage, taxonomy=taxonomy, config=RankConfig())
        one._reader = scribe or Scribe()
        return one

    return made


async def upload(platform: httpx.AsyncClient, data: bytes | None = None) -> str:
    answer = await platform.post("/v1/media", files={"file": ("p.png", data or written(), "image/png")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["media_id"])


def let_retry(database: str) -> None:
    query(database, "UPDATE media SET read_claimed_until = now() - interval '1 s' WHERE read_state = 'waiting'")


async def test_a_picture_is_read_scored_and_places_its_case_anew(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, engine: AsyncEngine
) -> None:
    media = await upload(platform)
    await report(platform, media=[media])
    score = {"areas": {"harassment": 0.001, "child_safety": 0.001}, "severity": [1, 0, 0, 0, 0]}
    score |= {"primary_area": "benign", "unassessed": [], "unsure": []}
    query(
        database,
        "UPDATE evidence SET score_state = 'scored', bundle = 'x', scored_at = now(), score = %s::jsonb",
        json.dumps(score),
    )
    before = value(database, "SELECT rank_value FROM cases")
    reading = await make()
    assert await reading.step(attempts=ATTEMPTS) == 1
    assert await reading.step(attempts=ATTEMPTS) == 0
    [(lines, read_score, bundle)] = query(database, "SELECT lines, score, bundle FROM media_texts")
    assert [line["text"] for line in lines] == [WRITTEN, "<b>x</b>"]
    assert lines[0]["box"] == [list(point) for point in BOX]
    assert (read_score["areas"]["child_safety"], bundle) == (0.99, "scripted")
    assert value(database, "SELECT rank_value FROM cases") > before + 2
    assert value(database, "SELECT rank -> 'areas' -> 0 ->> 'area' FROM cases") == "child_safety"
    assert value(database, "SELECT read_state FROM media") == "read"
    async with engine.connect() as connection:
        assert await unread(connection) == Unread(0, 0)


async def test_a_case_that_is_scored_after_the_reading_is_placed_by_both(
    make: Callable[..., Any],
    platform: httpx.AsyncClient,
    database: str,
    engine: AsyncEngine,
    taxonomy: Taxonomy,
    settings: Settings,
) -> None:
    media = await upload(platform)
    assert await (await make()).step(attempts=ATTEMPTS) == 1
    await report(platform, media=[media])
    model = await loaded(Scripted(harmless))
    scoring = ScoringLoop(engine, model, taxonomy=taxonomy, config=RankConfig(), settings=settings)
    while not value(database, "SELECT rank -> 'scored' FROM cases"):
        await scoring.step()
    assert value(database, "SELECT rank -> 'areas' -> 0 ->> 'area' FROM cases") == "child_safety"


async def test_a_picture_without_text_is_read_and_moves_nothing(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str
) -> None:
    media = await upload(platform)
    assert await (await make(Scribe(lines=[]))).step(attempts=ATTEMPTS) == 1
    assert query(database, "SELECT lines, score FROM media_texts") == [([], None)]
    assert value(database, "SELECT read_state FROM media WHERE id = %s", media) == "read"


async def test_what_cannot_be_read_is_tried_again_and_then_given_up_without_its_words_in_the_log(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, log: io.StringIO, engine: AsyncEngine
) -> None:
    await upload(platform)
    reading = await make(Scribe(fails=UnreadablePictureError))
    for _ in range(ATTEMPTS):
        assert await reading.step(attempts=ATTEMPTS) == 1
        assert await reading.step(attempts=ATTEMPTS) == 0
        let_retry(database)
    assert await reading.step(attempts=ATTEMPTS) == 0
    assert value(database, "SELECT read_state FROM media") == "failed"
    assert query(database, "SELECT * FROM media_texts") == []
    assert "reading.refused" in log.getvalue()
    assert WRITTEN not in log.getvalue()
    async with engine.connect() as connection:
        assert await unread(connection) == Unread(0, 1)


async def test_one_that_failed_keeps_no_other_waiting(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str
) -> None:
    bad, good = await upload(platform), await upload(platform, written("other"))
    query(database, "UPDATE media SET read_attempts = 1 WHERE id = %s", bad)
    await (await make()).step(attempts=ATTEMPTS)
    assert query(database, "SELECT media_id FROM media_texts") == [(UUID(good),)]


async def test_a_store_that_fails_costs_the_picture_no_attempt(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(platform)

    async def broken(name: str) -> None:
        raise StorageUnavailableError("disk")

    monkeypatch.setattr(app.state.storage, "open", broken)
    with pytest.raises(StorageUnavailableError, match="disk"):
        await (await make()).step(attempts=ATTEMPTS)
    assert query(database, "SELECT read_state, read_attempts FROM media") == [("waiting", 0)]


async def test_a_file_that_the_store_cannot_give_holds_up_no_other(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await upload(platform), await upload(platform, written("other"))
    opened, lost = app.state.storage.open, set[str]()

    async def broken(name: str) -> Any:
        # The first that is asked for is the one that is never there.
        if name in lost or not lost:
            lost.add(name)
            raise OSError(5, "disk")
        return await opened(name)

    monkeypatch.setattr(app.state.storage, "open", broken)
    reading = await make()
    with pytest.raises(OSError, match="disk"):
        await reading.step(attempts=ATTEMPTS)
    query(database, "UPDATE media SET read_claimed_until = now() - interval '1 s' WHERE id = %s", bad)
    assert await reading.step(attempts=ATTEMPTS) == 1
    assert query(database, "SELECT media_id FROM media_texts") == [(UUID(good),)]


async def test_what_is_read_after_others_gave_it_up_counts_as_read(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str
) -> None:
    await upload(platform)

    class Slow(Scribe):
        def read(self, data: bytes) -> list[Line]:
            query(database, "UPDATE media SET read_state = 'failed'")
            return super().read(data)

    assert await (await make(Slow())).step(attempts=1) == 1
    assert value(database, "SELECT read_state FROM media") == "read"


async def test_a_file_that_is_gone_is_given_up_like_one_that_cannot_be_read(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(platform)

    async def gone(name: str) -> None:
        return None

    monkeypatch.setattr(app.state.storage, "open", gone)
    assert await (await make(PictureReader())).step(attempts=1) == 1
    let_retry(database)
    assert await (await make()).step(attempts=1) == 0
    assert value(database, "SELECT read_state FROM media") == "failed"


async def test_a_model_that_cannot_score_the_words_still_leaves_them_readable(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str
) -> None:
    def refuses(text: str) -> Score:
        raise RuntimeError

    await upload(platform)
    assert await (await make(scorer=Scripted(refuses))).step(attempts=ATTEMPTS) == 1
    assert query(database, "SELECT jsonb_array_length(lines), score FROM media_texts") == [(2, None)]


async def test_texts_go_first_but_not_for_ever(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str
) -> None:
    await upload(platform)
    await report(platform)
    reading = await make()
    assert await reading.step(attempts=ATTEMPTS) == 0
    query(database, "UPDATE media SET uploaded_at = now() - make_interval(secs => %s)", workflow.PATIENCE_SECONDS + 1)
    assert await reading.step(attempts=ATTEMPTS) == 1


async def test_without_a_model_nothing_is_taken(
    app: FastAPI, engine: AsyncEngine, taxonomy: Taxonomy, platform: httpx.AsyncClient, database: str
) -> None:
    await upload(platform)
    model = LiveModel(Scripted, concurrency=1)
    reading = Reading(engine, model, app.state.storage, taxonomy=taxonomy, config=RankConfig())
    assert await reading.step(attempts=ATTEMPTS) == 0
    assert value(database, "SELECT read_attempts FROM media") == 0


async def test_the_loop_reads_in_a_thread_that_steps_back_and_outlives_database_and_storage(
    make: Callable[..., Any],
    platform: httpx.AsyncClient,
    database: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nice: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "setpriority", lambda which, who, niceness: nice.append((who, niceness)))
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0)
    failing: list[Exception] = [OperationalError("", {}, Exception()), StorageUnavailableError("down")]
    give_up = store.give_up

    async def once_broken(connection: Any, *, attempts: int) -> int:
        if failing:
            raise failing.pop()
        return await give_up(connection, attempts=attempts)

    monkeypatch.setattr(store, "give_up", once_broken)
    await upload(platform)
    stopping = asyncio.Event()
    running = asyncio.create_task((await make()).run(stopping, settings))
    await until(lambda: value(database, "SELECT read_state FROM media") == "read")
    stopping.set()
    await running
    assert [niceness for _, niceness in nice] == [reader.NICENESS]


async def test_the_setting_switches_reading_off(
    make: Callable[..., Any], platform: httpx.AsyncClient, database: str, settings: Settings
) -> None:
    await upload(platform)
    off = settings.model_copy(update={"read_pictures": False})
    await asyncio.wait_for((await make()).run(asyncio.Event(), off), 5)
    assert value(database, "SELECT read_attempts FROM media") == 0


def test_of_each_area_the_likelier_counts_and_the_graver_severity() -> None:
    own = {"areas": {"a": 0.2, "b": 0.9}, "severity": [0.5, 0.5, 0, 0, 0], "unassessed": ["b"], "primary_area": "b"}
    read = [
        {"areas": {"a": 0.8, "b": 0.1}, "severity": [0, 0, 0, 0, 1.0]},
        {"areas": {"a": 0.3, "c": 1.0}, "severity": [1.0, 0, 0, 0, 0]},
    ]
    assert with_read(own, read) == own | {"areas": {"a": 0.8, "b": 0.9}, "severity": [0, 0, 0, 0, 1.0]}
    assert with_read(own, []) is own
    assert with_read(None, read) is None
