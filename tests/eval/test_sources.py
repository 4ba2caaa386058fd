import json
from pathlib import Path

import pytest

from eval.__main__ import main
from labeling.records import write_labelled_texts
from labeling.taxonomy import load_taxonomy
from tests.eval.rows import row

KNOWN = ("spam", "privacy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        row(n, *(("spam",) if n % 2 else ()), known=KNOWN, source=("forum", "mail", "other")[n % 3]) for n in range(180)
    ]
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    areas = load_taxonomy().area_ids
    for name, sure in (("forum", 0.9), ("mail", 0.4), ("all", 0.9)):
        with (tmp_path / f"{name}.jsonl").open("w") as out:
            for n, _ in enumerate(rows):
                # The model without mail ranks half of the rows wrongly.
                spam = sure if n % 2 or (sure == 0.4 and n % 4 == 0) else 0.1
                out.write(json.dumps({"id": f"r{n}", "areas": {**dict.fromkeys(areas, 0.01), "spam": spam}}) + "\n")
    return tmp_path


def run(folder: Path, *more: str) -> int:
    return main(["sources", "--data", str(folder / "rows.jsonl"), "--draws", "40", "--macro-positives", "20", *more])


def test_every_row_is_judged_by_the_model_that_never_saw_its_source(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = [part for name in ("forum", "mail") for part in ("--fold", f"{name}={folder / name}.jsonl")]
    out = folder / "report.json"
    assert run(folder, *folds, "--reference", str(folder / "all.jsonl"), "--json", str(out)) == 0
    report = json.loads(out.read_text())
    assert report["pooled"]["n"] == 120
    forum, mail = report["sources"]["forum"], report["sources"]["mail"]
    assert (forum["n"], forum["positives"], forum["areas"]["spam"]["auprc"]) == (60, 30, 1.0)
    assert mail["areas"]["spam"]["auprc"] == pytest.approx(30 / 45)
    assert mail["known"]["macro"]["difference"] == pytest.approx(30 / 45 - 1)
    assert forum["known"]["macro"]["difference"] == 0
    assert report["pooled"]["macro"]["areas"] == ["spam"]
    printed = capsys.readouterr().out
    assert "all sources, each unseen" in printed
    assert "-0.333" in printed


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        ("forum", "SOURCE=FILE"),
        ("nobody={0}/all.jsonl", "no rows of that source"),
        ("forum={0}/none.jsonl", "No such file"),
    ],
)
def test_fold_that_cannot_be_used_is_one_line(
    folder: Path, fold: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--fold", fold.format(folder)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
