"""HTTP of the teams that are asked."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.consults.teams import workflow
from service.consults.teams.schemas import TeamIn, TeamName, TeamsOut
from service.db import UnitOfWork
from service.security import EscalationManager, EscalationWorker

router = APIRouter(prefix="/v1/consults/teams", tags=["consults"])

Username = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("", summary="Teams that can be asked about an escalation")
async def teams(caller: EscalationWorker, connection: UnitOfWork) -> TeamsOut:
    return await workflow.teams_view(connection, viewer=caller.id)


@router.put("/{team}", summary="Change a team, or make one")
async def set_team(team: TeamName, body: TeamIn, caller: EscalationManager, connection: UnitOfWork) -> TeamsOut:
    return await workflow.set_team(connection, team, body, actor=caller.id)


@router.put("/{team}/members/{username}", summary="Put somebody into a team; they read all that it is asked")
async def add_member(team: TeamName, username: Username, caller: EscalationManager, connection: UnitOfWork) -> TeamsOut:
    return await workflow.add_member(connection, team, username, actor=caller.id)


@router.delete("/{team}/members/{username}", status_code=204, summary="Take somebody out of a team")
async def remove_member(
    team: TeamName, username: Username, caller: EscalationManager, connection: UnitOfWork
) -> Response:
    await workflow.remove_member(connection, team, username, actor=caller.id)
    return Response(status_code=204)
