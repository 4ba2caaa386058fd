"""Which decisions a plan draws, and the chance that each had: pure functions of a frame, a size and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of what a chance by doubt is made of, this part is the same for all: a decision that the model agrees with can be drawn too.
EVEN_PART = 0.1
# The one stratum of a plan without strata.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Places in the frame that were drawn, in order, and the chance of each to be drawn by this plan."""

    places: NDArray[np.int64]
    chances: NDArray[np.float64]


def draw_evenly(population: int, size: int, rng: np.random.Generator) -> Drawn:
    """A simple random sample without replacement: each has the chance size / population."""
    size = min(size, population)
    places = np.sort(rng.permutation(population)[:size])
    return Drawn(places, np.full(size, size / population if population else 1.0))


def draw_strata(strata: Sequence[str], sizes: dict[str, int], rng: np.random.Generator) -> Drawn:
    """A simple random sample of its own in each stratum, of the size that `share_out` gave it."""
    labels = np.asarray(strata, dtype=object)
    places, chances = [], []
    for stratum in sorted(sizes):
        [members] = np.nonzero(labels == stratum)
        inner = draw_evenly(len(members), sizes[stratum], rng)
        places.append(members[inner.places])
        chances.append(inner.chances)
    if not places:
        return Drawn(np.empty(0, dtype=np.int64), np.empty(0))
    found = np.concatenate(places)
    order = np.argsort(found)
    return Drawn(found[order], np.concatenate(chances)[order])


def share_out(counts: dict[str, int], size: int, *, equal: bool, least: int) -> dict[str, int]:
    """How many of each stratum: in proportion to what it holds or, if `equal`, the same of each; never more than it holds.

    In proportion, each stratum has at least `least`, as long as `size` reaches for that; the others share what is left.
    Largest remainders get what rounding leaves (Hamilton's method), ties by name.
    """
    size = min(size, sum(counts.values()))
    bounds = {name: held if equal else min(least, held) for name, held in counts.items()}
    if not equal and sum(bounds.values()) > size:
        bounds = dict.fromkeys(counts, 0)
    given: dict[str, int] = {}
    while True:
        quotas = _quotas(counts, size - sum(given.values()), without=given, equal=equal)
        # Shares beyond a bound stay there, all at once, and the rest is shared out anew.
        beyond = {
            name: bounds[name]
            for name, quota in quotas.items()
            if (quota > bounds[name]) is equal and quota != bounds[name]
        }
        if not beyond:
            break
        given |= beyond
    whole = {name: int(quota) for name, quota in quotas.items()}
    left = size - sum(given.values()) - sum(whole.values())
    first = sorted(quotas, key=lambda name: (whole[name] - quotas[name], name))[:left]
    return {name: given.get(name, whole.get(name, 0)) + (name in first) for name in counts}


def _quotas(counts: dict[str, int], size: int, *, without: dict[str, int], equal: bool) -> dict[str, float]:
    held = {name: 1 if equal else number for name, number in counts.items() if name not in without}
    total = sum(held.values())
    return {name: size * number / total for name, number in held.items()}


def chances_by_doubt(doubts: Sequence[float], size: int) -> NDArray[np.float64]:
    """Chances that sum to `size` and are in proportion to doubt, an even part included; those beyond 1 are 1.

    What such a cap takes away the others get, in proportion, until none is beyond (Sarndal, Swensson and Wretman 1992, 3.6).
    """
    measure = EVEN_PART + (1 - EVEN_PART) * np.clip(np.asarray(doubts, dtype=np.float64), 0.0, 1.0)
    size = min(size, len(measure))
    certain = np.zeros(len(measure), dtype=bool)
    chances = np.ones(len(measure))
    while not certain.all():
        rest = ~certain
        chances[rest] = (size - certain.sum()) * measure[rest] / measure[rest].sum()
        beyond = rest & (chances >= 1.0)
        chances[beyond] = 1.0
        if not beyond.any():
            break
        certain |= beyond
    return chances


def draw_by_doubt(doubts: Sequence[float], size: int, rng: np.random.Generator) -> Drawn:
    """A systematic sample with these chances: `size` of them, the frame put in random order first.

    Every unit is drawn with exactly its chance, whatever the order (Madow 1949).
    """
    chances = chances_by_doubt(doubts, size)
    if not len(chances):
        return Drawn(np.empty(0, dtype=np.int64), np.empty(0))
    order = rng.permutation(len(chances))
    # Rounded, so that a sum of 99.9999 does not lose the last one.
    upto = np.round(np.cumsum(chances[order]), 9)
    # A unit is drawn once for each mark u, u + 1, ... that falls on its stretch.
    before = np.concatenate(([0.0], upto[:-1]))
    start = rng.random()
    hit = np.ceil(upto - start) > np.ceil(before - start)
    places = np.sort(order[hit])
    return Drawn(places, chances[places])
