"""What the bar above every page shows of whoever is signed in."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.quality.feedback import workflow as feedback
from service.security import Capability, Principal


async def bar(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """Who is signed in, and how much feedback they have not seen: the time to object to it runs."""
    reviews = Capability.CASE_REVIEW in me.capabilities
    return {"me": me, "unseen": await feedback.unseen(connection, person=me.id) if reviews else 0}
