"""Three different answers: the process runs, the service can work, and the numbers."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

router = APIRouter(tags=["operation"])


@router.get("/livez", summary="The process runs")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="Database reachable, model loaded")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    state = request.app.state
    parts = {"model": state.model.state, "database": "ready"}
    try:
        async with state.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        parts["database"] = type(error).__name__
    # Reports are taken without a model, so only the database decides whether traffic should come here.
    if parts["database"] != "ready":
        response.status_code = 503
    status = "ready" if all(part == "ready" for part in parts.values()) else "degraded"
    return {"status": status if response.status_code != 503 else "unavailable", **parts}


@router.get("/metrics", summary="Prometheus metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
