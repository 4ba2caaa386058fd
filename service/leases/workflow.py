"""Rules of leases: a case is handed to one person, with a token that fences off whoever held it before."""

from dataclasses import dataclass
from datetime import datetime
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
