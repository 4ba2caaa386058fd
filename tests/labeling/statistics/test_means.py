"""Means over runs: the quantiles of Student's t, and intervals that hold the mean for few runs as well."""

import numpy as np
import pytest
from scipy import stats

from labeling.statistics.means import mean_and_half, student


@pytest.mark.parametrize("freedom", [*range(1, 31), 31, 40, 59, 100, 10_000])
def test_quantiles_are_those_of_scipy(freedom: int) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-4)


def test_the_interval_is_that_of_the_book() -> None:
    # Mean 2, standard deviation 1, t(2) = 4.3027.
    assert mean_and_half([1.0, 2.0, 3.0]) == (2.0, pytest.approx(4.3027 / 3**0.5))


def test_intervals_of_three_runs_hold_the_mean() -> None:
    drawn = np.random.default_rng(3).normal(size=(4000, 3))
    held = np.mean([abs(mean) <= half for mean, half in (mean_and_half(one.tolist()) for one in drawn)])
    assert 0.94 <= held <= 0.96


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_run_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="two or more"):
        mean_and_half(values)
