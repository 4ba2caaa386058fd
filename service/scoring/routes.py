"""HTTP of stateless scoring."""

from fastapi import APIRouter, Request

from service.scoring.live_model import LiveModel, unassessed
from service.scoring.schemas import ScoreIn, ScoreResult, ScoresOut
from service.security import ScoreCaller

router = APIRouter(prefix="/v1/score", tags=["scoring"])


@router.post("", summary="Score texts without storing them")
async def score(body: ScoreIn, request: Request, _caller: ScoreCaller) -> ScoresOut:
    model: LiveModel = request.app.state.model
    scorer = model.scorer
    scores = await model.score(body.texts)
    return ScoresOut(
        bundle=scorer.bundle_hash,
        unassessed=unassessed(scorer),
        results=[
            ScoreResult(areas=one.areas, severity=list(one.severity), primary_area=one.primary_area) for one in scores
        ],
    )
