"""Scoring in the background: take unscored rows, score them outside any transaction, store scores and new ranks."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Scorer
from service.cases.workflow import rerank_evidence
from service.ranking.rank import RankConfig
from service.scoring import store
from service.scoring.live_model import LiveModel, as_json, score_all
from service.settings import Settings

IDLE_SECONDS = 0.3
# A failing model or database is not asked again at once.
PAUSE_SECONDS = 5

log = structlog.get_logger()


async def unscored(connection: AsyncConnection) -> int:
    """How many texts wait for a score."""
    return await store.waiting(connection)


class ScoringLoop:
    """Scores what waits, batch after batch, until it is stopped. Any number may run beside each other."""

    def __init__(
        self, engine: AsyncEngine, model: LiveModel, *, taxonomy: Taxonomy, config: RankConfig, settings: Settings
    ) -> None:
        self._engine = engine
        self._model = model
        self._taxonomy = taxonomy
        self._config = config
        self._settings = settings
        self._retry_first = True

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until `stopping` is set; the batch in hand is finished first."""
        while not stopping.is_set():
            pause = 0.0
            try:
                pause = 0.0 if self._model.ready and await self.step() else IDLE_SECONDS
            except Exception as error:  # the loop outlives whatever a model or a database does to it
                log.error("scoring.failed", error=type(error).__name__, exc_info=error)
                pause = PAUSE_SECONDS
            if pause:
                await _sleep(pause, stopping)

    async def step(self) -> int:
        """Score one batch; returns how many rows were in it, 0 when nothing waits."""
        scorer = self._model.scorer
        async with self._engine.begin() as connection:
            rows = await self._take(connection)
        if not rows:
            return 0
        ids = [row.id for row in rows]
        texts = [row.text for row in rows]
        try:
            scores = await to_thread.run_sync(_score, scorer, texts)
        except BaseException:
            async with self._engine.begin() as connection:
                await store.give_back(connection, ids, wait_seconds=PAUSE_SECONDS)
            raise
        async with self._engine.begin() as connection:
            saved = await store.save(connection, ids=ids, scores=scores, bundle=scorer.bundle_hash)
            await rerank_evidence(connection, saved, taxonomy=self._taxonomy, config=self._config)
        return len(rows)

    async def _take(self, connection: AsyncConnection) -> Sequence[Row[Any]]:
        """A batch of fresh rows and one that failed before by turns, so that neither keeps the other waiting."""
        limit, seconds = self._settings.score_batch, self._settings.score_timeout_seconds
        attempts = self._settings.score_attempts
        self._retry_first = not self._retry_first
        fresh = [] if self._retry_first else await store.take(connection, limit=limit, seconds=seconds)
        if fresh:
            return fresh
        await store.give_up(connection, attempts=attempts)
        again = await store.take_one_again(connection, seconds=seconds, attempts=attempts)
        if again or not self._retry_first:
            return again
        return await store.take(connection, limit=limit, seconds=seconds)


def _score(scorer: Scorer, texts: list[str]) -> list[str]:
    return [json.dumps(as_json(score, scorer)) for score in score_all(scorer, texts)]


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
