"""Rules of golden items: made of what is settled, with a rationale, retired when it no longer holds."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.quality import CheckSettledError
from service.errors.requests import NameTakenError, NotFoundError
from service.ids import new_id
from service.opinions.workflow import same_judgement
from service.quality.golden import store
from service.quality.golden.schemas import GoldenIn, GoldenListOut, GoldenOut
from service.quality.settling.schemas import SaidOut, judgement
from service.routing.workflow import OVERSEEING

SHOWN_GOLDEN = 200


async def make(connection: AsyncConnection, body: GoldenIn, *, person: UUID) -> GoldenOut:
    """Make a golden item. Raises NameTakenError, CheckSettledError."""
    golden = new_id()
    values = {**body.model_dump(), "id": golden, "person": person}
    if not await store.add(connection, values, overseeing=OVERSEEING):
        if await store.is_golden(connection, body.item_id):
            raise NameTakenError("item_id: this content is a golden item already; retire that one first")
        raise CheckSettledError(
            "item_id: this check is not settled, has no agreed answer in that calibration, or is not yours to see"
        )
    await events.record(connection, "qa.golden_made", actor=person, data={"golden": str(golden)})
    [row] = await store.golden(connection, person, overseeing=OVERSEEING, limit=1, only=golden)
    return _shown(row)


async def retire(connection: AsyncConnection, golden: UUID, *, person: UUID) -> None:
    """Take a golden item out of use. Raises NotFoundError, as for one that this person may not know of."""
    if not await store.retire(connection, golden, person=person, overseeing=OVERSEEING):
        raise NotFoundError(f"there is no golden item {golden}")
    await events.record(connection, "qa.golden_retired", actor=person, data={"golden": str(golden)})


async def listed(connection: AsyncConnection, *, person: UUID) -> GoldenListOut:
    """Golden items that this person may know of."""
    rows = await store.golden(connection, person, overseeing=OVERSEEING, limit=SHOWN_GOLDEN)
    return GoldenListOut(golden=[_shown(row) for row in rows])


def _shown(row: Row[Any]) -> GoldenOut:
    right = judgement(row.answer)
    missed = sum(not same_judgement(judgement(answer), right) for answer in row.answers)
    fields = {key: value for key, value in row._mapping.items() if key not in {"answers", "answer"}}
    answer = SaidOut(**right.model_dump(include=set(SaidOut.model_fields)))
    return GoldenOut(**fields, answer=answer, checks=len(row.answers), missed=missed)
