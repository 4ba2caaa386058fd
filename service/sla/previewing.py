"""What another matrix would do to the clocks that run; nothing is changed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.routing.workflow import OVERSEEING
from service.sla import store
from service.sla.matrix import specs_of
from service.sla.plan import Situation, replan
from service.sla.rows import current_of, done_of, facts_of, runs
from service.sla.running import Pause
from service.sla.schemas import MatrixIn, MovedOut, PreviewOut
from service.sla.versions import checked

RECORDS_MOST = 5_000
MOVED_LISTED = 100


async def preview(connection: AsyncConnection, text: str, *, viewer: UUID) -> PreviewOut:
    """Try a matrix on the open records that this person may see, the newest of very many. Raises InvalidRequestError."""
    matrix = await checked(connection, text)
    records = await store.open_facts(connection, viewer=viewer, overseeing=OVERSEEING, limit=RECORDS_MOST)
    ids = [one.id for one in records]
    clocks: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for clock in await store.clocks(connection, ids):
        clocks[clock.escalation_id].append(clock)
    pauses: dict[UUID, list[Pause]] = defaultdict(list)
    for one in await store.pauses(connection, ids):
        pauses[one.escalation_id].append(Pause(one.paused_at, one.resumed_at))

    def tried() -> list[MovedOut]:
        return [moved for one in records for moved in _moved(matrix, one, clocks[one.id], pauses[one.id])]

    moved = await to_thread.run_sync(tried)
    both = [(one.old, one.new) for one in moved if one.old is not None and one.new is not None]
    return PreviewOut(
        records=len(records),
        earlier=sum(new < old for old, new in both),
        later=sum(new > old for old, new in both),
        started=sum(one.old is None for one in moved),
        ended=sum(one.new is None for one in moved),
        moved=sorted(moved, key=lambda one: (one.kind != "legal", one.number))[:MOVED_LISTED],
    )


def _moved(
    matrix: MatrixIn, record: Row[Any], clocks: Sequence[Row[Any]], pauses: Sequence[Pause]
) -> Iterator[MovedOut]:
    running = [current_of(clock) for clock in clocks if runs(clock)]
    by_id = {one.id: one for one in running}
    where = Situation(record.received_at, done_of(clocks), pauses)
    plan = replan(running, specs_of(matrix, facts_of(record)), where)
    for made in plan.new:
        old = by_id[made.replaces].due_at if made.replaces is not None else None
        if old != made.due_at:
            yield MovedOut(
                escalation_id=record.id,
                number=record.number,
                target=made.spec.target,
                kind=made.spec.kind,
                old=old,
                new=made.due_at,
            )
    for ended in plan.ended:
        gone = by_id[ended]
        yield MovedOut.model_validate(
            {
                "escalation_id": record.id,
                "number": record.number,
                "target": gone.target,
                "kind": gone.kind,
                "old": gone.due_at,
                "new": None,
            }
        )
