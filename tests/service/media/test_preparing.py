"""The worker's job that makes an uploaded video or sound ready to be shown: once, whole, and in the end always."""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from procrastinate import App
from procrastinate.jobs import Job

from service.errors.media import StorageUnavailableError
from service.jobs import LENGTHY, create_jobs_app
from service.media import clip_renderer
from service.media.clip_proxy import PROXY_LEVELS
from service.media.clips import ClipError
from service.media.containers import ClipKind
from service.media.preparing import workflow as preparing
from service.media.preparing.workflow import ATTEMPTS, GIVEN_UP, GONE, Preparing, add_pending, prepare
from service.settings import Settings
from service.worker import Patience, register_tasks, reranker, run_jobs
from tests.service.media.clips import SECRETS, SOUNDS, WEBM
from tests.service.media.mutations import BOMBS, mutated
from tests.service.steps import query, until, value

BROKEN = (
    "mp4 whose index is cut off",
    "mp4 whose frames are cut off",
    "mp4 of 2**32 frames a second",
    "webm of 65,535 squared",
    "webm of less than no seconds",
    "webm of 5,000 tracks",
    "webm whose time jumps",
    "webm with a cluster of 2**56 bytes",
    "webm sound of 1,000,000 channels",
    "wav of 65,535 channels",
)
MUTATED = 8
LOOK = "SELECT status, kind, mime, width, height, duration_ms, sound, uploaded_as IS NULL, failure FROM media"


@pytest.fixture
async def jobs(app: FastAPI, settings: Settings, keys: dict[str, str], database: str) -> AsyncIterator[App]:
    """The worker's jobs with its functions, not running yet."""
    one = create_jobs_app(database)
    async with one.open_async(), httpx.AsyncClient(timeout=2, trust_env=False) as client:
        register_tasks(one, app.state.engine, client, settings)
        yield one


@pytest.fixture
def tools(app: FastAPI, settings: Settings) -> Preparing:
    return Preparing(app.state.engine, app.state.storage, settings, reranker(settings))


async def upload(app: FastAPI, database: str, data: bytes, *, kind: ClipKind = "video") -> UUID:
    """A pending upload, as the route adds it."""
    name = await app.state.storage.put(data)
    async with app.state.engine.begin() as connection:
        return await add_pending(
            connection,
            app.state.jobs,
            uploaded_as=name,
            sha256=hashlib.sha256(data).digest(),
            kind=kind,
            mime=f"{kind}/webm",
            size=len(data),
            uploaded_by=value(database, "SELECT id FROM principals LIMIT 1"),
        )


async def run_what_is_due(jobs: App) -> None:
    await jobs.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful")


def derivatives(database: str) -> set[tuple[str, int]]:
    return set(query(database, "SELECT variant, level FROM media_derivatives"))


async def stored(app: FastAPI, name: str) -> bytes:
    file = await app.state.storage.open(name)
    return b"".join([chunk async for chunk in file.chunks])


async def test_a_video_becomes_ready(app: FastAPI, jobs: App, database: str) -> None:
    await upload(app, database, WEBM.data())
    assert query(database, LOOK) == [("pending", "video", "video/webm", None, None, None, False, False, None)]
    await run_what_is_due(jobs)
    [row] = query(database, LOOK)
    assert row == ("ready", "video", "video/webm", 64, 48, row[5], True, True, None)
    assert 1800 <= row[5] <= 2200
    variants = {variant for variant, _ in derivatives(database)}
    assert variants == {"gray", "colour", "lines", "sheet", "proxy", "wave"}
    for (name,) in query(database, "SELECT stored_as FROM media_derivatives"):
        assert await stored(app, name)
    clean = await stored(app, value(database, "SELECT stored_as FROM media"))
    assert len(clean) == value(database, "SELECT bytes FROM media")
    assert not any(secret in clean for secret in SECRETS)
    assert [at for (at,) in query(database, "SELECT position_ms FROM media_frames ORDER BY 1")][:3] == [0, 200, 400]
    assert value(database, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_a_video_without_pictures_becomes_a_sound(app: FastAPI, jobs: App, database: str) -> None:
    await upload(app, database, WEBM.but(picture=None))
    await run_what_is_due(jobs)
    assert query(database, LOOK)[0][:5] == ("ready", "audio", "audio/ogg", None, None)
    assert derivatives(database) == {("wave", 0)}


async def test_a_file_that_cannot_be_shown_fails_with_a_sentence(app: FastAPI, jobs: App, database: str) -> None:
    await upload(app, database, SOUNDS["ogg"].data()[:200], kind="audio")
    await run_what_is_due(jobs)
    [row] = query(database, LOOK)
    assert row[0] == "failed"
    assert row[-1] == "the file starts like audio/ogg but is damaged or cut off"
    # What came is kept: a newer release may be able to show it.
    assert row[-2] is False
    assert derivatives(database) == set()


async def test_every_broken_clip_ends_in_a_clear_state(app: FastAPI, jobs: App, database: str) -> None:
    """A few of what `make fuzz` feeds, each in a process of its own, which answers: no process was lost over any."""
    files = [BOMBS["clip"][name]() for name in BROKEN]
    files += [one.data for one in mutated("clip", seed=3, count=MUTATED)]
    for data in files:
        await upload(app, database, data)
    await run_what_is_due(jobs)
    ends = query(database, "SELECT status, failure FROM media")
    assert len(ends) == len(files)
    assert {status for status, _ in ends} == {"ready", "failed"}
    assert not [failure for _, failure in ends if failure in {GIVEN_UP, GONE} or "within the limits" in (failure or "")]
    assert value(database, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_poster_and_sheet_can_be_looked_at_while_the_rest_is_made(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = await upload(app, database, WEBM.data())
    seen: list[set[tuple[str, int]]] = []

    async def watched(*given: object, **more: object) -> object:
        made = more["made"]

        async def tell(group: object) -> None:
            await made(group)  # type: ignore[operator]
            seen.append(derivatives(database))

        return await real(*given, made=tell)  # type: ignore[arg-type]

    real = clip_renderer.render
    monkeypatch.setattr(clip_renderer, "render", watched)
    await prepare(media, tools, attempts=0)
    assert ("sheet", 4) in seen[0]
    assert not {("proxy", level) for level in PROXY_LEVELS} & seen[0]
    assert {("proxy", level) for level in PROXY_LEVELS} <= seen[1]


async def test_a_file_prepared_twice_is_prepared_once(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str
) -> None:
    media = await upload(app, database, WEBM.but(sound=None))
    await prepare(media, tools, attempts=0)
    before = query(database, "SELECT * FROM media")
    await prepare(media, tools, attempts=1)
    await prepare(uuid4(), tools, attempts=0)
    assert query(database, "SELECT * FROM media") == before


async def test_two_attempts_at_once_come_to_the_same(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str
) -> None:
    media = await upload(app, database, WEBM.but(sound=None))
    await asyncio.gather(prepare(media, tools, attempts=0), prepare(media, tools, attempts=0))
    assert value(database, "SELECT status FROM media") == "ready"
    assert value(database, "SELECT count(*) FROM media_frames") == 10


async def test_an_attempt_that_fails_late_does_not_undo_one_that_succeeded(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = await upload(app, database, WEBM.but(sound=None))

    async def late(*_: object) -> None:
        await real(media, value(database, "SELECT uploaded_as FROM media"), tools)
        raise ClipError("too late")

    real = preparing._prepare
    monkeypatch.setattr(preparing, "_prepare", late)
    await prepare(media, tools, attempts=0)
    assert query(database, "SELECT status, failure FROM media") == [("ready", None)]
    assert derivatives(database)


async def test_a_file_that_always_breaks_off_is_given_up(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str
) -> None:
    media = await upload(app, database, WEBM.data())
    await prepare(media, tools, attempts=ATTEMPTS)
    assert query(database, "SELECT status, failure FROM media") == [("failed", GIVEN_UP)]


async def test_a_file_that_is_gone_fails(app: FastAPI, tools: Preparing, keys: dict[str, str], database: str) -> None:
    media = await upload(app, database, WEBM.data())
    query(database, "UPDATE media SET uploaded_as = repeat('a', 2) || '/aa/' || repeat('a', 64)")
    await prepare(media, tools, attempts=0)
    assert value(database, "SELECT failure FROM media") == GONE


async def down(*_: object) -> None:
    raise StorageUnavailableError("the storage does not answer")


async def test_a_storage_that_stays_down_is_given_up_at_the_last_attempt(
    app: FastAPI, tools: Preparing, keys: dict[str, str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = await upload(app, database, WEBM.data())
    monkeypatch.setattr(tools.storage, "open", down)
    with pytest.raises(StorageUnavailableError):
        await prepare(media, tools, attempts=ATTEMPTS - 2)
    assert value(database, "SELECT status FROM media") == "pending"
    await prepare(media, tools, attempts=ATTEMPTS - 1)
    assert query(database, "SELECT status, failure FROM media") == [("failed", GIVEN_UP)]


def test_attempts_lie_further_and_further_apart_but_not_for_a_stop() -> None:
    def wait(error: BaseException, attempts: int) -> float:
        job = Job(id=1, queue=LENGTHY, lock=None, queueing_lock=None, task_name="", attempts=attempts)
        at = Patience().get_retry_decision(exception=error, job=job).retry_at
        assert at
        return round((at - datetime.now(UTC)).total_seconds())

    waits = [wait(StorageUnavailableError("down"), attempts) for attempts in range(ATTEMPTS - 1)]
    assert waits == [8, 64, 512, 4096]
    assert wait(asyncio.CancelledError(), ATTEMPTS - 2) == 0


async def test_a_storage_that_is_down_is_tried_again_later(
    app: FastAPI, jobs: App, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(app, database, WEBM.but(sound=None))

    with monkeypatch.context() as broken:
        broken.setattr("service.media.storage.LocalStorage.open", down)
        await run_what_is_due(jobs)
    assert value(database, "SELECT status FROM media") == "pending"
    assert query(database, "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs") == [
        ("todo", 1, True)
    ]
    query(database, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    await run_what_is_due(jobs)
    assert value(database, "SELECT status FROM media") == "ready"


async def test_a_worker_that_is_stopped_gives_the_file_back(
    app: FastAPI, jobs: App, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(app, database, WEBM.data())
    processes: list[asyncio.subprocess.Process] = []

    async def start(file: object, limits: object) -> asyncio.subprocess.Process:
        processes.append(await real(file, limits))  # type: ignore[arg-type]
        os.kill(processes[-1].pid, signal.SIGSTOP)
        return processes[-1]

    real = clip_renderer._start
    with monkeypatch.context() as slow:
        slow.setattr(clip_renderer, "_start", start)
        stopping = asyncio.Event()
        running = asyncio.create_task(run_jobs(jobs, stopping, queue=LENGTHY))
        await until(lambda: bool(processes))
        stopping.set()
        running.cancel()
        await asyncio.wait([running])
    assert processes[0].returncode == -signal.SIGKILL
    assert query(database, "SELECT status::text FROM procrastinate_jobs") == [("todo",)]
    await run_what_is_due(jobs)
    assert value(database, "SELECT status FROM media") == "ready"


async def test_webhooks_do_not_wait_behind_a_video(app: FastAPI, jobs: App, database: str) -> None:
    await upload(app, database, WEBM.data())
    stopping = asyncio.Event()
    running = asyncio.create_task(run_jobs(jobs, stopping))
    await asyncio.sleep(0.3)
    stopping.set()
    running.cancel()
    await asyncio.wait([running])
    assert query(database, "SELECT queue_name, status::text, attempts FROM procrastinate_jobs") == [
        ("lengthy", "todo", 0)
    ]
    assert value(database, "SELECT status FROM media") == "pending"
