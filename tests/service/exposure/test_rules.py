"""Pure rules: when a day's dose is below the cap again, weights, and words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.exposure import rules
from service.exposure.limits import Limits
from service.exposure.schemas import LevelOut

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
Gaps = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 90)), max_size=12)


def spans_of(gaps: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    """Spans that are apart and end before noon, from (pause before, length) in minutes."""
    spans, at = [], NOON - timedelta(minutes=sum(map(sum, gaps)))
    for pause, length in gaps:
        spans.append((at + timedelta(minutes=pause), at + timedelta(minutes=pause + length)))
        at = spans[-1][1]
    return spans


def held(spans: list[tuple[datetime, datetime]], at: datetime) -> float:
    """Seconds that the 24 hours before `at` hold."""
    day = at - timedelta(hours=24)
    return sum(max(0.0, (min(until, at) - max(since, day)).total_seconds()) for since, until in spans)


@given(Gaps, st.integers(1, 200))
def test_the_day_is_below_its_cap_from_the_told_moment_on_and_not_before(gaps: list[tuple[int, int]], cap: int) -> None:
    spans = spans_of(gaps)
    found = rules.below_again(spans, seconds=cap * 60)
    whole = sum((until - since).total_seconds() for since, until in spans)
    if found is None:
        assert whole < cap * 60
    else:
        assert held(spans, found) == pytest.approx(cap * 60)
        assert held(spans, found + timedelta(seconds=1)) < cap * 60


def test_weights_are_those_of_the_documents() -> None:
    levels = [LevelOut(level=level, seconds=60, items=1) for level in range(5)]
    assert rules.weighted_minutes(levels) == 0.25 + 0.25 + 0.5 + 1 + 2


def test_bins_hold_everybody_once() -> None:
    bins = rules.binned([0.5, 14.9, 15, 239, 240, 600])
    assert [one.people for one in bins] == [2, 1, 0, 0, 0, 0, 1, 2]
    assert (bins[-1].from_minutes, bins[-1].to_minutes) == (240, None)


def test_percentiles_are_those_of_the_numbers_to_five_minutes() -> None:
    assert rules.percentiles([0, 10, 20, 30, 40]) == {"p25": 10, "p50": 20, "p75": 30, "p90": 35}
    assert rules.percentiles([0, 11.3, 23.1, 29.9, 247]) == {"p25": 10, "p50": 25, "p75": 30, "p90": 160}


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("day", "open to you for 4 hours in the last 24 hours"),
        ("stretch", "worked on graphic cases for an hour and 30 minutes without a break"),
        ("in_a_row", "You had 5 graphic cases in a row"),
        ("not_now", "You asked for no graphic cases for now"),
    ],
)
def test_words_say_what_came_about_and_what_ends_it(why: str, said: str) -> None:
    assert "for an hour and a minute without" in rules.milder("stretch", Limits(stretch_seconds=3660)).words
    limits = Limits(stretch_seconds=5400, break_seconds=60)
    kept = rules.kept_back(why, limits, until=None)  # type: ignore[arg-type]
    assert said in kept.words
    assert said in rules.milder(why, limits).words  # type: ignore[arg-type]
    assert "counts against nobody" in rules.milder(why, limits).words  # type: ignore[arg-type]
    assert kept.words.endswith(".")
    if why == "stretch":
        assert "after a minute without a case" in kept.words
