"""A claim by the rules alone, without the case that it hands out."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.leases import workflow

NOTHING = text("SELECT 1")


async def claim_next(
    connection: AsyncConnection, holder: UUID, rules: workflow.ClaimRules, queue: str = "default"
) -> workflow.Lease | None:
    """The next lease of the queue; nothing is asked about it."""
    found = await workflow.claim_next(connection, queue, holder=holder, rules=rules, then=lambda _token: (NOTHING, {}))
    return found[0] if found else None
