import json
import re
from pathlib import Path
from typing import Any

from eval.__main__ import main
from eval.card import card_text
from models.bundle import MANIFEST, load_bundle
from tests.models.bundles import DEFAULT, default_contents, write_bundle

CARD = Path(__file__).parents[2] / "docs" / "model-card.md"


def manifest() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((DEFAULT / MANIFEST).read_bytes())
    return values


def test_card_in_the_documentation_is_that_of_the_shipped_bundle(tmp_path: Path) -> None:
    assert main(["card", "--bundle", str(DEFAULT), "--out", str(tmp_path / "new" / "card.md")]) == 0
    assert (tmp_path / "new" / "card.md").read_text(encoding="utf-8") == CARD.read_text(encoding="utf-8")


def test_card_shows_each_figure_beside_its_base_rate_and_the_baseline() -> None:
    text, metrics = card_text(load_bundle(DEFAULT)), manifest()["metrics"]
    for area, figures in metrics["int8"]["areas"].items():
        (line,) = re.findall(rf"^\| {area} \|.*$", text, re.MULTILINE)
        assert f"{figures['base_rate']:.4f}" in line
        assert f"{figures['auprc']:.3f}" in line
        assert f"{metrics['baseline']['figures']['areas'][area]['auprc']:.3f}" in line


def test_card_warns_of_what_the_figures_do_not_say() -> None:
    text = card_text(load_bundle(DEFAULT))
    assert "It learned sources, not policies" in text
    assert "6 of 20 areas were never learned" in text
    assert all(f"`{area}`" in text for area in ("coordinating_harm", "account_integrity", "commerce"))
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
