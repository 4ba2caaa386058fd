"""What nobody can beat: a bound on the harm that any order could avert, even one that knows the truth and the future.

The reviewers' time is given a price for each hour of the clock. Whatever the prices, no schedule averts more than what the
time is worth plus what each case yields beyond the price of its minutes (Lagrangian relaxation of capacity; Fisher 1981).
Prices are improved by subgradient steps; every step gives a valid bound, the least is kept.
"""

import numpy as np

from eval.simulate.scene import Arrivals, Team, Values

STEPS = 120
# Hours of the pieces of time that have one price each.
PIECE = 0.25
# Cases times pieces of time that are looked at; a longer time is cut into longer pieces, which loosens the bound a little.
MOST_GAINS = 20_000_000


def least_leak(arrivals: Arrivals, team: Team) -> float:
    """A share of avoidable harm (0 to 1) that every order leaks at least."""
    end = team.end
    total = float(arrivals.harm(arrivals.at, np.full(len(arrivals.at), end)).sum())
    chosen = np.flatnonzero(arrivals.harm_per_view > 0)
    if not total or not len(chosen):
        return 0.0
    length = max(PIECE, end * len(chosen) / MOST_GAINS)
    pieces = np.arange(0, end, length)
    gain = np.stack([_averted(arrivals, float(begin), length, end)[chosen] for begin in pieces], 1)
    minutes = arrivals.minutes[chosen]
    # Nobody begins a case while nobody is at work; what was begun is finished when the session is over.
    gain[:, team.minutes(pieces, length) == 0] = 0.0
    capacity = team.minutes(pieces, length, over=float(minutes.max()) / 60)
    # A case begun in one piece of time may end in a later one, at its price.
    spans = int(np.ceil(minutes.max() / 60 / length)) + 1
    # Prices begin at nothing, which is nearly right while capacity suffices, and move by what a small case is worth.
    price, worth = np.zeros(len(pieces)), float(np.quantile(gain.max(1) / minutes, 0.1))
    best = total
    for step in range(STEPS):
        cheapest = np.stack([np.append(price[shift:], np.zeros(shift)) for shift in range(spans)]).min(0)
        surplus = gain - minutes[:, None] * cheapest
        at = surplus.argmax(1)
        value = surplus[np.arange(len(chosen)), at]
        wanted = value > 0
        best = min(best, float(value[wanted].sum() + (price * capacity).sum()))
        used = np.bincount(at[wanted], weights=minutes[wanted], minlength=len(pieces))
        rate = worth / (1 + step / 4) / float(capacity.mean())
        price = np.maximum(price + rate * (used - capacity), 0)
    return max(0.0, 1 - best / total)


def _averted(arrivals: Arrivals, begin: float, length: float, end: float) -> Values:
    """Harm averted by each case that is begun in the piece of time from `begin` on, at the earliest; 0 if it comes later."""
    done = np.minimum(np.maximum(arrivals.at, begin) + arrivals.minutes / 60, end)
    found = arrivals.harm(done, np.full(len(done), end))
    found[arrivals.at >= begin + length] = 0.0
    return found
