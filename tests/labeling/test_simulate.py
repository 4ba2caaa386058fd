"""The floor with a known truth: what the random share and its chances are good for."""

import json

import pytest

from labeling.__main__ import main
from labeling.simulate import RISK_ALONE, UNWEIGHTED, WEIGHTED, EstimateRow, Floor, Outcome, simulate

PREVALENCE = "prevalence, checked by experts"
ACCURACY = "accuracy of a reviewer, checked by experts"


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(Floor(items=3000, reviewers=20), range(1, 13))


def estimate(outcome: Outcome, of: str, way: str) -> EstimateRow:
    (found,) = [one for one in outcome.estimates if (one.of, one.way) == (of, way)]
    return found


def test_dawid_skene_labels_better_than_the_majority(outcome: Outcome) -> None:
    majority, fitted, difference = outcome.labels
    assert fitted.value > majority.value
    assert difference.low > 0


@pytest.mark.parametrize("of", [PREVALENCE, ACCURACY])
def test_estimates_are_unbiased_only_by_the_random_share_and_its_chances(outcome: Outcome, of: str) -> None:
    assert estimate(outcome, of, WEIGHTED).unbiased
    for way in (RISK_ALONE, UNWEIGHTED):
        biased = estimate(outcome, of, way)
        assert not biased.unbiased
        assert abs(biased.bias) > 2 * abs(estimate(outcome, of, WEIGHTED).bias)


def test_intervals_with_chances_hold_the_truth_and_the_others_do_not(outcome: Outcome) -> None:
    for of, least in ((PREVALENCE, 0.9), (ACCURACY, 0.9)):
        with_chances, alone = (estimate(outcome, of, way).held for way in (WEIGHTED, RISK_ALONE))
        assert with_chances is not None
        assert alone is not None
        assert with_chances >= least > alone


def test_a_seed_repeats() -> None:
    floor = Floor(items=1000, reviewers=10)
    assert simulate(floor, range(2)) == simulate(floor, range(2))


@pytest.mark.parametrize("seeds", [0, 1])
def test_fewer_than_two_seeds_are_refused(seeds: int) -> None:
    with pytest.raises(ValueError, match=f"two seeds or more are needed for an interval, not {seeds}"):
        simulate(Floor(items=1000, reviewers=10), range(seeds))


def test_everybody_may_answer_every_item() -> None:
    found = simulate(Floor(items=1000, reviewers=3, answers=3), range(2))
    assert found.labels[0].value > 0.5


def test_the_command_prints_tables_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--items", "1000", "--reviewers", "10", "--seeds", "2"]
    assert main(command) == 0
    assert "Dawid-Skene - majority vote" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["estimates"]) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--items", "50"], "--items must lie between 100 and 100,000"),
        (["--reviewers", "2"], "3 of 2 cannot be"),
        (["--hard", "2"], "--hard must lie between 0 and 1, not 2"),
        (["--random-share", "0"], "--random-share must lie between 0 and 1"),
        (["--seeds", "1", "--items", "200"], "--seeds must lie between 2 and 1,000, not 1"),
    ],
)
def test_what_cannot_be_simulated_is_told(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert main(["simulate", *options]) == 2
    assert message in capsys.readouterr().err
