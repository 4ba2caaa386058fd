"""Rules of reporters: what came of somebody's reports is remembered, fades, and is taken back with the decision.

    tally = sum over outcomes of 2 ^ -((newest outcome - outcome) / 180 days)      upheld and dismissed, each

Measured from the newest outcome and not from now, the tally is a function of the outcomes alone: an undo leaves exactly
what there was before, and nobody's record changes by mere silence.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.reporters import store

# After so long an outcome counts half: people change, and so do policies.
HALF_LIFE_DAYS = 180
# Beyond so many outcomes a reporter is as well known as they can be; older ones are no longer summed.
OUTCOMES = 1_000


async def judge(connection: AsyncConnection, decisions: Sequence[UUID], *, taxonomy: Taxonomy) -> None:
    """Remember what these decisions make of the reports of their cases, in the caller's transaction.

    A reporter was right when the decision enforced, in the area they named if they named one of the taxonomy; wrong
    when it found no violation. Give all decisions of a transaction at once: their reporters are locked in one order.
    """
    enforcing = [action.id for action in taxonomy.actions if action.enforces]
    await _add_up(connection, await store.judge(connection, decisions, enforcing=enforcing, areas=taxonomy.area_ids))


async def unjudge(connection: AsyncConnection, decisions: Sequence[UUID]) -> bool:
    """Take back what `judge` remembered of these decisions; False when there was nothing.

    Cases before reporters, as when they are judged: the caller has locked the cases, and ranks them anew.
    """
    reporters = await store.forget(connection, decisions)
    await _add_up(connection, reporters)
    return bool(reporters)


async def _add_up(connection: AsyncConnection, reporters: Sequence[str]) -> None:
    if reporters:
        await store.add_up(connection, reporters, half_life=HALF_LIFE_DAYS * 86_400.0, most=OUTCOMES)
