"""The 95 % intervals hold the truth in 93 to 97 of 100 samples. `python -m labeling coverage` is the same at length."""

import pytest

from labeling.statistics.coverage import (
    COUNTED,
    GAPS,
    WORLDS,
    Coverage,
    cohen_coverage,
    counted_coverage,
    weighted_coverage,
)

REPEATS = 800
RESAMPLES = 400


def check(found: Coverage) -> None:
    assert 0.93 <= found.share <= 0.97, (
        f"{found.figure}, {found.world}: {found.share:.1%} of intervals hold {found.truth:.3f}"
    )


@pytest.mark.parametrize("name", [name for name in COUNTED if name != "Fleiss' kappa"])
def test_intervals_of_any_number_of_raters_hold_the_truth(name: str) -> None:
    check(counted_coverage(name, GAPS[0], repeats=REPEATS, resamples=RESAMPLES, seed=1))


def test_intervals_of_fleiss_hold_the_truth() -> None:
    check(counted_coverage("Fleiss' kappa", WORLDS[1], repeats=REPEATS, resamples=RESAMPLES, seed=1))


def test_intervals_of_cohen_hold_the_truth() -> None:
    for found in cohen_coverage(WORLDS[3], repeats=REPEATS, resamples=RESAMPLES, seed=1):
        check(found)


def test_intervals_of_weighted_shares_hold_the_truth() -> None:
    for found in weighted_coverage(repeats=REPEATS, seed=1):
        check(found)
