"""What another matrix would do to the clocks that run; nothing is changed."""

from collections.abc import Iterator
from uuid import UUID

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncConnection

from service.sla.matrix import specs_of
from service.sla.plan import replan
from service.sla.rows import current_of, facts_of, runs, situation_of
from service.sla.schemas import MatrixIn, MatrixPreviewOut, MovedClockOut
from service.sla.versions.workflow import checked
from service.sla.workflow import OpenRecord, open_records

RECORDS_MOST = 5_000
MOVED_LISTED = 100


async def preview(connection: AsyncConnection, text: str, *, viewer: UUID) -> MatrixPreviewOut:
    """Try a matrix on the open records that this person may see, the newest of very many. Raises InvalidRequestError."""
    matrix = await checked(connection, text)
    records = await open_records(connection, viewer=viewer, most=RECORDS_MOST)

    def tried() -> list[MovedClockOut]:
        return [moved for one in records for moved in _moved(matrix, one)]

    moved = await to_thread.run_sync(tried)
    both = [(one.old, one.new) for one in moved if one.old is not None and one.new is not None]
    return MatrixPreviewOut(
        records=len(records),
        earlier=sum(new < old for old, new in both),
        later=sum(new > old for old, new in both),
        started=sum(one.old is None for one in moved),
        ended=sum(one.new is None for one in moved),
        moved=sorted(moved, key=lambda one: (one.kind != "legal", one.number))[:MOVED_LISTED],
    )


def _moved(matrix: MatrixIn, record: OpenRecord) -> Iterator[MovedClockOut]:
    facts = record.facts
    running = {clock.id: current_of(clock) for clock in record.clocks if runs(clock)}
    where = situation_of(record.clocks, record.pauses, received_at=facts.received_at, answered_at=facts.answered_at)
    plan = replan(list(running.values()), specs_of(matrix, facts_of(facts)), where)
    of = {"escalation_id": facts.id, "number": facts.number}
    for made in plan.new:
        old = running[made.replaces].due_at if made.replaces is not None else None
        if old != made.due_at:
            yield MovedClockOut(**of, target=made.spec.target, kind=made.spec.kind, old=old, new=made.due_at)
    for ended in plan.ended:
        gone = running[ended]
        yield MovedClockOut.model_validate(
            of | {"target": gone.target, "kind": gone.kind, "old": gone.due_at, "new": None}
        )
