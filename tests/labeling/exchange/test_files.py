"""Files that programs wrote in their own way: with a mark at the start, in another encoding, with numbers that are none."""

import json
from pathlib import Path

import pytest

from labeling.__main__ import main
from labeling.exchange.command import read_tasks
from labeling.exchange.tasks import read_scores
from labeling.records import LabelledText, write_labelled_texts
from labeling.taxonomy import load_taxonomy

MARK = b"\xef\xbb\xbf"
TASK = {"id": 1, "data": {"text": "né"}, "annotations": []}
SCORE = {"id": "r1", "areas": {"spam": 0.5}, "severity": None}


@pytest.mark.parametrize(("name", "content"), [("tasks.json", [TASK]), ("tasks.jsonl", TASK)])
def test_an_export_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str, content: object) -> None:
    path = tmp_path / name
    path.write_bytes(MARK + json.dumps(content).encode())
    assert read_tasks(path) == [TASK]


def test_scores_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_bytes(MARK + json.dumps(SCORE).encode() + b"\n\n")
    assert read_scores(path, load_taxonomy()) == {"r1": SCORE}


@pytest.mark.parametrize("name", ["tasks.json", "tasks.jsonl"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps([TASK], ensure_ascii=False).encode("latin-1"), "not UTF-8"),
        (b'[{"id": ' + b"1" * 5_000 + b"}]", "not JSON (line 1: holds a number of too many digits)"),
        (b'[{"id": NaN}]', "not JSON (line 1: holds a number that is not finite)"),
    ],
)
def test_an_export_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["from-label-studio", str(path), "--out", str(tmp_path / "rows.jsonl")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {path}: {message}")
    assert told.count("\n") == 1


def test_scores_and_rows_that_are_no_utf8_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, scores = tmp_path / "rows.jsonl", tmp_path / "scores.jsonl"
    write_labelled_texts(rows, [LabelledText("r1", "t", (), ("spam",), 0, "s", "en")])
    scores.write_bytes(b"\n\xe9\n")
    arguments = ["to-label-studio", str(rows), "--out", str(tmp_path / "t.json"), "--model-version", "b"]
    assert main([*arguments, "--predictions", str(scores)]) == 2
    assert main(["check", str(scores)]) == 2
    assert capsys.readouterr().err.count(f"error: {scores}: damaged after line ") == 2
