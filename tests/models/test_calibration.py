import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle import BundleError
from models.calibration import (
    UNTRAINED,
    UNTRAINED_PRIOR,
    AreaCalibration,
    Calibration,
    Scaling,
    SeverityScaling,
    parse_calibration,
    severity_level,
    sigmoid,
)

LOGITS = st.floats(-60, 60)
NAMES = ("first", "second")


def test_area_probability_is_the_logistic_of_slope_and_bias() -> None:
    calibration = Calibration((AreaCalibration(2.0, -1.0, 0.5), UNTRAINED))
    p = calibration.area_probabilities(np.array([[0.5, 9.0], [1.5, -9.0]]))
    assert p[:, 0] == pytest.approx([0.5, 1 / (1 + math.exp(-2))])
    assert p[:, 1] == pytest.approx(UNTRAINED_PRIOR)


FOUR = st.lists(LOGITS, min_size=4, max_size=4)


def severity(logits: Sequence[float], scaling: SeverityScaling, areas: Sequence[float] = ()) -> NDArray[np.float64]:
    return Calibration((), scaling).severity_probabilities(np.array([logits]), np.array([areas]))


@given(FOUR, st.floats(0.1, 10), FOUR, st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_severity_is_a_distribution_whatever_the_logits(
    logits: list[float], slope: float, biases: list[float], areas: list[float]
) -> None:
    p = severity(logits, SeverityScaling(slope, tuple(biases), (0.5, 3.0)), areas)
    assert p.shape == (1, 5)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)


def test_severity_of_ordered_logits_is_the_difference_of_neighbours() -> None:
    above = np.array([0.9, 0.6, 0.3, 0.1])
    p = severity((np.log(above / (1 - above))).tolist(), SeverityScaling())
    assert p[0] == pytest.approx([0.1, 0.3, 0.3, 0.2, 0.1])
    assert severity_level(p).tolist() == [2]


@given(FOUR, st.floats(0.1, 10))
def test_a_slope_alone_does_not_change_the_level(logits: list[float], slope: float) -> None:
    one, other = (severity(logits, SeverityScaling(each)) for each in (1.0, slope))
    if np.abs(np.minimum.accumulate(logits)).min() > 1e-6:
        assert severity_level(one).tolist() == severity_level(other).tolist()


@given(FOUR, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=2))
def test_a_likelier_area_makes_no_text_less_severe(logits: list[float], pairs: list[tuple[float, float]]) -> None:
    scaling = SeverityScaling(1.0, (0.5, 0.0, -0.5, -1.0), (0.0, 2.0))
    less, more = (severity(logits, scaling, [one(pair) for pair in pairs]) for one in (min, max))
    assert (np.cumsum(more, 1) <= np.cumsum(less, 1) + 1e-12).all()


def test_sigmoid_is_exact_in_the_middle_and_quiet_at_the_ends() -> None:
    assert sigmoid(np.array([-1e30, 0.0, 1e30])).tolist() == [0.0, 0.5, 1.0]


def test_a_language_has_a_scaling_of_its_own_where_it_says_so() -> None:
    own = {"zh": {0: Scaling(1.0, 2.0)}}
    calibration = Calibration((AreaCalibration(2.0, -1.0, 0.5), AreaCalibration(1.0, 0.0, 0.5)), languages=own)
    p = calibration.area_probabilities(np.zeros((3, 2)), ["zh", None, "en"])
    assert p[0] == pytest.approx([1 / (1 + np.exp(-2)), 0.5])
    assert p[1] == pytest.approx([1 / (1 + np.exp(1)), 0.5])
    assert (p[1:] == calibration.area_probabilities(np.zeros((2, 2)))).all()


def test_calibration_survives_its_file() -> None:
    languages = {"zh": {0: Scaling(1.25, -0.5)}, "ta": {1: Scaling(0.75, 0.0), 0: Scaling(1.0, 1.0)}}
    calibration = Calibration(
        (AreaCalibration(1.5, -0.25, 0.4), UNTRAINED), graphic_temperature=1.25, languages=languages
    )
    for severity in (SeverityScaling(), SeverityScaling(0.5, (1.0, 0.25, 0.0, -2.0), (0.0, 1.5))):
        whole = replace(calibration, severity=severity)
        assert parse_calibration(whole.to_json(NAMES).encode(), Path("c"), names=NAMES) == whole


def test_bundles_of_before_scale_severity_by_a_temperature() -> None:
    values = json.loads(Calibration((UNTRAINED, UNTRAINED)).to_json(NAMES))
    del values["severity"]
    text = json.dumps({**values, "severity_temperature": 2.0})
    assert parse_calibration(text.encode(), Path("c"), names=NAMES).severity == SeverityScaling(0.5)


@pytest.mark.parametrize(
    "change",
    [
        {"severity_temperature": 0},
        {"severity_temperature": None},
        {"severity": None},
        {"severity": {"slope": 0, "biases": [0, 0, 0, 0], "areas": {}}},
        {"severity": {"slope": 1, "biases": [0, 0, 0], "areas": {}}},
        {"severity": {"slope": 1, "biases": [0, 0, 0, 0], "areas": {"first": 1}}},
        {"severity": {"slope": 1, "biases": [0, 0, 0, 0], "areas": {"first": 1, "second": -1}}},
        {"areas": {}},
        {"areas": []},
        {"areas": {"first": {"slope": 1, "bias": 0, "threshold": 0.5}, "second": {}}},
        {
            "areas": {
                "first": {"slope": -1, "bias": 0, "threshold": 0.5},
                "second": {"slope": 1, "bias": 0, "threshold": 1},
            }
        },
        {"areas": {"first": 1, "second": 2}},
        {"languages": {"zh": {"third": {"slope": 1, "bias": 0}}}},
        {"languages": {"zh": {"first": {"slope": -1, "bias": 0}}}},
        {"languages": {"zh": {"first": {"slope": 1}}}},
        {"languages": ["zh"]},
    ],
)
def test_calibration_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    sound = json.loads(Calibration((UNTRAINED, UNTRAINED)).to_json(NAMES))
    with pytest.raises(BundleError, match=r"calibration\.json: .*export the bundle anew"):
        parse_calibration(json.dumps({**sound, **change}).encode(), Path("calibration.json"), names=NAMES)


def test_infinite_number_is_refused() -> None:
    text = Calibration((UNTRAINED, UNTRAINED)).to_json(NAMES).replace("1.0", "Infinity")
    with pytest.raises(BundleError, match="a finite number is needed"):
        parse_calibration(text.encode(), Path("c"), names=NAMES)
