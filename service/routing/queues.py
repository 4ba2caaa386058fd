"""Making, changing and closing queues, who belongs to restricted ones, and what roles may not do."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors import InvalidRequestError, NameTakenError, NotFoundError, QueueInUseError, UnknownLabelError
from service.routing import store
from service.routing.rules import DEFAULT_QUEUE
from service.routing.schemas import (
    QUEUES,
    DeniedActionsIn,
    DeniedActionsOut,
    ManagedQueueOut,
    QueueChangeIn,
    QueueIn,
)
from service.routing.workflow import REVIEWING, active, managed


async def create(connection: AsyncConnection, body: QueueIn, *, actor: UUID, taxonomy: Taxonomy) -> ManagedQueueOut:
    """Make a queue. Raises NameTakenError, InvalidRequestError, UnknownLabelError."""
    values = body.model_dump()
    _require_sound(values, taxonomy)
    await store.one_after_the_other(connection)
    if await store.count_queues(connection) >= QUEUES:
        raise InvalidRequestError(f"there are {QUEUES} open queues already; close one that is no longer used")
    if not await store.add_queue(connection, values):
        raise NameTakenError(
            f"there is, or was, a queue named {body.name!r}, or another one serves the special route {body.special}"
        )
    await events.record(connection, "queue.created", actor=actor, data={"queue": body.name, "special": body.special})
    return await _one(connection, body.name)


async def change(
    connection: AsyncConnection, name: str, body: QueueChangeIn, *, actor: UUID, taxonomy: Taxonomy
) -> ManagedQueueOut:
    """Change what is named in the body. Raises NotFoundError, NameTakenError, InvalidRequestError, UnknownLabelError."""
    await store.one_after_the_other(connection)
    before = await _one(connection, name)
    if before.closed:
        raise NotFoundError(f"the queue {name!r} is closed")
    given = body.model_dump(exclude_unset=True)
    kept = {field: getattr(before, field) for field in QueueChangeIn.model_fields}
    values = {"name": name, **kept, **given}
    _require_sound(values, taxonomy)
    if not await store.change_queue(connection, values):
        raise NameTakenError(f"another queue serves the special route {values['special']}; take it from there first")
    await events.record(connection, "queue.changed", actor=actor, data={"queue": name, "changed": sorted(given)})
    return await _one(connection, name)


async def close(connection: AsyncConnection, name: str, *, actor: UUID) -> None:
    """Close a queue for good. Raises NotFoundError, InvalidRequestError, QueueInUseError."""
    if name == DEFAULT_QUEUE:
        raise InvalidRequestError("the default queue takes what no rule sends elsewhere; it cannot be closed")
    await store.one_after_the_other(connection)
    if (await _one(connection, name)).closed:
        raise NotFoundError(f"the queue {name!r} is closed already")
    leading = [rule.name for rule in (await active(connection)).rules if rule.queue == name]
    if leading:
        raise QueueInUseError(f"the rule “{leading[0]}” leads to {name!r}; change the rules first")
    if not await store.close_queue(connection, name):
        raise QueueInUseError(f"undecided cases lie in {name!r}; decide them, or let rules send them elsewhere first")
    await events.record(connection, "queue.closed", actor=actor, data={"queue": name})


async def add_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> ManagedQueueOut:
    """Let a person into a restricted queue; once more changes nothing. Raises NotFoundError, InvalidRequestError."""
    queue = await _one(connection, name)
    if not queue.restricted or queue.closed:
        raise InvalidRequestError(f"the queue {name!r} is not a restricted one: everybody who fits it may use it")
    member = await store.add_member(connection, name, username, added_by=actor, reviewing=REVIEWING)
    if member is None:
        raise NotFoundError(f"there is nobody active named {username!r} whose role reviews")
    await events.record(connection, "queue.member_added", actor=actor, data={"queue": name, "principal": str(member)})
    return await _one(connection, name)


async def remove_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> ManagedQueueOut:
    """Take a person out of a restricted queue. Raises NotFoundError."""
    member = await store.remove_member(connection, name, username)
    if member is None:
        raise NotFoundError(f"{username!r} is not a member of {name!r}")
    await events.record(connection, "queue.member_removed", actor=actor, data={"queue": name, "principal": str(member)})
    return await _one(connection, name)


async def denied_actions(connection: AsyncConnection) -> DeniedActionsOut:
    """What each role may not do, whatever the queue."""
    return DeniedActionsOut(denied={row.role: row.actions for row in await store.denied(connection)})


async def deny_actions(
    connection: AsyncConnection, body: DeniedActionsIn, *, actor: UUID, taxonomy: Taxonomy
) -> DeniedActionsOut:
    """Replace what roles may not do. Raises UnknownLabelError, InvalidRequestError."""
    for actions in body.denied.values():
        _require_actions(actions, taxonomy)
    await store.one_after_the_other(connection)
    pairs = [(role, action) for role, actions in body.denied.items() for action in actions]
    await store.replace_denied(
        connection, roles=[role for role, _ in pairs], actions=[action for _, action in pairs], denied_by=actor
    )
    data: dict[str, list[str]] = {role: list(actions) for role, actions in body.denied.items()}
    await events.record(connection, "role.actions_denied", actor=actor, data=data)
    return await denied_actions(connection)


async def _one(connection: AsyncConnection, name: str) -> ManagedQueueOut:
    rows: Sequence[Any] = await store.queues(connection, reviewing=REVIEWING, name=name)
    if not rows:
        raise NotFoundError(f"there is no queue {name!r}")
    return managed(rows[0])


def _require_sound(values: dict[str, Any], taxonomy: Taxonomy) -> None:
    if values["special"] is not None and not values["restricted"]:
        raise InvalidRequestError("restricted: a queue that serves a special route is for its members alone; set it")
    narrow = values["restricted"] or values["roles"] is not None or values["skills"]
    if values["name"] == DEFAULT_QUEUE and narrow:
        raise InvalidRequestError("the default queue is open to everybody who reviews; restrict another one")
    _require_actions(values["hidden_actions"], taxonomy)


def _require_actions(actions: Iterable[str], taxonomy: Taxonomy) -> None:
    known = {action.id: action for action in taxonomy.actions}
    if unknown := sorted(set(actions) - set(known)):
        raise UnknownLabelError(f"{', '.join(unknown)}: no such action; the taxonomy has {', '.join(known)}")
    if harmless := [action for action in actions if not known[action].enforces]:
        raise InvalidRequestError(f"{harmless[0]} enforces nothing: without it, reviewers could only ever enforce")
