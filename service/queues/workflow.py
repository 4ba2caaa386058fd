"""Rules of queues: what waits, and handing out the next case."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.cases.schemas import ClaimOut
from service.cases.workflow import case_view
from service.errors import CaseNotOpenError
from service.leases import workflow as leases
from service.leases.schemas import LeaseOut
from service.leases.workflow import ClaimRules
from service.queues import store
from service.queues.schemas import QueueOut, QueuesOut
from service.routing.workflow import queue_for, visible_queues
from service.security import Capability, Principal


async def list_queues(connection: AsyncConnection, caller: Principal) -> QueuesOut:
    """The queues that the caller may see, empty ones too."""
    counts = await waiting(connection)
    return QueuesOut(
        queues=[
            QueueOut(
                name=one.name,
                title=one.title,
                description=one.description,
                skills=list(one.skills),
                special=one.special,
                claimable=one.claimable and Capability.CASE_REVIEW in caller.capabilities,
                open=counts[one.name].open if one.name in counts else 0,
                oldest_seconds=counts[one.name].oldest_seconds if one.name in counts else None,
            )
            for one in await visible_queues(connection, caller)
        ]
    )


async def waiting(connection: AsyncConnection) -> dict[str, Row[Any]]:
    """(name, open, oldest_seconds) by queue, of every queue that holds undecided cases and of the default one."""
    return {row.name: row for row in await store.counts(connection)}


async def upcoming(connection: AsyncConnection, queue: str, *, limit: int = 10) -> Sequence[Row[Any]]:
    """The next cases of a queue in order, without their content."""
    return await store.upcoming(connection, queue, limit=limit)


async def claim(
    connection: AsyncConnection, queue: str, *, holder: Principal, rules: ClaimRules, taxonomy: Taxonomy
) -> ClaimOut | None:
    """Hand the next case to `holder`; None when nothing waits for them. Raises NotFoundError for a queue not theirs."""
    await queue_for(connection, queue, holder)
    lease = await leases.claim_next(connection, queue, holder=holder.id, rules=rules)
    return await _handed_over(connection, lease, taxonomy) if lease else None


async def claim_case(
    connection: AsyncConnection, case_id: UUID, *, holder: UUID, rules: ClaimRules, taxonomy: Taxonomy
) -> ClaimOut:
    """Hand one named case to `holder`: after a lapse or an undo. Raises NotFoundError, CaseNotOpenError."""
    try:
        lease = await leases.claim_case(connection, case_id, holder=holder, rules=rules)
    except CaseNotOpenError:
        # Only a refusal has to tell a case that is not open from one that is not there.
        await case_view(connection, case_id, viewer=holder, taxonomy=taxonomy)
        raise
    return await _handed_over(connection, lease, taxonomy)


async def _handed_over(connection: AsyncConnection, lease: leases.Lease, taxonomy: Taxonomy) -> ClaimOut:
    view = await case_view(connection, lease.case_id, viewer=lease.holder, taxonomy=taxonomy)
    return ClaimOut(case=view, lease=LeaseOut(token=lease.token, expires_at=lease.expires_at))
