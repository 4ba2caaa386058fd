"""Each statistic on 200 random tables: kappas against scikit-learn and statsmodels, the others against the definition.

Alpha, AC1 and Dawid-Skene have no second implementation in a package that the locks could hold (docs/agreement.md), so they are
written a second time here, from the papers and in plain Python.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from labeling.statistics.alpha import Metric, krippendorff_alpha
from labeling.statistics.dawid_skene import MIN_RATERS, Fitting, dawid_skene
from labeling.statistics.nominal import Weights, cohen_kappa, cohen_kappa_of_table, fleiss_kappa, gwet_ac1
from labeling.statistics.ratings import Ratings

TABLES = 200
Answers = NDArray[np.int64]


def tables(*, missing: float, raters_from: int = 2) -> Iterator[tuple[Answers, int]]:
    """Answers (items, raters) about a hidden truth, -1 where there is none, and how many labels there are."""
    for seed in range(TABLES):
        random = np.random.default_rng(seed)
        labels, items, raters = (int(random.integers(*span)) for span in ((2, 6), (8, 30), (raters_from, 7)))
        truth = random.integers(labels, size=(items, 1))
        guesses = random.integers(labels, size=(items, raters))
        answers = np.where(random.random((items, raters)) < random.uniform(0.2, 0.9), truth, guesses)
        answers[random.random((items, raters)) < missing] = -1
        # Two items are sure to have two answers that differ, so that everything is defined.
        answers[:2, :2] = [[0, 1], [1, 1]]
        yield answers, labels


def counts_of(answers: Answers, labels: int) -> NDArray[np.int64]:
    return np.array([[(row == label).sum() for label in range(labels)] for row in answers])


def given(row: Sequence[int] | Answers) -> list[int]:
    return [int(value) for value in row if value >= 0]


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_cohens_kappa_is_that_of_scikit_learn_and_statsmodels(weights: Weights) -> None:
    for answers, labels in tables(missing=0):
        first, second = answers[:, 0], answers[:, 1]
        found = cohen_kappa(first, second, levels=labels, weights=weights).value
        name = None if isinstance(weights, str) and weights == "none" else weights
        assert found == pytest.approx(cohen_kappa_score(first, second, weights=name, labels=list(range(labels))))
        table = np.zeros((labels, labels), np.int64)
        np.add.at(table, (first, second), 1)
        assert found == pytest.approx(inter_rater.cohens_kappa(table, wt=name, return_results=False))
        assert found == cohen_kappa_of_table(table, weights=weights).value


def test_fleiss_kappa_is_that_of_statsmodels() -> None:
    for answers, labels in tables(missing=0):
        counts = counts_of(answers, labels)
        assert fleiss_kappa(counts).value == pytest.approx(inter_rater.fleiss_kappa(counts))


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
def test_alpha_is_one_minus_the_disagreement_of_pairs(metric: Metric) -> None:
    for answers, labels in tables(missing=0.3):
        found = krippendorff_alpha(counts_of(answers, labels), metric=metric).value
        assert found == pytest.approx(alpha_by_pairs(answers, metric))


def alpha_by_pairs(answers: Answers, metric: Metric) -> float:
    units = [values for row in answers if len(values := given(row)) > 1]
    every = [value for values in units for value in values]

    def apart(one: int, other: int) -> float:
        if metric == "nominal":
            return float(one != other)
        low, high = min(one, other), max(one, other)
        between = sum(every.count(value) for value in range(low, high + 1))
        return (between - (every.count(low) + every.count(high)) / 2) ** 2

    table = {(one, other): apart(one, other) for one in set(every) for other in set(every)}
    observed = sum(sum(table[pair] for pair in permutations(values, 2)) / (len(values) - 1) for values in units) / len(
        every
    )
    expected = sum(table[pair] for pair in permutations(every, 2)) / (len(every) * (len(every) - 1))
    return 1 - observed / expected


def test_ac1_is_agreement_of_pairs_beyond_guesses_on_hard_items() -> None:
    for answers, labels in tables(missing=0.3):
        assert gwet_ac1(counts_of(answers, labels)).value == pytest.approx(ac1_by_pairs(answers, labels))


def ac1_by_pairs(answers: Answers, labels: int) -> float:
    rows = [values for row in answers if (values := given(row))]
    paired = [values for values in rows if len(values) > 1]
    agree = sum(
        sum(one == other for one, other in combinations(values, 2)) / (len(values) * (len(values) - 1) / 2)
        for values in paired
    ) / len(paired)
    common = [sum(values.count(label) / len(values) for values in rows) / len(rows) for label in range(labels)]
    chance = sum(share * (1 - share) for share in common) / (labels - 1)
    return (agree - chance) / (1 - chance)


@pytest.mark.parametrize("shrinkage", [0.0, 4.0])
def test_dawid_skene_is_what_the_equations_say(shrinkage: float) -> None:
    for answers, labels in tables(missing=0.2, raters_from=MIN_RATERS):
        item, rater = np.nonzero(answers >= 0)
        names = (tuple(map(str, range(len(answers)))), tuple(map(str, range(answers.shape[1]))))
        ratings = Ratings(*names, tuple(range(labels)), item, rater, answers[item, rater])
        found = dawid_skene(ratings, fitting=Fitting(shrinkage=shrinkage, tolerance=0.02))
        posterior, confusion, prevalence = by_equations(answers, labels, found.rounds, shrinkage)
        assert found.posterior == pytest.approx(np.array(posterior), abs=1e-8)
        assert found.confusion == pytest.approx(np.array(confusion), abs=1e-8)
        assert found.prevalence == pytest.approx(np.array(prevalence), abs=1e-8)


Rows = list[list[float]]


def by_equations(answers: Answers, labels: int, rounds: int, shrinkage: float) -> tuple[Rows, list[Rows], list[float]]:
    """So many rounds of equations 2.3 to 2.5 of Dawid and Skene in plain Python; items without answers count for nothing."""
    answered = [item for item, row in enumerate(answers) if given(row)]
    posterior: Rows = [
        [given(row).count(label) / max(len(given(row)), 1) if given(row) else 1 / labels for label in range(labels)]
        for row in answers
    ]
    confusion: list[Rows] = []
    prevalence: list[float] = []
    for _ in range(rounds):
        prevalence = [sum(posterior[item][true] for item in answered) / len(answered) for true in range(labels)]
        counts = [error_counts(answers[:, rater], posterior, labels) for rater in range(answers.shape[1])]
        confusion = [drawn_together(own, counts, shrinkage) for own in counts]
        posterior = [item_posterior(row, confusion, prevalence) for row in answers]
    return posterior, confusion, prevalence


def error_counts(own: Answers, posterior: Rows, labels: int) -> Rows:
    found = [[0.0] * labels for _ in range(labels)]
    for item, said in enumerate(own):
        for true in range(labels):
            if said >= 0:
                found[true][said] += posterior[item][true]
    return found


def drawn_together(own: Rows, every: list[Rows], shrinkage: float) -> Rows:
    labels = len(own)
    found = []
    for true in range(labels):
        pool = [sum(counts[true][said] for counts in every) + (said == true) + 1 / labels for said in range(labels)]
        row = [own[true][said] + shrinkage * pool[said] / sum(pool) for said in range(labels)]
        found.append([value / sum(row) if sum(row) else 1 / labels for value in row])
    return found


def item_posterior(row: Answers, confusion: list[Rows], prevalence: list[float]) -> list[float]:
    chances = []
    for true, share in enumerate(prevalence):
        chance = share
        for rater, said in enumerate(row):
            if said >= 0:
                chance *= confusion[rater][true][said]
        chances.append(chance)
    return [chance / sum(chances) for chance in chances]
