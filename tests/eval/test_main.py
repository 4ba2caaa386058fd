"""The commands on the shipped bundle and a handful of rows."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from eval.__main__ import main
from eval.markdown import markdown
from eval.page import page
from labeling.records import write_labelled_texts
from labeling.taxonomy import load_taxonomy
from models.bundle import load_bundle
from tests.eval.rows import row
from tests.models.bundles import DEFAULT

KNOWN = ("spam", "hateful_conduct")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval")
    spam, plain = (
        "CLICK http://win.example to WIN a free prize now!!!",
        "My muslim neighbour brought <b>soup</b> | bread",
    )
    rows = [
        row(
            n,
            *(("spam",) if n % 3 == 0 else ()),
            known=KNOWN,
            text=f"{spam if n % 3 == 0 else plain} {n}",
            severity=n % 5,
            severity_basis="human",
            lang="en" if n < 40 else "id",
            kind="plain" if n % 3 == 0 else "news",
            pair=f"p{n // 3}" if n % 3 != 2 else None,
        )
        for n in range(60)
    ]
    write_labelled_texts(path / "rows.jsonl", rows)
    assert main(["score", *bundle(), "--data", str(path / "rows.jsonl"), "--out", str(path / "scores.jsonl")]) == 0
    areas = load_taxonomy().area_ids
    with (path / "base.jsonl").open("w") as out:
        for n in range(60):
            out.write(json.dumps({"id": f"r{n}", "areas": dict.fromkeys(areas[:-1], 0.3)}) + "\n")
    return path


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    out = folder / "report.json"
    more = ["--baseline", str(folder / "base.jsonl"), "--against", str(DEFAULT), "--behaviour", "--json", str(out)]
    assert main(run(folder, *more, "--against-scores", str(folder / "scores.jsonl"))) == 0
    values: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return values


def bundle() -> list[str]:
    return ["--bundle", str(DEFAULT)]


def run(folder: Path, *more: str) -> list[str]:
    few = ["--draws", "30", "--macro-positives", "10"]
    return [
        "run",
        *bundle(),
        "--data",
        str(folder / "rows.jsonl"),
        "--scores",
        str(folder / "scores.jsonl"),
        *few,
        *more,
    ]


def test_score_writes_a_line_a_row(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 60
    assert set(lines[0]) == {"id", "areas", "severity"}
    assert sum(lines[0]["severity"]) == pytest.approx(1, abs=1e-5)


def test_scores_read_give_the_figures_of_scoring_now(folder: Path, report: dict[str, Any]) -> None:
    out = folder / "now.json"
    data = str(folder / "rows.jsonl")
    assert main(["run", *bundle(), "--data", data, "--draws", "5", "--json", str(out)]) == 0
    now = json.loads(out.read_text(encoding="utf-8"))
    assert (now["scores"], report["scores"]) == ("scored now", "score file, spot-checked")
    assert now["areas"]["spam"]["auprc"] == pytest.approx(report["areas"]["spam"]["auprc"])


def test_report_has_the_shape_that_others_rely_on(report: dict[str, Any]) -> None:
    assert report["bundle"] == load_bundle(DEFAULT).hash
    assert report["data"][0].keys() == {"name", "sha256", "rows"}
    assert {"n", "positives", "base_rate", "auprc", "auprc_low", "auprc_high", "ece"} <= report["areas"]["spam"].keys()
    assert (report["areas"]["spam"]["n"], report["areas"]["spam"]["positives"]) == (60, 20)
    assert report["macro_auprc"]["areas"] == ["spam"]
    assert report["any_harm"]["base_rate"] == pytest.approx(1 / 3)
    assert set(report["severity"]) == {"all", "human"}
    assert set(report["slices"]) == {"language", "source", "kind", "length"}
    assert report["slices"]["language"]["id"]["n"] == 20
    assert report["hard_negatives"]["all"]["n"] == 40
    assert report["minimal_pairs"]["n"] == 20
    assert report["identity"]["groups"]["muslims"]["n"] == 40
    assert set(report["behaviour"]) == {"minimum", "invariance", "direction"}
    assert report["parity"]["float32_macro_auprc"] > 0.5
    assert not report["calibrated_on_these"]


def test_comparisons_know_what_the_other_is(report: dict[str, Any]) -> None:
    baseline, previous = report["comparisons"]["baseline"], report["comparisons"]["previous"]
    # A baseline that says the same of every row reaches the base rate.
    assert baseline["areas"]["spam"]["theirs"] == pytest.approx(1 / 3)
    assert baseline["areas"]["spam"]["low"] > 0
    assert previous["macro"]["difference"] == 0
    assert load_bundle(DEFAULT).hash in previous["system"]
    assert (previous["unknown_to_them"], previous["unknown_to_us"]) == ([], [])
    assert baseline["unknown_to_them"] == [load_taxonomy().area_ids[-1]]


def test_baseline_is_named_by_the_sha256_of_its_scores(folder: Path, report: dict[str, Any]) -> None:
    digest = hashlib.sha256((folder / "base.jsonl").read_bytes()).hexdigest()
    assert digest in report["comparisons"]["baseline"]["system"]


def test_markdown_shows_every_section_and_escapes_cells(report: dict[str, Any]) -> None:
    text = markdown(report)
    for title in ("In short", "By policy area", "Severity", "Against baseline", "Slices", "Behaviour", "eight bits"):
        assert re.search(rf"^## .*{title}", text, re.MULTILINE)
    assert f"{report['areas']['spam']['auprc']:.3f}" in text
    changed = {**report, "data": [{"name": "a|b.jsonl", "rows": 1, "sha256": "0"}]}
    assert "a\\|b.jsonl" in markdown(changed)


@pytest.mark.training
def test_page_is_whole_and_asks_for_nothing(folder: Path, report: dict[str, Any]) -> None:
    out = folder / "report.html"
    assert main(run(folder, "--behaviour", "--html", str(out), "--markdown", str(folder / "report.md"))) == 0
    text = out.read_text(encoding="utf-8")
    assert text.count("<svg") >= 8
    assert "<script" not in text
    # Names of namespaces alone: no address is loaded.
    assert set(re.findall(r'(?:src|href)="([^"#][^"]*)"', text)) == set()
    assert not re.search(r"url\([^#]|@import", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)
    assert "prefers-color-scheme: dark" in text
    assert "var(--accent)" in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314 - our own drawing


@pytest.mark.training
def test_page_escapes_names_from_the_data(report: dict[str, Any]) -> None:
    slices = {"source": {"<i>x</i>": report["slices"]["source"]["s"]}}
    text = page({**report, "name": "<b>&", "slices": slices})
    assert "<title>Evaluation of &lt;b&gt;&amp;</title>" in text
    assert "<i>x</i>" not in text


def test_page_without_the_drawing_library_says_what_to_install(
    report: dict[str, Any], monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("eval.charts.importlib.import_module", missing)
    assert main(run(folder, "--html", str(folder / "none.html"))) == 2
    assert "pip install 'vl-convert-python" in capsys.readouterr().err
    assert not (folder / "none.html").exists()


def test_filters_and_formats_reach_the_report(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    assert main(run(folder, "--where", "lang=id", "--where-not", "kind=news", "--json", str(out))) == 0
    values = json.loads(out.read_text())
    assert (values["rows"], values["filters"]) == (6, {"wanted": ["lang=id"], "unwanted": ["kind=news"]})
    assert (values["areas"], values["any_harm"]["auprc"]) == ({}, None)
    mine = tmp_path / "mine.jsonl"
    mine.write_text("".join(json.dumps({"text": f"free prize {n}", "label": n % 2}) + "\n" for n in range(30)))
    plain = ["--data", str(mine), "--format", "jsonl", "--area", "spam", "--draws", "5", "--json", str(out)]
    assert main(["run", *bundle(), *plain]) == 0
    assert json.loads(out.read_text())["areas"]["spam"]["positives"] == 15


@pytest.mark.parametrize("command", ["score", "run"])
def test_bad_input_is_one_line_and_no_traceback(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "o")] if command == "score" else []
    bad, empty = tmp_path / "bad.jsonl", tmp_path / "empty.jsonl"
    bad.write_text("{\n")
    empty.write_text("")
    for folder, path in [(tmp_path, bad), (DEFAULT, tmp_path / "none.jsonl"), (DEFAULT, bad), (DEFAULT, empty)]:
        assert main([command, "--bundle", str(folder), "--data", str(path), *out]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def test_scores_of_other_rows_or_another_bundle_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, message in (("base.jsonl", "not of bundle"), ("rows.jsonl", "not a line of scores")):
        arguments = ["run", *bundle(), "--data", str(folder / "rows.jsonl"), "--scores", str(folder / name)]
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
