"""Rules of scorecards: figures of groups of people, with what they mean, and without any figure that would tell of one person."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.statistics.disputed import bounded
from labeling.statistics.estimate import MIN_ITEMS, Estimate
from labeling.statistics.weighted import counted_share, weighted_share
from service.errors.requests import InvalidRequestError
from service.scorecards import store
from service.scorecards.described import page_of
from service.scorecards.figures import FIGURES, LEAST_PEOPLE, NOTES
from service.scorecards.schemas import (
    AmountOut,
    AskedIn,
    FiltersOut,
    GroupOut,
    ScorecardFigureOut,
    ScorecardOut,
    ShareOut,
    TimesOut,
)

DAYS_BY_DEFAULT = 30
DAYS_MOST = 400
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
GROUPS_MOST = 500
CHOICES_MOST = 500

PLANS_MOST = 100

PARTS = ("accuracy", "ceiling", "facts", "times", "escalations", "exposures")
FEW = f"fewer than {LEAST_PEOPLE} people: it would tell of one of them"
SOME = "of one vendor or site alone: less that of another question, it would tell of one person"
NONE = Estimate(None, None, None, 0)
Parts = Mapping[str, Row[Any]]


async def scorecard(connection: AsyncConnection, asked: AskedIn, *, today: date) -> ScorecardOut:
    """The figures of every group that has any, by name, and of all together. Raises InvalidRequestError."""
    since, until = period(asked, today=today)
    filters = FiltersOut(**asked.model_dump(include=set(FiltersOut.model_fields)))
    values = {
        "since": _midnight(since),
        "until": _midnight(until + timedelta(days=1)),
        **filters.model_dump(),
    }
    found: dict[str | None, dict[str, Row[Any]]] = {}
    whole: dict[str, Row[Any]] = {}
    for part in PARTS:
        for row in await store.sums(connection, part, asked.by, values):
            (whole if row.whole else found.setdefault(row.name, {}))[part] = row
    if len(found) > GROUPS_MOST:
        raise InvalidRequestError(
            f"{len(found)} groups, the most is {GROUPS_MOST}: narrow the period or ask for one area"
        )
    # What belongs to no group stands last.
    names = sorted(found, key=lambda name: (name is None, name or ""))
    # Two of these, each of people enough, can differ by one person.
    some = SOME if asked.vendor or asked.site else None
    groups = [_group(name, found[name], hidden=some or _few(found[name])) for name in names]
    plans = await store.plans(connection, values, most=PLANS_MOST)
    return ScorecardOut(
        by=asked.by,
        since=since,
        until=until,
        filters=filters,
        groups=groups,
        all=_group("all", whole, hidden=some or _few(whole) or (FEW if _gives_away(found) else None)),
        plans=[one.name for one in plans],
        missing=[*_missing(asked.by, groups), *_waiting(plans)],
        definitions={
            one.name: ScorecardFigureOut(title=one.title, definition=one.definition, view=one.view) for one in FIGURES
        },
        notes=list(NOTES),
    )


def period(asked: AskedIn, *, today: date) -> tuple[date, date]:
    """The first and the last day that are asked for. Raises InvalidRequestError."""
    for day in (asked.since, asked.until):
        if day is not None and not EARLIEST <= day <= LATEST:
            raise InvalidRequestError(f"since, until: a day from {EARLIEST} to {LATEST}, not {day}")
    until = asked.until or today
    since = asked.since or max(until - timedelta(days=DAYS_BY_DEFAULT - 1), EARLIEST)
    if since > until:
        raise InvalidRequestError(f"since: {since} lies after until, {until}; swap them")
    if (until - since).days >= DAYS_MOST:
        raise InvalidRequestError(f"since: at most {DAYS_MOST} days up to {until}, not {(until - since).days + 1}")
    return since, until


async def choices(connection: AsyncConnection) -> dict[str, list[str]]:
    """What decisions can be narrowed to: vendors, sites and languages that there are, by name."""
    row = await store.choices(connection, most=CHOICES_MOST)
    return {"vendor": row.vendor, "site": row.site, "language": row.language}


async def views_page(connection: AsyncConnection) -> str:
    """What the SQL views hold, as a page of the documents."""
    return page_of(await store.views(connection))


def _group(name: str | None, rows: Mapping[str, Row[Any]], *, hidden: str | None) -> GroupOut:
    """The figures of one group, of which some statements may know nothing; `hidden` says why those are held back that could
    tell of one person.
    """
    facts, times = rows.get("facts"), rows.get("times")
    accuracy = _checked(rows.get("accuracy"), "checks")
    return GroupOut(
        name=name,
        people=facts.people if facts else 0,
        decisions=facts.decisions if facts else 0,
        checks=accuracy.n,
        accuracy=accuracy,
        ceiling=_checked(rows.get("ceiling"), "checks with two blind answers"),
        sla=_share(counted_share(facts.met, facts.deadlines) if facts else NONE, "deadlines"),
        open_overdue=facts.open_overdue if facts else 0,
        wait=_times(times, "wait"),
        touch=_times(times, "touch", hidden=hidden),
        total=_times(times, "total"),
        overturned=_share(counted_share(facts.overturned, facts.made) if facts else NONE, "decisions"),
        escalations=_escalations(rows.get("escalations")),
        exposure_hours=_exposure(rows.get("exposures"), hidden=hidden),
        cost_per_correct=_cost(times, accuracy, hidden=hidden),
    )


def _escalations(row: Row[Any] | None) -> ShareOut:
    return _share(counted_share(row.was_right, row.judged) if row else NONE, "escalations")


def _checked(row: Row[Any] | None, what: str) -> ShareOut:
    """A share of checks. While some are disputed it has no value, and reaches from all of them wrong to all of them right."""
    if row is None:
        return _share(NONE, what)
    # A share knows weights by their proportion alone, and those shared out among plans may lie below 1.
    most = max([1.0, *row.chances])
    chances = [chance / most for chance in row.chances]
    found = bounded(row.found, lambda right: weighted_share(right, chances))
    if found.low is None or found.high is None or not found.disputed:
        return _share(found.worst, what)
    note = f"from {100 * found.low:.1f} % to {100 * found.high:.1f} %, {found.until_settled()}"
    return ShareOut(n=found.n, low=found.low, high=found.high, note=note)


def _share(found: Estimate, what: str) -> ShareOut:
    if found.value is None:
        return ShareOut(n=found.n, note=f"not enough {what}: {found.n} of {MIN_ITEMS}")
    return ShareOut(n=found.n, value=found.value, low=found.low, high=found.high)


def _times(row: Row[Any] | None, name: str, *, hidden: str | None = None) -> TimesOut:
    n = row.timed if row else 0
    if row is None or n < MIN_ITEMS:
        return TimesOut(n=n, note=f"not enough decisions: {n} of {MIN_ITEMS}")
    if hidden:
        return TimesOut(n=n, note=hidden)
    return TimesOut(n=n, median=getattr(row, f"{name}_median"), p90=getattr(row, f"{name}_p90"))


def _exposure(row: Row[Any] | None, *, hidden: str | None) -> AmountOut:
    return AmountOut(note=hidden) if hidden else AmountOut(value=row.hours if row else 0.0)


def _cost(row: Row[Any] | None, accuracy: ShareOut, *, hidden: str | None) -> AmountOut:
    """Null where it is not known what an hour costs of anybody who decided, or how many decisions were correct."""
    if hidden:
        return AmountOut(note=hidden)
    if row is None or not row.timed:
        return AmountOut(note="no decisions")
    if row.unpriced:
        return AmountOut(note=f"no hourly cost is set for whoever made {row.unpriced} of {row.timed} decisions")
    if not accuracy.value:
        return AmountOut(note=accuracy.note or "no decision was correct")
    return AmountOut(value=row.cost / (row.timed * accuracy.value))


def _people(rows: Parts) -> int:
    """How many people the figures are about: the fewest of those who decided and those who looked at originals."""
    counts = [rows["facts"].people if "facts" in rows else 0]
    if "exposures" in rows and rows["exposures"].exposed:
        counts.append(rows["exposures"].exposed)
    return min(counts)


def _few(rows: Parts) -> str | None:
    return FEW if _is_few(rows) else None


def _is_few(rows: Parts) -> bool:
    return _people(rows) < LEAST_PEOPLE


def _gives_away(found: Mapping[str | None, Parts]) -> bool:
    """Whether all together, less the groups that are shown, would be the figure of fewer people than are shown."""
    hidden = [rows for rows in found.values() if _is_few(rows) and _people_at_all(rows)]
    return 0 < sum(_people_at_all(rows) for rows in hidden) < LEAST_PEOPLE


def _people_at_all(rows: Parts) -> int:
    decided = rows["facts"].people if "facts" in rows else 0
    return max(decided, rows["exposures"].exposed if "exposures" in rows else 0)


def _missing(by: str, groups: list[GroupOut]) -> list[str]:
    """What has to be there before the figures say anything."""
    if not any(one.decisions for one in groups):
        return ["No decision was made in this period. Sample cases do not count."]
    said = []
    if by in {"vendor", "site"} and all(one.name is None for one in groups):
        said.append(f"No {by} is set for anybody who decided: an administrator sets it for each person.")
    if by == "policy" and all(one.name is None for one in groups):
        said.append("No decision names a policy version: publish one in the policy library.")
    checks = sum(one.checks for one in groups)
    if not checks:
        said.append(
            "No check of these decisions is settled by a plan that drew from all of them: accuracy comes from such a plan."
        )
    elif all(one.checks < MIN_ITEMS for one in groups):
        said.append(f"No group has {MIN_ITEMS} checks yet: there is no accuracy to show.")
    return said


def _waiting(plans: Sequence[Row[Any]]) -> list[str]:
    """What accuracy says nothing of, because all that was drawn of it waits, or fell away."""
    return [
        f"Of the plan “{one.name}” nothing is answered in {one.unanswered} {'stratum' if one.unanswered == 1 else 'strata'}:"
        " accuracy says nothing of those decisions."
        for one in plans
        if one.unanswered
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
