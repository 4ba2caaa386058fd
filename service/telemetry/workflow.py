"""Rules of view telemetry: a new rate and the new place of the case are one transaction, however many come at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.rank import RankConfig
from service.errors.requests import InvalidRequestError, NotFoundError
from service.telemetry import store
from service.telemetry.batch import Batch, GivingWay
from service.telemetry.schemas import UNKNOWN_LISTED, UnknownSubject, ViewsIn, ViewsTaken, ViewsUpdate

# Row locks are held for one chunk only. A claim passes over what is locked, so a chunk must also be small against what
# waits in front of a queue.
CHUNK = 100


@dataclass(slots=True)
class Tally:
    """What became of the updates so far."""

    applied: int = 0
    unchanged: int = 0
    ignored: int = 0
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def taken(self) -> ViewsTaken:
        """The answer."""
        listed = [UnknownSubject(kind=kind, id=external_id) for kind, external_id in self.unknown[:UNKNOWN_LISTED]]
        return ViewsTaken(
            applied=self.applied,
            unchanged=self.unchanged,
            ignored=self.ignored,
            unknown_count=len(self.unknown),
            unknown=listed,
        )


async def take_one(
    connection: AsyncConnection, external_id: str, views: ViewsIn, *, kind: str | None, config: RankConfig
) -> ViewsTaken:
    """Take the rate of one subject. Raises NotFoundError for one that was never reported, or a 422."""
    if kind is not None and views.kind is not None and kind != views.kind:
        raise InvalidRequestError("kind: the address and the body name different ones; name it once")
    named = kind or views.kind or await _only_kind(connection, external_id)
    update = ViewsUpdate(id=external_id, kind=named, views_per_hour=views.views_per_hour, at=views.at)
    tally = Tally()
    await apply(connection, [update], tally, config=config)
    if tally.unknown:
        raise _never_reported(external_id)
    return tally.taken()


async def take_batch(engine: AsyncEngine, batch: Batch, *, config: RankConfig) -> ViewsTaken:
    """Take many rates, in chunks that are a transaction each.

    When the database fails in the middle, the chunks before are stored; sending everything again does no harm. Whatever
    order they come in, two calls at once cannot block each other for good: each chunk takes its locks in order of id.
    """
    tally, way = Tally(ignored=batch.sent - len(batch)), GivingWay()
    for chunk in batch.chunks(CHUNK):
        async with engine.begin() as connection:
            await apply(connection, chunk, tally, config=config)
        await way.rest()
    return tally.taken()


async def apply(
    connection: AsyncConnection, updates: Sequence[ViewsUpdate], tally: Tally, *, config: RankConfig
) -> None:
    """Store the rates of these subjects, each named once, and rank their undecided cases anew."""
    now = datetime.now(UTC)
    rates = store.Rates(
        kinds=[one.kind for one in updates],
        ids=[one.id for one in updates],
        views=[one.views_per_hour for one in updates],
        levels=[math.log2(max(one.views_per_hour, config.least_views_per_hour)) for one in updates],
        # A measurement of the future would keep out all that come until then.
        moments=[min(one.at or now, now) for one in updates],
    )
    found = {(row.kind, row.external_id): row for row in await store.set_rates(connection, rates)}
    await store.rerank(connection, rates)
    tally.ignored += sum(row.late for row in found.values())
    tally.unchanged += sum(row.same and not row.late for row in found.values())
    tally.applied += sum(not row.same and not row.late for row in found.values())
    tally.unknown += [(one.kind, one.id) for one in updates if (one.kind, one.id) not in found]


async def _only_kind(connection: AsyncConnection, external_id: str) -> str:
    kinds = await store.kinds_of(connection, external_id)
    if not kinds:
        raise _never_reported(external_id)
    if len(kinds) > 1:
        raise InvalidRequestError(f"kind: several subjects have this id; name one of {', '.join(kinds)}")
    return kinds[0]


def _never_reported(external_id: str) -> NotFoundError:
    return NotFoundError(f"no report has named the subject {external_id!r} so far; there is nothing to rank")
