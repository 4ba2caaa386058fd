"""Dates as people write them in a question: 2026-11, >2026-11-01, 7d, today, 2026-11-01..2026-11-07. In UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_AGE = re.compile(r"(\d{1,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SIGNS = (">=", "<=", ">", "<")
_HELP = "takes a date or an age, as in 2026-11-01, >2026-11-01, 2026-11, today or 7d"


class MomentError(ValueError):
    """Not a date that could be read."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on, and before `until`; None where it is open."""

    since: datetime | None
    until: datetime | None


def read_span(value: str, *, now: datetime, ahead: bool = False) -> Span:
    """Read a date or a range; an age such as 7d is the time from then to now or, with `ahead`, from now to then.

    Raises MomentError.
    """
    if age := _AGE.fullmatch(value):
        away = int(age[1]) * _UNITS[age[2]]
        return Span(now, now + away) if ahead else Span(now - away, None)
    if ahead and value == "over":
        return Span(None, now)
    if ".." in value:
        first, _, last = value.partition("..")
        return Span(_day(first, now)[0] if first else None, _day(last, now)[1] if last else None)
    sign = next((one for one in _SIGNS if value.startswith(one)), "")
    since, until = _day(value.removeprefix(sign), now)
    spans = {
        "": Span(since, until),
        ">=": Span(since, None),
        ">": Span(until, None),
        "<": Span(None, since),
        "<=": Span(None, until),
    }
    return spans[sign]


def _day(value: str, now: datetime) -> tuple[datetime, datetime]:
    """The beginning of a day, month or year, and of the one after it."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if value in {"today", "yesterday"}:
        day = midnight - timedelta(days=value == "yesterday")
        return day, day + timedelta(days=1)
    found = _DAY.fullmatch(value)
    if found is None:
        raise MomentError(_HELP)
    year, month, day_of_month = (int(part) if part else None for part in found.groups())
    try:
        since = datetime(
            year or 0, 1 if month is None else month, 1 if day_of_month is None else day_of_month, tzinfo=UTC
        )
        if day_of_month is not None:
            return since, since + timedelta(days=1)
        if month is not None:
            return since, since.replace(year=since.year + month // 12, month=month % 12 + 1)
        return since, since.replace(year=since.year + 1)
    except (ValueError, OverflowError) as error:
        raise MomentError(f"there is no date {value}; {_HELP}") from error
