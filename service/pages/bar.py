"""What the bar above every page shows of whoever is signed in."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.news.workflow import with_news
from service.quality.feedback import workflow as feedback
from service.security import Capability, Principal


async def bar(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """Who is signed in, how much feedback they have not seen, since the time to object to it runs, and of how many
    escalations that they follow there is news.
    """
    reviews, works = Capability.CASE_REVIEW in me.capabilities, Capability.ESCALATION_WORK in me.capabilities
    return {
        "me": me,
        "unseen": await feedback.unseen(connection, person=me.id) if reviews else 0,
        "escalation_news": await with_news(connection, viewer=me.id) if works else 0,
    }
