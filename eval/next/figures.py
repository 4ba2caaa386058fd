"""Results of the experiment as figures: means over seeds with 95 % intervals, and what was reached with which share."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from eval.next.experiment import GOAL, HALF, LATER_STEPS, Result
from eval.sections import Table
from labeling.statistics.means import mean_and_half


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds with its 95 % interval; without one for a single seed."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class AreaFigures:
    """One area over all seeds. `*_reached` counts the seeds that came to the goal with half of the labels or fewer."""

    area: str
    seeds: int
    rows: int
    positives: float
    full: Mean
    chosen_at_half: Mean
    random_at_half: Mean
    gain_at_half: Mean
    chosen_reached: int
    random_reached: int
    chosen_share: Mean
    random_share: Mean

    @property
    def reaches(self) -> bool:
        """Whether the mean score with half of the labels is at the goal, and was so for every seed."""
        return self.chosen_reached == self.seeds and self.chosen_at_half.value >= GOAL


def figures(results: Iterable[Result]) -> list[AreaFigures]:
    """By area, in the order in which they come; results of an area stand together."""
    return [_figures(area, list(found)) for area, found in groupby(results, key=lambda one: one.area)]


def mean_of(values: Sequence[float]) -> Mean:
    """The mean with the interval of Student's t."""
    if len(values) == 1:
        return Mean(values[0], None, None)
    middle, half = mean_and_half(values)
    return Mean(middle, middle - half, middle + half)


def _figures(area: str, found: Sequence[Result]) -> AreaFigures:
    chosen = [one.chosen.at(HALF) / one.full for one in found]
    random = [one.random.at(HALF) / one.full for one in found]
    reached = [one.chosen.reached(GOAL * one.full) for one in found]
    by_half = [one.random.until(HALF).reached(GOAL * one.full) for one in found]
    by_chance = [early or one.random.reached(GOAL * one.full) for early, one in zip(by_half, found, strict=True)]
    return AreaFigures(
        area,
        len(found),
        found[0].rows,
        statistics.fmean(one.positives for one in found),
        mean_of([one.full for one in found]),
        mean_of(chosen),
        mean_of(random),
        mean_of([one - other for one, other in zip(chosen, random, strict=True)]),
        sum(share is not None for share in reached),
        sum(share is not None for share in by_half),
        # What was not reached with half is told as the next step: the mean is then too low, never too high.
        mean_of([LATER_STEPS[0] if share is None else share for share in reached]),
        mean_of([1.0 if share is None else share for share in by_chance]),
    )


def table(found: Sequence[AreaFigures]) -> Table:
    """One line for each area."""
    head = (
        "area",
        "rows",
        "positives",
        "full AP",
        "chosen, at 50 %",
        "random, at 50 %",
        "difference",
        f"seeds at {GOAL:g} by 50 %",
        "labels, chosen",
        "labels, random",
    )
    return Table(head, tuple(_line(one) for one in found))


def _line(one: AreaFigures) -> tuple[str, ...]:
    over = ">" if one.chosen_reached < one.seeds else ""
    return (
        one.area,
        f"{one.rows:,}",
        f"{one.positives:.0f}",
        cell(one.full),
        cell(one.chosen_at_half),
        cell(one.random_at_half),
        cell(one.gain_at_half, sign=True),
        f"{one.chosen_reached} / {one.random_reached} of {one.seeds}",
        over + cell(one.chosen_share, percent=True),
        cell(one.random_share, percent=True),
    )


def cell(one: Mean, *, percent: bool = False, sign: bool = False) -> str:
    """A mean with its interval in brackets."""
    form = ".0%" if percent else "+.3f" if sign else ".3f"
    if one.low is None or one.high is None:
        return format(one.value, form)
    return f"{one.value:{form}} ({one.low:{form}} to {one.high:{form}})"


def to_json(results: Sequence[Result], found: Sequence[AreaFigures]) -> dict[str, Any]:
    """Figures and every measurement that they are made of."""
    return {
        "goal": GOAL,
        "areas": [{**asdict(one), "reaches": one.reaches} for one in found],
        "trials": [asdict(one) for one in results],
    }
