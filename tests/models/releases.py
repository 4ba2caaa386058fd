"""Registries for tests: bundles that differ, their verdicts, and what damages them."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.bundle import MODEL, Bundle, BundleError, load_bundle
from models.registry import Note, Part, open_stored, read_releases
from tests.architecture.tree import REPOSITORY
from tests.models.bundles import write_bundle

NOTE = Note("ada", "better", datetime(2026, 11, 23, 12, tzinfo=UTC))


def write_verdict(path: Path, bundle: str, *, passed: bool = True, **changes: Any) -> Path:
    """A verdict of one rule, as if it stood in the rules file that ships."""
    rules_sha256 = hashlib.sha256((REPOSITORY / "eval" / "gate.toml").read_bytes()).hexdigest()
    rule = {"rule": "macro", "passed": passed, "reason": "0.8 (at least 0.7)"}
    verdict = {"format": 1, "bundle": bundle, "passed": passed, "rules": [rule], "previous": None}
    path.write_text(json.dumps({**verdict, "rules_sha256": rules_sha256, **changes}), encoding="utf-8")
    return path


def made(folder: Path, name: str, *, passed: bool = True, previous: str | None = None) -> tuple[Path, Path, str]:
    """A bundle called `name` with its verdict: both paths, and its hash."""
    source = write_bundle(folder / name, name=name)
    chosen = load_bundle(source).hash
    return source, write_verdict(folder / f"{name}.json", chosen, passed=passed, previous=previous), chosen


def open_release(registry: Path, part: Part) -> Bundle | None:
    """The verified bundle that plays the part; None where nobody does. Raises RegistryError, BundleError."""
    chosen = read_releases(registry).bundle_of(part)
    return None if chosen is None else open_stored(registry, chosen)


def first_sound(registry: Path) -> tuple[Bundle | None, list[str]]:
    """The live bundle, else the last one before it that can be verified, and those that cannot: as the service looks."""
    releases, damaged = read_releases(registry), list[str]()
    for chosen in (releases.bundle_of("live"), *releases.earlier()):
        if chosen is None:
            break
        try:
            return open_stored(registry, chosen), damaged
        except BundleError:
            damaged.append(chosen)
    return None, damaged


def damage(folder: Path) -> None:
    """Flip a bit of the model in a bundle folder."""
    path = folder / MODEL
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
