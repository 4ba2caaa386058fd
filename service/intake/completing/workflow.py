"""Rules of what is missing: asked for once, added when it comes, and then the record and its clocks go on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.escalations import TransitionError
from service.errors.requests import NotFoundError
from service.escalations import workflow as escalations
from service.escalations.workflow import Said
from service.handling.workflow import wake
from service.intake.checking import moment_of, problems, unknown
from service.intake.completing import store
from service.intake.forms import Forms, Trigger
from service.intake.schemas import FieldProblemOut, InformationIn, InformationOut
from service.intake.workflow import first_text, refuse, requester_of, shown
from service.security import Capability, Principal
from service.sla import workflow as sla


@dataclass(frozen=True, slots=True)
class Needs:
    """What a record lacks."""

    missing: Sequence[FieldProblemOut]
    asked_at: datetime


async def needs_of(connection: AsyncConnection, escalation: UUID, *, forms: Forms, viewer: UUID) -> Needs | None:
    """What a record lacks; None where it is complete. Raises NotFoundError."""
    await escalations.require(connection, escalation, viewer=viewer)
    row = await store.needs(connection, escalation)
    if row is None or row.settled_at is not None:
        return None
    known = {name: one.label for name, one in forms.fields.items()}
    missing = [FieldProblemOut(label=known.get(one["field"], one["field"]), **one) for one in row.missing]
    return Needs(missing, row.asked_at)


async def complete(
    connection: AsyncConnection, escalation: UUID, body: InformationIn, *, caller: Principal, forms: Forms
) -> InformationOut:
    """Add what was missing. For those who work on the record, and for whoever put it in.

    Raises NotFoundError, InvalidRequestError for fields that the form has not, and TransitionError where nothing is missing.
    """
    await _require(connection, escalation, caller)
    row = await store.lock(connection, escalation)
    if row.missing is None or row.settled_at is not None or row.status == "resolved":
        raise TransitionError(f"nothing is missing in this escalation, which is {row.status}; send it as a message")
    form = forms.triggers.get(row.trigger) or Trigger(row.trigger, required=())
    refuse(unknown(form, body.fields))
    fields = {**row.fields, **{name: value for name, value in body.fields.items() if value}}
    missing = problems(forms, form, fields)
    await store.fill(
        connection, escalation, _filled(forms, form, fields, row=row, wrong={one.field for one in missing})
    )
    await store.still_need(connection, escalation, [asdict(one) for one in missing])
    await escalations.say(connection, escalation, Said("inbound", "note", _told(forms, body.fields), row.language))
    data = {"given": sorted(body.fields), "missing": [one.field for one in missing]}
    await events.record_on(connection, "intake.completed", escalation, actor=caller.id, data=data)
    status = row.status
    if {"received", "country"} & set(body.fields):
        await sla.restart(connection, escalation, actor=caller.id)
    if not missing:
        await wake(connection, escalation)
        status = (await store.lock(connection, escalation)).status
    return InformationOut(status=status, missing=shown(forms, missing))


async def _require(connection: AsyncConnection, escalation: UUID, caller: Principal) -> None:
    if await store.opened_by(connection, escalation) == caller.id:
        return
    if Capability.ESCALATION_WORK not in caller.capabilities:
        raise NotFoundError(f"there is no escalation {escalation}")
    await escalations.require(connection, escalation, viewer=caller.id)


def _filled(
    forms: Forms, form: Trigger, fields: Mapping[str, str], *, row: Row[tuple[object, ...]], wrong: set[str]
) -> dict[str, object]:
    said = {name: value for name, value in requester_of(fields, wrong).model_dump().items() if value}
    return {
        "fields": fields,
        "requester": {**row.requester, **said},
        "summary": row.summary or first_text(forms, form, fields),
        "received": moment_of(fields.get("received", "")),
        "country": None if "country" in wrong else fields.get("country"),
    }


def _told(forms: Forms, given: Mapping[str, str]) -> str:
    """What came in, as it stands among the messages."""
    return "\n".join(f"{forms.fields[name].label}: {value}" for name, value in given.items())[:20_000]
