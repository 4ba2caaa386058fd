"""Figures over time: those of all groups together, step by step."""

import csv
import io
import math
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from service.scorecards.schemas import AskedIn, FiltersOut, ScorecardStepOut, TrendOut
from service.scorecards.workflow import period, scorecard

# A step needs decisions enough for an interval, and each is a scorecard of its own.
LEAST_DAYS = 7
STEPS_MOST = 10
SHARES = ("accuracy", "sla", "overturned", "escalations")
TIMES = ("wait", "touch", "total")


async def trend(connection: AsyncConnection, asked: AskedIn, *, today: date) -> TrendOut:
    """The figures of each step of the period. Raises InvalidRequestError."""
    since, until = period(asked, today=today)
    found = []
    for first, last in steps(since, until):
        card = await scorecard(connection, asked.model_copy(update={"since": first, "until": last}), today=today)
        found.append(ScorecardStepOut(since=first, until=last, figures=card.all))
    filters = FiltersOut(**asked.model_dump(include=set(FiltersOut.model_fields)))
    return TrendOut(since=since, until=until, filters=filters, steps=found)


def steps(since: date, until: date) -> list[tuple[date, date]]:
    """The period in equal steps of whole days, the newest whole: what is left over makes the first one shorter."""
    days = (until - since).days + 1
    length = max(LEAST_DAYS, math.ceil(days / STEPS_MOST))
    count = math.ceil(days / length)
    ends = [until - timedelta(days=length * back) for back in reversed(range(count))]
    return [(max(since, end - timedelta(days=length - 1)), end) for end in ends]


def as_csv(found: TrendOut) -> str:
    """One line for each step and figure; empty where there is none, with the reason."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["since", "until", "figure", "value", "low", "high", "p90", "n", "note"])
    for step in found.steps:
        for name in SHARES:
            one = getattr(step.figures, name)
            table.writerow([step.since, step.until, name, one.value, one.low, one.high, None, one.n, one.note])
        for name in TIMES:
            one = getattr(step.figures, name)
            table.writerow(
                [step.since, step.until, f"{name}_minutes", one.median, None, None, one.p90, one.n, one.note]
            )
    return out.getvalue()
