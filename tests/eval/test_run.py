import json

import numpy as np
import pytest

from eval.run import figures_table, measure
from eval.truth import UNKNOWN_SEVERITY, make_truth
from tests.eval.rows import AREAS, row


def test_truth_masks_what_nobody_looked_for() -> None:
    truth = make_truth([row(1, "spam", known=("spam",), severity=3), row(2, known=("privacy", "other"))], AREAS)
    assert truth.labels.tolist() == [[1, 0], [0, 0]]
    assert truth.known.tolist() == [[1, 0], [0, 1]]
    assert truth.severity.tolist() == [3, UNKNOWN_SEVERITY]


def test_constant_scores_reach_the_base_rate() -> None:
    rows = [row(n, *(("spam",) if n % 3 == 0 else ()), severity=n % 5 if n % 2 else None) for n in range(60)]
    figures = measure(
        make_truth(rows, AREAS), np.full((60, 2), 0.01), AREAS, severity=np.full((60, 5), 0.2), calibrated=True
    )
    spam = figures.areas["spam"]
    assert (spam.rows, spam.positives) == (60, 20)
    assert spam.auprc == pytest.approx(spam.base_rate) == pytest.approx(1 / 3)
    assert spam.interval.low < 1 / 3 < spam.interval.high
    assert spam.calibration_error == pytest.approx(1 / 3 - 0.01)
    assert figures.too_few == {"privacy": 0}
    assert figures.severity_rows == 30
    assert figures.severity_kappa == pytest.approx(0)
    table = figures_table(figures)
    assert "macro AUPRC" in table
    assert "too few to measure" in table


def test_scores_without_probabilities_have_no_calibration_error() -> None:
    truth = make_truth([row(n, *(("spam",) if n < 15 else ())) for n in range(30)], AREAS)
    figures = measure(truth, -np.arange(60.0).reshape(30, 2), AREAS)
    assert figures.areas["spam"].auprc == 1
    assert figures.areas["spam"].calibration_error is None
    assert figures.severity_kappa is None


def test_nothing_measurable_is_none_not_zero() -> None:
    figures = measure(make_truth([row(1)], AREAS), np.zeros((1, 2)), AREAS)
    assert (figures.macro_auprc, figures.macro_interval, figures.areas) == (None, None, {})
    json.dumps(figures.to_json(), allow_nan=False)
