"""Reading text in pictures in the background, one picture after the other, and the cases that this moves.

It takes half a second a picture, so it has a thread of its own that lets everything else go first. What is not read yet, or
cannot be, is shown without its text; nothing waits for it.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Scorer
from models.rank import RankConfig
from service.cases.workflow import rerank_evidence
from service.errors.media import StorageUnavailableError
from service.media.storage import Storage
from service.reading import store
from service.reading.lines import Line, joined
from service.reading.reader import MOST_BYTES, PictureReader, Reader, UnreadablePictureError, step_back
from service.scoring.live_model import LiveModel, try_each
from service.settings import Settings
from service.waiting import happens

IDLE_SECONDS = 1.0
# A failing database or store is not asked again at once. A picture that failed waits twice as long after each try.
PAUSE_SECONDS = 5
CLAIM_SECONDS = 120
# So long texts may keep a picture waiting.
PATIENCE_SECONDS = 60

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Unread:
    """Pictures and videos whose text is not known: it waits to be read, or could not be."""

    waiting: int
    failed: int


async def unread(connection: AsyncConnection) -> Unread:
    """How many pictures are shown without their text so far."""
    return Unread(**(await store.counts(connection))._mapping)


@dataclass(frozen=True, slots=True)
class _Found:
    lines: list[Line]
    # JSON text; None where nothing is to be scored, or the model cannot.
    score: str | None
    bundle: str


class Reading:
    """Reads what waits. Any number may run beside each other; what dies half-way is done again."""

    def __init__(
        self, engine: AsyncEngine, model: LiveModel, storage: Storage, *, taxonomy: Taxonomy, config: RankConfig
    ) -> None:
        self._engine = engine
        self._model = model
        self._storage = storage
        self._taxonomy = taxonomy
        self._config = config
        self._reader: Reader = PictureReader()
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, stopping: asyncio.Event, settings: Settings) -> None:
        """Go on until `stopping` is set; the picture in hand is finished first."""
        with ThreadPoolExecutor(1, "reading", step_back) as self._thread:
            while settings.read_pictures and not stopping.is_set():
                try:
                    pause = 0.0 if await self.step(attempts=settings.read_attempts) else IDLE_SECONDS
                except (SQLAlchemyError, OSError, StorageUnavailableError) as error:
                    log.error("reading.failed", error=type(error).__name__)
                    pause = PAUSE_SECONDS
                if pause:
                    await happens(stopping, within=pause)

    async def step(self, *, attempts: int) -> int:
        """Read one picture; returns how many were read, 0 when none waits, texts go first or there is no model."""
        if not self._model.ready:
            return 0
        async with self._engine.begin() as connection:
            await store.give_up(connection, attempts=attempts)
            row = await store.take(connection, seconds=CLAIM_SECONDS, attempts=attempts, patience=PATIENCE_SECONDS)
        if row is None:
            return 0
        try:
            found = await self._read(row)
        except BaseException:
            # The store or this process is at fault, not the picture.
            await self._give_back(row.id, PAUSE_SECONDS, undone=1)
            raise
        if found is None:
            await self._give_back(row.id, PAUSE_SECONDS * 2**row.read_attempts)
        else:
            await self._keep(row.id, found)
        return 1

    async def _read(self, row: Row[Any]) -> _Found | None:
        """What stands in the picture; None where the picture is at fault. Raises StorageUnavailableError."""
        scorer = self._model.scorer
        file = await self._storage.open(row.stored_as)
        data = b"" if file is None or file.size > MOST_BYTES else b"".join([chunk async for chunk in file.chunks])
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _found, self._reader, scorer, data)
        except (UnreadablePictureError, MemoryError) as error:
            log.error("reading.refused", media=str(row.id), error=type(error.__cause__ or error).__name__)
            return None

    async def _keep(self, media_id: UUID, found: _Found) -> None:
        lines = json.dumps([line.to_json() for line in found.lines], ensure_ascii=False)
        async with self._engine.begin() as connection:
            await store.keep(connection, media_id, lines=lines, score=found.score, bundle=found.bundle)
        async with self._engine.begin() as connection:
            evidence = await store.settle(connection, media_id)
            if found.score is not None:
                await rerank_evidence(connection, evidence, taxonomy=self._taxonomy, config=self._config)

    async def _give_back(self, media_id: UUID, seconds: int, *, undone: int = 0) -> None:
        async with self._engine.begin() as connection:
            await store.give_back(connection, media_id, wait_seconds=seconds, undone=undone)


def _found(reader: Reader, scorer: Scorer, data: bytes) -> _Found:
    lines = reader.read(data)
    score = try_each(scorer, [joined([line.text for line in lines])])[0] if lines else None
    return _Found(lines, score, scorer.bundle_hash)
