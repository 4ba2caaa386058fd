"""The page of clocks of escalations, the clocks of one record, and what is said wherever one has run out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.escalation_words import SOURCES, TARGETS
from service.pages.language import N_, _, ngettext
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.pages.words import duration, spoken
from service.security import Capability, EscalationWorker, Principal
from service.sla.schemas import AttainedOut, CalendarIn, EscalationClockOut, OverduesOut, RowIn, TargetIn
from service.sla.standing.workflow import attainment, overdues
from service.sla.versions.workflow import matrix_view, newest_text
from service.sla.workflow import clocks_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("P",), N_("Try the matrix on the clocks that run")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
KINDS: Mapping[str, str] = {"legal": N_("legal"), "internal": N_("internal")}
BREACHES: Mapping[str, str] = {
    "notify": N_("Owner, watchers and leads are told."),
    "raise_severity": N_("The severity is raised by one."),
    "hand_over": N_("It is handed to %(who)s."),
    "front_queue": N_("Its cases go to the front of their queue."),
}
# Reasons that parts of the product give.
PAUSES: Mapping[str, str] = {
    "consult": N_("An answer to a consult is awaited."),
    "other_team": N_("Another team is awaited."),
    "requester": N_("Whoever raised it is awaited."),
    "third_party": N_("Somebody outside is awaited."),
    "needs information from whoever raised it": N_("Facts are awaited from whoever raised it."),
}
DAYS: Mapping[str, str] = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}
# More are read by the API and in the file, not by eye.
OVERDUE_SHOWN = 5
ATTAINED_SHOWN = 60
MONTHS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A clock as a page shows it: `share` of its time is gone, 0 to 100."""

    clock: EscalationClockOut
    title: str
    kind: str
    breach: str
    share: float
    tone: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A row of the matrix in words."""

    row: RowIn
    named: Sequence[str]
    conditions: Sequence[str]
    targets: Sequence[tuple[str, str, str, str]]


@router.get("/sla")
async def page(request: Request, me: EscalationWorker, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await matrix_view(connection)
    kept = (await attainment(connection, months=MONTHS_SHOWN)).rows
    now = views.utc_now()
    context = {
        **await bar(connection, me),
        "matrix": shown,
        "edited": await newest_text(connection, shown),
        "rows": [matrix_row(row, taxonomy) for row in shown.matrix.rows],
        "calendars": [(name, calendar_words(one)) for name, one in shown.matrix.calendars.items()],
        "coming": [one for one in shown.history if one.version > shown.version and one.effective_at > now],
        "kept": [(one, TARGETS[one.target], KINDS[one.kind], share_of(one)) for one in kept[:ATTAINED_SHOWN]],
        "kept_left": len(kept[ATTAINED_SHOWN:]),
        "sla_overdue": await overdue_for(request, connection, me),
        "sources": SOURCES,
        "manages": Capability.ESCALATION_MANAGE in me.capabilities,
        "shortcuts": KEYS if Capability.ESCALATION_MANAGE in me.capabilities else KEYS[1:],
        "month": month_words,
        "now": now,
    }
    return render("sla.html", context)


async def clocks(seen: Seen) -> Filling:
    """What fills the part of a record's page about its clocks."""
    found = await clocks_of(seen.connection, seen.id, viewer=seen.me.id)
    now = views.utc_now()
    rows = [clock_row(one, now) for one in found.clocks]
    return {
        "running": [one for one in rows if one.clock.state in {"running", "paused", "overdue"}],
        "past": [one for one in rows if one.clock.state in {"met", "late", "replaced"}],
        "lasting": [(one, pause_words(one.reason)) for one in found.pauses if one.resumed_at is None],
        "over": [(one, pause_words(one.reason)) for one in found.pauses if one.resumed_at is not None],
        "pausable": any(one.clock.kind == "internal" and one.clock.state == "running" for one in rows),
        "open": seen.row.status != "resolved",
        "id": seen.id,
    }


async def overdue_for(request: Request, connection: AsyncConnection, me: Principal) -> OverduesOut | None:
    """What has run out, for the banner, titles masked; None where nothing has or it is not this person's work."""
    if Capability.ESCALATION_WORK not in me.capabilities:
        return None
    found = await overdues(connection, viewer=me.id, limit=OVERDUE_SHOWN)
    if not found.total:
        return None
    masked = (await masking_of(request, connection, me, at="", texts=[one.title for one in found.clocks]))["masked"]
    clocks = [one.model_copy(update={"title": masked.snippet(one.title)}) for one in found.clocks]
    return found.model_copy(update={"clocks": clocks})


def clock_row(one: EscalationClockOut, now: datetime) -> ClockRow:
    """A clock with what a page says of it."""
    whole = (one.due_at - one.started_at).total_seconds()
    gone = ((one.met_at or now) - one.started_at).total_seconds()
    share = 100.0 if whole <= 0 else min(100.0, max(0.0, 100 * gone / whole))
    soon = one.state == "running" and now >= one.warn_at
    tone = "bad" if one.state in {"overdue", "late"} else "warn" if soon else ""
    return ClockRow(one, _(TARGETS[one.target]), _(KINDS[one.kind]), breach_words(one), share, tone)


def breach_words(one: EscalationClockOut | TargetIn) -> str:
    """What happens when a clock runs out."""
    return _(BREACHES[one.on_breach], who=one.hand_to or "")


def pause_words(reason: str) -> str | None:
    """Why clocks stand still, where the product paused them by itself; None for what somebody wrote."""
    return _(PAUSES[reason]) if reason in PAUSES else None


def matrix_row(row: RowIn, taxonomy: Taxonomy) -> MatrixRow:
    """A row of the matrix in words; one without conditions takes everything."""
    # Triggers are the platform's own words.
    named = [*map(spoken, row.triggers), *row.jurisdictions]
    conditions = [
        *(views.label_name(taxonomy, one) for one in row.areas),
        *(_(SOURCES[one]) for one in row.sources),
        *(_("severity %(level)s", level=one) for one in row.severities),
    ]
    targets = [
        (_(TARGETS[one.target]), budget_words(one), one.kind, "" if one.on_breach == "notify" else breach_words(one))
        for one in row.targets
    ]
    return MatrixRow(row, named, conditions, targets)


def budget_words(one: TargetIn) -> str:
    """How long a target may take."""
    if one.business_days is not None:
        return ngettext("%(num)s business day", "%(num)s business days", one.business_days)
    return duration((one.minutes or 0) * 60)


def calendar_words(one: CalendarIn) -> list[str]:
    """When a calendar has people at work, one line for each thing to say."""
    if one.always:
        return [_("Round the clock")]
    lines = [f"{_(DAYS[day])} {', '.join(hours)}" for day, hours in one.week.items() if hours]
    if one.holidays:
        place = f"{one.holidays}-{one.subdivision}" if one.subdivision else one.holidays
        lines.append(_("Closed on public holidays of %(place)s", place=place))
    if one.closed:
        lines.append(ngettext("Closed on %(num)s further day", "Closed on %(num)s further days", len(one.closed)))
    return lines


def share_of(one: AttainedOut) -> float | None:
    """Met of met and missed; None where there is neither."""
    judged = one.met + one.missed
    return one.met / judged if judged else None


def month_words(month: date) -> str:
    """A month as a table writes it."""
    return f"{month:%Y-%m}"
