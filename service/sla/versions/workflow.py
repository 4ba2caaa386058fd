"""Versions of the matrix: the one at work, the next one tried and put to work. None is ever changed."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.escalations import MatrixChangedError
from service.errors.requests import InvalidRequestError
from service.security import ROLES, Capability
from service.sla.matrix import parsed, shipped
from service.sla.schemas import MatrixIn, MatrixOut, MatrixVersionOut, SaveIn
from service.sla.versions import store

HISTORY = 50
WORKING = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_WORK in may)


async def at_work(connection: AsyncConnection, now: datetime) -> tuple[int, MatrixIn]:
    """The version that counts at a moment. Where nobody has put one to work yet, it is the one that comes with the product."""
    row = await store.at_work(connection, now)
    if row is None:
        await store.seed(connection, shipped())
        row = await store.at_work(connection, now)
    if row is None:
        raise InvalidRequestError(f"no matrix of clocks counts at {now}")
    return row.version, parsed(row.body)


async def matrix_view(connection: AsyncConnection) -> MatrixOut:
    """The matrix at work, and every version of it."""
    version, matrix = await at_work(connection, datetime.now(UTC))
    history = [MatrixVersionOut(**row._mapping) for row in await store.versions(connection, limit=HISTORY)]
    text = await store.body(connection, version) or shipped()
    return MatrixOut(version=version, text=text, matrix=matrix, history=history)


async def newest_text(connection: AsyncConnection, shown: MatrixOut) -> str:
    """The text of the newest version, which the next one is based on: it may come only later."""
    newest = shown.history[0].version
    return shown.text if newest == shown.version else await store.body(connection, newest) or shown.text


async def checked(connection: AsyncConnection, text: str) -> MatrixIn:
    """A matrix whose breaches have somebody to go to. Raises InvalidRequestError."""
    matrix = parsed(text)
    for row in matrix.rows:
        for one in row.targets:
            if one.hand_to and not await store.has_hands(connection, one.hand_to, roles=WORKING):
                raise InvalidRequestError(
                    f"row {row.name}, {one.target}: hand_to: {one.hand_to!r} is nobody who works on escalations; name an"
                    f" account, or a role: {', '.join(WORKING)}"
                )
    return matrix


async def save(connection: AsyncConnection, body: SaveIn, *, actor: UUID) -> MatrixVersionOut:
    """Put a matrix to work; clocks that run follow it within seconds. Raises MatrixChangedError, InvalidRequestError."""
    await at_work(connection, datetime.now(UTC))
    newest = await store.newest(connection)
    if newest != body.based_on:
        raise MatrixChangedError(
            f"version {newest} of the matrix is the newest, this one is based on {body.based_on}; look at it, then save again"
        )
    await checked(connection, body.text)
    version = newest + 1
    values = body.model_dump(exclude={"text", "based_on"}) | {"version": version, "body": body.text, "made_by": actor}
    await store.save(connection, values)
    await events.record(connection, "sla.matrix_saved", actor=actor, data={"version": version})
    return MatrixVersionOut(**(await store.versions(connection, limit=1))[0]._mapping)
