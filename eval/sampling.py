"""What the random share says of all cases: prevalence, recall and calibration, however the order treats the rest.

Of all claims a small share is drawn with a known chance q from the open cases that the claimant may have: the pool. At each
such draw t, the total of any property over the cases of the pool's scopes that were opened up to t is estimated by

    T(t) = sum of it over the cases that were out of the pool  +  the drawn case's own value / q        (Des Raj 1956)

The first part is known once those cases are decided, the second is unbiased for what was still in the pool, whatever rule
had taken the rest out. Errors of different draws are uncorrelated, since each is drawn anew from what is left. Figures are
ratios of such totals: of violating cases to all cases, of found ones to violating ones. Of each scope the total is averaged
over the draws whose pool held it, and the scopes are added. What a figure is about is therefore the average, over the draws,
of the cases that had been opened up to then.

Intervals (95 %): the share among the drawn cases gets a Wilson interval for as many draws as their weights are worth
(Kish 1965); where the base of the ratio is drawn too, the two are put together by MOVER (Zou and Donner 2008).
"""

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from eval.decision_log import RANDOM, Claim, LogError, LoggedCase
from labeling.statistics.weighted import wilson

Values = NDArray[np.float64]

# Fewer draws give no figure: "too few" is a result, not a zero.
MIN_DRAWS = 30
# Outcomes of claims after which a case does not come back at once, or not to the same person.
KEPT_BACK = ("held", "handed_over")
PASSED_OVER = ("skipped", "second_opinion")


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
    `undecided` were never decided, `without_pool` are of before pools were kept. `shed` cases were given up: they are in a
    figure only while they were in the pool. `passed_over` were skipped by somebody, or given on for a second opinion: at the
    draws of that person they are neither in the pool nor out of it. `in_no_pool` are of a scope that no draw could have
    come from: the figures do not speak of them.
    """

    draws: int
    used: int
    decided_later: int
    undone: int
    undecided: int
    without_pool: int
    cases: int
    decided: int
    shed: int
    passed_over: int
    in_no_pool: int


class Sample:
    """The draws of a log in order of time, and what was out of the pool at each.

    A case is out of the pool from its decision on, and while it is in somebody's hands or kept back. Cases that are out
    and have no decision are in no total: nobody knows what they are.

    A draw speaks of its pool alone: the scopes (queue, language, what pictures show) that this person could have cases
    of at that moment. So a scope's total is averaged over the draws whose pool held it, and the totals of all scopes are
    added: people with limits, however often each of them claims, put the whole together. Raises LogError for draws
    that all lack their pool.
    """

    def __init__(self, cases: Sequence[LoggedCase]) -> None:
        self.cases = cases
        draws = sorted(
            ((claim, index) for index, one in enumerate(cases) for claim in one.claims if claim.lane == RANDOM),
            key=lambda draw: draw[0].at,
        )
        pooled = _with_pools(cases, draws)
        known = [(claim, index) for claim, index in pooled if _answers(cases[index], claim)]
        self.drawn = np.array([index for _, index in known], np.int64)
        self._at = np.array([claim.at.timestamp() for claim, _ in known])
        self._strata = _strata(cases, [claim for claim, _ in known])
        self.weight = np.array([self._worth(cases[index], claim) / (claim.propensity or 1.0) for claim, index in known])
        self.counts = _count(cases, draws, pooled, covered=set(self._strata))
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
        """For each draw, the total over the cases of its pool's scopes that were out of the pool, as it is weighed."""
        found = np.zeros(len(self.drawn))
        for stratum in self._strata.values():
            inside = stratum.draws
            found[inside] += stratum.worth * stratum.outside.total(values, self._at[inside])
        return found

    def _worth(self, one: LoggedCase, claim: Claim) -> float:
        """How much a draw counts for the scope of its case; for its pool where the case has left that since."""
        scopes = [one.scope] if one.scope in (claim.pool or ()) else claim.pool or ()
        return statistics.fmean(self._strata[scope].worth for scope in scopes if scope is not None)


@dataclass(frozen=True, slots=True)
class _Stratum:
    """A scope: the draws whose pool held it, all draws by those, and when its cases were out of the pool."""

    draws: NDArray[np.bool_]
    worth: float
    outside: "_Outside"


def _strata(cases: Sequence[LoggedCase], claims: Sequence[Claim]) -> dict[int, _Stratum]:
    """Every scope that a draw's pool held."""
    spells: dict[int, list[tuple[float, float, int]]] = {}
    for index, one in enumerate(cases):
        if one.scope is not None:
            spells.setdefault(one.scope, []).extend((begin, end, index) for begin, end in _spells(one))
    found = {}
    for scope in sorted({scope for claim in claims for scope in claim.pool or ()}):
        draws = np.array([scope in (claim.pool or ()) for claim in claims], bool)
        found[scope] = _Stratum(draws, len(claims) / float(draws.sum()), _Outside(spells.get(scope, [])))
    return found


class _Outside:
    """Spells of decided cases out of the pool: (begin, end, which case)."""

    def __init__(self, spells: Sequence[tuple[float, float, int]]) -> None:
        self._begins = _sorted([(begin, index) for begin, _, index in spells])
        self._ends = _sorted([(end, index) for _, end, index in spells])

    def total(self, values: Values, at: Values) -> Values:
        """The total over the cases that are out at each moment; what goes out or comes back at that very moment is in."""
        (begins, begun), (ends, ended) = self._begins, self._ends
        out = np.append(0.0, np.cumsum(values[begun]))[np.searchsorted(begins, at, side="left")]
        back = np.append(0.0, np.cumsum(values[ended]))[np.searchsorted(ends, at, side="right")]
        total: Values = out - back
        return total


def _sorted(times: list[tuple[float, int]]) -> tuple[Values, NDArray[np.int64]]:
    times.sort()
    return np.array([time for time, _ in times]), np.array([index for _, index in times], np.int64)


def _spells(one: LoggedCase) -> list[tuple[float, float]]:
    """When a decided case was out of the pool: spells that do not overlap, the last one without an end.

    One that was kept back is out until somebody has it again: no log tells when it came back.
    """
    if one.decision is None:
        return []
    decided = one.decision.decided_at.timestamp()
    found: list[tuple[float, float]] = []
    for claim, after in zip(one.claims, [*one.claims[1:], None], strict=True):
        begin, end = claim.at.timestamp(), claim.ended_at.timestamp() if claim.ended_at else decided
        if claim.outcome in KEPT_BACK:
            end = after.at.timestamp() if after else decided
        if begin < decided and (not found or begin >= found[-1][1]):
            found.append((begin, min(end, decided)))
    if found and found[-1][1] >= decided:
        return [*found[:-1], (found[-1][0], math.inf)]
    return [*found, (decided, math.inf)]


Draws = Sequence[tuple[Claim, int]]


def _with_pools(cases: Sequence[LoggedCase], draws: Draws) -> Draws:
    """The draws that say which pool they were made from. Raises LogError where none does."""
    found = [(claim, index) for claim, index in draws if claim.pool]
    if draws and (not found or any(one.scope is None for one in cases)):
        where = next((one.where for one in cases if one.scope is None), cases[draws[0][1]].where)
        raise LogError(
            f"{where}: the log does not say which cases its draws were made from (`scope` of a case, `pool` of a claim), and "
            "a chance means nothing without: export it again with this release; draws of before it have no pool"
        )
    return found


def _answers(one: LoggedCase, claim: Claim) -> bool:
    """Whether the decision that stands is one of after the draw: of a case that was opened again, it need not be."""
    return one.decision is not None and one.decision.decided_at >= claim.at


def _count(cases: Sequence[LoggedCase], draws: Draws, pooled: Draws, *, covered: Collection[int]) -> Counts:
    answered = [(claim, index) for claim, index in pooled if _answers(cases[index], claim)]
    unknown = [claim for claim, index in pooled if not _answers(cases[index], claim)]
    undone = sum(claim.outcome == "decided" for claim in unknown)
    return Counts(
        draws=len(draws),
        used=len(answered),
        decided_later=sum(claim.outcome != "decided" for claim, _ in answered),
        undone=undone,
        undecided=len(unknown) - undone,
        without_pool=len(draws) - len(pooled),
        cases=len(cases),
        decided=sum(one.decision is not None for one in cases),
        shed=sum(one.shed_at is not None for one in cases),
        passed_over=sum(any(claim.outcome in PASSED_OVER for claim in one.claims) for one in cases),
        in_no_pool=sum(one.scope not in covered for one in cases),
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
