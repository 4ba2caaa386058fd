"""The experiment on invented texts: choosing beats a random order where an area is rare, and figures say what was seen."""

import json
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.next.command import SHARES
from eval.next.draw import Mix
from eval.next.experiment import Course, Result, make_trial, run_trial
from eval.next.figures import figures, mean_of
from labeling.records import RecordError, write_labelled_texts
from tests.eval.next.texts import texts


def test_choosing_finds_a_rare_area_with_fewer_labels() -> None:
    rows, held_out = (texts(500, seed, share=0.06, kinds=20) for seed in (11, 21))
    result = run_trial(make_trial(rows, held_out, "spam", most=500, seed=1), Mix(SHARES))
    assert result is not None
    # Both begin with the same rows, and with all labels a random order is the full score.
    assert result.chosen.scores[0] == result.random.scores[0]
    assert result.random.scores[-1] == pytest.approx(result.full, abs=1e-6)
    assert result.chosen.at(0.3) > result.random.at(0.3) + 0.03
    assert result.chosen.positives[7] > 1.4 * result.random.positives[7]


def test_the_same_seed_gives_the_same_courses_and_another_one_other_rows() -> None:
    rows, held = texts(300, 5), texts(200, 6)
    first, again, other = (
        run_trial(make_trial(rows, held, "spam", most=250, seed=seed), Mix(SHARES)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first is not None
    assert other is not None
    assert first.random != other.random


def test_a_goal_counts_from_where_it_is_kept() -> None:
    course = Course((0.1, 0.2, 0.3, 0.5), (0.9, 0.5, 0.9, 0.95), (1, 2, 3, 4))
    assert course.reached(0.8) == 0.3
    assert course.reached(0.4) == 0.1
    assert course.reached(0.99) is None


def test_both_courses_are_judged_by_the_same_steps() -> None:
    shares = (0.25, 0.5)
    chosen = Course(shares, (0.8, 0.8), (5, 9))
    # Beyond a half, where the other is not measured, it falls below the goal once.
    random = Course((*shares, 0.6, 1.0), (0.8, 0.8, 0.7, 0.8), (2, 4, 6, 9))
    [area] = figures([Result("spam", 1, 10, 9, 10, 0.8, chosen, random)])
    assert (area.chosen_reached, area.random_reached) == (1, 1)
    assert (area.chosen_share.value, area.random_share.value) == (0.25, 0.25)


def test_figures_are_means_over_seeds_with_their_intervals() -> None:
    # By hand: mean 2, standard deviation 1, t(2) = 4.303, half width 4.3027 / sqrt(3) = 2.4841.
    mean = mean_of([1.0, 2.0, 3.0])
    assert (mean.value, mean.low, mean.high) == (2.0, pytest.approx(-0.4841, abs=1e-4), pytest.approx(4.4841, abs=1e-4))
    assert mean_of([1.0]).low is None
    shares = (0.25, 0.5)
    chosen, random = Course(shares, (0.7, 0.8), (5, 9)), Course((*shares, 1.0), (0.5, 0.6, 0.8), (2, 4, 9))
    late = Course(shares, (0.7, 0.7), (5, 9))
    found = figures([Result("spam", seed, 10, 9, 10, 0.8, one, random) for seed, one in enumerate((chosen, late))])
    [area] = found
    assert (area.chosen_reached, area.random_reached, area.seeds, area.reaches) == (1, 0, 2, False)
    assert area.chosen_at_half.value == pytest.approx((1 + 0.875) / 2)
    assert area.random_share.value == 1.0
    # What is not reached with half stands for the next step.
    assert area.chosen_share.value == pytest.approx((0.5 + 0.6) / 2)


def test_too_few_positives_make_no_score() -> None:
    with pytest.raises(RecordError, match="make no score"):
        make_trial(texts(50, 1), texts(50, 2, share=0.01), "spam", most=50, seed=1)
    with pytest.raises(RecordError, match="no row says"):
        make_trial(texts(50, 1), texts(50, 2), "privacy", most=50, seed=1)


def test_the_command_prints_a_line_for_each_area(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_labelled_texts(tmp_path / "rows.jsonl", texts(300, 1))
    write_labelled_texts(tmp_path / "held.jsonl", texts(300, 2))
    arguments = ["learn", "--data", str(tmp_path / "rows.jsonl"), "--held-out", str(tmp_path / "held.jsonl")]
    more = ["--rows", "200", "--seeds", "2", "--json", str(tmp_path / "found.json")]
    assert main([*arguments, *more, "--area", "spam"]) == 0
    assert "spam" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    assert [len(found["trials"]), found["areas"][0]["seeds"], found["goal"]] == [2, 2, 0.98]
    assert main([*arguments, "--area", "weather"]) == 2
    assert "weather" in capsys.readouterr().err
