import json
import re
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.card import card_text
from labeling.records import write_labelled_texts
from models.bundle import MANIFEST, load_bundle
from tests.eval.rows import row
from tests.models.bundles import DEFAULT, default_contents, write_bundle

# Beside the bundle once its report is kept there; what `eval card` is then given.
REPORT = DEFAULT.with_name("default.report.json")
CARD = Path(__file__).parents[2] / "docs" / "model-card.md"


def manifest() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((DEFAULT / MANIFEST).read_bytes())
    return values


def test_card_in_the_documentation_is_that_of_the_shipped_bundle(tmp_path: Path) -> None:
    report = ["--report", str(REPORT)] if REPORT.exists() else []
    assert main(["card", "--bundle", str(DEFAULT), *report, "--out", str(tmp_path / "new" / "card.md")]) == 0
    assert (tmp_path / "new" / "card.md").read_text(encoding="utf-8") == CARD.read_text(encoding="utf-8")


def test_card_shows_each_figure_beside_its_base_rate_and_the_baseline() -> None:
    text, metrics = card_text(load_bundle(DEFAULT)), manifest()["metrics"]
    for area, figures in metrics["int8"]["areas"].items():
        (line,) = re.findall(rf"^\| {area} \|.*$", text, re.MULTILINE)
        assert f"{figures['base_rate']:.4f}" in line
        assert f"{figures['auprc']:.3f}" in line
        assert f"{metrics['baseline']['figures']['areas'][area]['auprc']:.3f}" in line


def test_card_warns_of_what_the_figures_do_not_say(tmp_path: Path) -> None:
    values = manifest()
    values["trained_areas"] = [area for area in values["trained_areas"] if area not in {"commerce", "privacy"}]
    write_bundle(tmp_path / "b", contents=default_contents(), **values)
    text = card_text(load_bundle(tmp_path / "b"))
    assert "It learned sources, not policies" in text
    assert "2 of 20 areas were never learned" in text
    assert all(f"`{area}`" in text for area in ("commerce", "privacy"))
    assert text.index("Limits") < text.index("AUPRC served")


def test_every_source_is_named_with_its_licence() -> None:
    text, data = card_text(load_bundle(DEFAULT)), manifest()["training"]["data"]
    for source, one in data["sources"].items():
        assert f"| {source} | {one['rows']:,} | {one['licence']} |" in text


def test_bundle_without_baseline_or_figures_still_has_a_card(tmp_path: Path) -> None:
    values = manifest()
    metrics = values["metrics"]
    nothing: dict[str, Any] = {"areas": {}, "macro_auprc": None, "macro_interval": None, "severity_kappa": None}
    metrics.update(baseline=None, int8={**metrics["int8"], **nothing}, float32={**metrics["float32"], **nothing})
    write_bundle(tmp_path / "b", contents=default_contents(), **values)
    text = card_text(load_bundle(tmp_path / "b"))
    assert "The baseline is not measured" in text
    assert "Macro AUPRC over 0 areas: served not measurable" in text


def test_card_shows_what_the_report_measured(tmp_path: Path) -> None:
    rows = [
        row(n, *(("spam",) if n % 2 else ()), text=f"win a prize {n}" if n % 2 else f"see you {n}") for n in range(40)
    ]
    write_labelled_texts(tmp_path / "mine.jsonl", rows)
    out = tmp_path / "report.json"
    arguments = ["--bundle", str(DEFAULT), "--data", str(tmp_path / "mine.jsonl"), "--draws", "20", "--behaviour"]
    assert main(["run", *arguments, "--macro-positives", "10", "--json", str(out)]) == 0
    card = tmp_path / "card.md"
    assert main(["card", "--bundle", str(DEFAULT), "--report", str(out), "--out", str(card)]) == 0
    text, spam = card.read_text(encoding="utf-8"), json.loads(out.read_text())["areas"]["spam"]
    assert "## Measured on mine.jsonl" in text
    assert f"{spam['auprc']:.3f} ({spam['auprc_low']:.3f} to {spam['auprc_high']:.3f})" in text
    for title in ("Any harm", "Slices", "Behaviour"):
        assert f"### {title}" in text
    assert text.index("## Limits") < text.index("## Intended use") < text.index("## Measured on")


def test_report_of_another_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text('{"bundle": "other"}')
    arguments = ["card", "--bundle", str(DEFAULT), "--report", str(tmp_path / "r.json")]
    assert main([*arguments, "--out", str(tmp_path / "card.md")]) == 2
    assert "the report is of bundle other" in capsys.readouterr().err


def test_manifest_without_figures_is_one_line_and_the_earlier_card_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, card = write_bundle(tmp_path / "b"), tmp_path / "card.md"
    card.write_text("earlier")
    assert main(["card", "--bundle", str(bundle), "--out", str(card)]) == 2
    error = capsys.readouterr().err
    assert "lacks a figure ('training')" in error
    assert error.count("\n") == 1
    assert card.read_text() == "earlier"


def test_newer_manifests_say_how_they_were_made(tmp_path: Path) -> None:
    values = manifest()
    values["windows"] = 8
    values["training"]["data"] = {**values["training"]["data"], "files": [{"name": "train.jsonl.gz", "sha256": "abc"}]}
    values["training"]["config"]["encoder"] = "e5-small"
    values["metrics"]["validation"]["sha256"] = ["one", "two"]
    values["metrics"]["calibration"]["measured"] = "errors of the other half"
    values["metrics"]["calibration"]["languages"] = {"zh": ["harassment", "hateful_conduct"], "ko": ["harassment"]}
    write_bundle(tmp_path / "b", contents=default_contents(), **values)
    text = card_text(load_bundle(tmp_path / "b"))
    assert "in up to 8 windows" in text
    assert "`train.jsonl.gz` sha256 `abc`" in text
    assert "/data/" not in text
    assert "files sha256 `one`, `two`" in text
    assert "errors of the other half" in text
    assert "zh (`harassment`, `hateful_conduct`); ko (`harassment`)" in text
    assert "the encoder knows many languages" in text
