"""Rules of leases: a case is handed to one person, with a token that fences off whoever held it before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import random
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import Question
from service.errors.cases import CaseNotOpenError, LeaseAtLimitError, LeaseStaleError, PrefetchRefusedError
from service.exposure.limits import Limits
from service.exposure.rules import milder as said_with_milder
from service.exposure.schemas import MilderOut
from service.ids import new_id
from service.leases import store
from service.leases.claim import Claim
from service.leases.schemas import RenewedOut


@dataclass(frozen=True, slots=True)
class Lease:
    """A case in somebody's hands until `expires_at`."""

    token: UUID
    case_id: UUID
    holder: UUID
    expires_at: datetime
    # Fetched ahead, and not opened yet.
    prefetched: bool = False
    # Said where graphic cases that wait were left out of this claim.
    milder: MilderOut | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """How long a lease lasts: each renewal gives `seconds` from now, until `hours` after it was granted.

    To open what was fetched ahead begins work anew where a pause of `break_seconds` went before.
    """

    seconds: int
    hours: int
    break_seconds: float


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What a claim is made under; `chance` draws numbers from 0 to below 1 for the random share."""

    seconds: int
    limits: Limits
    random_share: float
    chance: Callable[[], float] = random
    # For the case after the one in hand: given for a short time, and back without a trace if it is not opened.
    prefetch: bool = False


async def claim_next(
    connection: AsyncConnection, queue: str, *, holder: UUID, rules: ClaimRules, then: Callable[[UUID], Question]
) -> tuple[Lease, Any] | None:
    """Lease the case of the queue that comes next for `holder`; None when nothing waits that they may have.

    With the chance of the random share that is one drawn among all of these, whatever their rank. `then` is asked about
    the token of the new lease in the same round trip; the first row of its answer is given back with the lease.
    Raises PrefetchRefusedError.
    """
    if rules.prefetch:
        await require_prefetch(connection, holder)
    claim = _claim(queue, holder, rules)
    asked = then(claim.token)
    row, seen = None, None
    if rules.chance() < rules.random_share:
        row, seen = await store.claim_drawn(connection, claim, asked, spot=rules.chance(), turn=rules.chance())
    if row is None:
        row, seen = await store.claim_next(connection, claim, asked)
    if row is None:
        return None
    if rules.prefetch:
        await store.mark_prefetched(connection, claim.token)
    milder = said_with_milder(row.milder, rules.limits) if row.milder else None
    return Lease(claim.token, row.id, holder, row.lease_expires_at, rules.prefetch, milder), seen


async def claim_case(connection: AsyncConnection, case_id: UUID, *, holder: UUID, rules: ClaimRules) -> Lease:
    """Lease one named case to `holder`, who may have kept it back or been handed it. Raises CaseNotOpenError."""
    await store.return_lapsed(connection)
    claim = _claim("", holder, rules)
    row = await store.claim_case(connection, case_id, claim)
    if row is None:
        raise CaseNotOpenError(
            "this case is not waiting for you: somebody has it or keeps it back, it is decided, you passed it over, or it"
            " shows pictures that you did not agree to see or are kept from you for now; see GET /v1/me/exposure"
        )
    return Lease(claim.token, row.id, holder, row.lease_expires_at)


def _claim(queue: str, holder: UUID, rules: ClaimRules) -> Claim:
    return Claim(
        queue=queue,
        token=new_id(),
        holder=holder,
        seconds=rules.seconds,
        limits=rules.limits,
        random_share=rules.random_share,
    )


async def require_live(connection: AsyncConnection, *, token: UUID, holder: UUID) -> Lease:
    """The live lease of that token. Raises LeaseStaleError."""
    row = await store.live(connection, token=token, holder=holder)
    if row is None:
        raise stale()
    return Lease(row.token, row.case_id, row.holder, row.expires_at)


async def held_by(connection: AsyncConnection, holder: UUID) -> list[Lease]:
    """Every live lease of one person, the one that ends first in front."""
    rows = await store.held_by(connection, holder)
    return [Lease(row.token, row.case_id, row.holder, row.expires_at, row.prefetched) for row in rows]


async def server_now(connection: AsyncConnection) -> datetime:
    """The time by the clock that leases end by, for countdowns that do not trust the caller's."""
    return await store.server_now(connection)


async def one_at_a_time(connection: AsyncConnection, person: UUID) -> None:
    """Make other calls that count what this person has wait until the transaction ends."""
    await store.one_at_a_time(connection, person)


async def require_prefetch(connection: AsyncConnection, holder: UUID) -> None:
    """Whether the next case may be fetched ahead for `holder`; holds off their other calls that ask the same.

    Raises PrefetchRefusedError: who holds nothing claims, and who holds several has enough to go on with.
    """
    await one_at_a_time(connection, holder)
    counts = await store.live_counts(connection, holder)
    if counts.prefetched:
        raise PrefetchRefusedError("a case was fetched ahead for you already: open it by renewing its lease")
    if counts.live != 1:
        raise PrefetchRefusedError(
            f"the next case is fetched ahead while you hold exactly one; you hold {counts.live}. "
            "Claim without prefetch to begin with a case"
        )


async def renew(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID, length: Length) -> RenewedOut:
    """Give the holder more time; opens what was fetched ahead. Raises LeaseStaleError, LeaseAtLimitError."""
    row = await store.renew(
        connection,
        case_id=case_id,
        token=token,
        holder=holder,
        length=(length.seconds, length.hours, length.break_seconds),
    )
    if row is not None:
        return RenewedOut(**row._mapping)
    lease = await require_live(connection, token=token, holder=holder)
    if lease.case_id != case_id:
        raise stale()
    raise LeaseAtLimitError(
        f"a case can be kept for {length.hours} hours by renewing, and this one is yours until "
        f"{lease.expires_at.isoformat()}: decide it, hold it with a reason, hand it over, or give it back"
    )


async def release(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID) -> None:
    """Give the case back to its queue. Raises LeaseStaleError."""
    if not await store.release(connection, case_id=case_id, token=token, holder=holder):
        raise stale()


def stale() -> LeaseStaleError:
    """The one wording of a lease that is no longer live."""
    return LeaseStaleError(
        "this lease is no longer live: it lapsed, was given back, or the case is decided; claim the case again"
    )


async def return_lapsed(connection: AsyncConnection) -> int:
    """Give every lapsed case back to its queue; returns how many."""
    return await store.return_lapsed(connection)


async def lapsed_cases(connection: AsyncConnection) -> int:
    """How many undecided cases came back because a lease ran out: a rising number is an alert."""
    return await store.lapsed_cases(connection)
