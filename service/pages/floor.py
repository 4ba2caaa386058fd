"""The lead's floor: whether the queues are kept up with, what was given up, what keeps coming back, what was not sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Severity, Taxonomy
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import spread
from service.holds.workflow import lease_alerts
from service.outbox.schemas import DeadLettersOut
from service.outbox.workflow import dead_letters
from service.pages import views
from service.pages.bar import bar
from service.pages.exposure import bin_rows
from service.pages.rendering import PageRoute, render
from service.pages.words import amount, duration, spoken
from service.queues.schemas import QueueOut
from service.queues.workflow import list_queues
from service.routing.workflow import is_loud, unserved
from service.security import Capability, FloorReader, Principal
from service.shedding.schemas import ForecastOut, RuleOut, ShedOut
from service.shedding.workflow import forecast, listed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# More are read by the API, not by eye.
SHED_SHOWN = 20
ALERTS_SHOWN = 10
LETTERS_SHOWN = 20

KEYS = ((("?",), "Show these keys"), (("G",), "Go to the console"))


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue in numbers, and in words whether it is kept up with; `bad` where it is not."""

    name: str
    title: str
    open: int
    oldest_seconds: float | None
    arrived_minutes: float
    done_minutes: float
    load: float | None
    hours_to_clear: float | None
    words: str
    bad: bool
    shed: int


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
    queues = {queue.name: queue for queue in (await list_queues(connection, me)).queues}
    given_up = await listed(connection, state.taxonomy, viewer=me, after=None, limit=SHED_SHOWN)
    alerts = await lease_alerts(connection, state.settings, person=me.id)
    routes = await unserved(connection)
    exposed = await spread(connection, limits_of(state.settings))
    context = {
        **await bar(connection, me),
        "rule": found.rule,
        "window": window_words(found.rule.window_hours),
        "queues": [queue_row(one, found.rule, queues) for one in found.queues],
        "shed": [shed_row(one, state.taxonomy, now) for one in given_up.cases],
        "titles": {queue.name: queue.title for queue in queues.values()},
        "shed_total": sum(one.shed for one in found.queues),
        "alerts": alerts.alerts[:ALERTS_SHOWN],
        "alerts_total": alerts.total,
        "loud": [one for one in routes if is_loud(one)],
        "quiet": [one for one in routes if not is_loud(one)],
        "exposed": exposed,
        "graphic_late": sum(one.graphic_late for one in found.queues),
        "bins": bin_rows(exposed),
        "letters": await _letters(connection, me),
        "may_restore": Capability.SHED_MANAGE in me.capabilities,
        "may_read": Capability.CASE_READ in me.capabilities,
        "shortcuts": KEYS,
        "now": now,
    }
    return render("floor.html", context)


def queue_row(found: ForecastOut, rule: RuleOut, queues: Mapping[str, QueueOut]) -> QueueRow:
    """What a queue's numbers mean."""
    queue = queues.get(found.queue)
    return QueueRow(
        name=found.queue,
        title=queue.title if queue else found.queue,
        open=queue.open if queue else found.waiting,
        oldest_seconds=queue.oldest_seconds if queue else None,
        arrived_minutes=found.arrived_minutes,
        done_minutes=found.done_minutes,
        load=found.load,
        hours_to_clear=found.hours_to_clear,
        words=standing_words(found, rule),
        bad=found.overloaded or found.late,
        shed=found.shed,
    )


def standing_words(found: ForecastOut, rule: RuleOut) -> str:
    """Whether a queue is kept up with, as one would say it."""
    window = window_words(min(found.hours, rule.window_hours))
    if found.overloaded:
        words = f"More came than could be done in the last {window}: load {amount(found.load or 0)}."
        return f"{words} Cases wait beyond their latest start." if found.late else words
    if found.late:
        return "A case waits beyond its latest start."
    if not found.decided:
        return f"Nobody decided anything here in the last {window}." if found.waiting else "Nothing waits."
    if found.load is not None and found.load > rule.above_load:
        return f"Load {amount(found.load)} in the last {window}: not more than chance explains."
    return f"Kept up with in the last {window}."


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
