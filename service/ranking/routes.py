"""HTTP of ranking."""

from fastapi import APIRouter, Request

from service.db import UnitOfWork
from service.ranking import workflow
from service.ranking.schemas import RankingOut
from service.security import QueueReader

router = APIRouter(prefix="/v1/ranking", tags=["queues"])


@router.get("", summary="The rules of the order: the version at work and every one before it")
async def ranking(request: Request, _caller: QueueReader, connection: UnitOfWork) -> RankingOut:
    return await workflow.ranking(connection, request.app.state.rank_config)
