"""How plans draw: over many seeds each decision comes as often as its logged chance says."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quality.drawing import Drawn, chances_by_doubt, draw_by_doubt, draw_evenly, draw_strata, share_out

SEEDS = 2_000
COUNTS = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 200), min_size=1, max_size=8)


def frequencies(draws: list[Drawn], population: int) -> np.ndarray:
    seen = np.zeros(population)
    for drawn in draws:
        assert len(set(drawn.places.tolist())) == len(drawn.places)
        seen[drawn.places] += 1
    return seen / len(draws)


def assert_as_logged(draws: list[Drawn], chances: np.ndarray) -> None:
    for drawn in draws:
        np.testing.assert_allclose(drawn.chances, chances[drawn.places])
    apart = np.abs(frequencies(draws, len(chances)) - chances)
    # Five standard errors: what chance reaches once in a million comparisons.
    assert (apart <= 5 * np.sqrt(chances * (1 - chances) / len(draws)) + 1e-9).all()


def generators() -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(SEEDS)]


def test_each_comes_alike() -> None:
    assert_as_logged([draw_evenly(12, 5, rng) for rng in generators()], np.full(12, 5 / 12))


@pytest.mark.parametrize("size", [1, 5, 11])
def test_doubt_raises_the_chance_and_certainty_leaves_one(size: int) -> None:
    doubts = [0.0, 0.0, 0.01, 0.1, 0.3, 0.5, 0.5, 0.6, 0.9, 0.95, 1.0, 1.0]
    chances = chances_by_doubt(doubts, size)
    assert (chances > 0).all()
    assert chances.sum() == pytest.approx(size)
    assert (np.diff(chances) >= 0).all()
    draws = [draw_by_doubt(doubts, size, rng) for rng in generators()]
    assert {len(drawn.places) for drawn in draws} == {size}
    assert_as_logged(draws, chances)


def test_each_stratum_is_drawn_on_its_own() -> None:
    strata = ["a"] * 8 + ["b"] * 3 + ["c"]
    sizes = {"a": 3, "b": 2, "c": 1}
    chances = np.array([3 / 8] * 8 + [2 / 3] * 3 + [1.0])
    draws = [draw_strata(strata, sizes, rng) for rng in generators()]
    assert_as_logged(draws, chances)
    for drawn in draws[:50]:
        assert Counter(strata[place] for place in drawn.places) == sizes


def test_the_same_seed_draws_the_same() -> None:
    one, other = (draw_by_doubt([0.1, 0.5, 0.9] * 20, 9, np.random.default_rng(5)) for _ in range(2))
    assert (one.places == other.places).all()


@given(COUNTS, st.integers(1, 400), st.booleans(), st.integers(1, 20))
def test_sizes_are_shared_out_whole(counts: dict[str, int], size: int, equal: bool, least: int) -> None:
    given_out = share_out(counts, size, equal=equal, least=least)
    assert sum(given_out.values()) == min(size, sum(counts.values()))
    assert all(0 <= given_out[name] <= held for name, held in counts.items())
    if not equal and size >= sum(min(least, held) for held in counts.values()):
        assert all(given_out[name] >= min(least, held) for name, held in counts.items())


def test_in_proportion_and_alike() -> None:
    counts = {"en": 900, "de": 90, "sw": 10}
    assert share_out(counts, 100, equal=False, least=1) == {"en": 90, "de": 9, "sw": 1}
    assert share_out(counts, 100, equal=False, least=10) == {"en": 80, "de": 10, "sw": 10}
    assert share_out(counts, 100, equal=True, least=1) == {"en": 45, "de": 45, "sw": 10}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 80))
def test_chances_are_chances(doubts: list[float], size: int) -> None:
    chances = chances_by_doubt(doubts, size)
    assert ((chances > 0) & (chances <= 1)).all()
    assert chances.sum() == pytest.approx(min(size, len(doubts)))
