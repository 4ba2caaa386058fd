"""What there is to know of a bundle before relying on it, and every release ever made: read from files, verified by hash.

The weights are not looked at: whoever serves a bundle verifies them. All functions read files: call them off the event loop.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.bundle import CALIBRATION, MANIFEST, BundleError, manifest_hash, parse_object
from models.registry import BUNDLES, VERDICTS, Releases, read_releases
from models.verdict import VERDICT_SUFFIX, RegistryError, Verdict, bundle_hash, read_verdict
from service.scoring.schemas import AreaFiguresOut, BundleOut, GateRuleOut, ReleaseChangeOut, ReleasesOut, VerdictOut
from service.settings import REPOSITORY, Settings

# Written by `python -m eval card`; one that does not name the bundle's hash is the card of another.
CARDS = "cards"
CARD_SUFFIX = ".card.md"
SHIPPED_CARD = REPOSITORY / "docs" / "model-card.md"
MAX_CARD_BYTES = 1_000_000
# From here on a card is tables, which are read in the file.
FIGURES = "\n## Measured"
SHOWN_CHANGES = 100


def about(settings: Settings, bundle: str) -> BundleOut | None:
    """What a bundle's manifest, verdict and card say; None where there is no such bundle here."""
    for folder, verdict, cards in _places(settings, bundle):
        try:
            if manifest_hash(folder) != bundle:
                continue
            manifest = parse_object((folder / MANIFEST).read_bytes(), folder / MANIFEST)
            return _described(bundle, manifest, _thresholds(folder)).model_copy(
                update={"verdict": _verdict(verdict, bundle), "card": _card(cards, bundle)}
            )
        except (BundleError, OSError, KeyError, TypeError, ValueError):
            # Damaged: the part that serves it says why. There is nothing to tell of it here.
            continue
    return None


def releases(settings: Settings) -> ReleasesOut:
    """Who plays which part by the registry, and the newest changes, newest first."""
    if settings.registry is None:
        return ReleasesOut(registry=False, problem=None, share=None, history=[])
    try:
        found = read_releases(settings.registry)
    except RegistryError as error:
        return ReleasesOut(registry=True, problem=str(error), share=None, history=[])
    share = found.staged.share if found.staged else None
    return ReleasesOut(registry=True, problem=None, share=share, history=_history(found))


def _places(settings: Settings, bundle: str) -> Iterator[tuple[Path, Path, tuple[Path, ...]]]:
    """Folder, verdict and possible cards of a bundle: in the registry, and shipped."""
    try:
        name = bundle_hash(bundle)
    except RegistryError:
        return
    if settings.registry is not None:
        registry = settings.registry
        yield registry / BUNDLES / name, registry / VERDICTS / f"{name}.json", (registry / CARDS / f"{name}.md",)
    shipped = settings.bundle
    cards = shipped.with_name(f"{shipped.name}{CARD_SUFFIX}"), SHIPPED_CARD
    yield shipped, shipped.with_name(f"{shipped.name}{VERDICT_SUFFIX}"), cards


def _described(bundle: str, manifest: dict[str, Any], thresholds: dict[str, float]) -> BundleOut:
    figures = (manifest.get("metrics") or {}).get("int8") or {}
    interval = figures.get("macro_interval") or {}
    by_area = figures.get("areas") or {}
    return BundleOut(
        bundle=bundle,
        name=manifest["name"],
        created=manifest["created"],
        taxonomy_version=manifest["taxonomy_version"],
        untrained_areas=[area for area in manifest["areas"] if area not in manifest["trained_areas"]],
        max_tokens=manifest["max_tokens"],
        windows=manifest.get("windows", 1),
        validation_rows=figures.get("rows"),
        macro_auprc=figures.get("macro_auprc"),
        macro_low=interval.get("low"),
        macro_high=interval.get("high"),
        areas=[_area(area, by_area.get(area) or {}, thresholds.get(area)) for area in manifest["areas"]],
        verdict=None,
        card=None,
    )


def _area(area: str, figures: dict[str, Any], threshold: float | None) -> AreaFiguresOut:
    interval = figures.get("interval") or {}
    return AreaFiguresOut(
        area=area,
        positives=figures.get("positives"),
        auprc=figures.get("auprc"),
        low=interval.get("low"),
        high=interval.get("high"),
        base_rate=figures.get("base_rate"),
        calibration_error=figures.get("calibration_error"),
        threshold=threshold,
    )


def _thresholds(folder: Path) -> dict[str, float]:
    areas = parse_object((folder / CALIBRATION).read_bytes(), folder / CALIBRATION)["areas"]
    return {area: float(one["threshold"]) for area, one in areas.items()}


def _verdict(path: Path, bundle: str) -> VerdictOut | None:
    """The verdict of that very bundle; None where there is none that can be read."""
    try:
        verdict = read_verdict(path)
        if verdict.bundle != bundle:
            return None
        return VerdictOut(passed=verdict.passed, compared_with=verdict.compared_with, rules=_rules(verdict))
    except (RegistryError, KeyError, TypeError, ValueError):
        return None


def _rules(verdict: Verdict) -> list[GateRuleOut]:
    rules = json.loads(verdict.raw)["rules"]
    return [
        GateRuleOut(
            rule=str(one["rule"]),
            passed=one["passed"] is True,
            reason=str(one.get("reason", "")),
            owner=str(one.get("owner", "")),
        )
        for one in rules
    ]


def _card(places: tuple[Path, ...], bundle: str) -> str | None:
    """The words of the card, up to its figures."""
    for place in places:
        try:
            if place.stat().st_size > MAX_CARD_BYTES:
                continue
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if bundle in text:
            return text.partition(FIGURES)[0].strip()
    return None


def _history(found: Releases) -> list[ReleaseChangeOut]:
    return [
        ReleaseChangeOut(
            at=one.at,
            action=one.action,
            bundle=one.bundle,
            replaced=one.replaced,
            by=one.by,
            reason=one.reason,
            skipped=list(one.skipped),
        )
        for one in reversed(found.history[-SHOWN_CHANGES:])
    ]
