import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, cohen_kappa_score

from eval.metrics import (
    MIN_POSITIVES,
    AreaResult,
    area_report,
    average_precision,
    bootstrap_auprc,
    calibration_error,
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
