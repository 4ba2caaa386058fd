from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.metrics import calibration_error
from eval.truth import Truth
from models.calibration import UNTRAINED, SeverityScaling, sigmoid
from models.inference import Logits
from training.calibrate import (
    MIN_POSITIVES_FOR_SLOPE,
    NEGATIVES_MISSED,
    POSITIVES_MISSED,
    WANTED_PRECISION,
    WANTED_RECALL,
    Judged,
    best_f1_threshold,
    fit_calibration,
    fit_platt,
    fit_severity,
    fit_temperature,
    operating_points,
    unsure_range,
)


def sample(rows: int, slope: float, bias: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    logits = generator.normal(0, 3, rows)
    return logits, (generator.random(rows) < sigmoid(slope * logits + bias)).astype(np.float64)


def test_platt_finds_the_slope_and_bias_that_made_the_labels() -> None:
    slope, bias = fit_platt(*sample(50_000, 0.6, -1.5))
    assert (slope, bias) == (pytest.approx(0.6, abs=0.02), pytest.approx(-1.5, abs=0.04))


def test_fixed_slope_leaves_the_bias_free() -> None:
    slope, bias = fit_platt(*sample(50_000, 0.6, -1.5), slope=0.6)
    assert (slope, bias) == (0.6, pytest.approx(-1.5, abs=0.04))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_separable_and_badly_scaled_logits_have_finite_answers(scale: float) -> None:
    logits = np.linspace(-5, 5, 200) * scale
    slope, bias = fit_platt(logits, (logits > 0).astype(float))
    assert np.isfinite([slope, bias]).all()
    assert slope > 0


def test_no_rows_leave_logits_as_they_are() -> None:
    assert fit_platt(np.zeros(0), np.zeros(0)) == (1.0, 0.0)
    assert fit_platt(np.zeros(0), np.zeros(0), slope=0.7) == (0.7, 0.0)


def test_threshold_has_the_best_f1_and_lies_between_two_scores() -> None:
    # F1 by cut: 2/3, 4/5 (two of two), 2/3.
    assert best_f1_threshold(np.array([1.0, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx(0.05)
    assert best_f1_threshold(np.array([1.0, 1, 0, 0]), np.array([0.9, 0.8, 0.6, 0.1])) == pytest.approx(0.7)
    assert best_f1_threshold(np.zeros(3), np.array([0.9, 0.8, 0.7])) == 0.5


def test_equal_scores_are_not_parted() -> None:
    assert best_f1_threshold(np.array([1.0, 0, 0]), np.array([0.4, 0.4, 0.2])) == pytest.approx(0.3)


def test_temperature_is_found_again() -> None:
    generator = np.random.default_rng(5)
    above = np.sort(generator.normal(0, 2, (20_000, 4)), axis=1)[:, ::-1]
    levels = (sigmoid(above) > generator.random((20_000, 1))).sum(1)
    assert fit_temperature(levels, above * 2) == pytest.approx(2, rel=0.05)
    assert fit_temperature(np.full(3, -1), above[:3]) == 1.0


def test_what_areas_add_to_the_severity_is_found_again() -> None:
    generator = np.random.default_rng(5)
    rows = 20_000
    own = np.sort(generator.normal(0, 2, (rows, 4)), axis=1)[:, ::-1]
    areas = generator.random((rows, 3))
    above = 0.5 * own + [0.5, 0.0, -0.5, -1.0] + (2.0 * areas[:, 0] - 1.5 * areas[:, 2])[:, None]
    levels = (sigmoid(above) > generator.random((rows, 1))).sum(1)
    found = fit_severity(levels, own, areas, np.ones(rows))
    assert found.slope == pytest.approx(0.5, abs=0.05)
    # An area under which texts were less severe weighs nothing instead.
    assert list(found.weights) == pytest.approx([2.0, 0.0, 0.0], abs=0.15)
    twice = fit_severity(np.tile(levels, 2), np.tile(own, (2, 1)), np.tile(areas, (2, 1)), np.full(2 * rows, 0.5))
    assert twice.weights == pytest.approx(found.weights, abs=1e-3)
    # Without a single known level the network's word stands, with a few it is not left far.
    assert fit_severity(np.full(rows, -1), own, areas, np.ones(rows)) == SeverityScaling()
    one = fit_severity(levels[:1], own[:1], areas[:1], np.ones(1))
    assert np.abs(np.array([one.slope - 1, *one.biases, *one.weights])).max() < 3


def raw(areas: NDArray[np.float64]) -> Logits:
    """Area logits of a model that says nothing of severity and graphic level."""
    return Logits(
        areas.astype(np.float32), np.zeros((len(areas), 4), np.float32), np.zeros((len(areas), 0), np.float32)
    )


def judged(truth: Truth, languages: Sequence[str] = ()) -> Judged:
    """Rows without graphic levels and with rated severities, in English unless it is said."""
    rows = len(truth.labels)
    return Judged(truth, np.full(rows, -1), np.array(languages or ["en"] * rows), np.ones(rows, bool))


def test_areas_by_what_is_known_of_them() -> None:
    logits, labels = sample(4_000, 0.5, -1)
    few = np.zeros(4_000)
    few[np.argsort(-logits)[: MIN_POSITIVES_FOR_SLOPE - 1]] = 1
    known = np.ones((4_000, 4), np.float32)
    known[:, 3] = 0
    truth = Truth(np.column_stack([labels, few, labels, labels]).astype(np.float32), known, np.full(4_000, -1))
    fitted = fit_calibration(
        judged(truth),
        raw(np.column_stack([logits] * 4)),
        areas=("many", "few", "untrained", "unknown"),
        trained=("many", "few", "unknown"),
    )
    many, few_one, untrained, unknown = fitted.areas
    assert untrained == UNTRAINED
    assert few_one.slope == unknown.slope == many.slope == pytest.approx(0.5, abs=0.05)
    assert few_one.bias < many.bias
    assert unknown.threshold == 0.5
    assert calibration_error(labels, fitted.area_probabilities(np.column_stack([logits] * 4))[:, 0]) < 0.02


def test_upside_down_logits_do_not_turn_the_order_round() -> None:
    logits, labels = sample(1_000, -1, 0)
    truth = Truth(labels[:, None].astype(np.float32), np.ones((1_000, 1), np.float32), np.full(1_000, -1))
    fitted = fit_calibration(judged(truth), raw(logits[:, None]), areas=("a",), trained=("a",))
    assert fitted.areas[0].slope == 1.0


def test_a_language_that_was_collected_otherwise_counts_as_the_others() -> None:
    # In the second language nearly every row violates, and the network has learned to say so; in the third nobody knows.
    generator = np.random.default_rng(5)
    rates, learned = {"en": 0.1, "ko": 0.8, "xx": 0.8, "und": 0.5}, {"en": 0.0, "ko": 3.0, "xx": 3.0, "und": 0.0}
    spoken = ["en"] * 40_000 + ["ko"] * 20_000 + ["xx"] * 90 + ["und"] * 500
    labels = (generator.random(len(spoken)) < [rates[one] for one in spoken]).astype(np.float32)
    evidence = generator.normal(np.where(labels > 0, 1.0, -1.0), 1.0)
    logits = 2 * evidence + np.array([learned[one] for one in spoken])
    truth = Truth(labels[:, None], np.ones((len(spoken), 1), np.float32), np.full(len(spoken), -1))
    fitted = fit_calibration(judged(truth, spoken), raw(logits[:, None]), areas=("a",), trained=("a",))
    assert set(fitted.languages) == {"en", "ko"}

    def said(evidence: float, language: str | None) -> float:
        logit = 2 * evidence + learned[language or "xx"]
        return float(fitted.area_probabilities(np.array([[logit]]), [language])[0, 0])

    for one in (-1.0, 0.0, 1.0):
        assert said(one, "ko") == pytest.approx(said(one, "en"), abs=0.03)
        # What it was before, and stays for who is not known.
        assert said(one, None) > said(one, "ko") + 0.1
    share = labels.mean()
    assert said(0.0, "en") == pytest.approx(share, abs=0.03)
    (plain,) = fitted.area_probabilities(np.array([[0.5]]))
    assert plain == fitted.area_probabilities(np.array([[0.5]]), [None])[0]


def test_unsure_range_keeps_its_promise_on_other_rows() -> None:
    generator = np.random.default_rng(9)
    labels = (generator.random(40_000) < 0.05).astype(np.float64)
    probabilities = sigmoid(generator.normal(np.where(labels > 0, 1.0, -2.0), 1.0))
    lowest, highest = unsure_range(labels[:20_000], probabilities[:20_000])
    fresh, known = probabilities[20_000:], labels[20_000:]
    assert (fresh[known > 0] < lowest).mean() == pytest.approx(POSITIVES_MISSED, abs=0.025)
    assert (fresh[known == 0] > highest).mean() == pytest.approx(NEGATIVES_MISSED, abs=0.005)
    assert 0 < lowest < highest < 1


def test_with_few_rows_everything_is_unsure() -> None:
    assert unsure_range(np.array([1.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.2])) == (0.0, 1.0)


def test_classes_far_apart_leave_nothing_unsure() -> None:
    labels = np.repeat([0.0, 1.0], 200)
    lowest, highest = unsure_range(labels, np.where(labels > 0, 0.9, 0.1) + np.linspace(0, 0.01, 400))
    assert lowest > highest


def test_operating_points_give_what_they_are_named_after() -> None:
    generator = np.random.default_rng(4)
    labels = (generator.random(5_000) < 0.1).astype(np.float64)
    probabilities = sigmoid(generator.normal(np.where(labels > 0, 1.5, -2.0), 1.2)).round(3)
    points = operating_points(labels, probabilities)
    for name, point in points.items():
        assert point is not None
        chosen = probabilities >= point.threshold
        assert point.recall == pytest.approx(labels[chosen].sum() / labels.sum()), name
        assert point.precision == pytest.approx(labels[chosen].mean()), name
        assert point.flagged == pytest.approx(chosen.mean()), name
    recall, precision, best = (points[name] for name in ("recall", "precision", "best_f1"))
    assert recall is not None
    assert precision is not None
    assert best is not None
    assert WANTED_RECALL <= recall.recall < WANTED_RECALL + 0.02
    assert precision.precision >= WANTED_PRECISION
    assert recall.threshold < best.threshold < precision.threshold


def test_no_operating_point_without_positives_or_above_what_is_possible() -> None:
    assert set(operating_points(np.zeros(5), np.linspace(0, 1, 5)).values()) == {None}
    points = operating_points(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.2, 0.9, 0.8, 0.1]))
    assert points["precision"] is None


def test_the_two_best_f1_thresholds_are_one_and_no_threshold_lies_on_a_score() -> None:
    labels, probabilities = np.array([1.0, 1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.3, 0.1])
    points = operating_points(labels, probabilities)
    best = points["best_f1"]
    assert best is not None
    assert best.threshold == best_f1_threshold(labels, probabilities) == pytest.approx(0.2)
    assert not {one.threshold for one in points.values() if one} & set(probabilities)
