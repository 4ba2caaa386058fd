"""What may be given up, and when: only under a load that is surely too much, and never what must not be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig, RankInputs, guard_from, rank
from models.shed import Flow, load, may_shed, overloaded

TAXONOMY = load_taxonomy()
CONFIG = RankConfig()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MILD, SEVERE = (0.1, 0.6, 0.2, 0.1, 0.0), (0.1, 0.1, 0.2, 0.5, 0.1)


def parts(severity: tuple[float, ...] | None = MILD, *, deadline: datetime | None = None) -> dict[str, Any]:
    score = {"areas": {}, "severity": list(severity), "unassessed": []} if severity else None
    return rank(RankInputs(score, (), 10.0, 0, NOON, deadline), TAXONOMY, CONFIG).parts


def flow(arrived: float = 1500.0, done: float = 1000.0, **fields: Any) -> Flow:
    return Flow(arrived, done, **{"decided": 500, "hours": 24.0, **fields})


def test_load_is_work_in_by_work_done() -> None:
    assert load(flow(900, 600)) == 1.5
    assert load(flow(0, 600)) == 0
    assert load(flow(0, 0)) == 0
    assert load(flow(10, 0)) == float("inf")


def test_half_as_much_again_is_too_much() -> None:
    assert overloaded(flow(), CONFIG)
    assert not overloaded(flow(arrived=900), CONFIG)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("changed", [{"hours": 5.9}, {"decided": 49}, {"done": 0.0, "decided": 0}])
def test_too_little_history_and_a_team_that_is_away_are_no_overload(changed: dict[str, Any], late: bool) -> None:
    assert not overloaded(flow(**changed, late=late), CONFIG)


def test_the_rule_can_be_switched_off_and_its_bar_raised() -> None:
    assert not overloaded(flow(late=True), replace(CONFIG, shed=False))
    assert not overloaded(flow(), replace(CONFIG, shed_above_load=2.0))


def test_the_fewer_the_decisions_the_more_it_takes() -> None:
    slightly = flow(arrived=1100, decided=10_000)
    assert overloaded(slightly, CONFIG)
    assert not overloaded(replace(slightly, decided=100), CONFIG)


def test_a_lost_bound_needs_no_certainty_but_still_a_load_above_the_bar() -> None:
    slightly = flow(arrived=1100, decided=100)
    assert overloaded(replace(slightly, late=True), CONFIG)
    assert not overloaded(flow(arrived=990, late=True), CONFIG)


@pytest.mark.parametrize("decided", [60, 1500])
def test_at_a_load_that_can_be_done_chance_seldom_sheds(decided: int) -> None:
    chance = np.random.default_rng(7)
    windows = 1000
    # Flat out at load .95: arrivals scatter as a Poisson process of cases of unlike length, what is done less so.
    came = chance.poisson(0.95 * decided, windows)
    arrived = np.array([chance.lognormal(0, 0.5, size).sum() for size in came])
    done = decided * np.exp(0.125) + chance.normal(0, 0.5 * np.sqrt(decided), windows)
    flows = [Flow(a, d, decided, 24.0) for a, d in zip(arrived.tolist(), done.tolist(), strict=True)]
    assert np.mean([load(one) > 1 for one in flows]) > 0.02
    assert np.mean([overloaded(one, CONFIG) for one in flows]) < 0.05


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 10**6), st.floats(0, 1e4))
def test_more_work_never_makes_an_overload_less_likely(arrived: float, done: float, decided: int, hours: float) -> None:
    less = Flow(arrived, done, decided, hours)
    if overloaded(less, CONFIG):
        assert overloaded(replace(less, arrived_minutes=2 * arrived + 1), CONFIG)
        assert overloaded(replace(less, late=True), CONFIG)
    assert not overloaded(replace(less, arrived_minutes=done), CONFIG)


def test_nothing_is_given_up_before_its_latest_start_is_near() -> None:
    begin, due = guard_from(parts())
    assert not may_shed(parts(), special=False, now=begin - timedelta(seconds=1), config=CONFIG)
    assert may_shed(parts(), special=False, now=begin, config=CONFIG)
    assert begin < due


@pytest.mark.parametrize(
    ("kept", "special"),
    [
        (parts(), True),
        (parts(SEVERE), False),
        (parts(deadline=NOON + timedelta(hours=1)), False),
        (parts(deadline=NOON + timedelta(days=90)), False),
        (parts(None), False),
    ],
    ids=["special route", "severe", "legal deadline", "legal deadline far away", "no model has assessed it"],
)
def test_some_cases_are_never_given_up(kept: dict[str, Any], special: bool) -> None:
    assert not may_shed(kept, special=special, now=NOON + timedelta(days=365), config=CONFIG)


def test_the_bar_of_severity_is_that_of_the_configuration() -> None:
    later = NOON + timedelta(days=10)
    assert may_shed(parts(SEVERE), special=False, now=later, config=replace(CONFIG, shed_below_severity=4))
    assert not may_shed(parts(), special=False, now=later, config=replace(CONFIG, shed_below_severity=1))
