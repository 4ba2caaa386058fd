"""Handing statements out: in batches that stay as they are until somebody says what became of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.statements import StatementSettledError
from service.statements.batches import store
from service.statements.schemas import AfterwardsOut, BatchLine, BatchOut, ConfirmedOut, ConfirmIn
from service.statements.transparency import BATCH

# So many batches are listed.
RECENT = 20


async def next_batch(connection: AsyncConnection, *, after: int = 0) -> BatchOut | None:
    """The first batch above `after` that waits for an answer, else a new one; None where nothing is ready.

    A batch is made once and then given out as it is: whoever repeats a post that was lost sends the same statements.
    """
    number = await store.open_batch(connection, after=after)
    if number is None:
        number = await store.take_batch(connection, most=BATCH)
        if number is None:
            return None
        await events.record(connection, "statement.batched", data={"batch": number})
    rows = await store.batch(connection, number)
    return BatchOut(
        batch=number,
        count=len(rows),
        statements=[row.payload for row in rows],
        afterwards=[AfterwardsOut.model_validate(row, from_attributes=True) for row in rows if row.afterwards],
    )


async def recent_batches(connection: AsyncConnection) -> list[BatchLine]:
    """The newest batches, and every one that waits for an answer."""
    return [BatchLine(**row._mapping) for row in await store.batches(connection, limit=RECENT)]


async def confirm(connection: AsyncConnection, told: ConfirmIn, *, person: UUID | None) -> ConfirmedOut:
    """Note what became of a batch; the same answer twice is one.

    Raises NotFoundError, StatementSettledError for another answer than before, and a 422 for puids that are not in it.
    """
    answer = told.model_dump(mode="json")
    row = await store.lock_batch(connection, told.batch)
    if row is None:
        raise NotFoundError(f"there is no batch {told.batch}")
    if row.state != "open":
        if row.answer["told"] != answer:
            raise StatementSettledError(f"batch {told.batch} was answered for before, and otherwise")
        return ConfirmedOut.model_validate(row.answer["done"])
    members = [one.puid for one in await store.batch(connection, told.batch)]
    _check(told, members)
    refused = {one.puid: one.message for one in told.refused}
    taken_whole = not refused and not told.known
    published = members if taken_whole else list(told.known)
    again = [one for one in members if one not in refused and one not in published]
    # First those that stay with the batch, then those that leave it.
    await store.publish(connection, told.batch, published)
    await store.refuse(connection, told.batch, refused)
    await store.free(connection, told.batch, again)
    done = ConfirmedOut(batch=told.batch, published=len(published), refused=len(refused), again=len(again))
    kept = {"told": answer, "done": done.model_dump(mode="json")}
    state = "published" if taken_whole else "closed"
    await store.settle(connection, told.batch, state=state, person=person, answer=kept)
    await events.record(connection, "statement.confirmed", actor=person, data=done.model_dump(mode="json"))
    return done


def _check(told: ConfirmIn, members: Sequence[str]) -> None:
    for name, puids in (("refused", [one.puid for one in told.refused]), ("known", told.known)):
        strange = sorted(set(puids) - set(members))
        if strange:
            raise InvalidRequestError(f"{name}: {strange[0]!r} is not in batch {told.batch}")
