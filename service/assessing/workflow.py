"""Assessing in the background: what an image model sees in pictures and videos, and the cases that this moves.

Without a model, or where it fails, nothing is known of a picture, and it stays blurred; nothing else waits for it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.images import Assessment, ImageModel, strongest
from models.rank import RankConfig
from service.assessing import store
from service.assessing.live import LiveImageModel
from service.assessing.pixels import MOST_BYTES, decoded, frames_of
from service.cases.workflow import rerank_evidence
from service.errors.media import StorageUnavailableError
from service.media.storage import Storage
from service.waiting import happens

IDLE_SECONDS = 0.5
# A failing database or store is not asked again at once. A medium that failed waits twice as long after each try.
PAUSE_SECONDS = 5
# Taken at once by one worker: some seconds of work.
BATCH = 16
CLAIM_SECONDS = 120
# Tries before a medium is given up.
ATTEMPTS = 5
# Media that are let assessed anew at a time.
ANEW = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ImageModelState:
    """What a worker last said of its image model."""

    model: str | None
    hash: str | None
    problem: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Unassessed:
    """Pictures and videos without an assessment: waiting for one, or given up."""

    waiting: int
    failed: int


async def unassessed(connection: AsyncConnection) -> Unassessed:
    """How many pictures and videos nobody but people can judge so far."""
    return Unassessed(**(await store.counts(connection))._mapping)


async def model_state(connection: AsyncConnection) -> ImageModelState | None:
    """What a worker last said of its image model; None before any did."""
    row = await store.state(connection)
    return ImageModelState(**row._mapping) if row else None


class Assessing:
    """Assesses what waits, batch after batch. Any number may run beside each other; what dies half-way is done again."""

    def __init__(
        self, engine: AsyncEngine, live: LiveImageModel, storage: Storage, *, taxonomy: Taxonomy, config: RankConfig
    ) -> None:
        self._engine = engine
        self._live = live
        self._storage = storage
        self._taxonomy = taxonomy
        self._config = config
        self._retry_first = True
        self._told: object = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until `stopping` is set; the batch in hand is finished first."""
        while not stopping.is_set():
            pause: float = IDLE_SECONDS
            try:
                await self.tell()
                pause = 0.0 if await self.step() else IDLE_SECONDS
            except (SQLAlchemyError, OSError, StorageUnavailableError) as error:
                log.error("assessing.failed", error=type(error).__name__)
                pause = PAUSE_SECONDS
            if pause:
                await happens(stopping, within=pause)

    async def step(self) -> int:
        """Assess one batch; returns how many media were in it, 0 when none waits or there is no model."""
        model = self._live.model
        if model is None:
            return 0
        async with self._engine.begin() as connection:
            rows = await self._take(connection)
        for place, row in enumerate(rows):
            try:
                found = await self._assess(row, model)
            except BaseException:
                # The store or this process is at fault, not the medium.
                await self._give_back([one.id for one in rows[place:]], PAUSE_SECONDS, undone=1)
                raise
            await self._keep(row, found, model)
        return len(rows)

    async def look_for_stale(self) -> int:
        """Have media of waiting cases assessed anew whose assessment is of another model; returns how many."""
        model = self._live.model
        if model is None:
            return 0
        async with self._engine.begin() as connection:
            ids = await store.stale(connection, model_hash=model.hash, limit=ANEW)
            await store.wait_again(connection, ids, model_hash=model.hash)
        return len(ids)

    async def tell(self) -> None:
        """Keep for others which model is at work, or why none is, when that has changed."""
        model, problem = self._live.model, self._live.problem
        facts = (model.name if model else None, model.hash if model else None, problem)
        if self._live.state != "loading" and facts != self._told:
            async with self._engine.begin() as connection:
                await store.set_state(connection, model=facts[0], model_hash=facts[1], problem=facts[2])
            self._told = facts

    async def _take(self, connection: AsyncConnection) -> Sequence[Row[Any]]:
        """A batch of fresh rows and one that failed before by turns, so that neither keeps the other waiting."""
        self._retry_first = not self._retry_first
        fresh = [] if self._retry_first else await store.take(connection, limit=BATCH, seconds=CLAIM_SECONDS)
        if fresh:
            return fresh
        await store.give_up(connection, attempts=ATTEMPTS)
        again = await store.take_one_again(connection, seconds=CLAIM_SECONDS, attempts=ATTEMPTS)
        if again or not self._retry_first:
            return again
        return await store.take(connection, limit=BATCH, seconds=CLAIM_SECONDS)

    async def _assess(self, row: Row[Any], model: ImageModel) -> Assessment | None:
        """What the model says; None where this medium is at fault. Raises StorageUnavailableError."""
        files = [(one, await self._read(one["stored_as"])) for one in row.seen]
        try:
            return await to_thread.run_sync(_assessed, model, files)
        except (ValueError, RuntimeError, MemoryError) as error:
            log.error("assessing.refused", media=str(row.id), error=type(error).__name__)
            return None

    async def _read(self, stored_as: str) -> bytes:
        file = await self._storage.open(stored_as)
        if file is None or file.size > MOST_BYTES:
            return b""
        return b"".join([chunk async for chunk in file.chunks])

    async def _keep(self, row: Row[Any], found: Assessment | None, model: ImageModel) -> None:
        if found is None:
            await self._give_back([row.id], PAUSE_SECONDS * 2**row.assess_attempts)
            return
        async with self._engine.begin() as connection:
            await store.keep(connection, row.id, json.dumps(as_json(found, model)))
        async with self._engine.begin() as connection:
            evidence = await store.settle(connection, row.id)
            await rerank_evidence(connection, evidence, taxonomy=self._taxonomy, config=self._config)

    async def _give_back(self, ids: Sequence[UUID], seconds: int, *, undone: int = 0) -> None:
        async with self._engine.begin() as connection:
            await store.give_back(connection, ids, wait_seconds=seconds, undone=undone)


def as_json(assessment: Assessment, model: ImageModel) -> dict[str, Any]:
    """An assessment as it is stored with the medium. Six digits are far below the noise of any model."""
    classes = {name: None if value is None else round(value, 6) for name, value in assessment.items()}
    return {"model": model.name, "hash": model.hash, "classes": classes}


def _assessed(model: ImageModel, files: Sequence[tuple[dict[str, Any], bytes]]) -> Assessment:
    pictures = []
    for facts, data in files:
        picture = decoded(data, facts["mime"], width=facts["width"], height=facts["height"])
        pictures += frames_of(picture) if facts["variant"] == "sheet" else [picture]
    return strongest(model.assess(pictures))
