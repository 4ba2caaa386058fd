"""HTTP of clocks."""

from uuid import UUID

from fastapi import APIRouter, Request

from service.cases.workflow import require_visible
from service.clocks import workflow
from service.clocks.schemas import CaseClocksOut, ClockIn, ClockSetOut
from service.clocks.workflow import NewClock
from service.db import UnitOfWork
from service.security import Capability, CaseReader, ClockSetter

router = APIRouter(prefix="/v1/cases", tags=["clocks"])


@router.post("/{case_id}/clocks", status_code=201, summary="Give a case a deadline, or replace one")
async def set_clock(
    case_id: UUID, body: ClockIn, request: Request, caller: ClockSetter, connection: UnitOfWork
) -> ClockSetOut:
    """The nearest clock that runs is the deadline of the case, which takes its new place at once. A clock is never
    changed: another takes its place and says why, and a legal one moves later only where the reason names the new
    basis. A moment in the past is taken and makes the case overdue at once.
    """
    state = request.app.state
    # The platform sets clocks on what it reported itself; a person on what they may see.
    reads = Capability.CASE_READ in caller.capabilities
    if reads:
        await require_visible(connection, case_id, viewer=caller.id)
    new = NewClock(case_id, body, set_by=caller.id, own_only=not reads)
    return await workflow.set_clock(connection, new, taxonomy=state.taxonomy, config=state.rank_config, jobs=state.jobs)


@router.get("/{case_id}/clocks", summary="Every clock that a case ever had")
async def clocks(case_id: UUID, caller: CaseReader, connection: UnitOfWork) -> CaseClocksOut:
    await require_visible(connection, case_id, viewer=caller.id)
    return await workflow.clocks_of(connection, case_id)
