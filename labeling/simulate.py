"""`python -m labeling simulate`: labels and estimates against a known truth, on an invented floor of reviewers.

Reviewers of varied skill answer what a model ranks as riskiest, and a small share of all items drawn at random. On every seed the same
items are reviewed twice with the same amount of work: with the random share, and by risk alone. An expert is taken to know the truth
of each reviewed item. What is compared:

- labels: the majority of the answers of an item, and the more probable label by Dawid-Skene;
- prevalence and the accuracy of each reviewer: by risk alone, with the random share but as if all had been chosen alike, and with
  the chances. Only the last is about all items; the others are about what the order chose to show.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.columns import columns
from labeling.statistics.bootstrap import Codes, Values
from labeling.statistics.dawid_skene import dawid_skene
from labeling.statistics.means import mean_and_half
from labeling.statistics.ratings import Ratings
from labeling.statistics.weighted import weighted_share

RISK_ALONE = "by risk alone"
UNWEIGHTED = "random share, chances left out"
WEIGHTED = "random share with chances"


@dataclass(frozen=True, slots=True)
class Floor:
    """The invented floor: how many items and people, how much is reviewed by risk and at random.

    Of a `hard` item everybody knows less, and the model does not see a hard violation as well.
    """

    items: int = 5000
    reviewers: int = 40
    answers: int = 3
    prevalence: float = 0.08
    by_risk: float = 0.3
    random_share: float = 0.05
    hard: float = 0.15

    def __post_init__(self) -> None:
        if not 100 <= self.items <= 100_000:
            raise ValueError(f"--items must lie between 100 and 100,000, not {self.items}")
        if not 3 <= self.answers <= self.reviewers <= 1000:
            raise ValueError(
                f"each item needs 3 answers or more of different reviewers, of whom there are 1,000 at most: {self.answers} of "
                f"{self.reviewers} cannot be"
            )
        if not 0 < self.random_share < 1:
            raise ValueError(f"--random-share must lie between 0 and 1, not {self.random_share}")
        if not 0 <= self.hard <= 1:
            raise ValueError(f"--hard must lie between 0 and 1, not {self.hard}")


@dataclass(frozen=True, slots=True)
class _World:
    """What is true of each item, its risk, and the chance of each reviewer (column) to be right about it."""

    violates: NDArray[np.bool_]
    risk: Values
    right: Values


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """The items that were reviewed (their places), the chance of each to be, and the answers about them."""

    items: Codes
    chance: Values
    ratings: Ratings


@dataclass(frozen=True, slots=True)
class LabelRow:
    """Share of right labels over the seeds, or a difference of two such shares, with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One way to estimate one thing: how far it is off on average over the seeds, with the 95 % interval of that.

    `held` is how often the interval of the estimate itself held the truth; None where it has none.
    """

    of: str
    way: str
    truth: float
    estimate: float
    bias: float
    low: float
    high: float
    held: float | None

    @property
    def unbiased(self) -> bool:
        """Whether the bias is no more than chance explains."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Outcome:
    """All rows of a simulation."""

    floor: Floor
    seeds: int
    labels: tuple[LabelRow, ...]
    estimates: tuple[EstimateRow, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


# One estimate, what it should be, and whether its interval held that.
Trial = tuple[float, float, bool | None]


def simulate(floor: Floor, seeds: Sequence[int]) -> Outcome:
    """Run every seed and put the rows together. Raises NotConvergedError, and ValueError for fewer than two seeds."""
    if len(seeds) < 2:
        raise ValueError(f"two seeds or more are needed for an interval, not {len(seeds)}")
    shares: dict[str, list[float]] = defaultdict(list)
    trials: dict[tuple[str, str], list[list[Trial]]] = defaultdict(list)
    for seed in seeds:
        random = np.random.default_rng(seed)
        world = _invent(floor, random)
        mixed, ranked = (_review(world, floor, random, mixed=each) for each in (True, False))
        for name, share in _labels(world, mixed).items():
            shares[name].append(share)
        for key, trial in _estimates(world, mixed, ranked).items():
            trials[key].append(trial)
    rows = tuple(_estimate_row(of, way, found) for (of, way), found in trials.items())
    return Outcome(floor, len(seeds), tuple(_label_row(name, found) for name, found in shares.items()), rows)


def _invent(floor: Floor, random: np.random.Generator) -> _World:
    violates = random.random(floor.items) < floor.prevalence
    hard = random.random(floor.items) < floor.hard
    risk = random.normal(size=floor.items) + violates * np.where(hard, 1.0, 2.2)
    # Most are good, some miss much, some see violations everywhere; one in ten hardly reads.
    finds, spares = random.beta(8, 3, floor.reviewers), random.beta(24, 2, floor.reviewers)
    careless = random.random(floor.reviewers) < 0.1
    finds, spares = np.where(careless, 0.55, finds), np.where(careless, 0.6, spares)
    right = np.where(violates[:, None], finds, spares)
    return _World(violates, risk, np.where(hard[:, None], 0.5 + 0.4 * (right - 0.5), right))


def _review(world: _World, floor: Floor, random: np.random.Generator, *, mixed: bool) -> _Reviewed:
    """Review the riskiest, and a random share of the rest or as many more of the riskiest."""
    first = floor.by_risk if mixed else floor.by_risk + floor.random_share * (1 - floor.by_risk)
    chance = np.zeros(floor.items)
    chance[np.argsort(-world.risk)[: round(first * floor.items)]] = 1.0
    if mixed:
        chance[chance == 0] = floor.random_share
    items = np.flatnonzero(random.random(floor.items) < chance)
    # Different people for each item, each as likely as the others.
    drawn = random.random((len(items), floor.reviewers)).argpartition(floor.answers - 1, axis=1)
    rater = drawn[:, : floor.answers].ravel()
    item = np.repeat(np.arange(len(items)), floor.answers)
    right = random.random(len(item)) < world.right[items[item], rater]
    label = np.where(right, world.violates[items[item]], ~world.violates[items[item]]).astype(np.int64)
    names = (tuple(map(str, items.tolist())), tuple(map(str, range(floor.reviewers))))
    return _Reviewed(items, chance[items], Ratings(*names, (0, 1), item, rater, label))


def _labels(world: _World, reviewed: _Reviewed) -> dict[str, float]:
    """Share of reviewed items whose label is right; half of a tie."""
    truth = world.violates[reviewed.items]
    votes = reviewed.ratings.counts()
    found = {
        "majority vote": _share_right(votes[:, 1] - votes[:, 0], truth),
        "Dawid-Skene": _share_right(dawid_skene(reviewed.ratings).posterior[:, 1] - 0.5, truth),
    }
    return {**found, "Dawid-Skene - majority vote": found["Dawid-Skene"] - found["majority vote"]}


def _share_right(lean: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    return float(np.where(lean == 0, 0.5, (lean > 0) == truth).mean())


def _estimates(world: _World, mixed: _Reviewed, ranked: _Reviewed) -> dict[tuple[str, str], list[Trial]]:
    ways = {
        RISK_ALONE: (ranked, np.ones(len(ranked.items))),
        UNWEIGHTED: (mixed, np.ones(len(mixed.items))),
        WEIGHTED: (mixed, mixed.chance),
    }
    found: dict[tuple[str, str], list[Trial]] = {}
    for way, (reviewed, chance) in ways.items():
        found["prevalence, checked by experts", way] = [_prevalence(world, reviewed, chance)]
        fitted = dawid_skene(reviewed.ratings, weights=1 / chance)
        found["prevalence, Dawid-Skene", way] = [(float(fitted.prevalence[1]), float(world.violates.mean()), None)]
        found["accuracy of a reviewer, checked by experts", way] = _accuracies(world, reviewed, chance)
    return found


def _prevalence(world: _World, reviewed: _Reviewed, chance: Values) -> Trial:
    truth = float(world.violates.mean())
    found = weighted_share(world.violates[reviewed.items].astype(np.float64), chance, finite=True)
    return _trial(found.value, found.low, found.high, truth)


def _accuracies(world: _World, reviewed: _Reviewed, chance: Values) -> list[Trial]:
    """For each reviewer, the share of right answers; the truth is what they would reach on all items."""
    ratings, truth = reviewed.ratings, world.right.mean(axis=0)
    right = (ratings.label == world.violates[reviewed.items][ratings.item]).astype(np.float64)
    trials = []
    for rater in range(len(ratings.raters)):
        own = ratings.rater == rater
        found = weighted_share(right[own], chance[ratings.item[own]])
        if found.value is not None:
            trials.append(_trial(found.value, found.low, found.high, float(truth[rater])))
    return trials


def _trial(value: float | None, low: float | None, high: float | None, truth: float) -> Trial:
    if value is None or low is None or high is None:
        raise ValueError("too few items are reviewed for an estimate: raise --items")
    return value, truth, low <= truth <= high


def _label_row(name: str, found: Sequence[float]) -> LabelRow:
    mean, half = _mean_of(found)
    return LabelRow(name, mean, mean - half, mean + half)


def _estimate_row(of: str, way: str, found: Sequence[Sequence[Trial]]) -> EstimateRow:
    """Errors are averaged within a seed first, for those of one seed share its items."""
    every = [trial for trials in found for trial in trials]
    bias, half = _mean_of([float(np.mean([value - truth for value, truth, _ in trials])) for trials in found if trials])
    held = [one for _, _, one in every if one is not None]
    return EstimateRow(
        of=of,
        way=way,
        truth=float(np.mean([truth for _, truth, _ in every])),
        estimate=float(np.mean([value for value, _, _ in every])),
        bias=bias,
        low=bias - half,
        high=bias + half,
        held=float(np.mean(held)) if held else None,
    )


def _mean_of(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        raise ValueError("too few items are reviewed for an estimate: raise --items")
    return mean_and_half(values)


def outcome_text(outcome: Outcome) -> str:
    """The rows as two tables for the terminal."""
    floor = outcome.floor
    head = (
        f"{floor.items:,} items, {floor.reviewers} reviewers, {floor.answers} answers an item, {outcome.seeds} seeds; {floor.hard:.0%} are hard; "
        f"reviewed are the riskiest {floor.by_risk:.0%} and {floor.random_share:.0%} of the rest at random"
    )
    labels = [("labels of reviewed items that are right", "share", "95 % over seeds")]
    labels += [(one.name, f"{one.value:.4f}", f"{one.low:.4f} to {one.high:.4f}") for one in outcome.labels]
    rows = [("estimate of", "from", "truth", "estimate", "bias", "95 % over seeds", "", "interval held")]
    rows += [
        (
            one.of,
            one.way,
            f"{one.truth:.4f}",
            f"{one.estimate:.4f}",
            f"{one.bias:+.4f}",
            f"{one.low:+.4f} to {one.high:+.4f}",
            "unbiased" if one.unbiased else "biased",
            "" if one.held is None else f"{one.held:.1%}",
        )
        for one in outcome.estimates
    ]
    return "\n\n".join([head, columns(labels), columns(rows)])
