"""How much a reporter's word counts: a likelihood ratio from what became of their earlier reports.

A reporter whose reports were upheld more often than usual makes the area they name more likely, one whose reports were
mostly dismissed less. The share upheld is shrunk to that of an unknown reporter (beta-binomial with prior mean
`precision` and weight `strength`), so a short history says little and no history says nothing: its ratio is 1.

Several reporters of one area are combined so that neither a crowd of strangers nor one of bad reporters can steer a
case: the best word counts whole, every further one that is better than a stranger's counts half of the one before, and
the whole is capped.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# The quantile of the normal distribution for an interval of 95 per cent.
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one reporter's reports, older ones counted less: upheld and dismissed, both at least 0."""

    upheld: float = 0.0
    dismissed: float = 0.0


@dataclass(frozen=True, slots=True)
class Trust:
    """The constants: share of an unknown reporter's reports that are upheld, what that prior weighs, and the cap."""

    precision: float
    strength: float
    cap: float


def precision(tally: Tally, trust: Trust) -> float:
    """The share of this reporter's reports that will be upheld, as far as is known (0 to 1)."""
    return (tally.upheld + trust.strength * trust.precision) / (tally.upheld + tally.dismissed + trust.strength)


def likelihood_ratio(tally: Tally, trust: Trust) -> float:
    """Odds that a report of theirs is upheld, over those of an unknown reporter's; from 1 / cap to cap."""
    return _capped(_odds(precision(tally, trust)) / _odds(trust.precision), trust.cap)


def interval(tally: Tally, trust: Trust) -> tuple[float, float]:
    """95 % interval of the likelihood ratio, by Wilson's interval of the shrunk share (Wilson 1927)."""
    share, n = precision(tally, trust), tally.upheld + tally.dismissed + trust.strength
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    usual = _odds(trust.precision)
    return (
        _capped(_odds(max(middle - half, 1e-9)) / usual, trust.cap),
        _capped(_odds(min(middle + half, 1 - 1e-9)) / usual, trust.cap),
    )


def combined(tallies: Iterable[Tally], trust: Trust) -> float:
    """The likelihood ratio of all who named one area together; 1 for none. From 1 / cap to cap."""
    logs = sorted((math.log(likelihood_ratio(one, trust)) for one in tallies), reverse=True)
    if not logs:
        return 1.0
    further = math.fsum(max(0.0, one) / 2**place for place, one in enumerate(logs[1:], start=1))
    return _capped(math.exp(logs[0] + further), trust.cap)


def trusted(share: float, ratio: float) -> float:
    """A share of trust (0 to below 1) with its odds multiplied by a likelihood ratio."""
    odds = _odds(share) * ratio
    return odds / (1 + odds)


def _odds(share: float) -> float:
    return share / (1 - share)


def _capped(ratio: float, cap: float) -> float:
    return min(max(ratio, 1 / cap), cap)
