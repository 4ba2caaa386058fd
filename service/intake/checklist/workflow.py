"""Rules of checklists: what is looked at before a record is answered. Nothing is held up by them; what is open is said."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.requests import NotFoundError
from service.escalations import workflow as escalations
from service.intake.checklist import store
from service.intake.forms import Forms
from service.intake.schemas import ChecklistItemOut, ChecklistOut


async def checklist_of(connection: AsyncConnection, escalation: UUID, *, forms: Forms, viewer: UUID) -> ChecklistOut:
    """The items of a record's trigger, and what was ticked under another one before. Raises NotFoundError."""
    row = await escalations.require(connection, escalation, viewer=viewer)
    ticked = await store.checks(connection, escalation)
    trigger = forms.triggers.get(row.trigger)
    names = dict.fromkeys((*(trigger.checklist if trigger else ()), *ticked))
    items = [
        ChecklistItemOut(
            item=name,
            label=forms.checks.get(name, name),
            ticked_by=ticked[name].ticked_by if name in ticked else None,
            ticked_at=ticked[name].ticked_at if name in ticked else None,
        )
        for name in names
    ]
    return ChecklistOut(items=items, open=sum(one.ticked_at is None for one in items))


@dataclass(frozen=True, slots=True)
class Tick:
    """An item of a checklist, ticked or opened again by somebody."""

    item: str
    done: bool
    person: UUID


async def tick(connection: AsyncConnection, escalation: UUID, made: Tick, *, forms: Forms) -> ChecklistOut:
    """Tick an item, or open it again. Raises NotFoundError, also for what the record has not, and EscalationClosedError."""
    item, person = made.item, made.person
    await escalations.require_open(connection, escalation, viewer=person)
    known = await checklist_of(connection, escalation, forms=forms, viewer=person)
    if item not in {one.item for one in known.items}:
        raise NotFoundError(f"this escalation has no item {item!r} to tick")
    values = {"escalation_id": escalation, "item": item}
    if made.done:
        changed = await store.tick(connection, values | {"ticked_by": person})
    else:
        changed = await store.untick(connection, values)
    if changed:
        kind = "intake.checked" if made.done else "intake.unchecked"
        await events.record_on(connection, kind, escalation, actor=person, data={"item": item})
    return await checklist_of(connection, escalation, forms=forms, viewer=person)
