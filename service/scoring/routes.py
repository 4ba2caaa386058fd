"""HTTP of stateless scoring, and of the models that score."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request

from service.db import UnitOfWork
from service.errors.requests import NotFoundError
from service.scoring import cards, workflow
from service.scoring.live_model import LiveModel, unassessed
from service.scoring.schemas import BundleOut, ModelsOut, ReleasesOut, ScoreIn, ScoreResult, ScoresOut
from service.security import FirstModelReader, ModelReader, ScoreCaller

router = APIRouter(prefix="/v1", tags=["scoring"])


@router.get("/models", summary="The bundles at work, and why a bundle that is named does not serve")
async def models(request: Request, _caller: ModelReader, connection: UnitOfWork) -> ModelsOut:
    return await workflow.models_at_work(connection, request.app.state.model)


@router.get("/models/releases", summary="Every release of the registry, newest first")
async def releases(request: Request, _caller: FirstModelReader) -> ReleasesOut:
    return await to_thread.run_sync(cards.releases, request.app.state.settings)


@router.get("/models/bundles/{bundle}", summary="What a bundle says of itself: card, verdict, thresholds")
async def bundle(
    bundle: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], request: Request, _caller: FirstModelReader
) -> BundleOut:
    found = await to_thread.run_sync(cards.about, request.app.state.settings, bundle)
    if found is None:
        raise NotFoundError(f"there is no bundle {bundle} here that can be read")
    return found


@router.post("/score", summary="Score texts without storing them")
async def score(body: ScoreIn, request: Request, _caller: ScoreCaller) -> ScoresOut:
    model: LiveModel = request.app.state.model
    scorer = model.scorer
    scores = await model.score(body.texts, scorer, body.languages)
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
