"""Shares by inverse probability: hand-computed, unbiased against a known population, with intervals that hold it."""

import numpy as np
import pytest

from service.scorecards.estimates import LEAST, Share, Sums, share


def weighted(right: np.ndarray, chances: np.ndarray) -> Share:
    weights = 1 / chances
    found = share(Sums(len(right), weights.sum(), (weights**2).sum(), weights[right].sum()))
    assert found is not None
    return found


def test_equal_weights_give_the_interval_of_wilson() -> None:
    # 90 of 100; Wilson 1927: (p + z2/2n -+ z sqrt(pq/n + z2/4n2)) / (1 + z2/n).
    found = share(Sums.of(100, 90))
    assert found == Share(0.9, pytest.approx(0.825634, abs=1e-6), pytest.approx(0.944771, abs=1e-6))
    assert share(Sums(100, 250.0, 625.0, 225.0)) == found


def test_unequal_weights_count_for_fewer() -> None:
    # 50 of weight 1 and 50 of weight 3: 200^2 / 500 = 80 in effect.
    found = share(Sums(100, 200.0, 500.0, 180.0))
    alone = share(Sums.of(80, 72))
    assert found == pytest.approx(alone)


@pytest.mark.parametrize(("n", "part", "bound"), [(30, 30, "high"), (30, 0, "low")])
def test_the_interval_ends_where_shares_end(n: int, part: int, bound: str) -> None:
    found = share(Sums.of(n, part))
    assert found is not None
    assert getattr(found, bound) == pytest.approx(found.value)
    assert 0 <= found.low < found.high <= 1


def test_nothing_is_said_of_too_few() -> None:
    assert share(Sums.of(LEAST - 1, LEAST - 1)) is None
    assert share(Sums(0, 0.0, 0.0, 0.0)) is None


def test_the_weighted_share_is_unbiased_and_the_unweighted_one_is_not() -> None:
    # 4,500 easy decisions, 95 % right, and 500 that the model doubts, 60 % right: as many of each are drawn.
    right = np.concatenate([np.arange(4500) % 20 != 0, np.arange(500) % 5 < 3])
    truth = right.mean()
    easy, hard = np.arange(4500), np.arange(4500, 5000)
    values, plain, held = [], [], 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        drawn = np.concatenate([rng.choice(easy, 120, replace=False), rng.choice(hard, 120, replace=False)])
        found = weighted(right[drawn], np.where(drawn < 4500, 120 / 4500, 120 / 500))
        values.append(found.value)
        plain.append(right[drawn].mean())
        held += found.low <= truth <= found.high
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < 3 * error
    assert abs(np.mean(plain) - truth) > 30 * error
    # What is drawn by strata varies less than the interval allows for: it holds the truth at least as often as it says.
    assert held / 600 >= 0.94
