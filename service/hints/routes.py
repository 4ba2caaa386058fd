"""HTTP of hints."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from service.cases.workflow import require_visible
from service.hints.schemas import HintsOut
from service.hints.workflow import Hints
from service.media.viewing.workflow import preferences_of
from service.security import Capability, Principal, require_first

router = APIRouter(prefix="/v1/cases", tags=["cases"])

Reader = Annotated[Principal, Depends(require_first(Capability.CASE_READ))]


@router.get(
    "/{case_id}/hints",
    summary="Words of a case that the model reacted to",
    description=(
        "Hints for a person who reads the text anyway: the model reacted to these words; they are no reason. Worked out "
        "by the bundle that gave the case its score, which they never change. 404 `hints_unavailable` where there is no "
        "score or text, or that bundle is not at work."
    ),
)
async def read(
    case_id: UUID,
    request: Request,
    caller: Reader,
    area: Annotated[
        str | None, Query(max_length=100, description="A policy area; the one that the score names without it.")
    ] = None,
    *,
    masked: Annotated[
        bool, Query(description="With dots for masked words in `cleaned`, where the caller has not switched them off.")
    ] = False,
) -> HintsOut:
    state = request.app.state
    hints: Hints = state.hints
    async with state.engine.connect() as connection:
        await require_visible(connection, case_id, viewer=caller.id)
        covers = masked and (await preferences_of(connection, caller.id)).mask_text
    found = await hints.of_case(state.engine, case_id, area, model=state.model, taxonomy=state.taxonomy)
    if not covers or found.cleaned is None:
        return found
    return found.model_copy(update={"cleaned": state.covering.masking.blanked(found.cleaned)})
