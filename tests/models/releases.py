"""Registries for tests: bundles that differ, their verdicts, and what damages them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.bundle import MODEL, load_bundle
from models.registry import Note
from tests.models.bundles import write_bundle

NOTE = Note("ada", "better", datetime(2026, 11, 23, 12, tzinfo=UTC))


def write_verdict(path: Path, bundle: str, *, passed: bool = True, **changes: Any) -> Path:
    """A verdict of one rule."""
    rule = {"rule": "macro", "passed": passed, "reason": "0.8 (at least 0.7)"}
    verdict = {"format": 1, "bundle": bundle, "passed": passed, "rules": [rule], "previous": None, **changes}
    path.write_text(json.dumps(verdict), encoding="utf-8")
    return path


def made(folder: Path, name: str, *, passed: bool = True, previous: str | None = None) -> tuple[Path, Path, str]:
    """A bundle called `name` with its verdict: both paths, and its hash."""
    source = write_bundle(folder / name, name=name)
    chosen = load_bundle(source).hash
    return source, write_verdict(folder / f"{name}.json", chosen, passed=passed, previous=previous), chosen


def damage(folder: Path) -> None:
    """Flip a bit of the model in a bundle folder."""
    path = folder / MODEL
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
