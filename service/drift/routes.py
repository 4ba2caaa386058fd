"""HTTP of drift."""

from fastapi import APIRouter

from service.db import UnitOfWork
from service.drift import workflow
from service.drift.schemas import DriftOut
from service.security import ModelReader

router = APIRouter(prefix="/v1/models/drift", tags=["models"])


@router.get("", summary="Drift of inputs, scores and decisions, and its alerts")
async def standing(_caller: ModelReader, connection: UnitOfWork) -> DriftOut:
    return await workflow.standing(connection)
