"""The 95 % intervals hold the truth in 93 to 97 of 100 samples. `python -m labeling coverage` is the same at length."""

import pytest

from labeling.statistics.coverage import (
    Coverage,
    Crowd,
    World,
    cohen_coverage,
    counted_coverage,
    dawid_skene_coverage,
    weighted_coverage,
)

REPEATS = 700
RESAMPLES = 400
# Few patterns of answers, so that it is fast.
TWO = World("two labels", 200, 3, (0.7, 0.3), 0.85)
TWO_WITH_GAPS = World("two labels, a third unanswered", 200, 3, (0.7, 0.3), 0.85, missing=0.33)
THREE = World("three steps", 200, 2, (0.5, 0.3, 0.2), 0.8)


def check(found: Coverage) -> None:
    share = f"{found.share:.1%}"
    assert 0.93 <= found.share <= 0.97, f"{found.figure}, {found.world}: {share} of intervals hold {found.truth:.3f}"


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("Fleiss' kappa", TWO),
        ("Krippendorff's alpha, nominal", TWO_WITH_GAPS),
        ("Krippendorff's alpha, ordinal", THREE),
        ("Gwet's AC1", TWO_WITH_GAPS),
    ],
)
def test_intervals_of_any_number_of_raters_hold_the_truth(name: str, world: World) -> None:
    check(counted_coverage(name, world, repeats=REPEATS, resamples=RESAMPLES, seed=1))


def test_intervals_of_cohen_hold_the_truth() -> None:
    for found in cohen_coverage(TWO, repeats=REPEATS, resamples=RESAMPLES, seed=1):
        check(found)


def test_intervals_of_weighted_shares_hold_the_truth() -> None:
    for found in weighted_coverage(repeats=REPEATS, seed=1, items=1500, mixes=[(0.3, 0.05), (0.08, 0.2)]):
        check(found)


@pytest.mark.parametrize(
    "crowd",
    [
        Crowd("four of .99", World("60 items", 60, 4, (0.7, 0.3), 0.99), (0.99, 0.99)),
        Crowd("four of .97", World("60 items", 60, 4, (0.7, 0.3), 0.97), (0.97, 0.97)),
        Crowd("five of .85 to .95", World("100 items", 100, 5, (0.7, 0.3), 0.9), (0.85, 0.95)),
    ],
    ids=lambda crowd: crowd.name,
)
def test_intervals_of_dawid_skene_hold_the_truth_however_good_people_are(crowd: Crowd) -> None:
    """At least: those of good people are wider than need be."""
    _, accuracy = dawid_skene_coverage(crowd, repeats=30, resamples=40, seed=1)
    assert accuracy.share >= 0.93, f"{accuracy.share:.1%} of intervals hold the accuracy of {crowd.name}"
