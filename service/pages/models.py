"""The page of models: which bundles are at work, what the shadow would change, and what has drifted."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.drift.schemas import DriftOut, MonitorOut
from service.drift.workflow import standing
from service.errors.requests import NotFoundError
from service.pages import views
from service.pages.bar import bar
from service.pages.rendering import PageRoute, render
from service.scoring.schemas import ModelsOut
from service.scoring.workflow import models_at_work
from service.security import Capability, ModelReader
from service.shadow.schemas import AreaDifference, ShadowOut
from service.shadow.workflow import difference

router = APIRouter(route_class=PageRoute, include_in_schema=False)

TOP = 100
# More moves than these are read by the API, not by eye.
MOVES_SHOWN = 10
HASH_SHOWN = 12

PARTS = {
    "live": ("Live", "its scores order the queues"),
    "staged": ("Staged", "scores a share of the cases in place of the live one"),
    "shadow": ("Shadow", "scores the same texts and changes nothing"),
}
MONITORS = {
    "input.length": "Length of texts",
    "input.language": "Languages",
    "decision.agreement": "Decisions that agree with the score",
    "decision.no_action": "Decisions without action",
}
KEYS = ((("?",), "Show these keys"), (("G",), "Go to the console"))


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the releases: `bundle` cut for reading, `problem` where the one that is named does not serve."""

    name: str
    meaning: str
    bundle: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One monitor; `is_index` tells a population stability index from a change of a mean or rate."""

    name: str
    is_index: bool
    reading: MonitorOut


@router.get("/models")
async def models(request: Request, me: ModelReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    at_work = await models_at_work(connection, request.app.state.model)
    drift = await standing(connection)
    shadow = await _shadow(connection, request)
    context = {
        **await bar(connection, me),
        "parts": part_rows(at_work),
        "shadow": shadow,
        "areas": changed_areas(shadow) if shadow else [],
        "drift": drift,
        "monitors": monitor_rows(drift, taxonomy),
        "moves_shown": MOVES_SHOWN,
        "may_read": Capability.CASE_READ in me.capabilities,
        "label": lambda area: views.label_name(taxonomy, area),
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("models.html", context)


def part_rows(at_work: ModelsOut) -> list[PartRow]:
    """Live, staged, shadow; before any worker has spoken, the bundle that answers here."""
    states = {state.part: (state.bundle, state.problem) for state in at_work.workers}
    states.setdefault("live", (at_work.api, at_work.api_problem))
    rows = []
    for part, (name, meaning) in PARTS.items():
        bundle, problem = next((state for key, state in states.items() if key == part), (None, None))
        rows.append(PartRow(name, meaning, bundle[:HASH_SHOWN] if bundle else None, problem))
    return rows


def changed_areas(shadow: ShadowOut) -> list[AreaDifference]:
    """Areas by how much the shadow differs; those in which nothing differs are left out."""
    changed = [one for one in shadow.areas if one.mean_absolute_difference or one.live_primary != one.shadow_primary]
    return sorted(changed, key=lambda one: -(one.mean_absolute_difference or 0))


def monitor_rows(drift: DriftOut, taxonomy: Taxonomy) -> list[MonitorRow]:
    """Monitors by name, alerts first."""
    return [MonitorRow(_monitor_name(one.monitor, taxonomy), _is_index(one.monitor), one) for one in drift.monitors]


def _monitor_name(monitor: str, taxonomy: Taxonomy) -> str:
    kind, _, subject = monitor.partition(".")
    if monitor in MONITORS:
        return MONITORS[monitor]
    spread = "Scores" if kind == "score" else "Mean score"
    return f"{spread}: {views.label_name(taxonomy, subject)}"


def _is_index(monitor: str) -> bool:
    kinds: Sequence[str] = ("input", "score")
    return monitor.partition(".")[0] in kinds


async def _shadow(connection: AsyncConnection, request: Request) -> ShadowOut | None:
    state = request.app.state
    try:
        return await difference(connection, top=TOP, taxonomy=state.taxonomy, config=state.rank_config)
    except NotFoundError:
        return None
