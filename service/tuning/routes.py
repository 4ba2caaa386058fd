"""HTTP of tuning."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from service.db import UnitOfWork
from service.limits import turn_of
from service.security import QueueManager
from service.tuning import workflow
from service.tuning.schemas import ActivatedOut, RankingActivationIn, RankingPreviewIn, RankingPreviewOut, ReviveIn

router = APIRouter(prefix="/v1/ranking", tags=["queues"])
PreviewTurn = Annotated[None, Depends(turn_of("previews of the order"), scope="function")]
OldVersion = Annotated[str, Path(max_length=100)]


@router.post("/preview", summary="What other rules of the order would change among the first cases of a queue")
async def preview(
    body: RankingPreviewIn, request: Request, _turn: PreviewTurn, caller: QueueManager, connection: UnitOfWork
) -> RankingPreviewOut:
    return await workflow.preview(connection, body, viewer=caller, taxonomy=request.app.state.taxonomy)


@router.post("", status_code=201, summary="Put other rules of the order to work")
async def activate(
    body: RankingActivationIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ActivatedOut:
    configured = request.app.state.rank_config
    return await workflow.activate(connection, body, actor=caller.id, configured=configured)


@router.post("/{version}/activate", summary="Put an earlier version of the rules to work again")
async def revive(
    version: OldVersion, body: ReviveIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ActivatedOut:
    configured = request.app.state.rank_config
    return await workflow.revive(connection, version, body, actor=caller.id, configured=configured)
