"""Scoring in the background: take rows, score them outside any transaction, store scores and new ranks together.

What waits for its first score comes first. While nothing waits, open cases whose score is of a bundle that is no longer
theirs are scored anew, riskiest first; then comes what others want done with the time that is left.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Scorer
from models.rank import RankConfig
from models.registry import COIN_SIDES, Part
from service.cases.workflow import cases_of, rerank_evidence
from service.scoring import store
from service.scoring.live_model import LiveModel, as_json, score_all, texts_and_languages, try_each
from service.scoring.releases import LIVE_ONLY, Serving
from service.scoring.schemas import ModelsOut, ReleaseState
from service.settings import Settings
from service.waiting import happens

IDLE_SECONDS = 0.3
# A failing model or database is not asked again at once.
PAUSE_SECONDS = 5
# Rows listed in one look for stale scores, and the pause after a look that found none.
LISTED = 10_000
LOOK_AGAIN_SECONDS = 60.0

# Something to do when nothing waits; returns 0 when there was nothing.
Step = Callable[[], Awaitable[int]]

log = structlog.get_logger()


async def unscored(connection: AsyncConnection) -> int:
    """How many texts wait for a score."""
    return await store.waiting(connection)


async def release_states(connection: AsyncConnection) -> list[ReleaseState]:
    """What the workers last said of each part that the releases name."""
    return [ReleaseState(**row._mapping) for row in await store.states(connection)]


async def models_at_work(connection: AsyncConnection, model: LiveModel) -> ModelsOut:
    """The bundles at work here and in the workers."""
    bundle, problem = states_of(model, LIVE_ONLY)["live"]
    return ModelsOut(api=bundle, api_problem=problem, workers=await release_states(connection))


async def keep_states(connection: AsyncConnection, states: Mapping[Part, tuple[str | None, str | None]]) -> None:
    """Keep (bundle, problem) of each part, for whoever asks the API."""
    for part, (bundle, problem) in states.items():
        await store.set_state(connection, part=part, bundle=bundle, problem=problem)


def states_of(model: LiveModel, parts: Sequence[Part]) -> dict[Part, tuple[str | None, str | None]]:
    """By part, the bundle that serves in this process and why another one does not."""
    serving = model.serving if model.ready else None
    staged = serving.staged.scorer if serving and serving.staged else None
    scorers: dict[Part, Scorer | None] = {
        "live": serving.live if serving else None,
        "staged": staged,
        "shadow": serving.shadow if serving else None,
    }
    hashes = {part: one.bundle_hash if one else None for part, one in scorers.items()}
    return {part: (hashes[part], model.problems.get(part)) for part in parts}


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

    async def run(self, stopping: asyncio.Event, then: Sequence[Step] = ()) -> None:
        """Go on until `stopping` is set; the batch in hand is finished first.

        A step of `then` is taken when nothing waits and those before it had nothing to do. One that fails rests and
        keeps nobody waiting.
        """
        resting = dict.fromkeys(then, 0.0)
        while not stopping.is_set():
            step: Step = self.step
            pause = IDLE_SECONDS
            try:
                done = await self.step() if self._model.ready else 0
                for step in then if self._model.ready else ():
                    if done:
                        break
                    done = await step() if resting[step] < time.monotonic() else 0
                pause = 0.0 if done else IDLE_SECONDS
            except Exception as error:  # the loop outlives whatever a model or a database does to it
                log.error("scoring.failed", error=type(error).__name__, exc_info=error)
                if step in resting:
                    resting[step] = time.monotonic() + PAUSE_SECONDS
                else:
                    pause = PAUSE_SECONDS
            if pause:
                await happens(stopping, within=pause)

    async def step(self) -> int:
        """Score one batch; returns how many rows were in it, 0 when nothing waits."""
        serving = self._model.serving
        async with self._engine.begin() as connection:
            rows = await self._take(connection)
            cases = await cases_of(connection, [row.id for row in rows]) if rows and serving.staged else {}
        if not rows:
            return 0
        ids = [row.id for row in rows]
        try:
            scores, bundles = await to_thread.run_sync(_score, serving, rows, cases)
        except BaseException:
            async with self._engine.begin() as connection:
                await store.give_back(connection, ids, wait_seconds=PAUSE_SECONDS)
            raise
        async with self._engine.begin() as connection:
            saved = await store.save(connection, ids=ids, scores=scores, bundles=bundles)
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


class Rescoring:
    """Scores open cases anew whose score is of a bundle that is no longer theirs, and ranks them in the same breath."""

    def __init__(
        self, engine: AsyncEngine, model: LiveModel, *, taxonomy: Taxonomy, config: RankConfig, settings: Settings
    ) -> None:
        self._engine = engine
        self._model = model
        self._taxonomy = taxonomy
        self._config = config
        self._settings = settings
        self._listed: list[UUID] = []
        self._listed_for: Serving | None = None
        self._stored = 0
        self._rest_until = 0.0

    async def step(self) -> int:
        """Score one batch anew; returns how many rows it looked at, 0 when every open case has the score it should.

        While a bundle that shall be live is refused, nothing is scored anew: who serves instead is no reason to.
        """
        serving = self._model.serving
        if not self._settings.rescore or "live" in self._model.problems:
            return 0
        await self._list(serving)
        ids = self._listed[: self._settings.rescore_batch]
        if not ids:
            return 0
        async with self._engine.begin() as connection:
            rows = await store.take_scored(connection, ids, seconds=self._settings.score_timeout_seconds)
            cases = await cases_of(connection, [row.id for row in rows])
        wanted = {row.id: serving.for_case(cases.get(row.id)) for row in rows}
        rows = [row for row in rows if wanted[row.id].bundle_hash not in {row.bundle, row.refused_by}]
        scorers = [wanted[row.id] for row in rows]
        try:
            scores = await to_thread.run_sync(_score_with, rows, scorers)
        finally:
            self._listed = self._listed[len(ids) :]
            if not self._listed and not rows and not self._stored:
                # Others have them, or no longer: to list them again at once would find the same.
                self._rest_until = time.monotonic() + LOOK_AGAIN_SECONDS
        async with self._engine.begin() as connection:
            bundles = [scorer.bundle_hash for scorer in scorers]
            saved = await store.replace_scores(connection, ids=[row.id for row in rows], scores=scores, bundles=bundles)
            await rerank_evidence(connection, saved, taxonomy=self._taxonomy, config=self._config)
        self._stored += len(saved)
        return len(ids)

    async def _list(self, serving: Serving) -> None:
        """List what is stale when another bundle serves, and from time to time what became so in other ways."""
        anew = self._listed_for is None or _bundles(serving) != _bundles(self._listed_for)
        if not anew and (self._listed or time.monotonic() < self._rest_until):
            return
        staged, coin = serving.live.bundle_hash, ("", b"")
        if serving.staged is not None:
            release = serving.staged.release
            # The share as eight bytes, rounded up: no coin falls between it and the exact one.
            coin = (release.seed, math.ceil(release.share * COIN_SIDES).to_bytes(8, "big"))
            staged = serving.staged.scorer.bundle_hash
        async with self._engine.connect() as connection:
            self._listed = await store.stale(
                connection, live=serving.live.bundle_hash, staged=staged, coin=coin, limit=LISTED
            )
        self._listed_for, self._stored = serving, 0
        self._rest_until = 0.0 if self._listed else time.monotonic() + LOOK_AGAIN_SECONDS


def _bundles(serving: Serving) -> tuple[object, ...]:
    staged = serving.staged
    return serving.live.bundle_hash, (staged.scorer.bundle_hash, staged.release) if staged else None


def _score(serving: Serving, rows: Sequence[Row[Any]], cases: Mapping[UUID, UUID]) -> tuple[list[str], list[str]]:
    """Scores as JSON texts and the bundles they are of. What a staged bundle cannot score, the live one does."""
    scorers = [serving.for_case(cases[row.id]) if row.id in cases else serving.live for row in rows]
    scores: dict[int, str] = {}
    if serving.staged is not None:
        mine = [place for place, scorer in enumerate(scorers) if scorer is serving.staged.scorer]
        tried = try_each(serving.staged.scorer, *texts_and_languages([rows[place] for place in mine])) if mine else []
        scores = {place: score for place, score in zip(mine, tried, strict=True) if score is not None}
    others = [place for place in range(len(rows)) if place not in scores]
    rest = score_all(serving.live, *texts_and_languages([rows[place] for place in others])) if others else []
    for place, score in zip(others, rest, strict=True):
        scores[place] = json.dumps(as_json(score, serving.live))
        scorers[place] = serving.live
    return [scores[place] for place in range(len(rows))], [scorer.bundle_hash for scorer in scorers]


def _score_with(rows: Sequence[Row[Any]], scorers: Sequence[Scorer]) -> list[str | None]:
    """Scores of rows that each have a scorer of their own; None where it could not. Raises when it never could."""
    scores: list[str | None] = [None] * len(rows)
    for scorer in {id(one): one for one in scorers}.values():
        mine = [place for place, one in enumerate(scorers) if one is scorer]
        found = try_each(scorer, *texts_and_languages([rows[place] for place in mine]))
        if len(mine) > 1 and not any(found):
            raise RuntimeError(f"bundle {scorer.bundle_hash} scores nothing at all")
        for place, score in zip(mine, found, strict=True):
            scores[place] = score
    return scores
