"""The lead's floor: whether the queues are kept up with, what was given up, what keeps coming back, what was not sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Severity, Taxonomy
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import spread
from service.floor.schemas import BreachesOut, DepthOut, FloorQueueOut
from service.floor.workflow import AGED_MOST, depths
from service.floor.workflow import floor as on_the_floor
from service.holds.workflow import lease_alerts
from service.outbox.schemas import DeadLettersOut
from service.outbox.workflow import dead_letters
from service.pages import views
from service.pages.bar import bar
from service.pages.charts import Chart, Look, Point, line_chart
from service.pages.crisis import crisis_now
from service.pages.escalation_beside import unowned_now
from service.pages.exposure import bin_rows
from service.pages.language import N_, _, ngettext
from service.pages.rendering import PageRoute, render
from service.pages.restricted import alarms_for
from service.pages.sla import overdue_for
from service.pages.words import amount, duration, spoken
from service.routing.workflow import is_loud, unserved
from service.security import Capability, FloorReader, Principal
from service.shedding.schemas import ForecastOut, SheddingRuleOut, ShedOut
from service.shedding.workflow import forecast, listed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# More are read by the API, not by eye.
SHED_SHOWN = 20
ALERTS_SHOWN = 10
LETTERS_SHOWN = 20
BREACHES_SHOWN = 5
# A page is to be read: the longest queues are drawn, and the file has all of them.
CHARTS_SHOWN = 12
DEPTH_CSV = "/v1/floor/depth.csv"

KEYS = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue in numbers, and in words whether it is kept up with; `bad` where it is not."""

    name: str
    title: str
    open: int
    p50: float | None
    p90: float | None
    oldest_seconds: float | None
    came_hour: float
    came_shift: float
    done_hour: float
    done_shift: float
    people: int
    load: float | None
    hours_to_clear: float | None
    words: str
    bad: bool
    shed: int
    overdue: int
    missed: int
    # What will be missed, in words; None where nothing is.
    breach: str | None


@dataclass(frozen=True, slots=True)
class ShedRow:
    """A case that was given up, as it would have been ranked."""

    case_id: UUID
    queue: str
    area: str
    kind: str
    severity: Severity
    reports: int
    opened_seconds: float
    shed_seconds: float
    under: str


@router.get("/floor")
async def floor(request: Request, me: FloorReader, connection: UnitOfWork) -> Response:
    state = request.app.state
    now = views.utc_now()
    found = await forecast(connection, state.rank_config, viewer=me)
    now_there = await on_the_floor(connection, viewer=me, idle_minutes=state.settings.session_idle_minutes)
    given_up = await listed(connection, state.taxonomy, viewer=me, after=None, limit=SHED_SHOWN)
    alerts = await lease_alerts(connection, state.settings, person=me.id)
    routes = await unserved(connection)
    quiet = [one for one in routes if not is_loud(one)]
    exposed = await spread(connection, limits_of(state.settings))
    here = {queue.queue: queue for queue in now_there.queues}
    # A queue may be closed between two looks.
    rows = [queue_row(one, found.rule, here[one.queue]) for one in found.queues if one.queue in here]
    breaching = sorted((row for row in rows if row.breach), key=lambda row: -row.missed)
    drawn = depth_charts(await depths(connection, viewer=me), rows)
    context = {
        **await bar(connection, me),
        **await unowned_now(connection, me),
        "restricted": await alarms_for(connection, me),
        **await crisis_now(connection, me),
        "rule": found.rule,
        "window": window_words(found.rule.window_hours),
        "queues": rows,
        "breaching": breaching[:BREACHES_SHOWN],
        "breaching_left": len(breaching[BREACHES_SHOWN:]),
        "overdue_total": sum(row.overdue for row in rows),
        "open_total": sum(row.open for row in rows),
        "aged_most": AGED_MOST,
        "estimated": any(row.open > AGED_MOST for row in rows),
        "people": now_there.people,
        "assumption": now_there.assumption,
        "charts": drawn[:CHARTS_SHOWN],
        "charts_left": len(drawn[CHARTS_SHOWN:]),
        "shed": [shed_row(one, state.taxonomy, now) for one in given_up.cases],
        "titles": {row.name: row.title for row in rows},
        "shed_total": sum(one.shed for one in found.queues),
        "alerts": alerts.alerts[:ALERTS_SHOWN],
        "alerts_total": alerts.total,
        "loud": [one for one in routes if is_loud(one)],
        "quiet": quiet,
        "quiet_names": enumeration([_(spoken(one.special)) for one in quiet]),
        "exposed": exposed,
        "graphic_late": sum(one.graphic_late for one in found.queues),
        "bins": bin_rows(exposed),
        "letters": await _letters(connection, me),
        "sla_overdue": await overdue_for(request, connection, me),
        "may_restore": Capability.SHED_MANAGE in me.capabilities,
        "may_read": Capability.CASE_READ in me.capabilities,
        "shortcuts": KEYS,
        "now": now,
    }
    return render("floor.html", context)


def queue_row(found: ForecastOut, rule: SheddingRuleOut, here: FloorQueueOut) -> QueueRow:
    """What a queue's numbers mean."""
    return QueueRow(
        name=here.queue,
        title=here.title,
        open=here.open,
        p50=here.ages.p50 if here.ages else None,
        p90=here.ages.p90 if here.ages else None,
        oldest_seconds=here.ages.oldest if here.ages else None,
        came_hour=here.arrived.hour,
        came_shift=here.arrived.shift,
        done_hour=here.decided.hour,
        done_shift=here.decided.shift,
        people=here.people,
        load=found.load,
        hours_to_clear=found.hours_to_clear,
        words=standing_words(found, rule),
        bad=found.overloaded or found.late,
        shed=found.shed,
        overdue=here.breaches.overdue,
        missed=here.breaches.missed,
        breach=breach_words(here.breaches),
    )


def breach_words(found: BreachesOut) -> str | None:
    """What will be missed at this pace, as one would say it; None where nothing will."""
    if found.first_at is None:
        return None
    at = f"{found.first_at:%H:%M} UTC"
    if not found.done_per_hour:
        return ngettext(
            "Nobody decides anything here: %(cases)s case will miss its deadline within 24 hours, at %(at)s.",
            "Nobody decides anything here: %(cases)s cases will miss their deadline within 24 hours, the first at %(at)s.",
            found.missed,
            cases=amount(found.missed),
            at=at,
        )
    return ngettext(
        "At this pace (%(pace)s decided an hour) %(cases)s case will miss its deadline at %(at)s.",
        "At this pace (%(pace)s decided an hour) %(cases)s cases will miss their deadline, the first at %(at)s.",
        found.missed,
        cases=amount(found.missed),
        pace=amount(found.done_per_hour),
        at=at,
    )


def depth_charts(found: Mapping[str, Sequence[DepthOut]], rows: Sequence[QueueRow]) -> list[tuple[str, Chart]]:
    """How long each queue was at each full hour of the last day, the longest now first; those that were empty are not drawn."""
    look = Look(csv=DEPTH_CSV, unit=_("Cases"))
    return [
        (row.name, line_chart(row.title, [Point(f"{one.at:%H:%M}", one.cases) for one in found[row.name]], look))
        for row in sorted(rows, key=lambda row: (-row.open, row.name))
        if any(one.cases for one in found.get(row.name, ()))
    ]


def enumeration(words: Sequence[str]) -> str:
    """Words as they stand in a sentence: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return _("%(some)s and %(last)s", some=", ".join(words[:-1]), last=words[-1])


def standing_words(found: ForecastOut, rule: SheddingRuleOut) -> str:
    """Whether a queue is kept up with, as one would say it."""
    window = window_words(min(found.hours, rule.window_hours))
    load = amount(found.load or 0)
    if found.overloaded and found.late:
        return _(
            "More came than could be done in the last %(window)s: load %(load)s. Cases wait beyond their latest start.",
            window=window,
            load=load,
        )
    if found.overloaded:
        return _("More came than could be done in the last %(window)s: load %(load)s.", window=window, load=load)
    if found.late:
        return _("A case waits beyond its latest start.")
    if not found.decided and found.waiting:
        return _("Nobody decided anything here in the last %(window)s.", window=window)
    if not found.decided:
        return _("Nothing waits.")
    if found.load is not None and found.load > rule.above_load:
        return _("Load %(load)s in the last %(window)s: not more than chance explains.", load=load, window=window)
    return _("Kept up with in the last %(window)s.", window=window)


def window_words(hours: float) -> str:
    """A window of time as those who plan shifts say it: up to three days in hours."""
    return f"{hours:.0f} h" if 24 <= hours <= 72 else duration(hours * 3600)


def shed_row(case: ShedOut, taxonomy: Taxonomy, now: datetime) -> ShedRow:
    """A line of the list of what was given up."""
    likely = max(range(len(case.severity)), key=case.severity.__getitem__)
    return ShedRow(
        case_id=case.case_id,
        queue=case.queue,
        area=views.label_name(taxonomy, case.primary_area),
        kind=spoken(case.kind).capitalize(),
        severity=taxonomy.severities[likely],
        reports=case.report_count,
        opened_seconds=(now - case.opened_at).total_seconds(),
        shed_seconds=(now - case.shed_at).total_seconds(),
        under=case.shed_under,
    )


async def _letters(connection: AsyncConnection, me: Principal) -> DeadLettersOut | None:
    """Messages that were given up; None for those who do not manage webhooks."""
    if Capability.WEBHOOKS_MANAGE not in me.capabilities:
        return None
    return await dead_letters(connection, endpoint=None, after=None, limit=LETTERS_SHOWN)
