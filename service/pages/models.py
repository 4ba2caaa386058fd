"""The page of models: which bundles are at work, what the shadow would change, and what has drifted."""

from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.drift.schemas import DriftOut, MonitorOut
from service.drift.workflow import standing
from service.errors.requests import NotFoundError
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.pages.words import chance, spoken
from service.scoring.cards import about, releases
from service.scoring.schemas import BundleOut, ModelsOut
from service.scoring.workflow import models_at_work
from service.security import Capability, ModelReader
from service.settings import Settings
from service.shadow.schemas import AreaDifference, ShadowOut
from service.shadow.workflow import difference

router = APIRouter(route_class=PageRoute, include_in_schema=False)

TOP = 100
# More moves than these are read by the API, not by eye.
MOVES_SHOWN = 10
HASH_SHOWN = 12

PARTS = {
    "live": (N_("Live"), N_("its scores order the queues")),
    "staged": (N_("Staged"), N_("scores a share of the cases in place of the live one")),
    "shadow": (N_("Shadow"), N_("scores the same texts and changes nothing")),
}
MONITORS = {
    "input.length": N_("Length of texts"),
    "input.language": N_("Languages"),
    "decision.agreement": N_("Decisions that agree with the score"),
    "decision.no_action": N_("Decisions without action"),
}
ACTIONS = {
    "promote": N_("promoted"),
    "rollback": N_("rolled back to"),
    "shadow": N_("set into the shadow"),
    "stage": N_("staged"),
}
KEYS = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
# A bar of drift ends at twice the threshold; beyond that it is full.
AXIS = 100.0
LEAST = 1.0


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the releases: `bundle` cut for reading, `problem` where the one that is named does not serve."""

    name: str
    meaning: str
    bundle: str | None
    problem: str | None
    whole: str | None = None


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One monitor; `is_index` tells a population stability index from a change of a mean or rate.

    `share` is how far its bar reaches, of 100; the threshold is in the middle.
    """

    name: str
    is_index: bool
    reading: MonitorOut
    share: float


@router.get("/models")
async def models(request: Request, me: ModelReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    settings = request.app.state.settings
    parts = part_rows(await models_at_work(connection, request.app.state.model))
    drift = await standing(connection)
    shadow = await _shadow(connection, request)
    context = {
        **await bar(connection, me),
        "parts": parts,
        "about": await to_thread.run_sync(_about, settings, parts),
        "releases": await to_thread.run_sync(releases, settings),
        "action": action_words,
        "names": lambda areas: ", ".join(views.label_name(taxonomy, area) for area in areas),
        "short": lambda bundles: ", ".join(bundle[:HASH_SHOWN] for bundle in bundles),
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
        rows.append(PartRow(_(name), _(meaning), bundle[:HASH_SHOWN] if bundle else None, problem, bundle))
    return rows


def changed_areas(shadow: ShadowOut) -> list[AreaDifference]:
    """Areas by how much the shadow differs; those in which nothing differs are left out."""
    changed = [one for one in shadow.areas if one.mean_absolute_difference or one.live_primary != one.shadow_primary]
    return sorted(changed, key=lambda one: -(one.mean_absolute_difference or 0))


def monitor_rows(drift: DriftOut, taxonomy: Taxonomy) -> list[MonitorRow]:
    """Monitors by name, alerts first."""
    return [
        MonitorRow(_monitor_name(one.monitor, taxonomy), _is_index(one.monitor), one, _share(one))
        for one in drift.monitors
    ]


def action_words(action: str) -> str:
    """What a release did; one that is staged says with which share."""
    kind, _space, share = action.partition(" ")
    words = _(ACTIONS[kind]) if kind in ACTIONS else spoken(kind)
    return _("%(action)s with a share of %(share)s", action=words, share=chance(float(share))) if share else words


def _share(one: MonitorOut) -> float:
    most = 2 * one.threshold
    return round(min(AXIS, max(LEAST, AXIS * abs(one.value) / most)), 1) if most else LEAST


def _about(settings: Settings, parts: Sequence[PartRow]) -> list[tuple[PartRow, BundleOut]]:
    """What the bundles at work say of themselves, each once."""
    found: dict[str, tuple[PartRow, BundleOut]] = {}
    for part in parts:
        if part.whole and part.whole not in found and (told := about(settings, part.whole)):
            found[part.whole] = (part, told)
    return list(found.values())


def _monitor_name(monitor: str, taxonomy: Taxonomy) -> str:
    kind, _dot, subject = monitor.partition(".")
    if monitor in MONITORS:
        return _(MONITORS[monitor])
    area = views.label_name(taxonomy, subject)
    return _("Scores: %(area)s", area=area) if kind == "score" else _("Mean score: %(area)s", area=area)


def _is_index(monitor: str) -> bool:
    kinds: Sequence[str] = ("input", "score")
    return monitor.partition(".")[0] in kinds


async def _shadow(connection: AsyncConnection, request: Request) -> ShadowOut | None:
    state = request.app.state
    try:
        return await difference(connection, top=TOP, taxonomy=state.taxonomy, config=state.rank_config)
    except NotFoundError:
        return None
