"""The shares of a scorecard: hand-computed, and unbiased against samples drawn from a known population."""

import numpy as np
import pytest

from labeling.statistics.estimate import MIN_ITEMS
from labeling.statistics.weighted import weighted_share
from service.scorecards.estimates import counted


def test_a_plain_count_has_the_interval_of_wilson() -> None:
    # 90 of 100; Wilson 1927: (p + z2/2n -+ z sqrt(pq/n + z2/4n2)) / (1 + z2/n).
    found = counted(90, 100)
    assert (found.value, found.n) == (0.9, 100)
    assert (found.low, found.high) == (pytest.approx(0.825634, abs=1e-6), pytest.approx(0.944771, abs=1e-6))


@pytest.mark.parametrize(("part", "end"), [(30, "high"), (0, "low")])
def test_the_interval_ends_where_shares_end(part: int, end: str) -> None:
    found = counted(part, 30)
    assert found.value is not None
    assert getattr(found, end) == pytest.approx(found.value)


def test_nothing_is_said_of_too_few() -> None:
    assert counted(MIN_ITEMS - 1, MIN_ITEMS - 1).value is None
    assert counted(0, 0).low is None


def test_the_weighted_share_is_unbiased_and_the_unweighted_one_is_not() -> None:
    # 4,500 easy decisions, 95 % right, and 500 that the model doubts, 60 % right: as many of each are drawn.
    right = np.concatenate([np.arange(4500) % 20 != 0, np.arange(500) % 5 < 3]).astype(float)
    truth = right.mean()
    values, plain, held = [], [], 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        drawn = np.concatenate([rng.choice(4500, 120, replace=False), 4500 + rng.choice(500, 120, replace=False)])
        found = weighted_share(right[drawn], np.where(drawn < 4500, 120 / 4500, 120 / 500))
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        plain.append(right[drawn].mean())
        held += found.low <= truth <= found.high
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < 3 * error
    assert abs(np.mean(plain) - truth) > 30 * error
    assert held / 600 >= 0.93
