"""Rules of restricted paths: whoever is named there sees its records, whatever their role, and nobody else learns of them.

Somebody is named by two people, neither of whom they are; taken off by one, at once. A path that too few can open is loud.
"""

from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import events
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.restricted import ChangeSettledError, ChangeWaitingError, SecondPersonError
from service.escalations.schemas import Path
from service.ids import new_id
from service.restricted.paths import store
from service.restricted.paths.schemas import AlarmOut, MemberIn, PathChangeOut, PathMemberOut, PathOut, PathsOut
from service.security import ROLES, Capability, Principal

PATHS: tuple[Path, ...] = get_args(Path)
WORKING = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_WORK in may)
# With fewer nobody is there when one is away.
LEAST_MEMBERS = 2
CHANGES_SHOWN = 50


def _known(caller: Principal, own: list[str]) -> list[str]:
    """The paths that this person may know of: all for whoever manages people, else those on which they are named."""
    return list(PATHS) if Capability.PEOPLE_MANAGE in caller.capabilities else own


async def paths_view(connection: AsyncConnection, caller: Principal) -> PathsOut:
    """The paths that the caller may know of; none for most."""
    own = await store.paths_of(connection, caller.id)
    known = _known(caller, own)
    members = await store.members(connection, working=WORKING)
    changes = [_change(row, caller, own) for row in await store.changes(connection, limit=CHANGES_SHOWN)]
    records = await store.open_records(connection)
    return PathsOut(
        paths=[
            PathOut(
                path=path,
                members=[
                    PathMemberOut.model_validate(one, from_attributes=True) for one in members if one.path == path
                ],
                changes=[one for one in changes if one.path == path],
                open_records=records.get(path, 0) if path in own else None,
            )
            for path in PATHS
            if path in known
        ],
        alarms=[one for one in await alarms(connection) if one.path in known],
    )


def _change(row: Row[Any], caller: Principal, own: list[str]) -> PathChangeOut:
    settles = Capability.PEOPLE_MANAGE in caller.capabilities or row.path in own
    mine = row.settled_at is None and settles and caller.id not in (row.asker_id, row.principal_id)
    return PathChangeOut(**{name: getattr(row, name) for name in _CHANGE}, mine_to_settle=mine)


_CHANGE = [name for name in PathChangeOut.model_fields if name != "mine_to_settle"]


async def ask(connection: AsyncConnection, path: Path, body: MemberIn, *, actor: UUID) -> UUID:
    """Propose to name somebody on a path; returns the change that waits for a second person.

    Raises NotFoundError, InvalidRequestError for a role that opens no record, ChangeWaitingError.
    """
    person = await store.person(connection, body.username)
    if person is None:
        raise NotFoundError(f"there is no open account named {body.username!r}")
    if person.role not in WORKING:
        allowed = ", ".join(WORKING)
        raise InvalidRequestError(
            f"username: {body.username!r} is {person.role!r} and could open no record; {allowed} can"
        )
    if await store.is_member(connection, path, person.id):
        raise InvalidRequestError(f"username: {body.username!r} is named on this path already")
    change = new_id()
    values = {"id": change, "path": path, "person": person.id, "reason": body.reason, "actor": actor}
    if not await store.ask(connection, values):
        raise ChangeWaitingError(f"naming {body.username!r} on this path waits for a second person already")
    data = {"path": path, "principal": str(person.id), "change": str(change)}
    await events.record(connection, "restricted.member_asked", actor=actor, data=data)
    return change


async def settle(connection: AsyncConnection, change: UUID, *, confirmed: bool, caller: Principal) -> None:
    """Confirm or decline that somebody is named, as the second person: who manages people, or is named on that path.

    Raises NotFoundError, ChangeSettledError, SecondPersonError for the asker and whom it is about, InvalidRequestError.
    """
    row = await store.lock_change(connection, change)
    if row is None or row.path not in _known(caller, await store.paths_of(connection, caller.id)):
        raise NotFoundError(f"there is no change {change}")
    if row.settled_at is not None:
        raise ChangeSettledError("this change was confirmed or declined already")
    if caller.id == row.principal_id or (confirmed and caller.id == row.asked_by):
        raise SecondPersonError("somebody else has to settle this: neither who asked for it nor whom it is about")
    if confirmed and not (row.active and row.role in WORKING):
        raise InvalidRequestError(f"{row.username!r} could open no record any more: decline this")
    await store.settle(connection, change, confirmed=confirmed, actor=caller.id)
    if confirmed:
        await store.add(connection, row.path, row.principal_id, actor=row.asked_by)
    data = {"path": row.path, "principal": str(row.principal_id), "change": str(change)}
    kind = "restricted.member_added" if confirmed else "restricted.member_declined"
    await events.record(connection, kind, actor=caller.id, data=data)


async def remove(connection: AsyncConnection, path: Path, username: str, *, reason: str, actor: UUID) -> None:
    """Take somebody off a path, at once. Raises NotFoundError."""
    values = {"id": new_id(), "path": path, "username": username, "reason": reason, "actor": actor}
    person = await store.remove(connection, values)
    if person is None:
        raise NotFoundError(f"{username!r} is not named on this path")
    data = {"path": path, "principal": str(person)}
    await events.record(connection, "restricted.member_removed", actor=actor, data=data)


async def alarms(connection: AsyncConnection) -> list[AlarmOut]:
    """What is wrong with the paths now, the worst first: without titles, for whoever can do something about it."""
    return [AlarmOut(**row._mapping) for row in await store.alarms(connection, _WATCHED)]


async def known_alarms(connection: AsyncConnection, caller: Principal) -> list[AlarmOut]:
    """Those of paths that this person may know of; nothing for most, whom no statement is spent on."""
    if Capability.PEOPLE_MANAGE not in caller.capabilities and Capability.ESCALATION_WORK not in caller.capabilities:
        return []
    known = _known(caller, await store.paths_of(connection, caller.id))
    return [one for one in await alarms(connection) if one.path in known] if known else []


async def raise_alarms(engine: AsyncEngine) -> int:
    """Write down each alarm that has begun since the last look; returns how many. Every minute, by a worker."""
    async with engine.begin() as connection:
        return await store.raise_alarms(connection, _WATCHED)


async def paths_of(connection: AsyncConnection, person: UUID) -> list[str]:
    """The paths on which somebody is named."""
    return await store.paths_of(connection, person)


_WATCHED = {"paths": list(PATHS), "working": list(WORKING), "least": LEAST_MEMBERS}
