"""What a window of texts or decisions looks like, in counts and means, and how far two windows lie apart.

Pure functions on numbers. No window holds content: lengths, languages and probabilities are all there is.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bin edges. Probabilities are finest where most of them lie; a text is as long as it is in powers of two.
PROBABILITY_EDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8)
LENGTH_EDGES = (1, 20, 40, 80, 160, 320, 640, 1280, 2560)
# Languages with less than this share of both windows count as one.
RARE_SHARE = 0.01
# Keeps the logarithm finite where a bin is empty on one side.
LEAST_COUNT = 0.5
# One comparison in a thousand exceeds this many standard deviations by chance.
CHANCE_DEVIATIONS = 3.09


@dataclass(frozen=True, slots=True)
class AreaScores:
    """Probabilities of one area: counts by bin, mean, and variance."""

    counts: tuple[int, ...]
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class TextWindow:
    """A window of scored texts."""

    samples: int
    lengths: tuple[int, ...]
    languages: Mapping[str, int]
    areas: Mapping[str, AreaScores]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TextWindow":
        """What `dataclasses.asdict` made of one, read back from JSON."""
        areas = {
            name: AreaScores(tuple(one["counts"]), one["mean"], one["variance"])
            for name, one in values["areas"].items()
        }
        return cls(values["samples"], tuple(values["lengths"]), values["languages"], areas)


@dataclass(frozen=True, slots=True)
class DecisionWindow:
    """A window of decisions: how many agreed with the score's primary area, and how many took no action."""

    samples: int
    agreed: int
    no_action: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One monitor: how far the window is from the reference, and from where on that is an alert."""

    monitor: str
    value: float
    threshold: float
    samples: int

    @property
    def alerts(self) -> bool:
        """Whether the value lies beyond the threshold."""
        return abs(self.value) > self.threshold


@dataclass(frozen=True, slots=True)
class Limits:
    """What is an alert: `stability` for a population stability index, `change` for a mean or a rate."""

    stability: float
    change: float


def text_window(
    lengths: Sequence[int], languages: Sequence[str | None], scores: Sequence[Mapping[str, float]]
) -> TextWindow:
    """The window of texts with these lengths in characters, languages, and probabilities by area."""
    names = list(scores[0]) if scores else []
    table = np.array([[one.get(name, 0.0) for name in names] for one in scores], np.float64).reshape(-1, len(names))
    areas = {
        name: AreaScores(_counts(column, PROBABILITY_EDGES), float(column.mean()), float(column.var()))
        for name, column in zip(names, table.T, strict=True)
    }
    spoken = Counter(language or "none" for language in languages)
    return TextWindow(len(lengths), _counts(np.array(lengths, np.float64), LENGTH_EDGES), dict(spoken), areas)


def compare_texts(reference: TextWindow, recent: TextWindow, limits: Limits) -> list[Reading]:
    """Readings of inputs and scores. A threshold is never below what chance alone would reach."""
    n, m = reference.samples, recent.samples
    pairs = {"input.length": (reference.lengths, recent.lengths), "input.language": _languages(reference, recent)}
    shared = [area for area in reference.areas if area in recent.areas]
    pairs |= {f"score.{area}": (reference.areas[area].counts, recent.areas[area].counts) for area in shared}
    readings = []
    for monitor, (before, now) in pairs.items():
        bins = int(np.count_nonzero(np.array(before) + np.array(now)))
        threshold = max(limits.stability, chance_stability(bins, n, m))
        readings.append(Reading(monitor, stability(before, now), threshold, m))
    for area in shared:
        before_area, now_area = reference.areas[area], recent.areas[area]
        chance = CHANCE_DEVIATIONS * math.sqrt(before_area.variance / n + now_area.variance / m)
        change = now_area.mean - before_area.mean
        readings.append(Reading(f"score_mean.{area}", change, max(limits.change, chance), m))
    return readings


def compare_decisions(reference: DecisionWindow, recent: DecisionWindow, limits: Limits) -> list[Reading]:
    """Readings of decisions: change of the rate of agreement, and of the share without action."""
    pairs = {
        "decision.agreement": (reference.agreed, recent.agreed),
        "decision.no_action": (reference.no_action, recent.no_action),
    }
    return [
        Reading(
            monitor,
            now / recent.samples - before / reference.samples,
            max(limits.change, _chance_rate(before, reference.samples, now, recent.samples)),
            recent.samples,
        )
        for monitor, (before, now) in pairs.items()
    ]


def stability(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins: 0 for the same shares, more the more they differ.

    It is the symmetric Kullback-Leibler divergence, sum of (q - p) x ln(q / p) over the bins.
    """
    p, q = _shares(before), _shares(now)
    return float(np.sum((q - p) * np.log(q / p)))


def chance_stability(bins: int, n: int, m: int) -> float:
    """The index that two samples of one population exceed once in a thousand times.

    It is about (1/n + 1/m) x chi-square with bins - 1 degrees of freedom; the quantile is that of Wilson and Hilferty.
    """
    if bins < 2:
        return 0.0
    freedom = bins - 1
    quantile = freedom * (1 - 2 / (9 * freedom) + CHANCE_DEVIATIONS * math.sqrt(2 / (9 * freedom))) ** 3
    return (1 / n + 1 / m) * quantile


def _chance_rate(before: int, n: int, now: int, m: int) -> float:
    rate = (before + now) / (n + m)
    return CHANCE_DEVIATIONS * math.sqrt(rate * (1 - rate) * (1 / n + 1 / m))


def _languages(reference: TextWindow, recent: TextWindow) -> tuple[list[int], list[int]]:
    names = sorted({*reference.languages, *recent.languages})
    common = [
        name
        for name in names
        if reference.languages.get(name, 0) >= RARE_SHARE * reference.samples
        or recent.languages.get(name, 0) >= RARE_SHARE * recent.samples
    ]
    sides = [[side.languages.get(name, 0) for name in common] for side in (reference, recent)]
    before, now = ([*side, window.samples - sum(side)] for side, window in zip(sides, (reference, recent), strict=True))
    return before, now


def _shares(counts: Sequence[int]) -> NDArray[np.float64]:
    smoothed = np.maximum(np.array(counts, np.float64), LEAST_COUNT)
    shares: NDArray[np.float64] = smoothed / smoothed.sum()
    return shares


def _counts(values: NDArray[np.float64], edges: Sequence[float]) -> tuple[int, ...]:
    bins = np.searchsorted(np.array(edges), values, side="right")
    return tuple(np.bincount(bins, minlength=len(edges) + 1).tolist())
