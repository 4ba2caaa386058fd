"""Intervals of rates, and when a difference between two of them is claimed."""

import pytest

from service.causes.estimates import LEAST_EVENTS, compared, rate


@pytest.mark.parametrize(
    ("events", "low", "high"),
    # Exact limits of a Poisson count (Garwood 1936, as in Breslow and Day, IARC 82, table 2.10).
    [
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (30, 20.241, 42.827),
        (100, 81.36, 121.63),
    ],
)
def test_the_interval_of_a_count_is_close_to_the_exact_one(events: int, low: float, high: float) -> None:
    found = rate(events, 1)
    assert found.low == pytest.approx(low, rel=0.02, abs=0.03)
    assert found.high == pytest.approx(high, rel=0.02)


def test_a_rate_is_per_week() -> None:
    found = rate(24, 12)
    assert (found.value, found.events) == (2.0, 24)
    assert found.low * 12 == pytest.approx(rate(24, 1).low)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (rate(30, 12), rate(5, 12), "fewer"),
        (rate(5, 12), rate(30, 12), "more"),
        (rate(0, 12), rate(12, 12), "more"),
        (rate(12, 12), rate(9, 12), "no_difference"),
        # As many in a third of the time: the rates are what is compared.
        (rate(30, 12), rate(30, 4), "more"),
        (rate(9, 12), rate(0, 12), "too_few"),
        (rate(300, 12), rate(0, 1), "too_early"),
    ],
)
def test_a_difference_is_claimed_only_where_chance_would_not_make_it(
    before: object, after: object, verdict: str
) -> None:
    found = compared(before, after)  # type: ignore[arg-type]
    assert found.verdict == verdict
    if verdict in {"too_few", "too_early"}:
        assert (found.ratio, found.low, found.high) == (None, None, None)


def test_as_few_as_are_needed_are_enough() -> None:
    assert compared(rate(LEAST_EVENTS - 1, 12), rate(0, 12)).verdict == "too_few"
    assert compared(rate(LEAST_EVENTS, 12), rate(0, 12)).verdict == "fewer"
