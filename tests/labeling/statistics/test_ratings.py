"""Answers from files: what is wrong is told with its line and how to mend it."""

import json
from pathlib import Path

import numpy as np
import pytest

from labeling.__main__ import main
from labeling.statistics.ratings import MAX_LABELS, RatingsError, ratings_of, read_ratings
from tests.labeling.statistics.published import KRIPPENDORFF


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(item: str, rater: str, label: object) -> dict[str, object]:
    return {"item": item, "rater": rater, "label": label}


def floor(path: Path, *, items: int = 60) -> Path:
    """Three people who rate severities, two of them experts who agree more."""
    random = np.random.default_rng(2)
    truth = random.integers(4, size=items)
    rows = [
        row(f"i{item}", name, int(truth[item] if random.random() < skill else random.integers(4)))
        for item in range(items)
        for name, skill in (("ann", 0.95), ("bo", 0.95), ("cy", 0.5))
    ]
    return write(path, *rows)


def test_answers_become_counts_in_the_order_of_numbers(tmp_path: Path) -> None:
    rows = [
        row(f"u{unit:02}", str(rater), int(value))
        for rater, values in enumerate(KRIPPENDORFF)
        for unit, value in enumerate(values)
        if value != "."
    ]
    ratings = read_ratings(write(tmp_path / "a.jsonl", *rows))
    assert (ratings.labels, ratings.ordered) == ((1, 2, 3, 4, 5), True)
    assert ratings.counts()[5].tolist() == [1, 1, 1, 1, 0]
    assert ratings.codes_of("2")[:3].tolist() == [-1, 2, 2]
    assert ratings.only(["3", "0"]).counts().sum() == 20


def test_listed_labels_keep_their_order_and_are_there_though_unused() -> None:
    ratings = ratings_of([("a", "r", "mild"), ("a", "s", "grave")], labels=["none", "mild", "grave"])
    assert (ratings.ordered, ratings.counts().tolist()) == (True, [[0, 1, 1]])


def test_steps_between_whole_numbers_are_there_though_unused() -> None:
    answers = [("i", "r", 0), ("i", "s", 0), ("j", "r", 4), ("j", "s", 1)]
    gaps, listed = ratings_of(answers), ratings_of(answers, labels=[0, 1, 2, 3, 4])
    assert gaps.labels == (0, 1, 2, 3, 4)
    assert gaps.counts().tolist() == listed.counts().tolist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[]], r"a\.jsonl:1: not a JSON object"),
        ([{"item": "a", "rater": "r"}], r'a\.jsonl:1: no "label"; a row is \{"item"'),
        ([row("a", "r", 1.5)], r"a\.jsonl:1: label must be a text or a whole number, not 1\.5"),
        ([row("a", "r", True)], r"a\.jsonl:1: label must be"),
        ([{"item": 1, "rater": "r", "label": "x"}], r"a\.jsonl:1: item and rater must be texts"),
        ([row("a", "r", "x"), row("a", "r", "y")], r"a\.jsonl:2: rater 'r' answered item 'a' before, on line 1"),
        ([row("a", "r", "x"), row("a", "s", 1)], r"a\.jsonl: some labels are texts and some are numbers"),
        ([row("a", "r", "x"), row("a", "s", "x")], r"a\.jsonl: all answers are the same label: list those"),
        ([row("a", "r", str(n)) for n in range(1)], "all answers are the same label"),
        ([], r"a\.jsonl: there are no answers"),
        ([row(f"{n}", "r", f"{n}") for n in range(MAX_LABELS + 1)], "more than 64: is `label` the right field"),
        ([row("a", "r", 0), row("a", "s", 10**9)], "0 to 1000000000 are more than 64 steps: .* write them as texts"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, rows: list[object], message: str) -> None:
    with pytest.raises(RatingsError, match=message):
        read_ratings(write(tmp_path / "a.jsonl", *rows))


def test_labels_that_are_not_listed_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row("a", "r", 1), row("a", "s", 7))
    with pytest.raises(RatingsError, match="labels that are not listed: 7"):
        read_ratings(path, labels=["0", "1"])
    with pytest.raises(RatingsError, match="so must the listed ones be"):
        read_ratings(path, labels=["low", "high"])


def test_the_command_shows_the_experts_as_the_ceiling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["agreement", str(floor(tmp_path / "a.jsonl")), "--experts", "ann,bo", "--resamples", "200"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    every, experts = (found["agreement"][group]["Krippendorff's alpha, ordinal"] for group in ("all", "experts"))
    assert every["low"] < every["value"] < every["high"] < experts["value"]
    assert "name two with --raters" in found["agreement"]["all"]["Cohen's kappa"]["text"]
    assert found["agreement"]["experts"]["Cohen's kappa"]["n"] == 60
    assert set(found["dawid_skene"]["accuracy"]) == {"ann", "bo", "cy"}
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "agreement of the experts: the ceiling" in printed
    assert printed.index("  ann") < printed.index("  bo") < printed.index("  cy")


def test_the_command_tells_no_figure_of_few_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agreement", str(floor(tmp_path / "a.jsonl", items=12)), "--resamples", "100"]) == 0
    printed = capsys.readouterr().out
    assert "not enough checks: 12 of 30" in printed
    assert " to 0." not in printed


def test_two_raters_are_compared_by_cohen_and_not_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agreement", str(floor(tmp_path / "a.jsonl")), "--raters", "ann,cy", "--resamples", "100"]) == 0
    printed = capsys.readouterr().out
    assert "Cohen's kappa, quadratic weights" in printed
    assert "Dawid-Skene needs answers of 3 raters" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--raters", "zoe"], "nobody is called zoe; there are ann, bo, cy"),
        (["--raters", "ann,ann"], "ann is named twice"),
        (["--experts", "ann"], "name two experts or more"),
        (["--experts", "ann,bo,ann"], "ann is named twice"),
        (["--seed", "-1"], "--seed must lie between 0 and 4,294,967,295, not -1"),
        (["--resamples", "5"], "--resamples must lie between 100 and 100,000, not 5"),
    ],
)
def test_wrong_options_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["agreement", str(floor(tmp_path / "a.jsonl")), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_number_longer_than_python_reads_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"item": "a", "rater": "r", "label": ' + "1" * 5000 + "}\n", encoding="utf-8")
    with pytest.raises(RatingsError, match=r"a\.jsonl:1: not a JSON object"):
        read_ratings(path)


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row("a", "r", "spam"), row("a", "s", "scam"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_ratings(path).items == ("a",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "--seed", "-1"], "--seed must lie between 0 and"),
        (["simulate", "--seeds", "1000000000000"], "--seeds must lie between 2 and 1,000"),
        (["coverage", "--seed", "-1"], "--seed must lie between 0 and"),
        (["coverage", "--repeats", "5"], "--repeats must lie between 100 and 100,000, not 5"),
    ],
)
def test_seeds_and_repeats_out_of_range_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
