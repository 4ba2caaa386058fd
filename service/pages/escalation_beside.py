"""What other pages show of escalations: those that name a case, what is due of somebody's own, what nobody has."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.around.workflow import naming
from service.escalations.listing.workflow import unowned
from service.escalations.news.workflow import news_of
from service.handling.schemas import ListQuery
from service.handling.workflow import SOON_HOURS, due_soon, listed
from service.pages import escalation_words
from service.security import Capability, Principal

MINE_SHOWN = 20


async def beside_case(connection: AsyncConnection, case_id: UUID, me: Principal) -> dict[str, Any]:
    """Escalations that name a case, for those who work on them; and whether this person may raise one."""
    works = Capability.ESCALATION_WORK in me.capabilities
    return {
        "escalations": await naming(connection, case_id, viewer=me.id) if works else [],
        "may_escalate": Capability.ESCALATION_OPEN in me.capabilities,
        "escalation_words": escalation_words,
    }


async def in_hand(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """What somebody works on, and what of it is due within half a shift; nothing for those who do not."""
    if Capability.ESCALATION_WORK not in me.capabilities:
        return {"my_escalations": None}
    mine = await listed(connection, ListQuery(who="mine", limit=MINE_SHOWN), viewer=me.id)
    return {
        "my_escalations": mine,
        "escalations_due": await due_soon(connection, person=me.id),
        "followed": await news_of(connection, viewer=me.id, limit=MINE_SHOWN),
        "escalation_hours": SOON_HOURS,
        "escalation_words": escalation_words,
    }


async def unowned_now(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """How many escalations, of those that this person may see, nobody has had for too long."""
    works = Capability.ESCALATION_WORK in me.capabilities
    return {"unowned_escalations": await unowned(connection, viewer=me.id), "may_take_escalations": works}
