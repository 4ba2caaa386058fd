"""HTTP of translations."""

from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from service.limits import turn_of
from service.media.viewing.workflow import preferences_of
from service.security import Capability, Principal, require_first
from service.translation import workflow
from service.translation.schemas import TranslationIn, TranslationOut

router = APIRouter(prefix="/v1/cases", tags=["cases"])

# They wait for somebody else's service, without a connection of ours: so many do no harm.
AT_ONCE = 16

Holder = Annotated[Principal, Depends(require_first(Capability.CASE_REVIEW))]


@router.post(
    "/{case_id}/translation",
    summary="The text of a case in hand, translated by a machine",
    dependencies=[Depends(turn_of("translations", AT_ONCE))],
    description=(
        "Sends the text to the service that `TRIAGE_TRANSLATION_URL` names, and answers with what it says: a help to "
        "read, no evidence. Neither is stored. 404 `no_translation` where no service is set or there is no text; 502 "
        "`translation_failed` where it does not answer."
    ),
)
async def translate(
    case_id: UUID, body: TranslationIn, request: Request, response: Response, caller: Holder
) -> TranslationOut:
    state = request.app.state
    terms = (state.translator, state.blur_rules, state.settings.translation_language)
    found = await workflow.translated(state.engine, case_id, body, holder=caller.id, terms=terms)
    response.headers["Cache-Control"] = "private, no-store"
    if not body.masked:
        return found
    async with state.engine.connect() as connection:
        covers = (await preferences_of(connection, caller.id)).mask_text
    if not covers:
        return found
    # One or two milliseconds for each thousand characters, which other callers need not wait for.
    text = await to_thread.run_sync(state.covering.masking.blanked, found.text)
    return found.model_copy(update={"text": text})
