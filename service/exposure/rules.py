"""What follows from exposure: pure rules over numbers that the database counts."""

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from service.exposure.limits import Limits
from service.exposure.schemas import BinOut, KeptBackOut, LevelOut, MilderOut, Why

DAY = timedelta(hours=24)
# What a minute counts by level. A convention for looking back at one's own weeks: nothing was measured, and no cap uses it.
WEIGHTS = (0.25, 0.25, 0.5, 1.0, 2.0)
# No figure of how exposure lies across people is given of fewer, as on scorecards.
LEAST_PEOPLE = 5
_BINS = (0, 15, 30, 60, 90, 120, 180, 240)


def weighted_minutes(levels: Iterable[LevelOut]) -> float:
    """The dose by convention: minutes of each level times its weight."""
    return sum(one.seconds * WEIGHTS[one.level] for one in levels) / 60


def below_again(spans: Sequence[tuple[datetime, datetime]], *, seconds: float) -> datetime | None:
    """When the last 24 hours hold less than `seconds` again, if nothing more is opened; None when they never held more.

    `spans` are apart from each other, the newest last.
    """
    left = timedelta(seconds=seconds)
    for since, until in reversed(spans):
        if until - since >= left:
            return until - left + DAY
        left -= until - since
    return None


def milder(why: Why, limits: Limits) -> MilderOut:
    """What is said with a milder case."""
    return MilderOut(why=why, words=f"{_REASONS[why].format(**_amounts(limits))} This counts against nobody.")


def kept_back(why: Why, limits: Limits, *, until: datetime | None) -> KeptBackOut:
    """Why no cases of high exposure come, in words that say what ends it."""
    words = f"{_REASONS[why].format(**_amounts(limits))} {_ENDS[why].format(**_amounts(limits))}"
    return KeptBackOut(why=why, words=words, until=until)


def break_due(work_seconds: float, limits: Limits) -> float:
    """Seconds of work of high exposure until a break is suggested, at the latest where milder cases come; 0 when it is due."""
    return max(0.0, min(limits.break_after_seconds, limits.stretch_seconds) - work_seconds)


def suggestion(work_seconds: float, limits: Limits) -> str:
    """How a break is suggested."""
    worked, pause = _span(work_seconds), _span(limits.break_seconds)
    said = f"You have worked on graphic cases for {worked} without a break."
    if work_seconds >= limits.stretch_seconds:
        return f"{said} Milder cases come until you had one of {pause}."
    return f"{said} It is time for one of {pause}."


def percentiles(minutes: Sequence[float]) -> dict[str, float]:
    """The 25th, 50th, 75th and 90th percentile of at least two numbers, to five minutes.

    Of five people three would else be given to the second, and whoever looks twice would know whose they are.
    """
    cuts = statistics.quantiles(minutes, n=100, method="inclusive")
    return {f"p{share}": 5.0 * round(cuts[share - 1] / 5) for share in (25, 50, 75, 90)}


def binned(minutes: Iterable[float]) -> list[BinOut]:
    """How many of the numbers lie in each bin; a bin holds its lower end."""
    numbers = list(minutes)
    ends = [*_BINS[1:], None]
    return [
        BinOut(
            from_minutes=low,
            to_minutes=high,
            people=sum(low <= one and (high is None or one < high) for one in numbers),
        )
        for low, high in zip(_BINS, ends, strict=True)
    ]


_REASONS: dict[Why, str] = {
    "not_now": "You asked for no graphic cases for now.",
    "day": "Originals were open to you for {day} in the last 24 hours, so milder cases come.",
    "stretch": "You worked on graphic cases for {stretch} without a break, so milder cases come.",
    "in_a_row": "You had {in_a_row} graphic cases in a row, so a milder one comes.",
}
_ENDS: dict[Why, str] = {
    "not_now": "You can lift that at any time.",
    "day": "Graphic cases come again as the first hours of that pass out of the 24.",
    "stretch": "Graphic cases come again after {pause} without a case.",
    "in_a_row": "Graphic cases come again after a milder one, or after {pause} without a case.",
}


def _amounts(limits: Limits) -> dict[str, str]:
    return {
        "day": _span(limits.day_seconds),
        "stretch": _span(limits.stretch_seconds),
        "pause": _span(limits.break_seconds),
        "in_a_row": str(limits.in_a_row),
    }


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return "a minute" if rest == 1 else f"{rest} minutes"
    said = "an hour" if hours == 1 else f"{hours} hours"
    return f"{said} and {'a minute' if rest == 1 else f'{rest} minutes'}" if rest else said
