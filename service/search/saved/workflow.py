"""Rules of kept questions: one's own, those that a team shares, and how much is new in them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.access import ForbiddenError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.errors.search import UnreadableQuestionError
from service.ids import new_id
from service.search.saved import store
from service.search.saved.schemas import ViewChangeIn, ViewIn, ViewOut, ViewsOut
from service.search.workflow import SearchRules, ask, count_since
from service.security import Capability, Principal

MOST_VIEWS = 50
LISTED = 200
# Each pinned one is asked whenever the page of search or of one's work is opened.
PINNED_SHOWN = 8


async def views(connection: AsyncConnection, me: Principal) -> ViewsOut:
    """One's own questions and those that are shared, without how much is new in them."""
    return ViewsOut(views=[_view(row) for row in await store.views(connection, me.id, limit=LISTED)])


async def pinned_views(connection: AsyncConnection, me: Principal, rules: SearchRules) -> list[ViewOut]:
    """What is pinned for this person, with how much is new since they last looked."""
    return [
        await _counted(connection, row, me, rules) for row in await store.pinned(connection, me.id, limit=PINNED_SHOWN)
    ]


async def add(connection: AsyncConnection, body: ViewIn, *, me: Principal, rules: SearchRules) -> ViewOut:
    """Keep a question. Raises ForbiddenError, InvalidRequestError, NameTakenError, UnreadableQuestionError."""
    _check_share(body, me)
    await ask(connection, body.query, me=me, rules=rules)
    if await store.lock(connection, me.id) >= MOST_VIEWS:
        raise InvalidRequestError(f"you keep {MOST_VIEWS} views already, which is the most; remove one first")
    view_id = new_id()
    if not await store.add(connection, {**body.model_dump(), "id": view_id, "person": me.id}):
        raise _taken(body.name)
    data = {"view": str(view_id), "shared": body.shared}
    await events.record(connection, "view.added", actor=me.id, data=data)
    return await _one(connection, view_id, me)


async def change(
    connection: AsyncConnection, view_id: UUID, body: ViewChangeIn, *, me: Principal, rules: SearchRules
) -> ViewOut:
    """Change one's own. Raises NotFoundError and what `add` does."""
    _check_share(body, me)
    await _own(connection, view_id, me)
    if body.query is not None:
        await ask(connection, body.query, me=me, rules=rules)
    if not await store.change(connection, {**body.model_dump(), "id": view_id, "person": me.id}):
        raise _taken(body.name or "")
    data = {"view": str(view_id), "changed": sorted(body.model_dump(exclude_none=True))}
    await events.record(connection, "view.changed", actor=me.id, data=data)
    return await _one(connection, view_id, me)


async def remove(connection: AsyncConnection, view_id: UUID, *, me: Principal) -> None:
    """Remove one's own. Raises NotFoundError."""
    await _own(connection, view_id, me)
    await store.remove(connection, view_id, me.id)
    await events.record(connection, "view.removed", actor=me.id, data={"view": str(view_id)})


async def look(connection: AsyncConnection, view_id: UUID, *, me: Principal) -> ViewOut:
    """Look at a view: what it finds now is not new any more. Raises NotFoundError."""
    found = await _one(connection, view_id, me)
    await store.looked(connection, view_id, me.id)
    return found


async def _one(connection: AsyncConnection, view_id: UUID, me: Principal) -> ViewOut:
    row = await store.view(connection, view_id, me.id)
    if row is None:
        raise NotFoundError(f"there is no view {view_id}")
    return _view(row)


async def _own(connection: AsyncConnection, view_id: UUID, me: Principal) -> None:
    if not (await _one(connection, view_id, me)).yours:
        raise ForbiddenError("only who made a shared view changes or removes it; keep a copy of your own instead")


async def _counted(connection: AsyncConnection, row: Row[Any], me: Principal, rules: SearchRules) -> ViewOut:
    try:
        new = await count_since(connection, row.query, row.looked_at, me=me, rules=rules)
    except (UnreadableQuestionError, ForbiddenError) as error:
        # A queue may be gone, or never have been this person's.
        return _view(row).model_copy(update={"problem": error.detail})
    return _view(row).model_copy(update={"new": new})


def _view(row: Row[Any]) -> ViewOut:
    return ViewOut(**row._mapping)


def _check_share(body: ViewIn | ViewChangeIn, me: Principal) -> None:
    if body.shared and not may_share(me):
        raise ForbiddenError("views are shared by those who lead; keep it as your own, or ask one of them")


def may_share(me: Principal) -> bool:
    """Whether somebody may show their views to everybody."""
    return Capability.QA_MANAGE in me.capabilities


def _taken(name: str) -> NameTakenError:
    return NameTakenError(f"you keep a view named {name!r} already; choose another name or change that one")
