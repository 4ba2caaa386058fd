"""Rules of ranking: versions of the configuration, moving open cases to the one at work, and telling why."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import Rank, RankConfig, reproduce, with_live_views
from models.rank_file import read_ranking
from service.ranking import store
from service.ranking.choosing.workflow import at_work, choices
from service.ranking.schemas import ClaimedOut, RankConfigOut, RankingOut, WhyOut
from service.ranking.words import explain, place_in_words
from service.settings import Settings, SettingsError

# Who is further behind need not know the number.
MOST_AHEAD = 10_000
CLAIMS_SHOWN = 20
# Cases ranked anew in one transaction, while no text waits for its score, and cases listed in one look: it reads them all.
RERANK_BATCH = 500
LISTED = 100_000
# The pause after a look that found none: an older version comes only from a process that is still to be replaced.
LOOK_AGAIN_SECONDS = 600.0
# After a crisis has begun or ended: transactions that were under way rank by what they saw.
SETTLING_SECONDS = 60.0
LOOK_AGAIN_SETTLING = 5.0
_NOT_CONSTANTS = frozenset({"version", "owner", "reason", "decided_on", "policy"})

Rerank = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]]


def configured(settings: Settings) -> RankConfig:
    """The configuration that the settings name. Raises RankFileError."""
    return read_ranking(settings.ranking)


def ranked_under(config_version: str, taxonomy_version: str, overlay: str = "") -> str:
    """Both versions, and the key of the crises at work, as one word: it tells whether a stored rank is of today's."""
    return f"{config_version}/{taxonomy_version}/{overlay}" if overlay else f"{config_version}/{taxonomy_version}"


def live_rank(parts: Mapping[str, Any], views_per_hour: float) -> Rank:
    """The rank of stored parts with the views of this moment: what the case is sorted by."""
    return Rank(**reproduce(with_live_views(parts, views_per_hour)))


async def register(connection: AsyncConnection, config: RankConfig) -> None:
    """Keep the configuration under its version. Raises SettingsError when that version stands for something else."""
    values = asdict(config)
    constants = json.dumps({name: value for name, value in values.items() if name not in _NOT_CONSTANTS})
    given = {name: values[name] for name in _NOT_CONSTANTS}
    await store.add_config(connection, **given, constants=constants)
    kept = await store.config(connection, config.version)
    found = {**{name: getattr(kept, name) for name in _NOT_CONSTANTS}, "constants": kept.constants if kept else None}
    if differing := sorted(
        name for name, value in {**given, "constants": json.loads(constants)}.items() if value != found[name]
    ):
        raise SettingsError(
            f"TRIAGE_RANKING: version {config.version} of the ranking has already put cases in order, with another "
            f"{', '.join(differing)}; give the changed configuration a version of its own"
        )


async def is_kept(connection: AsyncConnection, version: str) -> bool:
    """Whether that version stands for a configuration already."""
    return await store.config(connection, version) is not None


async def ranking(connection: AsyncConnection, config: RankConfig) -> RankingOut:
    """The configuration at work and those before it."""
    rows = await store.configs(connection)
    return RankingOut(
        current=(await at_work(connection, config)).version,
        configurations=[RankConfigOut(**row._mapping) for row in rows],
        choices=await choices(connection),
    )


async def why(connection: AsyncConnection, case: Row[Any], taxonomy: Taxonomy, *, now: datetime) -> WhyOut:
    """Value, parts and words of a case's rank, its place in the queue, and how it ranked whenever it was handed out."""
    ahead = await store.ahead(connection, case.id, most=MOST_AHEAD) if case.status == "open" else None
    found = await store.config(connection, case.rank["config_version"])
    claims = await store.claims(connection, case.id, most=CLAIMS_SHOWN)
    ranked = live_rank(case.rank, case.live_views)
    return WhyOut(
        case_id=case.id,
        status=case.status,
        queue=case.queue,
        value=ranked.value,
        parts=ranked.parts,
        words=[*explain(ranked.parts, taxonomy, now=now), *place_in_words(ahead, most=MOST_AHEAD)],
        ahead=ahead,
        configuration=RankConfigOut(**found._mapping) if found else None,
        claims=[ClaimedOut(**{**one._mapping, **reproduce(one.parts)}) for one in claims],
    )


class Reranking:
    """Ranks undecided cases anew whose rank is of another configuration, taxonomy or crisis, those in front first."""

    def __init__(self, engine: AsyncEngine, rerank: Rerank, *, taxonomy: Taxonomy, config: RankConfig) -> None:
        self._engine = engine
        self._rerank = rerank
        self._versions = (config.version, taxonomy.version)
        self._under = ranked_under(*self._versions)
        self._listed: list[UUID] = []
        self._look_at = 0.0
        self._settled_at = 0.0

    async def step(self) -> int:
        """Rank one batch anew; returns how many cases it looked at, 0 when every case has the rank it should."""
        async with self._engine.begin() as connection:
            self._follow(await store.overlay_key(connection))
            if not self._listed and time.monotonic() >= self._look_at:
                self._listed = await store.stale(connection, under=self._under, limit=LISTED)
                self._look_at = 0.0 if self._listed else time.monotonic() + self._pause()
            batch = self._listed[:RERANK_BATCH]
            if batch:
                await self._rerank(connection, await store.lock(connection, batch))
        self._listed = self._listed[len(batch) :]
        return len(batch)

    def _follow(self, key: str) -> None:
        """A crisis that began or ended, by the clock of the database, is another order."""
        under = ranked_under(*self._versions, key)
        if under != self._under:
            self._under, self._listed, self._look_at = under, [], 0.0
            self._settled_at = time.monotonic() + SETTLING_SECONDS

    def _pause(self) -> float:
        return LOOK_AGAIN_SETTLING if time.monotonic() < self._settled_at else LOOK_AGAIN_SECONDS
