"""Rules of leases: a case is handed to one person, with a token that fences off whoever held it before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import random
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import CaseNotOpenError, LeaseStaleError
from service.ids import new_id
from service.leases import store
from service.leases.schemas import LeaseOut


@dataclass(frozen=True, slots=True)
class Lease:
    """A case in somebody's hands until `expires_at`."""

    token: UUID
    case_id: UUID
    holder: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What a claim is made under; `chance` draws numbers from 0 to below 1 for the random share."""

    seconds: int
    exposure_seconds: float
    random_share: float
    chance: Callable[[], float] = random


async def claim_next(connection: AsyncConnection, queue: str, *, holder: UUID, rules: ClaimRules) -> Lease | None:
    """Lease the case of the queue that comes next for `holder`; None when nothing waits that they may have.

    With the chance of the random share that is one drawn among all of these, whatever their rank.
    """
    claim = _claim(queue, holder, rules)
    row = None
    if rules.chance() < rules.random_share:
        row = await store.claim_drawn(connection, claim, spot=rules.chance(), turn=rules.chance())
    row = row or await store.claim_next(connection, claim)
    return Lease(claim.token, row.id, holder, row.lease_expires_at) if row else None


async def claim_case(connection: AsyncConnection, case_id: UUID, *, holder: UUID, rules: ClaimRules) -> Lease:
    """Lease one named case to `holder`. Raises CaseNotOpenError when somebody holds it or it is decided."""
    await store.return_lapsed(connection)
    claim = _claim("", holder, rules)
    row = await store.claim_case(connection, case_id, claim)
    if row is None:
        raise CaseNotOpenError(
            "this case is not waiting for you: somebody holds it, it is decided, or you asked for a second opinion on it"
        )
    return Lease(claim.token, row.id, holder, row.lease_expires_at)


def _claim(queue: str, holder: UUID, rules: ClaimRules) -> store.Claim:
    return store.Claim(
        queue=queue,
        token=new_id(),
        holder=holder,
        seconds=rules.seconds,
        exposure_seconds=rules.exposure_seconds,
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
    return [Lease(row.token, row.case_id, row.holder, row.expires_at) for row in rows]


async def renew(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID, seconds: int) -> LeaseOut:
    """Give the holder `seconds` from now. Raises LeaseStaleError."""
    expires_at = await store.renew(connection, case_id=case_id, token=token, holder=holder, seconds=seconds)
    if expires_at is None:
        raise stale()
    return LeaseOut(token=token, expires_at=expires_at)


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
