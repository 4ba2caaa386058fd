"""A model as a folder of plain files: what must be in it, and the checks it passes before a byte of it is used.

`manifest.json` names every other file with its sha256; the sha256 of the manifest itself is the bundle's identity.
Nothing in a bundle is executable and nothing is unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeling.taxonomy import Taxonomy

FORMAT = 1
MANIFEST = "manifest.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
CALIBRATION = "calibration.json"
FILES = (MODEL, TOKENIZER, CALIBRATION)
MAX_MANIFEST_BYTES = 1_000_000
# A text of the greatest length in windows of the smallest useful size.
MAX_WINDOWS = 64

_MEND = "fetch the bundle again, or export it anew with `python -m training export`"


class BundleError(ValueError):
    """A bundle that must not be used; the message names the file, what is wrong with it and how to mend it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were verified. `hash` is the sha256 (hex) of the manifest's bytes."""

    folder: Path
    hash: str
    name: str
    created: str
    taxonomy_version: str
    areas: tuple[str, ...]
    trained_areas: tuple[str, ...]
    benign_id: str
    max_tokens: int
    windows: int
    manifest: Mapping[str, Any]

    def read(self, file_name: str) -> bytes:
        """Bytes of one of FILES, checked against the manifest once more: what is checked is what is used.

        Raises BundleError.
        """
        path = self.folder / file_name
        entry = self.manifest["files"][file_name]
        content = _read(path)
        if len(content) != entry["bytes"]:
            raise BundleError(f"{path}: has {len(content)} bytes, the manifest says {entry['bytes']}; {_MEND}")
        found = hashlib.sha256(content).hexdigest()
        if found != entry["sha256"]:
            raise BundleError(f"{path}: sha256 is {found}, the manifest says {entry['sha256']}; {_MEND}")
        return content


def load_bundle(folder: Path) -> Bundle:
    """Read the manifest of `folder` and verify every file against it. Raises BundleError."""
    _check_listing(folder)
    raw = _read(folder / MANIFEST)
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(f"{folder / MANIFEST}: larger than {MAX_MANIFEST_BYTES} bytes, so it is no manifest; {_MEND}")
    manifest = parse_object(raw, folder / MANIFEST)
    try:
        bundle = _from_manifest(folder, manifest, digest=hashlib.sha256(raw).hexdigest())
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder / MANIFEST}: a field is missing or of the wrong kind ({error}); {_MEND}") from error
    for file_name in FILES:
        bundle.read(file_name)
    return bundle


def manifest_hash(folder: Path) -> str | None:
    """The hash of the bundle in `folder`, whose other files are not looked at; None where there is no manifest.

    Raises BundleError where it cannot be read.
    """
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(folder / MANIFEST, error) from error


def describe_file(content: bytes) -> dict[str, Any]:
    """The manifest's entry for a file of that content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def check_taxonomy(bundle: Bundle, taxonomy: Taxonomy) -> None:
    """Refuse a bundle whose areas are not those of the taxonomy, in its order. Raises BundleError."""
    if bundle.areas == taxonomy.area_ids and bundle.benign_id == taxonomy.benign_id:
        return
    missing = [area for area in taxonomy.area_ids if area not in bundle.areas]
    foreign = [area for area in bundle.areas if area not in taxonomy.area_ids]
    raise BundleError(
        f"{bundle.folder / MANIFEST}: areas do not match taxonomy {taxonomy.version}: "
        f"missing {', '.join(missing) or 'none'}; unknown {', '.join(foreign) or 'none'}; the order must match too, and "
        f"benign must be {taxonomy.benign_id!r}; train on this taxonomy or configure the one the bundle was made for "
        f"(version {bundle.taxonomy_version})"
    )


def parse_object(raw: bytes, path: Path) -> dict[str, Any]:
    """The JSON object in `raw`; `path` is for messages. Raises BundleError."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON ({error}); {_MEND}") from error
    if not isinstance(value, dict):
        raise BundleError(f"{path}: a JSON object is needed, not {type(value).__name__}; {_MEND}")
    return value


def _check_listing(folder: Path) -> None:
    expected = {MANIFEST, *FILES}
    try:
        entries = {entry.name: entry for entry in folder.iterdir()}
        odd = [name for name, entry in sorted(entries.items()) if entry.is_symlink() or not entry.is_file()]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{folder}: no such bundle folder; point to one that holds {MANIFEST}") from error
    except OSError as error:
        raise _unreadable(folder, error) from error
    missing, extra = sorted(expected - set(entries)), sorted(set(entries) - expected)
    if missing:
        raise BundleError(f"{folder}: {', '.join(missing)} missing; {_MEND}")
    if extra:
        raise BundleError(f"{folder}: {', '.join(extra)} does not belong in a bundle; remove it")
    for name in odd:
        what = "must be a regular file, not a link, folder or device"
        raise BundleError(f"{folder / name}: {what}; copy {name} itself here")


def _from_manifest(folder: Path, manifest: dict[str, Any], *, digest: str) -> Bundle:
    path = folder / MANIFEST
    if manifest["format"] != FORMAT:
        raise BundleError(f"{path}: format {manifest['format']!r}, but this version reads format {FORMAT}; {_MEND}")
    files = manifest["files"]
    if not isinstance(files, dict):
        raise TypeError(f"files: an object is needed, not {type(files).__name__}")
    if set(files) != set(FILES):
        raise BundleError(f"{path}: must list exactly {', '.join(FILES)}, not {', '.join(sorted(files))}; {_MEND}")
    for file_name, entry in files.items():
        if not isinstance(entry["sha256"], str) or not isinstance(entry["bytes"], int):
            raise TypeError(f"files.{file_name}: sha256 must be text and bytes a whole number")
    areas, trained = _texts(manifest, "areas"), _texts(manifest, "trained_areas")
    if not areas or len(set(areas)) != len(areas):
        raise BundleError(f"{path}: areas must be named, each once; {_MEND}")
    if not set(trained) <= set(areas):
        raise BundleError(f"{path}: trained_areas must be among areas; {_MEND}")
    max_tokens = manifest["max_tokens"]
    if not isinstance(max_tokens, int) or not 8 <= max_tokens <= 8_192:
        raise BundleError(f"{path}: max_tokens must be between 8 and 8192, not {max_tokens!r}; {_MEND}")
    # Bundles made before long texts were read in windows read their beginning only.
    windows = manifest.get("windows", 1)
    if not isinstance(windows, int) or not 1 <= windows <= MAX_WINDOWS:
        raise BundleError(f"{path}: windows must be between 1 and {MAX_WINDOWS}, not {windows!r}; {_MEND}")
    return Bundle(
        folder=folder,
        hash=digest,
        name=str(manifest["name"]),
        created=str(manifest["created"]),
        taxonomy_version=str(manifest["taxonomy_version"]),
        areas=areas,
        trained_areas=trained,
        benign_id=str(manifest["benign_id"]),
        max_tokens=max_tokens,
        windows=windows,
        manifest=manifest,
    )


def _texts(manifest: dict[str, Any], key: str) -> tuple[str, ...]:
    value = manifest[key]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{key}: a list of texts is needed")
    return tuple(value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BundleError:
    return BundleError(f"{path}: cannot be read ({error.strerror}); check its permissions")
