"""Two orders of the same cases, compared: pure functions on arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moves:
    """Cases, by index, that would enter or leave the first `top`, and every case's position from 1 in both orders."""

    enter: tuple[int, ...]
    leave: tuple[int, ...]
    live: NDArray[np.int64]
    shadow: NDArray[np.int64]


def moves(live: Values, shadow: Values, *, top: int) -> Moves:
    """What would enter and leave the first `top` if `shadow` were the rank values instead of `live`.

    Higher values come first; among equals the earlier index does, as in the queue. Those that enter are in the order
    in which they would stand, those that leave in the order in which they stand.
    """
    before, after = _positions(live), _positions(shadow)
    enter = np.flatnonzero((after <= top) & (before > top))
    leave = np.flatnonzero((before <= top) & (after > top))
    return Moves(
        tuple(enter[np.argsort(after[enter])].tolist()), tuple(leave[np.argsort(before[leave])].tolist()), before, after
    )


def rank_correlation(one: Values, other: Values) -> float | None:
    """Spearman's rho with mean ranks for ties; None for fewer than two cases or where all are equal."""
    if len(one) < 2:
        return None
    first, second = _mean_ranks(one), _mean_ranks(other)
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread > 0 else None


def _positions(values: Values) -> NDArray[np.int64]:
    positions = np.empty(len(values), np.int64)
    positions[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return positions


def _mean_ranks(values: Values) -> Values:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Values = ((last - counts + 1 + last) / 2)[inverse]
    return ranks
