"""Rules of leases: a case is handed to one person, with a token that fences off whoever held it before."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import CaseNotOpenError, LeaseAtLimitError, LeaseStaleError, PrefetchRefusedError
from service.ids import new_id
from service.leases import store
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


@dataclass(frozen=True, slots=True)
class Length:
    """How long a lease lasts: each renewal gives `seconds` from now, until `hours` after it was granted."""

    seconds: int
    hours: int


async def claim_next(connection: AsyncConnection, queue: str, *, holder: UUID, seconds: int) -> Lease | None:
    """Lease the riskiest case of the queue to `holder`; None when nothing waits."""
    token = new_id()
    row = await store.claim_next(connection, queue=queue, token=token, holder=holder, seconds=seconds)
    return Lease(token, row.id, holder, row.lease_expires_at) if row else None


async def claim_case(connection: AsyncConnection, case_id: UUID, *, holder: UUID, seconds: int) -> Lease:
    """Lease one named case to `holder`. Raises CaseNotOpenError when somebody holds it or it is decided."""
    await store.return_lapsed(connection)
    token = new_id()
    row = await store.claim_case(connection, case_id=case_id, token=token, holder=holder, seconds=seconds)
    if row is None:
        raise CaseNotOpenError("this case is not waiting: somebody holds it, or it is decided")
    return Lease(token, row.id, holder, row.lease_expires_at)


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


async def mark_prefetched(connection: AsyncConnection, lease: Lease) -> None:
    """Note, in the transaction of the claim, that the case was fetched ahead: to let it run out is no lapse."""
    await store.mark_prefetched(connection, lease.token)


async def renew(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID, length: Length) -> RenewedOut:
    """Give the holder more time; opens what was fetched ahead. Raises LeaseStaleError, LeaseAtLimitError."""
    row = await store.renew(
        connection, case_id=case_id, token=token, holder=holder, length=(length.seconds, length.hours)
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
