"""Rules of notices: what happens to a crisis is told to everybody who leads, on their pages and by webhook."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.crisis.notices import store
from service.crisis.notices.schemas import ConfirmedOut, NoticeOut, NoticesOut, ToldOut
from service.errors.requests import NotFoundError
from service.outbox import workflow as outbox
from service.security import ROLES, Capability

CRISIS_TOLD = "crisis.told"
# Those who are told: whoever could approve or end it.
LEADING = tuple(role for role, may in ROLES.items() if Capability.QUEUES_MANAGE in may)
# How long after the end of a crisis somebody is still told, and how much is looked at.
DAYS = 14
MOST = 200


async def tell(connection: AsyncConnection, jobs: App, crisis: UUID, kind: str) -> None:
    """Send what just happened to webhooks, in the caller's transaction; without what people wrote: its name as well."""
    row = await store.state(connection, crisis)
    data = {
        "crisis": str(crisis),
        "kind": row.kind,
        "moment": kind.removeprefix("crisis."),
        "ends_at": row.ends_at.isoformat(),
        "approved": row.approved,
    }
    await outbox.publish(connection, jobs, outbox.Message(CRISIS_TOLD, data))


async def notices(connection: AsyncConnection, person: UUID) -> NoticesOut:
    """What somebody who leads has still to confirm, one notice for each crisis."""
    # The moments come in the order in which they happened.
    by_crisis: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await store.unseen(connection, person, days=DAYS, most=MOST):
        by_crisis[row.crisis].append(row)
    return NoticesOut(
        notices=[
            NoticeOut(
                crisis=crisis,
                kind=told[0].crisis_kind,
                name=told[0].name,
                moment=told[-1].moment,
                told=[ToldOut.model_validate(row, from_attributes=True) for row in told],
            )
            for crisis, told in by_crisis.items()
        ]
    )


async def confirm(connection: AsyncConnection, crisis: UUID, moment: int, *, person: UUID) -> None:
    """Confirm that one has seen what was told up to a moment; once more changes nothing. Raises NotFoundError."""
    if not await store.was_told(connection, crisis, moment):
        raise NotFoundError(
            f"nothing was told of a crisis {crisis} up to moment {moment}; GET /v1/crisis-notices lists it"
        )
    if seen := await store.see(connection, crisis, moment, person=person):
        data = {"crisis": str(crisis), "moment": moment, "count": seen}
        await events.record(connection, "crisis.seen", actor=person, data=data)


async def confirmed(connection: AsyncConnection, crisis: UUID) -> ConfirmedOut | None:
    """Who has confirmed what was told last of a crisis; None where nothing was told."""
    row = await store.confirmed(connection, crisis, LEADING, most=MOST)
    return None if row is None else ConfirmedOut.model_validate(row, from_attributes=True)
