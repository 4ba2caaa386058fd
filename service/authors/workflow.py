"""What is known of the author of a case: their other cases, what was decided on them, and the strikes that count."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.authors import store
from service.authors.schemas import AuthorCase, AuthorDecision, AuthorOut
from service.cases.workflow import require_visible
from service.routing.workflow import OVERSEEING
from service.strikes import workflow as strikes
from service.strikes.rules import StrikeRules

LISTED = 20
COUNTED = 500


async def author_of(connection: AsyncConnection, case_id: UUID, *, viewer: UUID, rules: StrikeRules) -> AuthorOut:
    """The author's other cases and standing. Raises NotFoundError."""
    await require_visible(connection, case_id, viewer=viewer)
    author = await store.author_of(connection, case_id)
    if author is None:
        return AuthorOut(author_id=None, standing=None, count=0, decided=0, counted_up_to=COUNTED, cases=[])
    values = {
        "author": author,
        "case_id": case_id,
        "viewer": viewer,
        "overseeing": list(OVERSEEING),
        "most": COUNTED,
        "listed": LISTED,
    }
    rows = await store.others(connection, values)
    return AuthorOut(
        author_id=author,
        standing=strikes.shown(await strikes.active_of(connection, author, viewer=viewer), rules),
        count=rows[0].others if rows else 0,
        decided=rows[0].decided_others if rows else 0,
        counted_up_to=COUNTED,
        cases=[
            AuthorCase(
                case_id=row.id,
                subject_kind=row.kind,
                status=row.status,
                reason=row.reason,
                opened_at=row.opened_at,
                decided=AuthorDecision(**row.decided) if row.decided else None,
            )
            for row in rows
        ],
    )
