"""Bundles for tests: the shipped one, and small ones that need not be able to score."""

import json
from pathlib import Path
from typing import Any

from models import bundle as files
from models.bundle import Bundle, load_bundle
from models.calibration import AreaCalibration, Calibration

DEFAULT = Path(__file__).parents[2] / "bundles" / "default"

AREAS = ("fraud_scams", "harassment", "spam")

CALIBRATION = Calibration(
    (AreaCalibration(1.0, 0.0, 0.6), AreaCalibration(1.0, 0.0, 0.4), AreaCalibration(0.0, -4.6, 1.0))
)


def default_contents() -> dict[str, bytes]:
    """The files of the shipped bundle, manifest left out."""
    bundle = load_bundle(DEFAULT)
    return {name: bundle.read(name) for name in files.FILES}


def write_bundle(folder: Path, *, contents: dict[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a bundle whose hashes are right; `changes` replace fields of its manifest."""
    written = {
        files.MODEL: b"a graph",
        files.TOKENIZER: b"{}",
        files.CALIBRATION: CALIBRATION.to_json(AREAS).encode(),
        **(contents or {}),
    }
    manifest = {
        "format": files.FORMAT,
        "name": "tiny",
        "created": "2026-11-23T00:00:00+00:00",
        "taxonomy_version": "test",
        "areas": list(AREAS),
        "trained_areas": list(AREAS[:2]),
        "benign_id": "benign",
        "max_tokens": 16,
        "files": {name: files.describe_file(content) for name, content in written.items()},
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (folder / name).write_bytes(content)
    (folder / files.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def tiny_bundle(folder: Path) -> Bundle:
    """A loaded bundle with the areas above."""
    return load_bundle(write_bundle(folder))
