import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.run import ROWS_PER_CHUNK, evaluate, measure, score_file, sha256_of
from eval.truth import UNKNOWN_SEVERITY, make_truth
from labeling.records import LabelledText, write_labelled_texts
from models.bundle import load_bundle
from models.inference import ConstantScorer
from tests.models.bundles import DEFAULT

AREAS = ("spam", "privacy")


def row(number: int, *areas: str, known: tuple[str, ...] = AREAS, severity: int | None = None) -> LabelledText:
    return LabelledText(f"r{number}", f"text {number}", areas, known, severity, "s", "en")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [row(n, *(("spam",) if n % 3 == 0 else ()), severity=n % 5 if n % 2 else None) for n in range(60)]
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    return tmp_path / "rows.jsonl"


def test_truth_masks_what_nobody_looked_for() -> None:
    truth = make_truth([row(1, "spam", known=("spam",), severity=3), row(2, known=("privacy", "other"))], AREAS)
    assert truth.labels.tolist() == [[1, 0], [0, 0]]
    assert truth.known.tolist() == [[1, 0], [0, 1]]
    assert truth.severity.tolist() == [3, UNKNOWN_SEVERITY]


def test_constant_scores_reach_the_base_rate(data: Path) -> None:
    done: list[int] = []
    figures = evaluate(ConstantScorer(AREAS), data, progress=done.append)
    spam = figures.areas["spam"]
    assert (spam.rows, spam.positives) == (60, 20)
    assert spam.auprc == pytest.approx(spam.base_rate) == pytest.approx(1 / 3)
    assert spam.interval.low < 1 / 3 < spam.interval.high
    assert spam.calibration_error == pytest.approx(1 / 3 - 0.01)
    assert figures.too_few == {"privacy": 0}
    assert figures.severity_rows == 30
    assert figures.severity_kappa == pytest.approx(0)
    assert done == [60]


def test_scores_without_probabilities_have_no_calibration_error() -> None:
    truth = make_truth([row(n, *(("spam",) if n < 15 else ())) for n in range(30)], AREAS)
    figures = measure(truth, -np.arange(60.0).reshape(30, 2), AREAS)
    assert figures.areas["spam"].auprc == 1
    assert figures.areas["spam"].calibration_error is None
    assert figures.severity_kappa is None


def test_nothing_measurable_is_none_not_zero() -> None:
    figures = measure(make_truth([row(1)], AREAS), np.zeros((1, 2)), AREAS)
    assert (figures.macro_auprc, figures.macro_interval, figures.areas) == (None, None, {})
    json.dumps(figures.to_json(), allow_nan=False)


def test_files_longer_than_a_chunk_are_scored_in_order(tmp_path: Path) -> None:
    count = ROWS_PER_CHUNK * 2 + 3
    path = tmp_path / "rows.jsonl"
    write_labelled_texts(path, [row(n) for n in range(count)])
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    done: list[int] = []
    out = tmp_path / "scores.jsonl"
    assert score_file(ConstantScorer(AREAS), tmp_path / "rows.jsonl.gz", out, progress=done.append) == count
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [f"r{n}" for n in range(count)]
    assert lines[0] == {"id": "r0", "areas": {"spam": 0.01, "privacy": 0.01}, "severity": [0.2] * 5}
    assert done == [ROWS_PER_CHUNK, ROWS_PER_CHUNK * 2, count]


def test_score_command_writes_a_line_a_row(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scores.jsonl"
    assert main(["score", "--bundle", str(DEFAULT), "--data", str(data), "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 60
    assert set(lines[0]) == {"id", "areas", "severity"}
    assert sum(lines[0]["severity"]) == pytest.approx(1, abs=1e-5)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert load_bundle(DEFAULT).hash in printed.err


def test_run_command_prints_and_writes_the_figures(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    assert main(["run", "--bundle", str(DEFAULT), "--data", str(data), "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["bundle"] == load_bundle(DEFAULT).hash
    assert report["data_sha256"] == sha256_of(data)
    assert report["areas"]["spam"]["positives"] == 20
    printed = capsys.readouterr().out
    assert "macro AUPRC" in printed
    assert "too few to measure" in printed


@pytest.mark.parametrize("command", ["score", "run"])
def test_bad_input_is_one_line_and_no_traceback(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "o")] if command == "score" else []
    bad, empty = tmp_path / "bad.jsonl", tmp_path / "empty.jsonl"
    bad.write_text("{\n")
    empty.write_text("")
    wrong = [(tmp_path, bad), (DEFAULT, tmp_path / "none.jsonl"), (DEFAULT, bad)]
    if command == "run":
        wrong.append((DEFAULT, empty))
    for bundle, path in wrong:
        assert main([command, "--bundle", str(bundle), "--data", str(path), *out]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
