"""Three different answers: the process runs, the service can work, and the numbers."""

import math

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.appeals.judging.workflow import overdue as overdue_appeals
from service.assessing.live import OFF
from service.assessing.workflow import model_state, unassessed
from service.clocks.workflow import overdue_legal
from service.decisions.workflow import untold as untold_decisions
from service.drift.workflow import standing
from service.escalations.listing.workflow import unowned as unowned_escalations
from service.exposure.limits import limits_of
from service.exposure.workflow import totals as exposure_totals
from service.holds.workflow import count_alerts
from service.leases.workflow import lapsed_cases
from service.observe import (
    DRIFT,
    DRIFT_ALERTS,
    EXPOSED_SECONDS,
    EXPOSURE_AT_CAP,
    FAILED_WEBHOOKS,
    FAILED_WEBHOOKS_CLOSED,
    IMAGE_MODEL_UNUSABLE,
    LAPSED_CASES,
    LEASE_ALERTS,
    OLDEST_SECONDS,
    OPEN_CASES,
    OVERDUE_APPEALS,
    OVERDUE_LEGAL_CLOCKS,
    RELEASE_REFUSED,
    SLA_OVERDUE,
    SPECIAL_UNSERVED,
    SPECIAL_WAITING,
    UNASSESSED,
    UNOWNED_ESCALATIONS,
    UNPRINTED,
    UNREAD,
    UNSCORED,
    UNTAKEN_CASES,
    UNTOLD_DECISIONS,
)
from service.outbox.workflow import list_endpoints
from service.queues.workflow import waiting
from service.reading.workflow import unread
from service.routing.workflow import is_loud, special_routes, untaken
from service.scoring.workflow import release_states, unscored
from service.settings import Settings
from service.similar.workflow import unprinted
from service.sla.standing.workflow import overdue_counts

router = APIRouter(tags=["operation"])
# The one label of all restricted queues.
RESTRICTED = "restricted"
log = structlog.get_logger()


@router.get("/livez", summary="The process runs")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="Database reachable, model loaded")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    state = request.app.state
    parts = {"model": state.model.state, "database": "ready"}
    if state.settings.registry is not None:
        # Which bundle and why is for callers with a key: GET /v1/models.
        parts["releases"] = "refused" if state.model.problems else "ready"
    try:
        async with state.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            if any(is_loud(route) for route in await special_routes(connection)):
                # Which and why is for those who manage queues: GET /v1/routing.
                parts["special_routes"] = "unserved"
            if state.settings.image_model != OFF:
                parts["image_model"] = await _image_model(connection)
    except (SQLAlchemyError, OSError) as error:
        parts["database"] = type(error).__name__
    # Reports are taken without a model, so only the database decides whether traffic should come here.
    if parts["database"] != "ready":
        response.status_code = 503
    status = "ready" if all(part == "ready" for part in parts.values()) else "degraded"
    return {"status": status if response.status_code != 503 else "unavailable", **parts}


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(request: Request) -> Response:
    if request.app.state.settings.registry is not None:
        RELEASE_REFUSED.labels("api", "live").set("live" in request.app.state.model.problems)
    try:
        async with request.app.state.engine.connect() as connection:
            await _measure(connection, request.app.state.settings)
    except (SQLAlchemyError, OSError) as error:
        # The gauges keep their last values; that the database is gone shows in the other metrics and in /readyz.
        log.warning("metrics.without_database", error=type(error).__name__)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _measure(connection: AsyncConnection, settings: Settings) -> None:
    """Read the gauges. Every API process shows the same ones: they are of the database, not of the process."""
    OPEN_CASES.clear()
    OLDEST_SECONDS.clear()
    oldest: dict[str, float] = {}
    for queue in (await waiting(connection)).values():
        label = _label(queue.name, restricted=queue.restricted)
        oldest[label] = max(oldest.get(label, 0.0), queue.oldest_seconds or 0.0)
        OPEN_CASES.labels(label).inc(queue.open)
        OLDEST_SECONDS.labels(label).set(oldest[label])
    for route in await special_routes(connection):
        SPECIAL_UNSERVED.labels(route.special).set(route.problem is not None)
        SPECIAL_WAITING.labels(route.special).set(route.waiting)
    UNTAKEN_CASES.clear()
    for one in await untaken(connection):
        UNTAKEN_CASES.labels(_label(one.queue, restricted=one.restricted)).inc(one.cases)
    LAPSED_CASES.set(await lapsed_cases(connection))
    LEASE_ALERTS.set(await count_alerts(connection, settings))
    OVERDUE_LEGAL_CLOCKS.set(await overdue_legal(connection))
    for kind, clocks in (await overdue_counts(connection)).items():
        SLA_OVERDUE.labels(kind).set(clocks)
    OVERDUE_APPEALS.set(await overdue_appeals(connection))
    # Of few people they would tell of one of them.
    exposed, at_cap = await exposure_totals(connection, limits_of(settings)) or (math.nan, math.nan)
    EXPOSED_SECONDS.set(exposed)
    EXPOSURE_AT_CAP.set(at_cap)
    UNSCORED.set(await unscored(connection))
    UNPRINTED.set(await unprinted(connection))
    media = await unassessed(connection)
    UNASSESSED.labels("waiting").set(media.waiting)
    UNASSESSED.labels("failed").set(media.failed)
    pictures = await unread(connection)
    UNREAD.labels("waiting").set(pictures.waiting)
    UNREAD.labels("failed").set(pictures.failed)
    IMAGE_MODEL_UNUSABLE.set(settings.image_model != OFF and await _image_model(connection) == "unusable")
    for state in await release_states(connection):
        RELEASE_REFUSED.labels("worker", state.part).set(state.problem is not None)
    drift = await standing(connection)
    DRIFT.clear()
    for monitor in drift.monitors:
        DRIFT.labels(monitor.monitor).set(monitor.value)
    DRIFT_ALERTS.set(drift.alerts)
    endpoints = (await list_endpoints(connection)).webhooks
    FAILED_WEBHOOKS.set(sum(one.failed for one in endpoints if one.active))
    FAILED_WEBHOOKS_CLOSED.set(sum(one.failed for one in endpoints if not one.active))
    UNTOLD_DECISIONS.set(await untold_decisions(connection))
    UNOWNED_ESCALATIONS.set(await unowned_escalations(connection))


async def _image_model(connection: AsyncConnection) -> str:
    """State of the workers' image model, without its reason, which names files."""
    told = await model_state(connection)
    if told is None:
        return "loading"
    return "unusable" if told.problem else "ready"


def _label(queue: str, *, restricted: bool) -> str:
    """The queue's name; those of restricted queues are for their members, and no key guards this page."""
    return RESTRICTED if restricted else queue
