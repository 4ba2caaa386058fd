"""Whether the 95 % intervals hold the truth 95 times of 100: simulated answers whose true figure is computed.

Each figure is estimated on answers drawn anew from a world of known prevalence and error rates; the true figure is that of all
possible answers, each as often as it is probable.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from labeling.columns import columns
from labeling.statistics.alpha import krippendorff_alpha
from labeling.statistics.bootstrap import Codes, Coefficient, Values
from labeling.statistics.dawid_skene import dawid_skene, dawid_skene_estimates
from labeling.statistics.estimate import Estimate
from labeling.statistics.nominal import cohen_kappa_of_table, fleiss_kappa, gwet_ac1
from labeling.statistics.ratings import Ratings
from labeling.statistics.weighted import weighted_share

# So many items of the computed truth that corrections for small samples are nothing.
WHOLE = 1e9


@dataclass(frozen=True, slots=True)
class World:
    """`right` is the chance of the true label; the others are hit the less the further they are away."""

    name: str
    items: int
    raters: int
    prevalence: tuple[float, ...]
    right: float
    missing: float = 0.0

    @property
    def confusion(self) -> Values:
        """The chance of each answer (column) to each true label (row); the last column is no answer."""
        labels = len(self.prevalence)
        near = 0.5 ** np.abs(np.subtract.outer(np.arange(labels), np.arange(labels))) * (1 - np.eye(labels))
        said = np.eye(labels) * self.right + (1 - self.right) * near / near.sum(axis=1, keepdims=True)
        return np.hstack([said * (1 - self.missing), np.full((labels, 1), self.missing)])


WORLDS = (
    World("two labels, 50 : 50, 60 items", 60, 3, (0.5, 0.5), 0.85),
    World("two labels, 50 : 50, 200 items", 200, 3, (0.5, 0.5), 0.85),
    World("two labels, 90 : 10, 30 items", 30, 3, (0.9, 0.1), 0.93),
    World("two labels, 90 : 10, 40 items", 40, 3, (0.9, 0.1), 0.93),
    World("two labels, 90 : 10, 200 items", 200, 3, (0.9, 0.1), 0.93),
    World("four labels, 200 items", 200, 3, (0.55, 0.25, 0.15, 0.05), 0.8),
    World("three steps, 200 items", 200, 3, (0.6, 0.3, 0.1), 0.85),
    World("five steps, 200 items", 200, 3, (0.5, 0.2, 0.15, 0.1, 0.05), 0.7),
)
GAPS = (
    World("three steps, a third unanswered, 200 items", 200, 3, (0.6, 0.3, 0.1), 0.85, missing=0.33),
    World("four labels, a third unanswered, 200 items", 200, 3, (0.55, 0.25, 0.15, 0.05), 0.8, missing=0.33),
    World("five steps, a third unanswered, 200 items", 200, 3, (0.5, 0.2, 0.15, 0.1, 0.05), 0.7, missing=0.33),
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """People of one world whose chances of the true label run from one of `skill` to the other."""

    name: str
    world: World
    skill: tuple[float, float]


CROWDS = (
    Crowd(
        "six of .70 to .95, 400 items, half unanswered",
        World("70 : 30", 400, 6, (0.7, 0.3), 0.85, missing=0.5),
        (0.7, 0.95),
    ),
    Crowd(
        "six of .85 to .99, 90 : 10, 100 items, half unanswered",
        World("90 : 10", 100, 6, (0.9, 0.1), 0.92, missing=0.5),
        (0.85, 0.99),
    ),
    Crowd("six of .97, 60 items", World("70 : 30", 60, 6, (0.7, 0.3), 0.97), (0.97, 0.97)),
    Crowd("four of .99, 60 items", World("70 : 30", 60, 4, (0.7, 0.3), 0.99), (0.99, 0.99)),
    Crowd("four of .99, 200 items", World("70 : 30", 200, 4, (0.7, 0.3), 0.99), (0.99, 0.99)),
    Crowd(
        "four of .80 to .99, four labels, 200 items, a third unanswered",
        World("four labels", 200, 4, (0.55, 0.25, 0.15, 0.05), 0.9, missing=0.33),
        (0.8, 0.99),
    ),
)
# Prevalence, and the chance of items that are not among the riskiest.
MIXES = ((0.3, 0.05), (0.08, 0.05), (0.08, 0.2), (0.02, 0.2))
# Of counts (items, labels), or a table of two raters, and how many items each row stands for.
Make = Callable[[Codes, Values], Coefficient]
COUNTED: dict[str, Make] = {
    "Fleiss' kappa": fleiss_kappa,
    "Krippendorff's alpha, nominal": krippendorff_alpha,
    "Krippendorff's alpha, ordinal": lambda counts, times: krippendorff_alpha(counts, times, metric="ordinal"),
    "Gwet's AC1": gwet_ac1,
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """In how many of `repeats` samples the interval held the truth."""

    figure: str
    world: str
    truth: float
    held: int
    repeats: int

    @property
    def share(self) -> float:
        """What should be .95."""
        return self.held / self.repeats


PARTS = ("cohen", "counted", "weighted", "dawid-skene")


def coverage(*, repeats: int, resamples: int, seed: int, only: str | None = None) -> Iterator[Coverage]:
    """Every figure in every world that it is for, or one part of them; Dawid-Skene, which takes long, in a tenth of the repeats."""
    if only in {None, "cohen"}:
        for world in WORLDS:
            yield from cohen_coverage(world, repeats=repeats, resamples=resamples, seed=seed)
    if only in {None, "counted"}:
        for name, world in itertools.product(COUNTED, (*WORLDS, *GAPS)):
            if world.missing == 0 or name != "Fleiss' kappa":
                yield counted_coverage(name, world, repeats=repeats, resamples=resamples, seed=seed)
    if only in {None, "weighted"}:
        yield from weighted_coverage(repeats=repeats, seed=seed)
    if only in {None, "dawid-skene"}:
        for crowd in CROWDS:
            yield from dawid_skene_coverage(crowd, repeats=repeats // 10, resamples=resamples // 5, seed=seed)


def counted_coverage(name: str, world: World, *, repeats: int, resamples: int, seed: int) -> Coverage:
    """One coefficient of any number of raters in one world."""
    make, random = COUNTED[name], np.random.default_rng(seed)
    answers, chance = _possible(world)
    labels = len(world.prevalence)
    counts = (answers[:, :, None] == np.arange(labels)).sum(axis=1)
    truth = make(counts, chance * WHOLE).value
    drawn = random.multinomial(world.items, chance, size=repeats)
    found = (make(counts[one > 0], one[one > 0].astype(np.float64)) for one in drawn)
    estimates = [one.estimate(seed=number, resamples=resamples) for number, one in enumerate(found)]
    return Coverage(name, world.name, truth or 0.0, _held(estimates, truth or 0.0), repeats)


def cohen_coverage(world: World, *, repeats: int, resamples: int, seed: int) -> Iterator[Coverage]:
    """Cohen's kappa of two raters in one world, plain and weighted."""
    random = np.random.default_rng(seed)
    labels = len(world.prevalence)
    said = world.confusion[:, :labels]
    table = np.einsum("j,ja,jb->ab", np.array(world.prevalence), said, said)
    drawn = random.multinomial(world.items, table.ravel() / table.sum(), size=repeats).reshape(-1, labels, labels)
    for weights in ("none", "linear", "quadratic") if labels > 2 else ("none",):
        truth = cohen_kappa_of_table(np.rint(table * WHOLE).astype(np.int64), weights=weights).value or 0.0
        estimates = [
            cohen_kappa_of_table(one, weights=weights).estimate(seed=number, resamples=resamples)
            for number, one in enumerate(drawn)
        ]
        name = "Cohen's kappa" if weights == "none" else f"Cohen's kappa, {weights} weights"
        yield Coverage(name, world.name, truth, _held(estimates, truth), repeats)


def weighted_coverage(
    *, repeats: int, seed: int, items: int = 4000, mixes: Sequence[tuple[float, float]] = MIXES
) -> Iterator[Coverage]:
    """Shares of a whole of which the riskiest are seen for certain and the rest with a chance of 5 or 20 %."""
    for prevalence, share in mixes:
        random = np.random.default_rng(seed)
        where = f"{prevalence:.0%} of {items}, {share:.0%} at random beside the riskiest tenth"
        every: dict[str, list[tuple[Estimate, float]]] = {}
        for _ in range(repeats):
            has = random.random(items) < prevalence
            risk = random.normal(size=items) + 2 * has
            chance = np.where(risk >= np.partition(risk, -items // 10)[-items // 10], 1.0, share)
            seen = random.random(items) < chance
            known = (has[seen].astype(np.float64), chance[seen])
            every.setdefault("Hajek", []).append((weighted_share(*known), prevalence))
            every.setdefault("Hajek, these very items", []).append(
                (weighted_share(*known, finite=True), float(has.mean()))
            )
        for name, pairs in every.items():
            held = sum(_held([one], truth) for one, truth in pairs)
            yield Coverage(name, where, prevalence, held, repeats)


def dawid_skene_coverage(crowd: Crowd, *, repeats: int, resamples: int, seed: int) -> Iterator[Coverage]:
    """Prevalence of the last label, and the accuracy of each rater."""
    random = np.random.default_rng(seed)
    skill = np.linspace(*crowd.skill, crowd.world.raters)
    common = crowd.world.prevalence[-1]
    prevalence = accuracy = 0
    for number in range(repeats):
        ratings = _made_up(crowd.world, skill, random)
        found = dawid_skene_estimates(ratings, dawid_skene(ratings), seed=number, resamples=resamples)
        prevalence += _held([found.prevalence[len(crowd.world.prevalence) - 1]], common)
        accuracy += sum(_held([one], float(each)) for one, each in zip(found.accuracy.values(), skill, strict=True))
    yield Coverage("Dawid-Skene, prevalence", crowd.name, common, prevalence, repeats)
    yield Coverage("Dawid-Skene, accuracy", crowd.name, float(skill.mean()), accuracy, repeats * crowd.world.raters)


def _made_up(world: World, skill: Values, random: np.random.Generator) -> Ratings:
    """Answers of raters of that skill, drawn item by item."""
    labels = len(world.prevalence)
    truth = random.choice(labels, size=world.items, p=world.prevalence)
    said = np.stack([replace(world, right=float(each)).confusion for each in skill], axis=1)[truth]
    drawn = (random.random((world.items, world.raters, 1)) > said.cumsum(axis=2)[:, :, :-1]).sum(axis=2)
    item, rater = np.nonzero(drawn < labels)
    names = (tuple(map(str, range(world.items))), tuple(map(str, range(world.raters))))
    return Ratings(*names, tuple(range(labels)), item, rater, drawn[item, rater])


def _possible(world: World) -> tuple[Codes, Values]:
    """All answers of all raters to one item (-1 is none), and how probable they are."""
    labels = len(world.prevalence)
    answers = np.array(list(itertools.product(range(labels + 1), repeat=world.raters)))
    chance = np.prod(world.confusion[:, answers], axis=2).T @ np.array(world.prevalence)
    kept = chance > 0
    return np.where(answers == labels, -1, answers)[kept], chance[kept] / chance.sum()


def _held(estimates: Sequence[Estimate], truth: float) -> int:
    return sum(
        one.low is not None and one.high is not None and one.low - 1e-9 <= truth <= one.high + 1e-9 for one in estimates
    )


def coverage_text(found: Sequence[Coverage]) -> str:
    """One line for each, for the terminal."""
    head = ("figure", "world", "true figure", "held", "repeats")
    rows = [(one.figure, one.world, f"{one.truth:.3f}", f"{one.share:.1%}", f"{one.repeats:,}") for one in found]
    return columns([head, *rows])
