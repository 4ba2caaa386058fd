"""The shadow: a bundle that scores what the live one has scored and changes nothing, and what it would have changed."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import structlog
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Scorer
from models.rank import RankConfig
from service.cases.workflow import ranks_under
from service.errors.requests import NotFoundError
from service.scoring.live_model import LiveModel, texts_and_languages, try_each
from service.scoring.workflow import release_states
from service.settings import Settings
from service.shadow import store
from service.shadow.difference import moves, rank_correlation
from service.shadow.schemas import AreaDifference, MovedCase, ShadowOut

# Texts queued at once, and the pauses between two looks: at what was scored, and at open cases that were missed.
QUEUED = 1_000
NEW_SECONDS = 2.0
OPEN_SECONDS = 60.0
FORGOTTEN_AT_ONCE = 5_000

log = structlog.get_logger()


class ShadowLoop:
    """Scores in the shadow, one small batch at a time, for whoever has nothing better to do."""

    def __init__(
        self, engine: AsyncEngine, model: LiveModel, *, taxonomy: Taxonomy, config: RankConfig, settings: Settings
    ) -> None:
        self._engine = engine
        self._model = model
        self._taxonomy = taxonomy
        self._config = config
        self._settings = settings
        self._bundle = ""
        self._after = datetime.min.replace(tzinfo=UTC)
        self._look_at: dict[str, float] = {}

    async def step(self) -> int:
        """Score one batch; returns how many texts were in it, 0 when none waits or nobody is in the shadow."""
        scorer = self._model.serving.shadow
        if scorer is None:
            return 0
        async with self._engine.begin() as connection:
            rows = await self._take(connection, scorer.bundle_hash)
            if not rows and await self._queue(connection, scorer.bundle_hash):
                rows = await self._take(connection, scorer.bundle_hash)
        if not rows:
            return 0
        scores = await to_thread.run_sync(try_each, scorer, *texts_and_languages(rows))
        if len(rows) > 1 and not any(scores):
            raise RuntimeError(f"shadow bundle {scorer.bundle_hash} scores nothing at all")
        async with self._engine.begin() as connection:
            await self._save(connection, scorer, rows, scores)
        return len(rows)

    async def _take(self, connection: AsyncConnection, bundle: str) -> Sequence[Row[Any]]:
        limit, seconds = self._settings.shadow_batch, self._settings.score_timeout_seconds
        return await store.take(connection, bundle, limit=limit, seconds=seconds)

    async def _queue(self, connection: AsyncConnection, bundle: str) -> int:
        """Queue what was scored since the last look and, less often, open cases that came otherwise."""
        now = time.monotonic()
        if bundle != self._bundle:
            # What was scored before the shadow came is queued as far as its case is open.
            self._bundle, self._after, self._look_at = bundle, datetime.now(UTC), {}
        found = 0
        if now >= self._look_at.get("new", 0.0):
            found, until = await store.add_new(connection, bundle, after=self._after, limit=QUEUED)
            self._after = max(self._after, until or self._after)
            self._look_at["new"] = now if found else now + NEW_SECONDS
        if not found and now >= self._look_at.get("open", 0.0):
            found = await store.add_open(connection, bundle, limit=QUEUED)
            self._look_at["open"] = now if found else now + OPEN_SECONDS
        return found

    async def _save(
        self, connection: AsyncConnection, scorer: Scorer, rows: Sequence[Row[Any]], scores: Sequence[str | None]
    ) -> None:
        given = {row.id: json.loads(score) for row, score in zip(rows, scores, strict=True) if score is not None}
        ranks = await ranks_under(connection, given, taxonomy=self._taxonomy, config=self._config)
        saved = []
        for row, score in zip(rows, scores, strict=True):
            rank = ranks.get(row.id)
            saved.append(
                {
                    "id": row.id,
                    "score": score,
                    "rank_value": rank.value if rank else None,
                    "case_id": rank.case_id if rank else None,
                    "reports": rank.reports if rank else None,
                }
            )
        rules = rules_name(self._taxonomy, self._config)
        await store.save(connection, scorer.bundle_hash, rows=saved, rules=rules)


def rules_name(taxonomy: Taxonomy, config: RankConfig) -> str:
    """What a rank value was worked out under."""
    return f"{config.policy} {config.version} {taxonomy.version}"


async def difference(connection: AsyncConnection, *, top: int, taxonomy: Taxonomy, config: RankConfig) -> ShadowOut:
    """What the shadow would change in the order of the open cases. Raises NotFoundError where there is none."""
    parts = {state.part: state.bundle for state in await release_states(connection)}
    bundle = parts.get("shadow")
    if bundle is None:
        raise NotFoundError(
            "no bundle scores in the shadow; name one in the registry: `python -m training promote --shadow`"
        )
    rows = await store.compared(connection, bundle, rules=rules_name(taxonomy, config))
    changed = {row.evidence_id: row.changed for row in rows if row.changed is not None}
    ranks = await ranks_under(connection, changed, taxonomy=taxonomy, config=config) if changed else {}
    live = np.array([row.live for row in rows], np.float64)
    shadow = np.array(
        [ranks[row.evidence_id].value if row.evidence_id in ranks else row.shadow for row in rows], np.float64
    )
    moved = moves(live, shadow, top=top)

    def named(index: int) -> MovedCase:
        row = rows[index]
        return MovedCase(
            case_id=row.id,
            live_position=int(moved.live[index]),
            shadow_position=int(moved.shadow[index]),
            live_area=row.live_area,
            shadow_area=row.shadow_area,
        )

    counts = await store.counts(connection, bundle)
    return ShadowOut(
        bundle=bundle,
        live=parts.get("live"),
        top=top,
        **counts._mapping,
        compared=len(rows),
        enter=[named(index) for index in moved.enter],
        leave=[named(index) for index in moved.leave],
        rank_correlation=rank_correlation(live, shadow),
        primary_agreement=sum(row.live_area == row.shadow_area for row in rows) / len(rows) if rows else None,
        areas=await _areas(connection, bundle, rows, taxonomy),
    )


async def forget_old(connection: AsyncConnection, *, days: int) -> None:
    """Delete scores of the shadow that are older, some at a time."""
    await store.forget(connection, days=days, limit=FORGOTTEN_AT_ONCE)


async def _areas(
    connection: AsyncConnection, bundle: str, rows: Sequence[Row[Any]], taxonomy: Taxonomy
) -> list[AreaDifference]:
    means = {row.area: row for row in await store.areas(connection, bundle)}
    live, shadow = Counter(row.live_area for row in rows), Counter(row.shadow_area for row in rows)
    return [
        AreaDifference(
            area=area,
            live_mean=means[area].live if area in means else None,
            shadow_mean=means[area].shadow if area in means else None,
            mean_absolute_difference=means[area].difference if area in means else None,
            live_primary=live[area],
            shadow_primary=shadow[area],
        )
        for area in taxonomy.label_ids
    ]
