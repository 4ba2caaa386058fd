"""What the random share says of all cases: prevalence, recall and calibration, however the order treats the rest.

Of all claims a small share is drawn from the open cases with a known chance q. At each such draw t, the total of any
property over the cases opened up to t is estimated by

    T(t) = sum of it over the cases that were out of the pool  +  the drawn case's own value / q        (Des Raj 1956)

The first part is known once those cases are decided, the second is unbiased for what was still in the pool, whatever rule
had taken the rest out. Errors of different draws are uncorrelated, since each is drawn anew from what is left. Figures are
ratios of such totals, summed over the draws: of violating cases to all cases, of found ones to violating ones. What they are
about is therefore the average, over the draws, of the cases that had been opened up to then.

Intervals (95 %): the share among the drawn cases gets a Wilson interval for as many draws as their weights are worth
(Kish 1965); where the base of the ratio is drawn too, the two are put together by MOVER (Zou and Donner 2008).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from eval.decision_log import RANDOM, Claim, LoggedCase

Values = NDArray[np.float64]

# Fewer draws give no figure: "too few" is a result, not a zero.
MIN_DRAWS = 30
NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio with its 95 % interval, None for too few draws; `naive` is the same ratio over cases the order handed out.

    `draws` had the property that the ratio is of; `found` of them had the one that is counted.
    """

    value: float | None
    low: float | None
    high: float | None
    draws: int
    found: int
    naive: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Draws of the random share: how many in all, and how many of them can be used and why the others cannot.

    `used` have a decision; of those, `decided_later` got it by another claim. `undone` were decided and taken back,
    `undecided` were never decided. `shed` cases were given up, `unknown` cases have no decision: both are in a
    figure only while they were in the pool.
    """

    draws: int
    used: int
    decided_later: int
    undone: int
    undecided: int
    cases: int
    decided: int
    shed: int


class Sample:
    """The draws of a log in order of time, and what was out of the pool at each.

    A case is out of the pool of its queue from its decision on, and while it is in somebody's hands. Cases that are out and
    have no decision are in no total: nobody knows what they are.
    """

    def __init__(self, cases: Sequence[LoggedCase]) -> None:
        self.cases = cases
        draws = sorted(
            ((claim, index) for index, one in enumerate(cases) for claim in one.claims if claim.lane == RANDOM),
            key=lambda draw: draw[0].at,
        )
        known = [(claim, index) for claim, index in draws if _answers(cases[index], claim)]
        self.drawn = np.array([index for _, index in known], np.int64)
        self.weight = np.array([1 / (claim.propensity or 1.0) for claim, _ in known])
        self._at = np.array([claim.at.timestamp() for claim, _ in known])
        self._outside = {queue: _Outside(cases, queue) for queue in {one.queue for one in cases}}
        self.counts = _count(cases, draws, len(known))
        # What the order handed out: decided, and never drawn.
        self.ordered = np.array(
            [one.decision is not None and all(claim.lane != RANDOM for claim in one.claims) for one in cases], bool
        )

    def ratio(self, counted: Values, of: Values) -> Estimate:
        """The share of `counted` in `of`, both a number for each case; `counted` is at most `of`, and 0 or 1 like it."""
        a, b = counted[self.drawn], of[self.drawn]
        draws, found = int((b > 0).sum()), int((a > 0).sum())
        base = float(of[self.ordered].sum())
        naive = float(counted[self.ordered].sum()) / base if base else None
        if draws < MIN_DRAWS:
            return Estimate(None, None, None, draws, found, naive)
        value, low, high = _interval(self.outside(counted).sum(), self.outside(of).sum(), (self.weight, a, b))
        return Estimate(value, low, high, draws, found, naive)

    def mean(self, counted: Values, of: Values) -> float | None:
        """The mean of `counted`, any number for each case, over `of`; None for too few draws."""
        a, b = counted[self.drawn], of[self.drawn]
        if (b > 0).sum() < MIN_DRAWS:
            return None
        totals = [
            float(self.outside(all_cases).sum() + (self.weight * drawn).sum())
            for all_cases, drawn in ((counted * of, a * b), (of, b))
        ]
        return totals[0] / totals[1]

    def outside(self, values: Values) -> Values:
        """For each draw, the total over the cases of its queue that were out of the pool."""
        found = np.zeros(len(self.drawn))
        queues = np.array([self.cases[index].queue for index in self.drawn], object)
        for queue, outside in self._outside.items():
            here = queues == queue
            found[here] = outside.total(values, self._at[here])
        return found


class _Outside:
    """The decided cases of a queue, and the times at which each was out of the pool."""

    def __init__(self, cases: Sequence[LoggedCase], queue: str) -> None:
        spells = [
            (begin, end, index) for index, one in enumerate(cases) if one.queue == queue for begin, end in _spells(one)
        ]
        self._begins = _sorted([(begin, index) for begin, _, index in spells])
        self._ends = _sorted([(end, index) for _, end, index in spells])

    def total(self, values: Values, at: Values) -> Values:
        """The total over the cases that are out at each moment; what goes out at that very moment is not yet."""
        begun, ended = (
            np.append(0.0, np.cumsum(values[index]))[np.searchsorted(times, at, side="left")]
            for times, index in (self._begins, self._ends)
        )
        total: Values = begun - ended
        return total


def _sorted(times: list[tuple[float, int]]) -> tuple[Values, NDArray[np.int64]]:
    times.sort()
    return np.array([time for time, _ in times]), np.array([index for _, index in times], np.int64)


def _spells(one: LoggedCase) -> list[tuple[float, float]]:
    """When a decided case was out of the pool: spells that do not overlap, the last one without an end."""
    if one.decision is None:
        return []
    decided = one.decision.decided_at.timestamp()
    found: list[tuple[float, float]] = []
    for claim in one.claims:
        begin, end = claim.at.timestamp(), claim.ended_at.timestamp() if claim.ended_at else decided
        if begin < decided and (not found or begin >= found[-1][1]):
            found.append((begin, min(end, decided)))
    if found and found[-1][1] >= decided:
        return [*found[:-1], (found[-1][0], math.inf)]
    return [*found, (decided, math.inf)]


def _answers(one: LoggedCase, claim: Claim) -> bool:
    """Whether the decision that stands is one of after the draw: of a case that was opened again, it need not be."""
    return one.decision is not None and one.decision.decided_at >= claim.at


def _count(cases: Sequence[LoggedCase], draws: Sequence[tuple[Claim, int]], used: int) -> Counts:
    unknown = [claim for claim, index in draws if not _answers(cases[index], claim)]
    undone = sum(claim.outcome == "decided" for claim in unknown)
    later = sum(_answers(cases[index], claim) and claim.outcome != "decided" for claim, index in draws)
    return Counts(
        draws=len(draws),
        used=used,
        decided_later=later,
        undone=undone,
        undecided=len(unknown) - undone,
        cases=len(cases),
        decided=sum(one.decision is not None for one in cases),
        shed=sum(one.shed_at is not None for one in cases),
    )


def _interval(known_a: float, known_b: float, drawn: tuple[Values, Values, Values]) -> tuple[float, float, float]:
    """The ratio of two totals, of each of which a part is known and a part drawn, with its interval."""
    weight, a, b = drawn
    whole, base = float(weight.sum()), float((weight * b).sum())

    def ratio(found: float, share: float) -> float:
        return (known_a + found * share * whole) / (known_b + share * whole)

    found, share = float((weight * a).sum()) / base, base / whole
    founds = wilson(found, base**2 / float((weight**2 * b).sum()))
    # Of prevalence everything is the base: that is no matter of chance.
    shares = (share, share) if (b > 0).all() else wilson(share, whole**2 / float((weight**2).sum()))
    value = ratio(found, share)
    by_share = [ratio(found, one) for one in shares]
    low = value - math.hypot(value - ratio(founds[0], share), value - min(by_share))
    high = value + math.hypot(ratio(founds[1], share) - value, max(by_share) - value)
    return value, max(0.0, low), min(1.0, high)


def wilson(share: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in so many independent draws (Wilson 1927)."""
    square = NORMAL**2
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = NORMAL / (1 + square / number) * math.sqrt(share * (1 - share) / number + square / (4 * number**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def per_case(cases: Sequence[LoggedCase], holds: Callable[[LoggedCase], bool]) -> Values:
    """1 for each case for which it holds, otherwise 0."""
    return np.array([float(holds(one)) for one in cases])


def violates(one: LoggedCase) -> bool:
    """Whether the decision that stands found a violation."""
    return one.decision is not None and one.decision.violating


def until(cases: Sequence[LoggedCase]) -> datetime:
    """The moment of the last draw, or of the last opening where there is none."""
    draws = [claim.at for one in cases for claim in one.claims if claim.lane == RANDOM]
    return max(draws, default=cases[-1].opened_at)
