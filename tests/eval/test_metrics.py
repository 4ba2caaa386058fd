import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    cohen_kappa_score,
    mean_absolute_error,
    precision_recall_curve,
    recall_score,
    roc_curve,
)

from eval.metrics import (
    MIN_POSITIVES,
    RECALL,
    AreaResult,
    Calibration,
    Ranking,
    Values,
    area_report,
    average_precision,
    bootstrap,
    bootstrap_auprc,
    calibration_error,
    cut_at_recall,
    middle,
    severity_confusion,
    severity_figures,
    severity_kappa,
)
from eval.truth import Truth

SEED = np.random.default_rng(7)


def truth_of(labels: NDArray[np.float32], known: NDArray[np.float32] | None = None) -> Truth:
    return Truth(labels, np.ones_like(labels) if known is None else known, np.full(len(labels), -1))


def test_average_precision_by_hand() -> None:
    # Order: hit, miss, hit: precision 1 at the first hit, 2/3 at the second.
    assert average_precision(np.array([1.0, 0, 1]), np.array([0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([0.0, 1]), np.array([0.9, 0.1])) == pytest.approx(0.5)


def test_ties_enter_together() -> None:
    assert average_precision(np.array([1.0, 0, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5])) == pytest.approx(0.5)
    assert average_precision(np.array([0.0, 1]), np.array([0.5, 0.5])) == pytest.approx(0.5)


def test_no_positive_no_number() -> None:
    assert math.isnan(average_precision(np.zeros(3), np.arange(3.0)))
    assert math.isnan(average_precision(np.zeros(0), np.zeros(0)))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.5, 0.9])), min_size=1, max_size=40))
def test_average_precision_is_that_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    labels, scores = np.array([float(hit) for hit, _ in rows]), np.array([score for _, score in rows])
    if labels.any():
        assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_report_masks_unknown_labels_and_tells_too_few() -> None:
    labels = np.zeros((40, 3), np.float32)
    labels[:MIN_POSITIVES, 0] = 1
    labels[: MIN_POSITIVES - 1, 1] = 1
    labels[:, 2] = 1
    known = np.ones_like(labels)
    known[30:, 0] = 0
    scores = np.tile(-np.arange(40.0)[:, None], 3)
    report = area_report(truth_of(labels, known), scores, ("a", "b", "c"))
    assert report.areas == {"a": AreaResult(rows=30, positives=10, auprc=1.0)}
    assert report.areas["a"].base_rate == pytest.approx(1 / 3)
    assert report.too_few == {"b": 9, "c": 40}
    assert report.macro_auprc == 1.0


def test_macro_is_the_plain_mean_and_undefined_without_areas() -> None:
    labels = (SEED.random((200, 2)) < 0.4).astype(np.float32)
    report = area_report(truth_of(labels), SEED.random((200, 2)), ("a", "b"))
    assert report.macro_auprc == pytest.approx((report.areas["a"].auprc + report.areas["b"].auprc) / 2)
    assert math.isnan(area_report(truth_of(labels[:5]), SEED.random((5, 2)), ("a", "b")).macro_auprc)


def test_interval_holds_the_figure_and_narrows_with_rows() -> None:
    widths = []
    for rows in (200, 5_000):
        labels = (SEED.random((rows, 1)) < 0.3).astype(np.float32)
        scores = labels + SEED.normal(size=(rows, 1))
        (interval,), macro = bootstrap_auprc(truth_of(labels), scores, [0], draws=100)
        assert interval == macro
        assert interval.low < average_precision(labels[:, 0], scores[:, 0]) < interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] < widths[0] / 2


def test_interval_is_the_same_each_time() -> None:
    labels = (SEED.random((100, 1)) < 0.3).astype(np.float32)
    scores = SEED.random((100, 1))
    assert bootstrap_auprc(truth_of(labels), scores, [0]) == bootstrap_auprc(truth_of(labels), scores, [0])


def test_calibration_error_by_hand() -> None:
    labels = np.array([0.0] * 15 + [1.0] * 15)
    assert calibration_error(labels, labels) == 0
    assert calibration_error(labels, np.full(30, 0.5)) == 0
    assert calibration_error(labels, np.full(30, 0.9)) == pytest.approx(0.4)
    assert calibration_error(labels, 1 - labels) == 1
    assert calibration_error(np.array([1.0, 0]), np.array([0.8, 0.1])) == pytest.approx((0.2 + 0.1) / 2)
    assert math.isnan(calibration_error(np.zeros(0), np.zeros(0)))


def test_calibrated_probabilities_have_a_small_error() -> None:
    p = SEED.random(20_000)
    assert calibration_error((SEED.random(20_000) < p).astype(float), p) < 0.02


def test_kappa_by_hand() -> None:
    assert severity_kappa(np.array([0, 4]), np.array([0, 4])) == 1
    assert severity_kappa(np.array([0, 4]), np.array([4, 0])) == -1
    assert severity_kappa(np.array([0, 4, 0, 4]), np.array([0, 0, 4, 4])) == 0
    assert math.isnan(severity_kappa(np.array([2, 2]), np.array([2, 2])))


def test_kappa_is_that_of_scikit_learn() -> None:
    truth, predicted = SEED.integers(0, 5, 300), SEED.integers(0, 5, 300)
    expected = cohen_kappa_score(truth, predicted, weights="quadratic", labels=list(range(5)))
    assert severity_kappa(truth, predicted) == pytest.approx(expected)


def false_positive_rate(labels: Values, scores: Values, *, recall: float = RECALL) -> float:
    """The rate on the rows as they are."""
    return Ranking(labels, scores, recall=recall).at_recall(np.ones(len(labels), np.int64))[1]


def test_false_positive_rate_by_hand() -> None:
    # Four of five positives are found at 0.5, where one of four negatives stands as high.
    labels = np.array([1.0, 1, 1, 1, 1, 0, 0, 0, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.5, 0.1, 0.6, 0.4, 0.3, 0.2])
    assert false_positive_rate(labels, scores) == pytest.approx(0.25)
    assert false_positive_rate(labels, scores, recall=1.0) == 1
    assert cut_at_recall(labels, scores) == 0.5
    assert math.isnan(false_positive_rate(np.zeros(3), np.arange(3.0)))
    assert math.isnan(false_positive_rate(np.ones(3), np.arange(3.0)))
    assert math.isnan(cut_at_recall(np.zeros(3), np.arange(3.0)))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), min_size=2, max_size=40))
def test_false_positive_rate_is_that_of_the_roc_curve_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    labels, scores = np.array([float(hit) for hit, _ in rows]), np.array([score for _, score in rows])
    if 0 < labels.sum() < len(labels):
        rates, recalls, cuts = roc_curve(labels, scores, drop_intermediate=False)
        first = int(np.argmax(recalls >= 0.8 - 1e-9))
        assert false_positive_rate(labels, scores) == pytest.approx(rates[first])
        assert cut_at_recall(labels, scores) == cuts[first]


def test_counting_a_row_twice_is_the_same_as_having_it_twice() -> None:
    labels, scores = (SEED.random(50) < 0.4).astype(float), SEED.choice([0.1, 0.4, 0.6, 0.8], 50)
    times = SEED.integers(0, 4, 50)
    index = np.repeat(np.arange(50), times)
    ones = np.ones(len(index), np.int64)
    assert Ranking(labels, scores).figures(times) == pytest.approx(Ranking(labels[index], scores[index]).figures(ones))


def test_curve_passes_through_points_of_scikit_learn() -> None:
    labels, scores = (SEED.random(300) < 0.3).astype(float), SEED.random(300)
    precisions, recalls, _ = precision_recall_curve(labels, scores)
    known = {(round(recall, 9), round(precision, 9)) for recall, precision in zip(recalls, precisions, strict=True)}
    curve = Ranking(labels, scores).curve(20)
    assert len(curve) <= 21
    assert curve[-1][0] == 1
    assert {(round(recall, 9), round(precision, 9)) for recall, precision in curve} <= known


def test_severity_figures_are_those_of_scikit_learn() -> None:
    truth, predicted = SEED.integers(0, 5, 300), SEED.integers(0, 5, 300)
    kappa, error, recall = severity_figures(severity_confusion(truth, predicted))
    assert kappa == pytest.approx(cohen_kappa_score(truth, predicted, weights="quadratic", labels=list(range(5))))
    assert error == pytest.approx(mean_absolute_error(truth, predicted))
    assert recall == pytest.approx(recall_score(truth >= 3, predicted >= 3))


def test_severity_figures_without_severe_rows_have_no_recall() -> None:
    _, error, recall = severity_figures(severity_confusion(np.array([0, 1]), np.array([0, 3])))
    assert error == 1
    assert math.isnan(recall)


def test_reliability_bins_hold_every_row_once() -> None:
    p = SEED.random(1_000)
    labels = (SEED.random(1_000) < p).astype(float)
    bins = Calibration(labels, p).bins()
    assert sum(count for _, _, count in bins) == 1_000
    gap = sum(abs(stated - seen) * count for stated, seen, count in bins) / 1_000
    assert gap == pytest.approx(calibration_error(labels, p))


def test_bootstrap_pairs_its_statistics_and_covers_the_mean() -> None:
    values = SEED.normal(5.0, 1.0, 400)
    first, second = bootstrap(
        [lambda times: (float(times @ values) / 400, float(times.sum())), lambda times: [float(times @ values) / 400]],
        400,
        draws=400,
    )
    assert (first[:, 0] == second[:, 0]).all()
    assert (first[:, 1] == 400).all()
    interval = middle(first[:, 0])
    # The width of a 95 % interval of a mean is 3.92 standard errors.
    assert interval.high - interval.low == pytest.approx(3.92 * values.std() / 20, rel=0.2)


def test_draws_without_a_value_are_left_out_of_the_interval() -> None:
    assert middle(np.array([1.0, np.nan, 1.0])).low == 1
    assert math.isnan(middle(np.array([np.nan])).high)
