import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import BundleError
from models.calibration import (
    UNTRAINED,
    UNTRAINED_PRIOR,
    AreaCalibration,
    Calibration,
    Scaling,
    parse_calibration,
    severity_level,
    sigmoid,
)

LOGITS = st.floats(-60, 60)
NAMES = ("first", "second")


def test_area_probability_is_the_logistic_of_slope_and_bias() -> None:
    calibration = Calibration((AreaCalibration(2.0, -1.0, 0.5), UNTRAINED), 1.0)
    p = calibration.area_probabilities(np.array([[0.5, 9.0], [1.5, -9.0]]))
    assert p[:, 0] == pytest.approx([0.5, 1 / (1 + math.exp(-2))])
    assert p[:, 1] == pytest.approx(UNTRAINED_PRIOR)


@given(st.lists(LOGITS, min_size=4, max_size=4), st.floats(0.1, 10))
def test_severity_is_a_distribution_whatever_the_logits(logits: list[float], temperature: float) -> None:
    p = Calibration((), temperature).severity_probabilities(np.array([logits]))
    assert p.shape == (1, 5)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)


def test_severity_of_ordered_logits_is_the_difference_of_neighbours() -> None:
    above = np.array([0.9, 0.6, 0.3, 0.1])
    p = Calibration((), 1.0).severity_probabilities(np.log(above / (1 - above))[None])
    assert p[0] == pytest.approx([0.1, 0.3, 0.3, 0.2, 0.1])
    assert severity_level(p).tolist() == [2]


@given(st.lists(LOGITS, min_size=4, max_size=4), st.floats(0.1, 10))
def test_temperature_does_not_change_the_level(logits: list[float], temperature: float) -> None:
    one, other = (Calibration((), t).severity_probabilities(np.array([logits])) for t in (1.0, temperature))
    if np.abs(np.minimum.accumulate(logits)).min() > 1e-6:
        assert severity_level(one).tolist() == severity_level(other).tolist()


def test_sigmoid_is_exact_in_the_middle_and_quiet_at_the_ends() -> None:
    assert sigmoid(np.array([-1e30, 0.0, 1e30])).tolist() == [0.0, 0.5, 1.0]


def test_a_language_has_a_scaling_of_its_own_where_it_says_so() -> None:
    own = {"zh": {0: Scaling(1.0, 2.0)}}
    calibration = Calibration((AreaCalibration(2.0, -1.0, 0.5), AreaCalibration(1.0, 0.0, 0.5)), 1.0, languages=own)
    p = calibration.area_probabilities(np.zeros((3, 2)), ["zh", None, "en"])
    assert p[0] == pytest.approx([1 / (1 + np.exp(-2)), 0.5])
    assert p[1] == pytest.approx([1 / (1 + np.exp(1)), 0.5])
    assert (p[1:] == calibration.area_probabilities(np.zeros((2, 2)))).all()


def test_calibration_survives_its_file() -> None:
    languages = {"zh": {0: Scaling(1.25, -0.5)}, "ta": {1: Scaling(0.75, 0.0), 0: Scaling(1.0, 1.0)}}
    calibration = Calibration((AreaCalibration(1.5, -0.25, 0.4), UNTRAINED), 1.25, languages=languages)
    assert parse_calibration(calibration.to_json(NAMES).encode(), Path("c"), names=NAMES) == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"severity_temperature": 0},
        {"severity_temperature": None},
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
    sound = json.loads(Calibration((UNTRAINED, UNTRAINED), 1.0).to_json(NAMES))
    with pytest.raises(BundleError, match=r"calibration\.json: .*export the bundle anew"):
        parse_calibration(json.dumps({**sound, **change}).encode(), Path("calibration.json"), names=NAMES)


def test_infinite_number_is_refused() -> None:
    text = Calibration((UNTRAINED, UNTRAINED), 1.0).to_json(NAMES).replace("1.0", "Infinity")
    with pytest.raises(BundleError, match="a finite number is needed"):
        parse_calibration(text.encode(), Path("c"), names=NAMES)
