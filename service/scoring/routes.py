"""HTTP of stateless scoring, and of the models that score."""

from fastapi import APIRouter, Request

from service.db import UnitOfWork
from service.scoring import workflow
from service.scoring.live_model import LiveModel, unassessed
from service.scoring.schemas import ModelsOut, ScoreIn, ScoreResult, ScoresOut
from service.security import ModelReader, ScoreCaller

router = APIRouter(prefix="/v1", tags=["scoring"])


@router.get("/models", summary="The bundles at work, and why a bundle that is named does not serve")
async def models(request: Request, _caller: ModelReader, connection: UnitOfWork) -> ModelsOut:
    return await workflow.models_at_work(connection, request.app.state.model)


@router.post("/score", summary="Score texts without storing them")
async def score(body: ScoreIn, request: Request, _caller: ScoreCaller) -> ScoresOut:
    model: LiveModel = request.app.state.model
    scorer = model.scorer
    scores = await model.score(body.texts, scorer)
    return ScoresOut(
        bundle=scorer.bundle_hash,
        unassessed=unassessed(scorer),
        results=[
            ScoreResult(
                areas=one.areas,
                severity=list(one.severity),
                primary_area=one.primary_area,
                graphic=list(one.graphic),
                unsure=list(one.unsure),
            )
            for one in scores
        ],
    )
