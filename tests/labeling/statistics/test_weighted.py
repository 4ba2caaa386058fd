"""Shares of a whole from unequal chances: by hand, without bias, with errors that say what is wrong."""

import numpy as np
import pytest

from labeling.statistics.weighted import weighted_share, wilson


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


def test_a_share_is_never_more_than_everything() -> None:
    # The first three weights do not add up without rounding.
    for chances in ([0.1] * 30, [1 / 3] * 40, [0.7] * 31):
        assert weighted_share([1.0] * len(chances), chances).value == pytest.approx(1.0)
        assert (weighted_share([1.0] * len(chances), chances).value or 0) <= 1


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
