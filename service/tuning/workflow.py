"""Rules of tuning: try rules of the order on what waits, put them to work, and take an earlier version back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import GUARD, RankConfig
from models.rank_file import config_of
from service.cases.workflow import RankedUnder, ranked_by
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.errors.rules import RankingChangedError
from service.ranking.choosing.workflow import at_work, choose, lock_choices, of_kept
from service.ranking.workflow import is_kept, register
from service.routing.workflow import visible_queues
from service.security import Principal
from service.tuning import store
from service.tuning.comparing import Compared, Place, Standing, compare, median_wait
from service.tuning.schemas import (
    ActivatedOut,
    AreaCountOut,
    ConstantsIn,
    MovedCaseOut,
    OrderOut,
    RankingActivationIn,
    RankingPreviewIn,
    RankingPreviewOut,
    ReviveIn,
)

# Each case costs a third of a millisecond: what is compared in a second or so, whatever waits.
FRONT, OTHER = 1500, 500
MOVED_SHOWN = 50
POLICY = f"harm-rate{GUARD}"
# Where these cases would stand under another order.
Ranker = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[Sequence[RankedUnder]]]


async def preview(
    connection: AsyncConnection, wanted: RankingPreviewIn, *, viewer: Principal, taxonomy: Taxonomy
) -> RankingPreviewOut:
    """What the rules would change among the first of a queue. Raises NotFoundError."""
    if wanted.queue not in {queue.name for queue in await visible_queues(connection, viewer)}:
        raise NotFoundError(f"there is no queue {wanted.queue!r}")
    config = _config(wanted.constants, version="preview", owner="preview", reason="preview")
    ranker = partial(ranked_by, taxonomy=taxonomy, config=config)
    return await front(connection, wanted.queue, ranker, top=wanted.top)


async def front(connection: AsyncConnection, queue: str, ranker: Ranker, *, top: int) -> RankingPreviewOut:
    """What another order would change among the first of a queue that the caller may see."""
    rows = {row.id: row for row in await store.chosen(connection, queue, front=FRONT, other=OTHER)}
    ranked = await ranker(connection, list(rows))
    at = datetime.now(UTC)
    found = await to_thread.run_sync(_compare, rows, ranked, top, at)
    waiting = await store.count(connection, queue)
    return RankingPreviewOut(
        queue=queue,
        top=top,
        open=waiting,
        compared=len(ranked),
        complete=len(ranked) >= waiting,
        now=_order(found.now),
        then=_order(found.then),
        enter=[_moved(one, found) for one in found.enter[:MOVED_SHOWN]],
        leave=[_moved(one, found) for one in found.leave[:MOVED_SHOWN]],
        areas=[AreaCountOut(area=area, now=now, then=then) for area, now, then in found.areas],
    )


async def activate(
    connection: AsyncConnection, wanted: RankingActivationIn, *, actor: UUID, configured: RankConfig
) -> ActivatedOut:
    """Put new rules to work. Raises RankingChangedError, NameTakenError, InvalidRequestError."""
    replaced = await _on_top_of(connection, wanted.replaces, configured)
    if await is_kept(connection, wanted.version):
        raise NameTakenError(f"version {wanted.version!r} of the ranking is another one; take a name never used")
    config = _config(wanted.constants, version=wanted.version, owner=wanted.owner, reason=wanted.reason)
    await register(connection, config)
    await choose(connection, config.version, actor=actor, reason=config.reason)
    return ActivatedOut(version=config.version, replaced=replaced, at=datetime.now(UTC))


async def revive(
    connection: AsyncConnection, version: str, wanted: ReviveIn, *, actor: UUID, configured: RankConfig
) -> ActivatedOut:
    """Put a version of before to work again. Raises NotFoundError, RankingChangedError, InvalidRequestError."""
    replaced = await _on_top_of(connection, wanted.replaces, configured)
    if not await is_kept(connection, version):
        raise NotFoundError(f"there is no version {version!r} of the ranking")
    if version == replaced:
        raise InvalidRequestError(f"version: {version!r} is at work already")
    try:
        await of_kept(connection, version)
    except ValueError as error:
        raise InvalidRequestError(f"version: {version!r} is of another release and cannot be used: {error}") from error
    await choose(connection, version, actor=actor, reason=wanted.reason)
    return ActivatedOut(version=version, replaced=replaced, at=datetime.now(UTC))


async def _on_top_of(connection: AsyncConnection, replaces: str, configured: RankConfig) -> str:
    await lock_choices(connection)
    current = (await at_work(connection, configured)).version
    if replaces != current:
        raise RankingChangedError(f"version {current!r} is at work by now, not {replaces!r}; look at it first")
    return current


def _config(constants: ConstantsIn, **given: str) -> RankConfig:
    today = datetime.now(UTC).date()
    try:
        return config_of({**constants.model_dump(), **given, "decided_on": today, "policy": POLICY})
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"constants: {error}") from error


def _compare(rows: Mapping[UUID, Row[Any]], ranked: Sequence[RankedUnder], top: int, at: datetime) -> Compared:
    return compare([_standing(rows[one.case_id], one) for one in ranked], top=top, at=at)


def _standing(row: Row[Any], then: RankedUnder) -> Standing:
    severity = row.severity or []
    has_deadline = row.deadline is not None
    return Standing(
        case_id=row.id,
        now=Place(row.rank_value, row.start_by, has_deadline),
        then=Place(then.value, then.start_by, has_deadline),
        wait_seconds=row.wait_seconds,
        area=row.area or "",
        severity=sum(level * share for level, share in enumerate(severity)),
        harm_per_hour=row.harm_per_hour,
        minutes=row.minutes,
        scored=row.scored,
    )


def _order(cases: Sequence[Standing]) -> OrderOut:
    return OrderOut(
        median_wait_seconds=median_wait(cases),
        longest_wait_seconds=max((one.wait_seconds for one in cases), default=None),
        harm_per_hour=sum(one.harm_per_hour for one in cases),
        mean_severity=sum(one.severity for one in cases) / len(cases) if cases else None,
        minutes=sum(one.minutes for one in cases),
        with_deadline=sum(one.now.has_deadline for one in cases),
        unscored=sum(not one.scored for one in cases),
    )


def _moved(one: Standing, found: Compared) -> MovedCaseOut:
    return MovedCaseOut(
        case_id=one.case_id,
        area=one.area,
        position_now=found.position_now[one.case_id],
        position_then=found.position_then[one.case_id],
        wait_seconds=one.wait_seconds,
        severity=one.severity,
    )
