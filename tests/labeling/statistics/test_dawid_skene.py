"""Dawid-Skene: finds who errs, does not explode on few answers, says when it has no answer."""

from dataclasses import replace

import numpy as np
import pytest

from labeling.statistics.dawid_skene import (
    MOST_UNSETTLED,
    DawidSkene,
    DawidSkeneEstimates,
    Fitting,
    NotConvergedError,
    dawid_skene,
    dawid_skene_estimates,
)
from labeling.statistics.ratings import Ratings, RatingsError, ratings_of
from tests.labeling.statistics.published import anaesthetists


def floor(
    *, items: int = 400, skill: tuple[float, ...] = (0.95, 0.9, 0.75, 0.6, 0.9), seed: int = 7
) -> tuple[Ratings, np.ndarray]:
    """Answers of people of that skill to all items, and the truth."""
    random = np.random.default_rng(seed)
    truth = (random.random(items) < 0.3).astype(np.int64)
    right = random.random((items, len(skill))) < np.array(skill)
    label = np.where(right, truth[:, None], 1 - truth[:, None])
    item, rater = np.nonzero(np.ones_like(label))
    names = (tuple(map(str, range(items))), tuple(map(str, range(len(skill)))))
    return Ratings(*names, (0, 1), item, rater, label.ravel()), truth


def test_it_finds_truth_and_skill() -> None:
    ratings, truth = floor()
    found = dawid_skene(ratings)
    assert (found.posterior.argmax(axis=1) == truth).mean() > 0.96
    assert found.accuracy == pytest.approx([0.95, 0.9, 0.75, 0.6, 0.9], abs=0.06)
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(400))
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((5, 2)))


def test_the_likelihood_never_falls_from_round_to_round() -> None:
    ratings = anaesthetists()
    found = [
        dawid_skene(ratings, fitting=Fitting(shrinkage=0, tolerance=tolerance)).log_likelihood
        for tolerance in (0.3, 0.1, 0.03, 0.01, 0.001, 1e-6)
    ]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_rater_with_one_answer_is_taken_to_be_like_the_others() -> None:
    ratings, truth = floor()
    once = Ratings(
        ratings.items,
        (*ratings.raters, "new"),
        ratings.labels,
        np.append(ratings.item, 0),
        np.append(ratings.rater, len(ratings.raters)),
        np.append(ratings.label, 1 - truth[0]),
    )
    published, drawn = (dawid_skene(once, fitting=Fitting(shrinkage=each)) for each in (0.0, 4.0))
    assert published.confusion[-1, truth[0], truth[0]] < 0.01
    others = drawn.confusion[:-1].mean(axis=0)
    assert np.abs(drawn.confusion[-1] - others).max() < 0.2


def test_weights_speak_of_the_whole() -> None:
    ratings, truth = floor(items=2000)
    # Of violations all are reviewed, of the rest a tenth.
    random = np.random.default_rng(1)
    chance = np.where(truth == 1, 1.0, 0.1)
    kept = random.random(len(truth)) < chance
    places = np.cumsum(kept) - 1
    answers = kept[ratings.item]
    reviewed = Ratings(
        tuple(np.array(ratings.items)[kept]),
        ratings.raters,
        ratings.labels,
        places[ratings.item[answers]],
        ratings.rater[answers],
        ratings.label[answers],
    )
    alike, weighted = dawid_skene(reviewed), dawid_skene(reviewed, weights=1 / chance[kept])
    assert alike.prevalence[1] > 0.7
    assert weighted.prevalence[1] == pytest.approx(truth.mean(), abs=0.03)


def test_intervals_hold_the_truth_and_are_the_same_on_every_run() -> None:
    ratings, truth = floor(items=200)
    fit = dawid_skene(ratings)
    found = dawid_skene_estimates(ratings, fit, resamples=50)
    prevalence = found.prevalence[1]
    assert prevalence.low is not None
    assert prevalence.high is not None
    assert prevalence.low < truth.mean() < prevalence.high
    assert prevalence.n == 200
    assert found == dawid_skene_estimates(ratings, fit, resamples=50)


def test_people_who_were_never_wrong_are_not_known_to_the_third_digit() -> None:
    random = np.random.default_rng(1)
    truth = random.random(60) < 0.3
    answers = [(str(item), rater, int(label)) for item, label in enumerate(truth) for rater in "rst"]
    ratings = ratings_of(answers, labels=[0, 1, 2])
    found = dawid_skene_estimates(ratings, dawid_skene(ratings), resamples=50)
    # Of 60 answers that are all right, Wilson's interval begins at 60 / (60 + 1.96^2).
    for one in found.accuracy.values():
        assert one.low == pytest.approx(0.94, abs=0.005)
        assert one.high == pytest.approx(1, abs=0.001)
    unseen = found.prevalence[2]
    assert unseen.low == 0
    assert unseen.high == pytest.approx(0.06, abs=0.005)


def test_an_interval_holds_what_somebody_alone_was_found_to_be() -> None:
    """Drawn towards four who are right, somebody who is right by half on few items looks better than their answers."""
    ratings, truth = floor(items=400, skill=(0.5, 0.97, 0.97, 0.97, 0.97))
    kept = (ratings.rater > 0) | (ratings.item < 30)
    few = replace(ratings, item=ratings.item[kept], rater=ratings.rater[kept], label=ratings.label[kept])
    own = few.rater == 0
    share = (few.label[own] == truth[few.item[own]]).mean()
    found = dawid_skene_estimates(few, dawid_skene(few, fitting=Fitting(shrinkage=200)), resamples=20).accuracy["0"]
    assert found.value is not None
    assert found.low is not None
    assert found.low < share < found.value


def test_weights_that_leave_a_rater_nothing_leave_everything_open() -> None:
    ratings, _ = floor(items=80)
    kept = (ratings.rater > 0) | (ratings.item < 40)
    few = replace(ratings, item=ratings.item[kept], rater=ratings.rater[kept], label=ratings.label[kept])
    weights = (np.arange(80) >= 40).astype(np.float64)
    found = dawid_skene_estimates(few, dawid_skene(few, weights=weights), resamples=20).accuracy
    assert (found["0"].low, found["0"].high) == (0, 1)
    assert found["1"].low is not None
    assert found["1"].low > 0.5


def estimates_within(rounds: int, ratings: Ratings, fit: DawidSkene) -> DawidSkeneEstimates | None:
    try:
        return dawid_skene_estimates(ratings, replace(fit, fitting=Fitting(rounds=rounds)), resamples=100)
    except NotConvergedError:
        return None


def test_the_few_resamples_that_do_not_settle_are_left_out_and_counted() -> None:
    ratings, _ = floor(items=60)
    fit = dawid_skene(ratings)
    assert estimates_within(1, ratings, fit) is None
    found = next(one for rounds in range(2, 500) if (one := estimates_within(rounds, ratings, fit)))
    assert 0 < found.unsettled <= 100 * MOST_UNSETTLED
    assert found.prevalence[1].low is not None
    assert dawid_skene_estimates(ratings, fit, resamples=100).unsettled == 0


def test_accuracy_of_a_rater_with_few_items_is_not_told() -> None:
    ratings, _ = floor(items=40)
    kept = (ratings.rater > 0) | (ratings.item < 29)
    few = replace(ratings, item=ratings.item[kept], rater=ratings.rater[kept], label=ratings.label[kept])
    found = dawid_skene_estimates(few, dawid_skene(few), resamples=10).accuracy
    assert str(found["0"]) == "not enough checks: 29 of 30"
    assert found["1"].value is not None


def test_repeated_answers_to_an_item_are_one_item() -> None:
    ratings = anaesthetists()
    found = dawid_skene_estimates(ratings, dawid_skene(ratings), resamples=5).accuracy
    assert {one.n for one in found.values()} == {45}


def test_what_cannot_be_fitted_is_said() -> None:
    ratings, _ = floor()
    with pytest.raises(RatingsError, match="3 raters or more, here are 2"):
        dawid_skene(ratings.only(["0", "1"]))
    with pytest.raises(NotConvergedError, match="after 2 rounds: allow more rounds"):
        dawid_skene(ratings, fitting=Fitting(rounds=2, tolerance=1e-9))
    with pytest.raises(RatingsError, match="400 numbers, one for each item"):
        dawid_skene(ratings, weights=np.ones(3))
    with pytest.raises(RatingsError, match="weight 0"):
        dawid_skene(ratings, weights=np.zeros(400))


def test_items_that_nobody_answered_count_for_nothing() -> None:
    answers = [("a", "r", 0), ("a", "s", 0), ("a", "t", 1), ("b", "r", 1), ("b", "s", 1), ("b", "t", 1)]
    ratings = ratings_of(answers)
    more = Ratings((*ratings.items, "c"), ratings.raters, ratings.labels, ratings.item, ratings.rater, ratings.label)
    assert dawid_skene(more).prevalence == pytest.approx(dawid_skene(ratings).prevalence)
