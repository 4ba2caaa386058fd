"""Every picture is assessed once, one bad picture harms no other, and its cases stand where the assessment puts them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.image_classes import IMAGE_CLASS_IDS
from labeling.taxonomy import Taxonomy
from models.image_input import Picture
from models.images import Assessment
from models.rank import RankConfig
from service.assessing import workflow
from service.assessing.live import LiveImageModel
from service.assessing.workflow import ATTEMPTS, Assessing, model_state, unassessed
from service.cases.workflow import rerank_evidence
from service.db import create_engine
from service.errors.media import StorageUnavailableError
from service.media.storage import LocalStorage, StoredFile
from tests.service.media.pictures import draw, frames_of, gif, jpeg, png, webp
from tests.service.steps import connected, query, report, value

NOTHING: Assessment = dict.fromkeys(IMAGE_CLASS_IDS)


@dataclass
class Redness:
    """An image model that takes red for sexual and refuses black."""

    name: str = "redness"
    hash: str = "red"
    seen: list[Picture] = field(default_factory=list)

    def assess(self, pictures: Sequence[Picture]) -> list[Assessment]:
        self.seen += pictures
        if any(int(one.max()) < 10 for one in pictures):
            raise RuntimeError("cannot see black")
        return [NOTHING | {"sexual": float(one[:, :, 0].mean()) / 255} for one in pictures]


async def live(model: Redness | None = None) -> LiveImageModel:
    """A model that is ready."""
    found = LiveImageModel(lambda: model or Redness())
    await found.keep_loading()
    return found


@dataclass
class Bench:
    """An assessing loop on the test's database, and media for it."""

    database: str
    engine: AsyncEngine
    storage: LocalStorage
    taxonomy: Taxonomy

    def loop(self, model: LiveImageModel, storage: Any = None) -> Assessing:
        return Assessing(self.engine, model, storage or self.storage, taxonomy=self.taxonomy, config=RankConfig())

    async def medium(
        self, *parts: tuple[str, int, str, bytes], kind: str = "image", size: tuple[int, int] = (40, 30)
    ) -> UUID:
        """A medium with these derivatives: (variant, level, mime, bytes)."""
        media_id = uuid4()
        with connected(self.database) as connection:
            uploader = connection.execute("SELECT id FROM principals LIMIT 1").fetchone()
            assert uploader
            connection.execute(
                "INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by, pdq, pdq_quality)"
                " VALUES (%s, %s, %s, 'image/jpeg', 40, 30, 1, 10, 'aa', %s, repeat('0', 256)::bit(256), 50)",
                [media_id, hashlib.sha256(media_id.bytes).digest(), kind, uploader[0]],
            )
            for variant, level, mime, data in parts:
                stored_as = await self.storage.put(data)
                connection.execute(
                    "INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    [media_id, variant, level, mime, stored_as, *size],
                )
        return media_id

    async def picture(self, colour: str = "#f00", encode: Callable[[Any], bytes] = jpeg) -> UUID:
        mime = f"image/{encode.__name__}"
        return await self.medium(("colour", 0, mime, encode(draw(40, 30, background=colour))))

    def row(self, media_id: UUID) -> tuple[str, int, Any]:
        found = query(
            self.database, f"SELECT assess_state, assess_attempts, assessment FROM media WHERE id = '{media_id}'"
        )
        state, attempts, assessment = found[0]
        return state, attempts, assessment

    def sexual(self, media_id: UUID) -> float:
        state, _, assessment = self.row(media_id)
        assert state == "assessed"
        return float(assessment["classes"]["sexual"])

    def pause_is_over(self) -> None:
        query(self.database, "UPDATE media SET assess_claimed_until = now() - interval '1 s'")


@pytest.fixture
async def bench(database: str, keys: dict[str, str], taxonomy: Taxonomy, tmp_path: Path) -> AsyncIterator[Bench]:
    engine = create_engine(database, pool=4)
    yield Bench(database, engine, LocalStorage(tmp_path / "media"), taxonomy)
    await engine.dispose()


async def drain(loop: Assessing) -> None:
    while await loop.step():
        pass


@pytest.mark.parametrize("encode", [jpeg, png, webp])
async def test_what_waits_is_assessed_once(bench: Bench, encode: Callable[[Any], bytes]) -> None:
    media_id = await bench.picture("#f00", encode)
    model = Redness()
    loop = bench.loop(await live(model))
    await drain(loop)
    assert bench.sexual(media_id) > 0.98
    state, attempts, assessment = bench.row(media_id)
    assert (state, attempts) == ("assessed", 0)
    assert assessment["model"] == "redness"
    assert assessment["hash"] == "red"
    assert assessment["classes"] == NOTHING | {"sexual": assessment["classes"]["sexual"]}
    assert [one.shape for one in model.seen] == [(30, 40, 3)]


async def test_media_without_a_plain_picture_and_sounds_are_nobodys_turn(bench: Bench) -> None:
    data = jpeg(draw(40, 30))
    blurred = await bench.medium(("gray", 2, "image/jpeg", data))
    sound = await bench.medium(("colour", 0, "image/jpeg", data), kind="audio")
    assert await bench.loop(await live()).step() == 0
    assert {bench.row(one)[0] for one in (blurred, sound)} == {"waiting"}
    async with bench.engine.connect() as connection:
        assert await unassessed(connection) == workflow.Unassessed(waiting=0, failed=0)


async def test_of_a_video_the_worst_frame_counts(bench: Bench) -> None:
    frame = '<rect x="0" y="200" width="134" height="100" fill="#f00"/>'
    sheet = jpeg(draw(42, 33, background="#00f", inside=frame), Q=100)
    poster = jpeg(draw(42, 33, background="#00f"))
    parts = (("colour", 0, "image/jpeg", poster), ("sheet", 0, "image/jpeg", sheet), ("sheet", 2, "image/jpeg", sheet))
    media_id = await bench.medium(*parts, kind="video", size=(42, 33))
    model = Redness()
    await drain(bench.loop(await live(model)))
    assert bench.sexual(media_id) > 0.7
    assert [one.shape for one in model.seen] == [(33, 42, 3), *[(11, 14, 3)] * 9]


async def test_of_an_animation_the_worst_frame_counts(app: FastAPI, bench: Bench, platform: httpx.AsyncClient) -> None:
    """From the upload on: the plain sheet that is made of it is what is looked at."""
    frames = [draw(400, 300, background="#00f")] * 5 + [draw(400, 300, background="#f00")]
    data = gif(frames_of(*frames, delays=[100] * 6), keep_duplicate_frames=True)
    media_id = (await platform.post("/v1/media", files={"file": data})).json()["media_id"]
    model = Redness()
    loop = Assessing(bench.engine, await live(model), app.state.storage, taxonomy=bench.taxonomy, config=RankConfig())
    await drain(loop)
    assert bench.sexual(media_id) > 0.95
    assert len(model.seen) == 10


async def test_a_picture_that_cannot_be_assessed_harms_no_other_and_is_given_up(bench: Bench) -> None:
    black, damaged = await bench.picture("#000"), await bench.medium(("colour", 0, "image/jpeg", b"no picture"))
    red = await bench.picture("#f00")
    model = Redness()
    loop = bench.loop(await live(model))
    await drain(loop)
    assert bench.sexual(red) > 0.9
    assert bench.row(black) == ("waiting", 1, None)
    for _ in range(ATTEMPTS):
        bench.pause_is_over()
        await drain(loop)
    for one in (black, damaged):
        state, attempts, assessment = bench.row(one)
        assert (state, attempts, assessment) == ("failed", ATTEMPTS, None)
    assert len(model.seen) == 1 + ATTEMPTS
    async with bench.engine.connect() as connection:
        assert await unassessed(connection) == workflow.Unassessed(waiting=0, failed=2)


@pytest.mark.parametrize(
    ("mime", "size"),
    [("image/png", (40, 30)), ("image/jpeg", (41, 30)), ("image/gif", (40, 30)), ("image/jpeg", (4000, 3))],
)
async def test_a_derivative_that_is_not_as_its_row_says_is_not_decoded(
    bench: Bench, mime: str, size: tuple[int, int]
) -> None:
    media_id = await bench.medium(("colour", 0, mime, jpeg(draw(40, 30))), size=size)
    model = Redness()
    await drain(bench.loop(await live(model)))
    assert bench.row(media_id) == ("waiting", 1, None)
    assert not model.seen


async def test_what_failed_and_what_is_new_take_turns(bench: Bench) -> None:
    black = await bench.picture("#000")
    loop = bench.loop(await live())
    await drain(loop)
    bench.pause_is_over()
    for _ in range(3):
        await bench.picture("#f00")
    assert await loop.step() + await loop.step() == 4
    assert bench.row(black)[1] == 2


async def test_a_store_that_fails_costs_no_attempt(bench: Bench) -> None:
    class Broken:
        async def open(self, name: str) -> StoredFile | None:
            raise StorageUnavailableError("no route to host")

    media_id = await bench.picture()
    loop = bench.loop(await live(), Broken())
    with pytest.raises(StorageUnavailableError, match="no route"):
        await loop.step()
    assert bench.row(media_id) == ("waiting", 0, None)
    bench.pause_is_over()
    await drain(bench.loop(await live()))
    assert bench.sexual(media_id) > 0.9


async def test_a_file_that_is_gone_costs_that_picture_alone(bench: Bench, tmp_path: Path) -> None:
    media_id = await bench.picture()
    name = value(bench.database, "SELECT stored_as FROM media_derivatives")
    (tmp_path / "media" / str(name)).unlink()
    await drain(bench.loop(await live()))
    assert bench.row(media_id) == ("waiting", 1, None)


async def test_without_a_model_everything_waits(bench: Bench) -> None:
    media_id = await bench.picture()
    assert await bench.loop(LiveImageModel(None)).step() == 0
    assert await bench.loop(LiveImageModel(None)).look_for_stale() == 0
    assert bench.row(media_id) == ("waiting", 0, None)
    async with bench.engine.connect() as connection:
        assert await unassessed(connection) == workflow.Unassessed(waiting=1, failed=0)


async def test_cases_that_show_the_picture_are_placed_anew(
    bench: Bench, platform: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[UUID] = []

    async def watched(connection: AsyncConnection, evidence: Sequence[UUID], **named: Any) -> None:
        placed.extend(evidence)
        await rerank_evidence(connection, evidence, **named)

    monkeypatch.setattr(workflow, "rerank_evidence", watched)
    media_id = await bench.picture()
    await bench.picture()
    await report(platform, media=[str(media_id)])
    await drain(bench.loop(await live()))
    assert placed == [value(bench.database, "SELECT evidence_id FROM evidence_media")]


async def test_a_worker_that_dies_between_keeping_and_placing_has_it_done_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise OperationalError("", None, OSError())

    media_id = await bench.picture()
    loop = bench.loop(await live())
    with monkeypatch.context() as broken:
        broken.setattr(workflow, "rerank_evidence", dies)
        with pytest.raises(OperationalError):
            await loop.step()
    state, _, assessment = bench.row(media_id)
    assert (state, assessment["hash"]) == ("waiting", "red")
    bench.pause_is_over()
    await drain(loop)
    assert bench.sexual(media_id) > 0.9


async def test_a_report_that_is_just_taken_in_is_not_missed(bench: Bench, platform: httpx.AsyncClient) -> None:
    """Whoever names the picture in an open transaction is waited for: their case would otherwise stay as unassessed."""
    media_id = await bench.picture()
    with connected(bench.database) as intake:
        intake.execute("BEGIN")
        intake.execute("SELECT FROM media WHERE id = %s FOR KEY SHARE", [media_id])
        step = asyncio.create_task(bench.loop(await live()).step())
        await asyncio.sleep(0.3)
        assert bench.row(media_id)[2] is None
        intake.execute("COMMIT")
        await asyncio.wait_for(step, 10)
    assert bench.sexual(media_id) > 0.9


async def test_open_cases_are_assessed_anew_by_another_model(bench: Bench, platform: httpx.AsyncClient) -> None:
    shown, unseen = await bench.picture(), await bench.picture()
    await report(platform, media=[str(shown)])
    await drain(bench.loop(await live()))
    same, other = bench.loop(await live()), bench.loop(await live(Redness(hash="redder")))
    assert await same.look_for_stale() == 0
    assert await other.look_for_stale() == 1
    # Until then the old one counts.
    assert bench.row(shown)[2]["hash"] == "red"
    await drain(other)
    assert bench.row(shown)[2]["hash"] == "redder"
    assert bench.row(unseen)[2]["hash"] == "red"
    assert await other.look_for_stale() == 0


async def test_what_a_worker_says_of_its_model_is_kept(bench: Bench) -> None:
    async with bench.engine.connect() as connection:
        assert await model_state(connection) is None
    broken = LiveImageModel(None)
    broken.problem = "model.toml: nothing there"
    wanted = [
        (LiveImageModel(Redness), None),
        (broken, (None, None, broken.problem)),
        (await live(), ("redness", "red", None)),
    ]
    for model, expected in wanted:
        loop = bench.loop(model)
        await loop.tell()
        await loop.tell()
        async with bench.engine.connect() as connection:
            found = await model_state(connection)
        assert (found and (found.model, found.hash, found.problem)) == expected
    assert value(bench.database, "SELECT count(*) FROM image_model_state") == 1


@pytest.mark.parametrize(
    "failure", [StorageUnavailableError("down"), OSError("no network"), OperationalError("", None, OSError())], ids=repr
)
async def test_the_loop_goes_on_after_a_failure_and_stops_when_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    stopping, steps = asyncio.Event(), 0

    async def step(_: Assessing) -> int:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise failure
        if steps == 3:
            stopping.set()
        return int(steps == 2)

    monkeypatch.setattr(Assessing, "step", step)
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)
    await asyncio.wait_for(bench.loop(await live()).run(stopping), 10)
    assert steps == 3
