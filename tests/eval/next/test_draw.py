"""One batch: shares as stated, nothing twice, the same by seed, and a random share whose weights give the whole back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.next.draw import RANDOM, STRATEGIES, Mix, MixError, Pool, draw
from eval.next.strategies import clustered, disagreement, entropy, farthest_first, highest, margin, spread, strangeness

AREAS = 3


def pool_of(rows: int, seed: int = 0, *, labelled: int = 5) -> Pool:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows + labelled, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    judged, other = generator.random((2, rows, AREAS))
    judged[:, 1] = np.nan
    return Pool(vectors[:rows], judged, np.full(AREAS, 0.3), vectors[rows:], other)


@given(
    shares=st.fixed_dictionaries({}, optional=dict.fromkeys(STRATEGIES, st.floats(0.01, 1))).filter(bool),
    random_share=st.floats(0.05, 1),
    size=st.integers(1, 200),
)
def test_counts_are_the_stated_shares_to_the_row(shares: dict[str, float], random_share: float, size: int) -> None:
    counts = Mix(shares, random_share).counts(size)
    assert sum(counts.values()) == size
    assert random_share * size - 1e-6 <= counts[RANDOM] < random_share * size + 1
    rest = size - counts[RANDOM]
    for name in STRATEGIES:
        assert abs(counts[name] - rest * shares.get(name, 0) / sum(shares.values())) < 1


def test_a_batch_holds_no_row_twice_and_is_the_same_by_seed() -> None:
    pool = pool_of(60)
    mix = Mix(dict.fromkeys(STRATEGIES, 0.25))
    picks = draw(pool, 40, mix=mix, seed=3)
    assert len({pick.row for pick in picks}) == 40
    lanes = [pick.lane for pick in picks]
    assert {lane: lanes.count(lane) for lane in (RANDOM, *STRATEGIES)} == mix.counts(40)
    assert draw(pool, 40, mix=mix, seed=3) == picks
    assert draw(pool, 40, mix=mix, seed=4) != picks
    # Whoever labels the first half has labelled of the random share as much as of the rest.
    assert lanes != sorted(lanes)


def test_the_random_share_has_its_chance_and_no_other_row_has_one() -> None:
    for pick in draw(pool_of(60), 30, mix=Mix({"uncertainty": 1}), seed=1):
        assert pick.propensity == (6 / 60 if pick.lane == RANDOM else None)
        assert (pick.value is None) == (pick.lane == RANDOM)


def test_the_random_share_alone_says_what_the_whole_is_like() -> None:
    pool = pool_of(100)
    harmful = pool.probabilities[:, 0] > 0.7
    by_weight, of_all = [], []
    for seed in range(400):
        picks = draw(pool, 25, mix=Mix({"uncertainty": 1}, apart=False), seed=seed)
        by_weight.append(sum(harmful[pick.row] / pick.propensity for pick in picks if pick.propensity) / 100)
        of_all.append(np.mean([harmful[pick.row] for pick in picks]))
    error = np.std(by_weight) / np.sqrt(len(by_weight))
    assert abs(np.mean(by_weight) - harmful.mean()) < 3.5 * error
    assert abs(np.mean(of_all) - harmful.mean()) > 10 * np.std(of_all) / np.sqrt(len(of_all))


def test_every_row_has_the_stated_chance_whatever_the_strategies_want() -> None:
    pool = pool_of(40)
    times = np.zeros(40)
    for seed in range(1_000):
        for pick in draw(pool, 10, mix=Mix({"novelty": 1}), seed=seed):
            times[pick.row] += pick.lane == RANDOM
    # 2 of 40: 50 expected of 1,000, standard deviation 6.9.
    assert times.min() > 20
    assert times.max() < 85


def test_margin_is_highest_on_the_operating_point_and_entropy_at_a_half() -> None:
    p = np.array([[0.01], [0.1], [0.5], [0.99]])
    assert margin(p, np.array([0.1])).ravel().argmax() == 1
    assert margin(np.array([[0.1]]), np.array([0.1]))[0, 0] == 1
    # Odds of 1 and of 1/9.
    assert margin(np.array([[0.5]]), np.array([0.1]))[0, 0] == pytest.approx(1 / 9)
    assert entropy(p, p)[2, 0] == 1
    assert entropy(np.array([[0.11]]), p)[0, 0] == pytest.approx(0.49992, abs=1e-5)


def test_an_area_that_nobody_judged_says_nothing() -> None:
    values = disagreement(np.array([[0.9, np.nan], [np.nan, np.nan]]), np.array([[0.2, 1.0], [0.5, 0.5]]))
    assert highest(values).tolist() == pytest.approx([0.7, 0.0])


def test_k_center_takes_the_farthest_then_what_is_far_from_that_as_well() -> None:
    directions = np.deg2rad([0, 10, 88, 90, 180])
    vectors = np.column_stack([np.cos(directions), np.sin(directions)])
    rows, away = farthest_first(vectors, vectors[:1], 2)
    assert rows.tolist() == [4, 3]
    assert away.tolist() == pytest.approx([2.0, 1.0])
    assert strangeness(vectors, np.empty((0, 2))).tolist() == [2.0] * 5


def test_clusters_give_one_row_each_and_copies_are_one_point() -> None:
    corners = np.repeat(np.eye(4), 10, axis=0)
    assert {row // 10 for row in clustered(corners, 4, seed=1)} == {0, 1, 2, 3}
    assert len(set(clustered(corners, 9, seed=1).tolist())) == 9
    values = np.linspace(1, 0.9, 40)
    assert {row // 10 for row in spread(corners, values, 4, seed=1)} >= {0, 1}


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        (lambda: Mix({"luck": 1.0}), "no strategy"),
        (lambda: Mix({"novelty": 0.0}), "one above 0"),
        (lambda: Mix({"novelty": float("nan")}), "from 0 to 1"),
        (lambda: Mix({"novelty": 1.0}, 0.0), "random share"),
        (lambda: Mix({"novelty": 1.0}, uncertainty="mood"), "margin or entropy"),
        (lambda: draw(pool_of(5), 6, mix=Mix({"novelty": 1.0}), seed=1), "cannot be chosen"),
        (lambda: draw(pool_of(5), 0, mix=Mix({"novelty": 1.0}), seed=1), "cannot be chosen"),
    ],
)
def test_shares_that_make_no_batch_are_refused(mix: object, words: str) -> None:
    assert callable(mix)
    with pytest.raises(MixError, match=words):
        mix()


def test_disagreement_without_a_second_judge_is_refused() -> None:
    one = pool_of(20)
    alone = Pool(one.vectors, one.probabilities, one.thresholds, one.labelled)
    with pytest.raises(MixError, match="second judge"):
        draw(alone, 10, mix=Mix({"disagreement": 1.0}), seed=1)
