"""HTTP of intake by form."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request

from service.db import UnitOfWork
from service.escalations.schemas import Source
from service.intake import workflow
from service.intake.checklist import workflow as checklist
from service.intake.checklist.workflow import Tick
from service.intake.completing import workflow as completing
from service.intake.forms import Forms
from service.intake.schemas import (
    ChecklistOut,
    EscalationIn,
    FieldOut,
    FormOut,
    FormsOut,
    InformationIn,
    InformationOut,
    SourceOut,
    TakenInOut,
    TickIn,
)
from service.intake.workflow import Desk, Filed
from service.security import EscalationOpener, EscalationWorker, Principal

router = APIRouter(prefix="/v1", tags=["intake of escalations"])

ItemName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any printable text of yours. The same key and body again give the same answer and store nothing.",
    ),
]
# A machine passes on what came from outside.
MACHINE = "platform"


def desk_of(request: Request) -> Desk:
    """What taking something in needs of this application."""
    state = request.app.state
    return Desk(state.forms, state.taxonomy, state.rank_config, state.jobs)


@router.post("/escalations", status_code=201, summary="Raise an escalation")
async def raise_one(
    body: EscalationIn,
    request: Request,
    caller: EscalationOpener,
    connection: UnitOfWork,
    idempotency_key: IdempotencyKey = None,
) -> TakenInOut:
    """What its form asks for is at `GET /v1/escalation-forms`. Whoever raises something restricted is told its number only."""
    filed = Filed(body, caller.id, body.incomplete or default_for(caller))
    return await workflow.file_once(connection, filed, key=idempotency_key, desk=desk_of(request))


def default_for(caller: Principal) -> str:
    """What becomes of something incomplete where the caller does not say."""
    return "ask" if caller.role == MACHINE else "refuse"


@router.get("/escalation-forms", summary="What each source may raise, and what has to be said for it")
async def forms(request: Request, _caller: EscalationOpener) -> FormsOut:
    known: Forms = request.app.state.forms
    sources = [
        SourceOut(source=cast("Source", name), label=one.label, forms=[_form(known, name, t) for t in one.triggers])
        for name, one in known.sources.items()
    ]
    return FormsOut(version=known.version, sources=sources)


def _form(known: Forms, source: str, trigger: str) -> FormOut:
    form = known.triggers[trigger]
    fields = [
        FieldOut(
            id=name,
            label=known.fields[name].label,
            help=known.fields[name].help,
            kind=known.fields[name].kind,
            choices=list(known.fields[name].choices),
            required=name in form.required,
            required_if=form.required_if.get(name),
        )
        for name in form.fields
    ]
    confidentiality, path = known.closed(source, trigger, form.area)
    return FormOut(
        trigger=trigger,
        label=form.label,
        help=form.help,
        confidentiality=confidentiality,
        path=path,
        fields=fields,
        checklist=list(form.checklist),
    )


@router.post("/escalations/{escalation_id}/information", summary="Add what was missing in an escalation")
async def complete(
    escalation_id: UUID, body: InformationIn, request: Request, caller: EscalationOpener, connection: UnitOfWork
) -> InformationOut:
    """For those who work on it, and for whoever raised it. Once nothing is missing, the record and its clocks go on."""
    return await completing.complete(connection, escalation_id, body, caller=caller, forms=request.app.state.forms)


@router.get("/escalations/{escalation_id}/checklist", summary="What is looked at before an escalation is answered")
async def read_checklist(
    escalation_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> ChecklistOut:
    return await checklist.checklist_of(connection, escalation_id, forms=request.app.state.forms, viewer=caller.id)


@router.put("/escalations/{escalation_id}/checklist/{item}", summary="Tick an item of the checklist, or open it again")
async def tick(
    escalation_id: UUID,
    item: ItemName,
    body: TickIn,
    request: Request,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> ChecklistOut:
    made = Tick(item, body.done, caller.id)
    return await checklist.tick(connection, escalation_id, made, forms=request.app.state.forms)
