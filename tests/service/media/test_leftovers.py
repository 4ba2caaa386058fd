"""Files that no row names any more are removed, and never one that a row names, whatever happens at the same time."""

import asyncio
import hashlib
import io
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.media.leftovers import store, workflow
from service.media.leftovers.workflow import hold, sweep
from service.media.preparing.workflow import Preparing, add_pending, prepare
from service.media.storage import LocalStorage, Source, Storage
from service.media.upload import Received
from service.media.uploads.workflow import take
from service.settings import Settings
from service.worker import reranker
from tests.service.media.clips import SOUNDS, WEBM
from tests.service.media.console import Console, stored_files
from tests.service.steps import query, until, value

DATA = b"\x1a\x45\xdf\xa3 the bytes of a video"
OTHER = b"\x1a\x45\xdf\xa3 a copy without metadata"


class Watched(LocalStorage):
    """A folder that stops before it removes a file, or fails then, as it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.removing = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails: dict[str, Exception] = {}

    async def remove(self, name: str) -> None:
        self.removing.set()
        await self.go_on.wait()
        if name in self.fails:
            raise self.fails[name]
        await super().remove(name)


@pytest.fixture
def storage(settings: Settings) -> Watched:
    return Watched(settings.data_dir / "media")


@asynccontextmanager
async def adding(
    app: FastAPI, database: str, data: bytes, storage: Storage, name: str | None = None
) -> AsyncIterator[UUID]:
    """The transaction that adds a pending upload of these bytes, which were stored before; it commits at the end."""
    name = name or await storage.put(data)
    async with app.state.engine.begin() as connection:
        await hold(connection, storage, {name: data})
        yield await add_pending(
            connection,
            app.state.jobs,
            uploaded_as=name,
            sha256=hashlib.sha256(data).digest(),
            kind="video",
            mime="video/webm",
            size=len(data),
            uploaded_by=value(database, "SELECT id FROM principals LIMIT 1"),
        )


async def added(app: FastAPI, database: str, data: bytes, storage: Storage) -> UUID:
    async with adding(app, database, data, storage) as media:
        return media


async def ready(app: FastAPI, storage: Storage, media: UUID, clean: bytes = OTHER) -> None:
    """What preparing does in the end."""
    name = await storage.put(clean)
    async with app.state.engine.begin() as connection:
        await hold(connection, storage, {name: clean})
        await _name(connection, media, name)


async def _name(connection: AsyncConnection, media: UUID, clean: str) -> None:
    await connection.execute(
        text("UPDATE media SET status = 'ready', stored_as = :name, uploaded_as = NULL WHERE id = :id"),
        {"name": clean, "id": media},
    )


def due_now(database: str) -> None:
    query(database, "UPDATE media_leftovers SET due_at = now()")


def leftovers(database: str) -> int:
    return int(value(database, "SELECT count(*) FROM media_leftovers"))


def named(database: str) -> set[str]:
    return {
        name
        for (name,) in query(
            database,
            "SELECT stored_as FROM media WHERE stored_as IS NOT NULL"
            " UNION SELECT uploaded_as FROM media WHERE uploaded_as IS NOT NULL"
            " UNION SELECT stored_as FROM media_derivatives",
        )
    }


def stored(settings: Settings) -> set[str]:
    folder = settings.data_dir / "media"
    return {str(path.relative_to(folder)) for path in stored_files(settings)}


async def test_the_upload_of_a_prepared_video_goes_and_what_was_made_of_it_stays(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    data = WEBM.but(sound=None)
    media = await added(app, database, data, storage)
    await prepare(media, Preparing(app.state.engine, storage, settings, reranker(settings)), attempts=0)
    uploaded_as = await storage.put(data)
    assert stored(settings) == named(database) | {uploaded_as}
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == named(database)
    assert len(stored(settings)) > 5
    # All of them had been expected, and were named.
    assert leftovers(database) == value(database, "SELECT count(*) FROM media_derivatives") + 1
    due_now(database)
    assert (await sweep(app.state.engine, storage), leftovers(database)) == (0, 0)
    assert stored(settings) == named(database)


async def test_what_cannot_be_shown_is_kept_and_half_of_what_was_made_of_it_is_not(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    data = SOUNDS["ogg"].data()[:200]
    media = await added(app, database, data, storage)
    half = await storage.put(OTHER)
    columns = "media_id, variant, level, mime, stored_as, width, height"
    query(
        database,
        f"INSERT INTO media_derivatives ({columns}) VALUES (%s, 'wave', 0, 'image/png', %s, 1, 1)",
        media,
        half,
    )
    await prepare(media, Preparing(app.state.engine, storage, settings, reranker(settings)), attempts=0)
    assert value(database, "SELECT status FROM media") == "failed"
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == {value(database, "SELECT uploaded_as FROM media")}


async def test_a_file_goes_with_the_last_that_names_it(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    first, second = [await added(app, database, DATA, storage) for _ in range(2)]
    await ready(app, storage, first)
    assert await sweep(app.state.engine, storage) == 0
    assert leftovers(database) == 0
    assert await storage.put(DATA) in stored(settings)
    await ready(app, storage, second)
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == {await storage.put(OTHER)}


async def test_a_video_that_is_its_own_clean_copy_stays(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    await ready(app, storage, await added(app, database, DATA, storage), clean=DATA)
    assert leftovers(database) == 0
    assert (await sweep(app.state.engine, storage), stored(settings)) == (0, named(database))


async def test_an_upload_that_found_its_bytes_stored_before_they_were_removed_stores_them_again(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    await ready(app, storage, await added(app, database, DATA, storage))
    name = await storage.put(DATA)
    assert await sweep(app.state.engine, storage) == 1
    assert name not in stored(settings)
    async with adding(app, database, DATA, storage, name):
        pass
    assert name in stored(settings)


@pytest.mark.parametrize("when", ["while it is stored", "before it is named"])
async def test_what_an_upload_that_broke_off_has_stored_goes_when_it_is_time(
    app: FastAPI, settings: Settings, storage: Watched, database: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    received = Received(io.BytesIO(DATA), len(DATA), "video", "video/webm")
    tools = {"renderer": app.state.renderer, "storage": storage, "settings": settings, "engine": app.state.engine}
    if when == "while it is stored":
        real = storage.put

        async def put(data: Source) -> str:
            await real(data)
            raise asyncio.CancelledError

        monkeypatch.setattr(storage, "put", put)
        with pytest.raises(asyncio.CancelledError):
            await take(received, **tools)
    else:
        await take(received, **tools)
    assert len(stored(settings)) == 1
    assert await sweep(app.state.engine, storage) == 0
    due_now(database)
    assert await sweep(app.state.engine, storage) == 1
    assert (stored(settings), leftovers(database)) == (set(), 0)


async def test_what_was_expected_of_a_picture_is_forgotten_once_it_is_named(
    console: Console, app: FastAPI, settings: Settings, database: str
) -> None:
    await console.uploaded()
    before = stored_files(settings)
    assert leftovers(database) == len(before) > 5
    due_now(database)
    assert (await sweep(app.state.engine, app.state.storage), leftovers(database)) == (0, 0)
    assert stored_files(settings) == before


async def test_a_picture_is_stored_again_too(console: Console, app: FastAPI, settings: Settings) -> None:
    await console.uploaded()
    before = stored_files(settings)
    real = app.state.renderer.render

    async def removed_meanwhile(data: bytes) -> object:
        rendered = await real(data)
        await console.execute("DELETE FROM media")
        return rendered

    app.state.renderer.render = removed_meanwhile
    put, taken = app.state.storage.put, []

    async def then_swept(data: bytes) -> str:
        taken.append(await put(data))
        if len(taken) == len(before):
            await sweep(app.state.engine, app.state.storage)
            assert not stored_files(settings)
        return str(taken[-1])

    app.state.storage.put = then_swept
    await console.uploaded()
    assert stored_files(settings) == before


async def test_a_file_that_somebody_is_about_to_name_is_left_for_later(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    await ready(app, storage, await added(app, database, DATA, storage))
    name = await storage.put(DATA)
    async with adding(app, database, DATA, storage):
        assert await sweep(app.state.engine, storage) == 0
        assert leftovers(database) == 1
    assert await sweep(app.state.engine, storage) == 0
    assert leftovers(database) == 0
    assert name in stored(settings)


async def test_an_upload_waits_for_the_removal_of_its_bytes_and_stores_them_again(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    await ready(app, storage, await added(app, database, DATA, storage))
    storage.go_on.clear()
    sweeping = asyncio.create_task(sweep(app.state.engine, storage))
    await storage.removing.wait()
    adding_again = asyncio.create_task(added(app, database, DATA, storage))
    await until(
        lambda: bool(value(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
    )
    storage.go_on.set()
    assert await sweeping == 1
    await adding_again
    assert await storage.put(DATA) in stored(settings)
    assert stored(settings) == named(database)


async def test_a_file_let_go_while_a_sweep_finds_it_still_named_goes_with_the_next(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    first, second = [await added(app, database, DATA, storage) for _ in range(2)]
    await ready(app, storage, first)
    clean = await storage.put(OTHER)
    async with app.state.engine.begin() as connection:
        await _name(connection, second, clean)
        # The row of the first is dealt with while that of the second cannot be seen yet.
        assert await sweep(app.state.engine, storage) == 0
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == {clean}


async def test_what_is_rolled_back_leaves_nothing_to_remove(
    app: FastAPI, keys: dict[str, str], storage: Watched, database: str
) -> None:
    media = await added(app, database, DATA, storage)
    clean = await storage.put(OTHER)
    async with app.state.engine.connect() as connection:
        await _name(connection, media, clean)
        await connection.rollback()
    assert leftovers(database) == 0


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from service.db import create_engine
from service.media.leftovers.workflow import sweep
from service.media.storage import LocalStorage

class Deadly(LocalStorage):
    async def remove(self, name):
        if sys.argv[3] == "after":
            await super().remove(name)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(sweep(create_engine(sys.argv[1], pool=1), Deadly(Path(sys.argv[2]))))
"""


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_removal_that_is_killed_is_done_again(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str, when: str
) -> None:
    await ready(app, storage, await added(app, database, DATA, storage))
    command = [sys.executable, "-c", KILLED, database, str(settings.data_dir / "media"), when]
    assert (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == -signal.SIGKILL
    assert leftovers(database) == 1
    assert len(stored(settings)) == (2 if when == "before" else 1)
    # PostgreSQL needs a moment to see that its client is gone and to give its lock free.
    await until(lambda: not value(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
    assert await sweep(app.state.engine, storage) == 1
    assert leftovers(database) == 0
    assert stored(settings) == named(database)


async def test_a_file_that_cannot_be_removed_keeps_no_other_from_it(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    for number in range(2):
        await ready(app, storage, await added(app, database, DATA + bytes([number]), storage))
    stuck = await storage.put(DATA + b"\0")
    storage.fails[stuck] = PermissionError("told to")
    assert await sweep(app.state.engine, storage) == 0
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == named(database) | {stuck}
    storage.fails.clear()
    assert await sweep(app.state.engine, storage) == 0
    due_now(database)
    assert await sweep(app.state.engine, storage) == 1
    assert stored(settings) == named(database)


async def test_one_sweep_takes_no_more_than_its_share(
    app: FastAPI, keys: dict[str, str], storage: Watched, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MOST", 2)
    for number in range(3):
        await ready(app, storage, await added(app, database, DATA + bytes([number]), storage))
    assert [await sweep(app.state.engine, storage) for _ in range(3)] == [2, 1, 0]


async def test_a_sweep_looks_at_no_more_than_its_share(
    app: FastAPI, keys: dict[str, str], storage: Watched, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MOST", 0)
    monkeypatch.setattr(workflow, "MOST_NAMED", 1)
    await ready(app, storage, await added(app, database, DATA, storage))
    named = await storage.put(OTHER)
    query(database, "INSERT INTO media_leftovers (stored_as) VALUES (%s)", named)
    await sweep(app.state.engine, storage)
    assert leftovers(database) == 2
    monkeypatch.setattr(workflow, "MOST_NAMED", 2)
    await sweep(app.state.engine, storage)
    assert value(database, "SELECT stored_as FROM media_leftovers") == await storage.put(DATA)


async def test_whether_a_file_is_named_is_looked_up_in_indexes(app: FastAPI) -> None:
    async with app.state.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(text(f"EXPLAIN {store._NAMED.text}"), {"name": "ab/cd/abcd"})
        used = "\n".join(plan.scalars())
    assert all(f"media_named_{one}" in used for one in ("clean", "upload", "derivative"))


async def test_no_row_ever_names_a_missing_file_and_in_the_end_nothing_is_left(
    app: FastAPI, keys: dict[str, str], settings: Settings, storage: Watched, database: str
) -> None:
    chance = random.Random(5)
    contents = [DATA + bytes([number]) for number in range(2)]
    wrong: list[set[str]] = []

    async def upload_and_let_go() -> None:
        for _ in range(25):
            data = chance.choice(contents)
            media = await added(app, database, data, storage)
            if not await storage.open(await _name_of(data)):
                wrong.append({"named and missing"})
            await ready(app, storage, media)

    async def keep_sweeping() -> None:
        while not done.is_set():
            await sweep(app.state.engine, storage)
            await asyncio.sleep(0)

    done = asyncio.Event()
    sweepers = [asyncio.create_task(keep_sweeping()) for _ in range(2)]
    await asyncio.gather(*(upload_and_let_go() for _ in range(3)))
    done.set()
    # Nor does one of them break.
    await asyncio.gather(*sweepers)
    assert not wrong
    await sweep(app.state.engine, storage)
    assert stored(settings) == named(database) == {await _name_of(OTHER)}


async def _name_of(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
