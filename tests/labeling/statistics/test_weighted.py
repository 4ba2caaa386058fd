"""Shares of a whole from unequal chances: by hand, without bias, with errors that say what is wrong."""

import numpy as np
import pytest

from labeling.statistics.estimate import MIN_ITEMS
from labeling.statistics.weighted import counted_share, weighted_share, wilson


def test_intervals_of_shares_are_those_of_the_book() -> None:
    # Wilson for 1 of 10 at 95 %: .018 to .404.
    assert wilson(0.1, 10) == pytest.approx((0.0179, 0.4042), abs=1e-4)
    assert wilson(0.0, 50)[0] == 0
    assert wilson(1.0, 50)[1] == pytest.approx(1)
    assert wilson(1.0, 50)[0] == pytest.approx(1 - wilson(0.0, 50)[1])


def test_shares_are_those_computed_by_hand() -> None:
    # 20 items for certain of which 10 have it, and 10 with chance 1/4 of which 5 have it: (10 + 20) of (20 + 40).
    values, chances = [1.0] * 10 + [0.0] * 10 + [1.0] * 5 + [0.0] * 5, [1.0] * 20 + [0.25] * 10
    assert weighted_share(values, chances).value == pytest.approx(30 / 60)


def test_equal_chances_give_the_plain_share_with_nearly_wilsons_interval() -> None:
    found = weighted_share([1.0] * 90 + [0.0] * 10, [0.2] * 100)
    assert found.value == pytest.approx(0.9)
    assert (found.low, found.high) == pytest.approx(wilson(0.9, 100), abs=0.01)


def test_only_chances_take_the_bias_of_the_order_away() -> None:
    random = np.random.default_rng(11)
    items, plain, by_chance = 4000, [], []
    has = random.random(items) < 0.1
    chance = np.where(random.normal(size=items) + 2 * has > 1.2, 1.0, 0.1)
    for _ in range(300):
        seen = random.random(items) < chance
        plain.append(has[seen].mean())
        by_chance.append(weighted_share(has[seen].astype(float), chance[seen]).value or 0)
    error = float(np.std(by_chance) / np.sqrt(300))
    assert abs(np.mean(by_chance) - has.mean()) < 3 * error
    assert np.mean(plain) > has.mean() + 0.1


def test_what_was_seen_for_certain_is_known_of_these_items_and_not_of_others() -> None:
    values = [1.0] * 30 + [0.0] * 30
    these = weighted_share(values, [1.0] * 60, finite=True)
    assert (these.low, these.value, these.high) == (0.5, 0.5, 0.5)
    others = weighted_share(values, [1.0] * 60)
    assert others.low is not None
    assert others.low < 0.4


@pytest.mark.parametrize("values", [[0.0] * 50, [1.0] * 50])
def test_what_was_never_seen_is_not_excluded(values: list[float]) -> None:
    found = weighted_share(values, [0.1] * 50)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 0.05


def test_too_few_items_give_no_share() -> None:
    assert str(weighted_share([1.0] * 12, [0.5] * 12)) == "not enough checks: 12 of 30"
    assert weighted_share([], []).n == 0


@pytest.mark.parametrize(
    ("values", "chances", "message"),
    [
        ([1.0], [0.5, 0.5], "a value and a chance"),
        ([1.0], [0.0], "above 0"),
        ([1.0], [1.5], "above 0"),
        ([1.0], [float("nan")], "above 0"),
        ([2.0], [0.5], "between 0 and 1"),
    ],
)
def test_what_cannot_be_a_sample_is_refused(values: list[float], chances: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weighted_share(values, chances)


def test_a_plain_count_has_the_interval_of_wilson() -> None:
    # 90 of 100; Wilson 1927: (p + z2/2n -+ z sqrt(pq/n + z2/4n2)) / (1 + z2/n).
    found = counted_share(90, 100)
    assert (found.value, found.n) == (0.9, 100)
    assert (found.low, found.high) == (pytest.approx(0.825634, abs=1e-6), pytest.approx(0.944771, abs=1e-6))


@pytest.mark.parametrize(("part", "end"), [(30, "high"), (0, "low")])
def test_the_interval_ends_where_shares_end(part: int, end: str) -> None:
    found = counted_share(part, 30)
    assert found.value is not None
    assert getattr(found, end) == pytest.approx(found.value)


def test_nothing_is_said_of_too_few() -> None:
    assert counted_share(MIN_ITEMS - 1, MIN_ITEMS - 1).value is None
    assert counted_share(0, 0).low is None


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
