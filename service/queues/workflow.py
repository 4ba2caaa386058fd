"""Rules of queues: what waits, handing out the next case, what they are, and what may be done in them."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.cases.schemas import CaseOut, ClaimOut
from service.cases.workflow import case_view, question_of_lease, view_of
from service.errors.cases import CaseNotOpenError
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.errors.rules import QueueInUseError
from service.holds.workflow import return_due
from service.leases import workflow as leases
from service.leases.schemas import LeaseOut
from service.leases.workflow import ClaimRules
from service.media.levels import Rules as BlurRules
from service.policies.workflow import require_read
from service.queues import store
from service.queues.schemas import (
    QUEUES,
    ClosingOut,
    DeniedActionsIn,
    DeniedActionsOut,
    QueueChangeIn,
    QueueIn,
    QueuesOut,
    ReviewQueueOut,
)
from service.routing import workflow as routing
from service.routing.rules import DEFAULT_QUEUE
from service.routing.schemas import ManagedQueueOut
from service.security import Capability, Principal


async def list_queues(connection: AsyncConnection, caller: Principal) -> QueuesOut:
    """The queues that the caller may see, empty ones too."""
    counts = await waiting(connection)
    return QueuesOut(
        queues=[
            ReviewQueueOut(
                name=one.name,
                title=one.title,
                description=one.description,
                skills=list(one.skills),
                special=one.special,
                claimable=one.claimable and Capability.CASE_REVIEW in caller.capabilities,
                open=counts[one.name].open if one.name in counts else 0,
                oldest_seconds=counts[one.name].oldest_seconds if one.name in counts else None,
            )
            for one in await routing.visible_queues(connection, caller)
        ]
    )


async def waiting(connection: AsyncConnection) -> dict[str, Row[Any]]:
    """(name, open, oldest_seconds, restricted) by queue, of every queue that holds undecided cases and of the default one."""
    return {row.name: row for row in await store.counts(connection)}


async def upcoming(connection: AsyncConnection, queue: str, *, limit: int = 10) -> Sequence[Row[Any]]:
    """The next cases of a queue in order, without their content."""
    return await store.upcoming(connection, queue, limit=limit)


async def claim(
    connection: AsyncConnection, queue: str, *, holder: Principal, rules: ClaimRules, blur: BlurRules
) -> ClaimOut | None:
    """Hand the next case to `holder`; None when nothing waits for them. Raises NotFoundError for a queue not theirs, and
    PolicyUnreadError.
    """
    look = partial(question_of_lease, viewer=holder.id)
    found = await leases.claim_next(connection, queue, holder=holder.id, rules=rules, then=look)
    if found is None:
        # Only who is given nothing has to be told whether the queue is theirs.
        await routing.queue_for(connection, queue, holder)
        await require_read(connection, holder.id)
        # Held cases are given back by the worker; where nothing else waits, not even that is waited for.
        if await return_due(connection):
            found = await leases.claim_next(connection, queue, holder=holder.id, rules=rules, then=look)
    if found is None:
        return None
    lease, row = found
    return _handed(await view_of(connection, row, viewer=holder.id, rules=blur), lease)


async def claim_case(
    connection: AsyncConnection, case_id: UUID, *, holder: UUID, rules: ClaimRules, blur: BlurRules
) -> ClaimOut:
    """Hand one named case to `holder`: after a lapse, an undo or a hold. Raises NotFoundError, CaseNotOpenError, or
    PolicyUnreadError.
    """
    await return_due(connection)
    try:
        lease = await leases.claim_case(connection, case_id, holder=holder, rules=rules)
    except CaseNotOpenError:
        # Only a refusal has to tell a case that is not open from one that is not there.
        await case_view(connection, case_id, viewer=holder, rules=blur)
        await require_read(connection, holder)
        raise
    return await _handed_over(connection, lease, blur)


async def create(connection: AsyncConnection, body: QueueIn, *, actor: UUID, taxonomy: Taxonomy) -> ManagedQueueOut:
    """Make a queue. Raises NameTakenError, InvalidRequestError, UnknownLabelError."""
    values = body.model_dump()
    _require_sound(values, taxonomy)
    await routing.one_after_the_other(connection)
    if await store.count_queues(connection) >= QUEUES:
        raise InvalidRequestError(f"there are {QUEUES} open queues already; close one that is no longer used")
    if not await store.add_queue(connection, values):
        raise NameTakenError(
            f"there is, or was, a queue named {body.name!r}, or another one serves the special route {body.special}"
        )
    await events.record(connection, "queue.created", actor=actor, data={"queue": body.name, "special": body.special})
    return await routing.managed_queue(connection, body.name)


async def change(
    connection: AsyncConnection, name: str, body: QueueChangeIn, *, actor: UUID, taxonomy: Taxonomy
) -> ManagedQueueOut:
    """Change what is named in the body. Raises NotFoundError, NameTakenError, InvalidRequestError, UnknownLabelError."""
    await routing.one_after_the_other(connection)
    before = await routing.managed_queue(connection, name)
    if before.closed:
        raise NotFoundError(f"the queue {name!r} is closed")
    given = body.model_dump(exclude_unset=True)
    kept = {field: getattr(before, field) for field in QueueChangeIn.model_fields}
    values = {"name": name, **kept, **given}
    _require_sound(values, taxonomy)
    if not await store.change_queue(connection, values):
        raise NameTakenError(f"another queue serves the special route {values['special']}; take it from there first")
    await events.record(connection, "queue.changed", actor=actor, data={"queue": name, "changed": sorted(given)})
    return await routing.managed_queue(connection, name)


async def closing(connection: AsyncConnection, name: str) -> ClosingOut:
    """What `close` would say of an open queue right now. Raises NotFoundError."""
    queue = await routing.managed_queue(connection, name)
    if queue.closed:
        raise NotFoundError(f"the queue {name!r} is closed already")
    leading, lying = await _leading(connection, name), await store.undecided(connection, name)
    return ClosingOut(
        name=name,
        possible=name != DEFAULT_QUEUE and not leading and not lying,
        rules=leading,
        cases=lying,
        special=queue.special,
        members=len(queue.members),
    )


async def _leading(connection: AsyncConnection, name: str) -> list[str]:
    return [rule.name for rule in (await routing.active(connection)).rules if rule.queue == name]


async def close(connection: AsyncConnection, name: str, *, actor: UUID) -> None:
    """Close a queue for good. Raises NotFoundError, InvalidRequestError, QueueInUseError."""
    if name == DEFAULT_QUEUE:
        raise InvalidRequestError("the default queue takes what no rule sends elsewhere; it cannot be closed")
    await routing.one_after_the_other(connection)
    if (await routing.managed_queue(connection, name)).closed:
        raise NotFoundError(f"the queue {name!r} is closed already")
    if leading := await _leading(connection, name):
        raise QueueInUseError(f"the rule “{leading[0]}” leads to {name!r}; change the rules first")
    if not await store.close_queue(connection, name):
        raise QueueInUseError(f"undecided cases lie in {name!r}; decide them, or let rules send them elsewhere first")
    await events.record(connection, "queue.closed", actor=actor, data={"queue": name})


async def add_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> ManagedQueueOut:
    """Let a person into a restricted queue; once more changes nothing. Raises NotFoundError, InvalidRequestError."""
    queue = await routing.managed_queue(connection, name)
    if not queue.restricted or queue.closed:
        raise InvalidRequestError(f"the queue {name!r} is not a restricted one: everybody who fits it may use it")
    member = await store.add_member(connection, name, username, added_by=actor, reviewing=routing.REVIEWING)
    if member is None:
        raise NotFoundError(f"there is nobody active named {username!r} whose role reviews")
    await events.record(connection, "queue.member_added", actor=actor, data={"queue": name, "principal": str(member)})
    return await routing.managed_queue(connection, name)


async def remove_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> ManagedQueueOut:
    """Take a person out of a restricted queue. Raises NotFoundError."""
    member = await store.remove_member(connection, name, username)
    if member is None:
        raise NotFoundError(f"{username!r} is not a member of {name!r}")
    await events.record(connection, "queue.member_removed", actor=actor, data={"queue": name, "principal": str(member)})
    return await routing.managed_queue(connection, name)


async def denied_actions(connection: AsyncConnection) -> DeniedActionsOut:
    """What each role may not do, whatever the queue."""
    return DeniedActionsOut(denied={row.role: row.actions for row in await store.denied(connection)})


async def deny_actions(
    connection: AsyncConnection, body: DeniedActionsIn, *, actor: UUID, taxonomy: Taxonomy
) -> DeniedActionsOut:
    """Replace what roles may not do. Raises UnknownLabelError, InvalidRequestError."""
    for actions in body.denied.values():
        _require_actions(actions, taxonomy)
    await routing.one_after_the_other(connection)
    pairs = [(role, action) for role, actions in body.denied.items() for action in actions]
    await store.replace_denied(
        connection, roles=[role for role, _ in pairs], actions=[action for _, action in pairs], denied_by=actor
    )
    data: dict[str, list[str]] = {role: list(actions) for role, actions in body.denied.items()}
    await events.record(connection, "role.actions_denied", actor=actor, data=data)
    return await denied_actions(connection)


async def _handed_over(connection: AsyncConnection, lease: leases.Lease, blur: BlurRules) -> ClaimOut:
    return _handed(await case_view(connection, lease.case_id, viewer=lease.holder, rules=blur), lease)


def _handed(view: CaseOut, lease: leases.Lease) -> ClaimOut:
    told = LeaseOut(
        token=lease.token, expires_at=lease.expires_at, server_now=view.server_now, prefetched=lease.prefetched
    )
    return ClaimOut(case=view, lease=told, milder=lease.milder)


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
