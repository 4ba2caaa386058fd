"""Rules of queues: what waits, and handing out the next case."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.cases.schemas import ClaimOut
from service.cases.workflow import case_view
from service.errors import CaseNotOpenError, NotFoundError
from service.leases import workflow as leases
from service.leases.schemas import LeaseOut
from service.leases.workflow import ClaimRules
from service.queues import store
from service.queues.schemas import DEFAULT_QUEUE, QueueOut, QueuesOut

QUEUES = (DEFAULT_QUEUE,)


async def list_queues(connection: AsyncConnection) -> QueuesOut:
    """Every queue, empty ones too."""
    rows = {row.name: row for row in await store.counts(connection)}
    return QueuesOut(
        queues=[
            QueueOut(name=name, open=rows[name].open, oldest_seconds=rows[name].oldest_seconds)
            if name in rows
            else QueueOut(name=name, open=0, oldest_seconds=None)
            for name in dict.fromkeys((*QUEUES, *sorted(rows)))
        ]
    )


async def upcoming(connection: AsyncConnection, queue: str, *, limit: int = 10) -> Sequence[Row[Any]]:
    """The next cases of a queue in order, without their content."""
    return await store.upcoming(connection, queue, limit=limit)


async def claim(
    connection: AsyncConnection, queue: str, *, holder: UUID, rules: ClaimRules, taxonomy: Taxonomy
) -> ClaimOut | None:
    """Hand the riskiest open case to `holder`; None when nothing waits. Raises NotFoundError for an unknown queue."""
    if queue not in QUEUES:
        raise NotFoundError(f"there is no queue {queue!r}; known: {', '.join(QUEUES)}")
    lease = await leases.claim_next(connection, queue, holder=holder, rules=rules)
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
