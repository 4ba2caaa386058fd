"""Whether a snapshot still is what its name says."""

import gzip
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

from labeling.snapshot.build import FORMAT, MANIFEST, SnapshotError


def verify_snapshot(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot whose name, files and hashes fit each other. Raises SnapshotError, OSError.

    The hashes are of what the packed files hold: how they are packed differs between versions of zlib.
    """
    raw = (folder / MANIFEST).read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != folder.resolve().name:
        raise SnapshotError(f"{folder}: {MANIFEST} has the sha256 {found}, which is not the name of the folder")
    manifest: dict[str, Any] = json.loads(raw)
    if manifest["format"] != FORMAT:
        raise SnapshotError(f"{folder}: is of format {manifest['format']}, not {FORMAT}; use the release that wrote it")
    named, there = {*manifest["files"], MANIFEST}, {path.name for path in folder.iterdir()}
    if named != there:
        raise SnapshotError(f"{folder}: not as written; missing or strange: {', '.join(sorted(named ^ there))}")
    for name, expected in manifest["files"].items():
        if _sha256(folder / name) != expected:
            raise SnapshotError(f"{folder / name}: was changed after the snapshot was built")
    return manifest


def _sha256(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SnapshotError(f"{path}: is damaged ({error})") from error
