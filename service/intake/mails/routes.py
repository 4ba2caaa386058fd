"""HTTP of intake by mail."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from service.db import UnitOfWork
from service.errors.requests import InvalidRequestError
from service.intake.mails import workflow
from service.intake.mails.schemas import AsideListOut, MailOut, MailTakenOut
from service.intake.mails.workflow import Office
from service.intake.workflow import Desk
from service.limits import MAIL
from service.security import Capability, EscalationWorker, Principal, require_first

router = APIRouter(prefix="/v1", tags=["intake of escalations"])

# Nobody keeps a connection while pictures of a mail are rendered.
MailSender = Annotated[Principal, Depends(require_first(Capability.ESCALATION_OPEN))]
TYPE = "message/rfc822"
_BODY = {"required": True, "content": {TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.post(MAIL.removeprefix("/v1"), status_code=201, summary="Take in a mail", openapi_extra={"requestBody": _BODY})
async def take(request: Request, caller: MailSender) -> MailTakenOut:
    """The whole message as it came, for the webhook of a mail provider. The same bytes again change nothing."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise InvalidRequestError(f"Content-Type: send the message as {TYPE}")
    state = request.app.state
    desk = Desk(state.forms, state.taxonomy, state.rank_config, state.jobs)
    office = Office(state.engine, desk, state.renderer, state.storage, state.settings)
    return await workflow.take_mail(await request.body(), office, by=caller.id)


@router.get(MAIL.removeprefix("/v1"), summary="Mails that were set aside: machines' answers to nothing of ours")
async def aside(caller: EscalationWorker, connection: UnitOfWork) -> AsideListOut:
    """Of those that came to an address of named people only what the caller may see."""
    return await workflow.set_aside(connection, viewer=caller.id)


@router.get("/escalations/{escalation_id}/mails", summary="The mails of an escalation")
async def mails(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> list[MailOut]:
    return await workflow.mails_of(connection, escalation_id, viewer=caller.id)
