"""What is told of a bundle: by its very hash, with its verdict and card, and nothing where a file is damaged."""

from pathlib import Path

from models.bundle import MANIFEST, manifest_hash
from models.registry import add_bundle, promote, rollback
from service.scoring.cards import about, releases
from service.settings import REPOSITORY, Settings
from tests.models.releases import NOTE, made

SHIPPED = REPOSITORY / "bundles" / "default"


def test_the_shipped_bundle_says_what_it_is_with_verdict_thresholds_and_card(settings: Settings) -> None:
    chosen = manifest_hash(SHIPPED)
    assert chosen is not None
    told = about(settings.model_copy(update={"bundle": SHIPPED}), chosen)
    assert told is not None
    assert told.verdict is not None
    assert told.verdict.passed
    assert all(rule.passed and rule.owner for rule in told.verdict.rules)
    assert len(told.areas) == 20
    assert all(area.threshold is not None and 0 < area.threshold < 1 for area in told.areas)
    # The card of this very bundle, up to its tables.
    assert told.card is not None
    assert "## Limits: read these first" in told.card
    assert "## Measured" not in told.card
    assert about(settings, "0" * 64) is None
    assert about(settings, "../../etc/passwd") is None


def test_bundles_of_the_registry_are_told_of_until_their_manifest_changes(settings: Settings, tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    registry.mkdir()
    with_registry = settings.model_copy(update={"registry": registry})
    assert releases(settings).registry is False
    assert releases(with_registry).history == []
    hashes = []
    for name in ("first", "second"):
        source, verdict, chosen = made(tmp_path, name)
        add_bundle(registry, source, verdict)
        promote(registry, chosen, NOTE)
        hashes.append(chosen)
    rollback(registry, NOTE)
    told = about(with_registry, hashes[0])
    assert told is not None
    assert (told.name, told.card) == ("first", None)
    assert told.verdict is not None
    assert [rule.rule for rule in told.verdict.rules] == ["macro"]
    history = releases(with_registry).history
    assert [(one.action, one.bundle, one.replaced) for one in history] == [
        ("rollback", hashes[0], hashes[1]),
        ("promote", hashes[1], hashes[0]),
        ("promote", hashes[0], None),
    ]
    (registry / "cards").mkdir()
    (registry / "cards" / f"{hashes[0]}.md").write_text("# Card of another bundle", encoding="utf-8")
    assert about(with_registry, hashes[0]) == told
    card = f"# Card\n\nBundle {hashes[0]}.\n\n## Measured on much\n\n| a |"
    (registry / "cards" / f"{hashes[0]}.md").write_text(card, encoding="utf-8")
    again = about(with_registry, hashes[0])
    assert again is not None
    assert again.card == f"# Card\n\nBundle {hashes[0]}."
    (registry / "bundles" / hashes[0] / MANIFEST).write_text("{}", encoding="utf-8")
    assert about(with_registry, hashes[0]) is None
    (registry / "releases.json").write_text("{", encoding="utf-8")
    found = releases(with_registry)
    assert found.history == []
    assert found.problem is not None
    assert "releases.json" in found.problem
