import json
from pathlib import Path

import numpy as np
import pytest

from eval.scored import Scores
from eval.scores import ROWS_PER_CHUNK, ScoreError, read_scores, score_rows, scores_of, spot_check
from models.inference import ConstantScorer
from tests.eval.rows import AREAS, row


def ignore(_: int) -> None:
    return None


def write(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in values), encoding="utf-8")
    return path


def test_rows_beyond_a_chunk_are_scored_in_order(tmp_path: Path) -> None:
    count = ROWS_PER_CHUNK * 2 + 3
    rows, done, out = [row(number) for number in range(count)], list[int](), tmp_path / "scores.jsonl"
    assert score_rows(ConstantScorer(AREAS), rows, out, progress=done.append) == count
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [f"r{number}" for number in range(count)]
    assert lines[0] == {"id": "r0", "areas": {"spam": 0.01, "privacy": 0.01}, "severity": [0.2] * 5}
    assert done == [ROWS_PER_CHUNK, ROWS_PER_CHUNK * 2, count]


def test_scores_read_are_those_written_whatever_the_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl",
        {"id": "r2", "areas": {"spam": 0.2, "privacy": 0.3}, "severity": [0, 0, 1, 0, 0]},
        {"id": "other", "areas": {}},
        {"id": "r1", "areas": {"spam": 0.1, "privacy": 0.4}, "severity": [1, 0, 0, 0, 0]},
    )
    scores = read_scores(path, [row(1), row(2)], AREAS)
    assert scores.areas.tolist() == [[0.1, 0.4], [0.2, 0.3]]
    assert scores.severity is not None
    assert scores.severity.argmax(1).tolist() == [0, 2]


def test_area_and_severity_that_a_file_leaves_out_are_unknown(tmp_path: Path) -> None:
    scores = read_scores(write(tmp_path / "s.jsonl", {"id": "r1", "areas": {"spam": 0.1}}), [row(1)], AREAS)
    assert np.isnan(scores.areas).tolist() == [[False, True]]
    assert scores.severity is None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"id": "r1", "areas": {"spam": 0.1}}], "1 of 2 rows have no scores, such as 'r2'"),
        ([{"id": "r1", "areas": {"spam": 1.1}}], r"s\.jsonl:1: not a line of scores \(a probability"),
        ([{"id": "r1", "areas": {"spam": True}}], "a probability is needed"),
        ([{"id": "r1"}], "not a line of scores"),
        ([[]], "not a line of scores"),
        ([{"id": "r1", "areas": {}, "severity": [1, 2]}], "5 probabilities are needed"),
        ([{"id": "r1", "areas": {}, "severity": [1]}], "5 probabilities are needed"),
        ([{"id": "r1", "areas": {}, "severity": 0.2}], "5 probabilities are needed"),
        ([{"id": "r1", "areas": {}, "severity": [0, 0, 0, 0, None]}], "5 probabilities are needed"),
        ([{"id": "r1", "areas": {}, "severity": [9, 0, 0, 0, 0]}], "a probability is needed"),
        ([{"id": "r1", "areas": {}}, {"id": "r1", "areas": {}}], "come twice"),
    ],
)
def test_unfit_score_file_is_refused(tmp_path: Path, lines: list[object], message: str) -> None:
    with pytest.raises(ScoreError, match=message):
        read_scores(write(tmp_path / "s.jsonl", *lines), [row(1), row(2)], AREAS)


def test_area_that_the_scorer_does_not_know_is_one_that_its_file_leaves_out() -> None:
    rows, scorer = [row(number) for number in range(4)], ConstantScorer(AREAS[:1])
    scores = scores_of(scorer, rows, AREAS, progress=ignore)
    assert np.isnan(scores.areas[:, 1]).all()
    spot_check(scorer, scores, rows, AREAS)
    scores.areas[:, 1] = 0.01
    with pytest.raises(ScoreError, match="not of bundle constant"):
        spot_check(scorer, scores, rows, AREAS)


def test_scores_of_another_bundle_are_found_out() -> None:
    rows = [row(number) for number in range(40)]
    scores = scores_of(ConstantScorer(AREAS), rows, AREAS, progress=ignore)
    spot_check(ConstantScorer(AREAS), scores, rows, AREAS)
    with pytest.raises(ScoreError, match="not of bundle constant"):
        spot_check(ConstantScorer(AREAS, probability=0.2), scores, rows, AREAS)


def test_severities_of_another_bundle_are_found_out() -> None:
    rows = [row(number) for number in range(40)]
    scores = scores_of(ConstantScorer(AREAS), rows, AREAS, progress=ignore)
    with pytest.raises(ScoreError, match=r"not of bundle constant: a row scored again differs by 0\.8"):
        spot_check(ConstantScorer(AREAS, severity=(1.0, 0.0, 0.0, 0.0, 0.0)), scores, rows, AREAS)
    spot_check(ConstantScorer(AREAS, severity=(1.0, 0.0, 0.0, 0.0, 0.0)), Scores(scores.areas), rows, AREAS)
