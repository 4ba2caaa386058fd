"""One batch to label: stated shares of each strategy, and always a random share with a known chance.

The random share is drawn first and from all texts, so each of them has the same chance n / N to be in it, whatever the model
thinks: these rows alone say what the whole is like (weight N / n). What the strategies choose afterwards was chosen for being
unusual and has no chance that anybody could state; it teaches, and measures nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eval.metrics import Values
from eval.next.strategies import (
    UNCERTAINTY,
    Rows,
    clustered,
    disagreement,
    farthest_first,
    highest,
    most_valued,
    spread,
    strangeness,
)

RANDOM = "random"
# In the order in which they choose.
STRATEGIES = ("uncertainty", "disagreement", "diversity", "novelty")
RANDOM_SHARE = 0.2
LEAST_RANDOM_SHARE = 0.05


class MixError(ValueError):
    """Shares that make no batch; the message says which."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a batch. Those of the strategies are of what the random share leaves, and are scaled to add up to it."""

    shares: Mapping[str, float]
    random_share: float = RANDOM_SHARE
    # How uncertainty is measured, and whether its rows must lie apart.
    uncertainty: str = "margin"
    apart: bool = True

    def __post_init__(self) -> None:
        """Raises MixError."""
        if strange := sorted(set(self.shares) - set(STRATEGIES)):
            raise MixError(f"{strange[0]!r} is no strategy; there are {', '.join(STRATEGIES)}")
        if any(not 0 <= share <= 1 for share in self.shares.values()) or not sum(self.shares.values()) > 0:
            raise MixError("shares must be from 0 to 1, and one above 0")
        if not LEAST_RANDOM_SHARE <= self.random_share <= 1:
            raise MixError(
                f"the random share must be from {LEAST_RANDOM_SHARE} to 1, not {self.random_share}: "
                "without it nothing can be measured on what is labelled"
            )
        if self.uncertainty not in UNCERTAINTY:
            raise MixError(f"uncertainty is measured by {' or '.join(UNCERTAINTY)}, not {self.uncertainty!r}")

    def counts(self, size: int) -> dict[str, int]:
        """Rows of each lane in a batch of `size`; the random share is rounded up, the rest by largest remainders."""
        drawn = min(size, math.ceil(round(self.random_share * size, 9)))
        whole = sum(self.shares.values())
        wanted = {name: (size - drawn) * self.shares.get(name, 0.0) / whole for name in STRATEGIES}
        counts = {name: math.floor(share) for name, share in wanted.items()}
        short = size - drawn - sum(counts.values())
        for name in sorted(STRATEGIES, key=lambda one: counts[one] - wanted[one])[:short]:
            counts[name] += 1
        return {RANDOM: drawn, **counts}


@dataclass(frozen=True, slots=True)
class Pool:
    """n texts that wait for a label: directions, probabilities (n, areas) and the operating point of each area.

    `other` (n, areas) is a second judge, NaN where it says nothing; `labelled` are directions of what has a label.
    """

    vectors: Values
    probabilities: Values
    thresholds: Values
    labelled: Values
    other: Values | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen row, the lane that chose it and by which value; `propensity` is the chance of the random share alone."""

    row: int
    lane: str
    value: float | None = None
    propensity: float | None = None


def draw(pool: Pool, size: int, *, mix: Mix, seed: int) -> list[Pick]:
    """`size` rows of the pool in a random order, by `seed` the same every time. Raises MixError."""
    everything = len(pool.vectors)
    if not 0 < size <= everything:
        raise MixError(f"{size} rows cannot be chosen of {everything} that wait for a label")
    counts = mix.counts(size)
    if counts["disagreement"] and pool.other is None:
        raise MixError("disagreement needs a second judge: name another model, or leave its share out")
    generator = np.random.default_rng(seed)
    drawn = generator.choice(everything, counts[RANDOM], replace=False)
    picks = [Pick(int(row), RANDOM, propensity=counts[RANDOM] / everything) for row in drawn]
    free = np.ones(everything, bool)
    free[drawn] = False
    for lane in STRATEGIES:
        if not counts[lane]:
            continue
        left = np.flatnonzero(free)
        taken = np.array([pick.row for pick in picks], np.int64)
        rows, values = _choose(_part(pool, left, taken), lane, counts[lane], mix=mix, seed=seed)
        picks += [Pick(int(left[row]), lane, float(values[row])) for row in rows]
        free[left[rows]] = False
    return [picks[place] for place in generator.permutation(len(picks))]


def _choose(pool: Pool, lane: str, count: int, *, mix: Mix, seed: int) -> tuple[Rows, Values]:
    """The rows that a strategy chooses of `pool`, and the value of every row by it."""
    if lane == "uncertainty":
        values = highest(UNCERTAINTY[mix.uncertainty](pool.probabilities, pool.thresholds))
        return (spread(pool.vectors, values, count, seed=seed) if mix.apart else most_valued(values, count)), values
    if lane == "disagreement" and pool.other is not None:
        values = highest(disagreement(pool.probabilities, pool.other))
        return most_valued(values, count), values
    values = strangeness(pool.vectors, pool.labelled)
    if lane == "diversity":
        return clustered(pool.vectors, count, seed=seed), values
    rows, away = farthest_first(pool.vectors, pool.labelled, count)
    values[rows] = away
    return rows, values


def _part(pool: Pool, left: Rows, taken: Rows) -> Pool:
    """The rows `left` of a pool, where those `taken` count as labelled."""
    return Pool(
        pool.vectors[left],
        pool.probabilities[left],
        pool.thresholds,
        np.vstack([pool.labelled, pool.vectors[taken]]),
        None if pool.other is None else pool.other[left],
    )
