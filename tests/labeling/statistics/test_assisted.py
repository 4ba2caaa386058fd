"""Shares that a model claims, corrected by checks, against truths that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from labeling.statistics.assisted import assisted_share
from labeling.statistics.estimate import MIN_ITEMS
from labeling.statistics.weighted import weighted_share

DECISIONS = 5_000


def population(rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """What flips, what a model says flips, and chances that are higher where flips are: as drawing by doubt makes them."""
    doubtful = rng.random(DECISIONS) < 0.2
    flips = rng.random(DECISIONS) < np.where(doubtful, 0.3, 0.02)
    model = np.where(rng.random(DECISIONS) < 0.1, ~flips, flips)
    chances = np.where(doubtful, 0.15, 0.02)
    return flips, model, chances


def test_a_plain_sample_gives_its_share_and_the_interval_of_wilson() -> None:
    estimate = weighted_share([True] * 10 + [False] * 90, [0.1] * 100)
    assert estimate.value == pytest.approx(0.1)
    # Wilson's interval of 10 of 100, computed by hand: .05523 to .17437.
    assert (estimate.low, estimate.high) == (pytest.approx(0.05523, abs=0.005), pytest.approx(0.17437, abs=0.005))


def test_weights_undo_what_the_draw_preferred() -> None:
    # 40 of 40 flip where one in two was drawn, 0 of 40 where one in ten was: 80 of 480.
    estimate = weighted_share([True] * 40 + [False] * 40, [0.5] * 40 + [0.1] * 40)
    assert estimate.value == pytest.approx(80 / 480)


@pytest.mark.parametrize("checked", [0, 1, MIN_ITEMS - 1])
def test_too_few_checks_give_no_share(checked: int) -> None:
    assert weighted_share([True] * checked, [0.5] * checked).value is None
    assert assisted_share(0.2, [True] * checked, [True] * checked, [0.5] * checked).value is None
    assert weighted_share([True] * MIN_ITEMS, [0.5] * MIN_ITEMS).value == 1.0


def test_a_model_that_no_check_found_wrong_still_has_an_interval() -> None:
    estimate = assisted_share(0.06, [False] * 60, [False] * 60, [0.1] * 60)
    assert estimate.value == pytest.approx(0.06)
    assert estimate.low == pytest.approx(0.06 - 0.0566, abs=1e-3)
    assert estimate.high == pytest.approx(0.06 + 0.0566, abs=1e-3)


def test_the_correction_is_the_weighted_mean_of_what_the_model_missed_and_made_up() -> None:
    model = [True] * 20 + [False] * 40
    flips = [True] * 15 + [False] * 5 + [True] * 10 + [False] * 30
    estimate = assisted_share(0.3, model, flips, [0.2] * 60)
    assert estimate.value == pytest.approx(0.3 + 10 / 60 - 5 / 60)


def test_estimates_are_unbiased_and_their_intervals_cover_where_the_plain_mean_is_wrong() -> None:
    rng = np.random.default_rng(20261129)
    flips, model, chances = population(rng)
    truth, known = float(flips.mean()), float(model.mean())
    shares: dict[str, list[float]] = {"plain": [], "sample": [], "assisted": []}
    covered = {"sample": 0, "assisted": 0}
    rounds = 600
    for _ in range(rounds):
        drawn = rng.random(DECISIONS) < chances
        sample = weighted_share(flips[drawn], list(chances[drawn]))
        assisted = assisted_share(known, model[drawn], flips[drawn], list(chances[drawn]))
        shares["plain"].append(float(flips[drawn].mean()))
        for name, one in (("sample", sample), ("assisted", assisted)):
            assert one.value is not None
            assert one.low is not None
            assert one.high is not None
            shares[name].append(one.value)
            covered[name] += one.low <= truth <= one.high
    error = {name: float(np.std(found)) / rounds**0.5 for name, found in shares.items()}
    for name in ("sample", "assisted"):
        assert abs(float(np.mean(shares[name])) - truth) < 4 * error[name], name
        assert 0.93 <= covered[name] / rounds <= 0.995, (name, covered[name])
    assert float(np.mean(shares["plain"])) > truth + 0.05
    # A model that is right nine times out of ten is worth about as much as further checks.
    assert abs(known - truth) > 0.05


def test_the_help_of_a_good_model_narrows_the_interval() -> None:
    rng = np.random.default_rng(7)
    flips = rng.random(DECISIONS) < 0.3
    model = np.where(rng.random(DECISIONS) < 0.02, ~flips, flips)
    drawn = rng.random(DECISIONS) < 0.05
    chances = [0.05] * int(drawn.sum())
    alone = weighted_share(flips[drawn], chances)
    helped = assisted_share(float(model.mean()), model[drawn], flips[drawn], chances)
    assert alone.high is not None
    assert alone.low is not None
    assert helped.high is not None
    assert helped.low is not None
    assert helped.high - helped.low < 0.6 * (alone.high - alone.low)


@pytest.mark.parametrize("chances", [[0.0] * 40, [1.1] * 40, [0.5] * 39])
def test_a_check_without_a_chance_is_refused(chances: list[float]) -> None:
    with pytest.raises(ValueError, match="chance"):
        weighted_share([True] * 40, chances)
