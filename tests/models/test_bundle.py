import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from labeling.taxonomy import load_taxonomy
from models.bundle import FILES, MANIFEST, MODEL, BundleError, check_taxonomy, load_bundle
from tests.models.bundles import AREAS, DEFAULT, tiny_bundle, write_bundle


def test_bundle_is_identified_by_the_hash_of_its_manifest(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "b")
    assert bundle.hash == hashlib.sha256((tmp_path / "b" / MANIFEST).read_bytes()).hexdigest()
    assert (bundle.areas, bundle.trained_areas, bundle.max_tokens) == (AREAS, AREAS[:2], 16)


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_is_refused_and_named(tmp_path: Path, name: str) -> None:
    path = write_bundle(tmp_path / "b") / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=rf"{re.escape(str(path))}: sha256 is .*, the manifest says .*export it anew"):
        load_bundle(tmp_path / "b")


def test_flipped_byte_in_the_manifest_is_refused_or_another_bundle(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "b") / MANIFEST
    original, content = load_bundle(tmp_path / "b"), path.read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        with suppress(BundleError):
            assert load_bundle(tmp_path / "b").hash != original.hash


def test_file_changed_after_loading_is_not_read(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "b")
    (tmp_path / "b" / MODEL).write_bytes(b"A graph")
    with pytest.raises(BundleError, match="sha256"):
        bundle.read(MODEL)


def test_shortened_file_is_refused(tmp_path: Path) -> None:
    (write_bundle(tmp_path / "b") / MODEL).write_bytes(b"")
    with pytest.raises(BundleError, match="has 0 bytes, the manifest says 7"):
        load_bundle(tmp_path / "b")


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
def test_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    (write_bundle(tmp_path / "b") / name).unlink()
    with pytest.raises(BundleError, match=f"{name} missing"):
        load_bundle(tmp_path / "b")


def test_extra_file_is_refused(tmp_path: Path) -> None:
    (write_bundle(tmp_path / "b") / "setup.py").write_text("")
    with pytest.raises(BundleError, match=r"setup\.py does not belong"):
        load_bundle(tmp_path / "b")


def test_linked_file_is_refused(tmp_path: Path) -> None:
    model = write_bundle(tmp_path / "b") / MODEL
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="regular file"):
        load_bundle(tmp_path / "b")


def test_pipe_in_place_of_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    model = write_bundle(tmp_path / "b") / MODEL
    model.unlink()
    os.mkfifo(model)
    with pytest.raises(BundleError, match="regular file"):
        load_bundle(tmp_path / "b")


def test_absent_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle folder"):
        load_bundle(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2, but this version reads format 1"),
        ({"files": {"../../etc/passwd": {"sha256": "", "bytes": 0}}}, "must list exactly"),
        ({"files": dict.fromkeys(FILES, "x")}, "of the wrong kind"),
        ({"files": list(FILES)}, "files: an object is needed"),
        ({"areas": ["a", "a"]}, "each once"),
        ({"areas": []}, "each once"),
        ({"areas": "abc"}, "a list of texts is needed"),
        ({"trained_areas": ["other"]}, "must be among areas"),
        ({"max_tokens": 10**9}, "between 8 and 8192"),
        ({"max_tokens": "128"}, "between 8 and 8192"),
        ({"max_tokens": None}, "between 8 and 8192"),
    ],
)
def test_manifest_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_bundle(tmp_path / "b", **changes)
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "[" * 100_000, " " * 2_000_000, "\ufeff{}"])
def test_manifest_that_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (write_bundle(tmp_path / "b") / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(BundleError, match=re.escape(MANIFEST)):
        load_bundle(tmp_path / "b")


def test_areas_must_be_those_of_the_taxonomy(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"missing child_safety, .*unknown none"):
        check_taxonomy(tiny_bundle(tmp_path / "b"), load_taxonomy())


def test_order_of_areas_must_be_that_of_the_taxonomy(tmp_path: Path) -> None:
    taxonomy = load_taxonomy()
    write_bundle(tmp_path / "b", areas=sorted(taxonomy.area_ids))
    with pytest.raises(BundleError, match="missing none; unknown none; the order must match too"):
        check_taxonomy(load_bundle(tmp_path / "b"), taxonomy)


def test_shipped_bundle_is_sound_small_and_fits_the_shipped_taxonomy() -> None:
    bundle = load_bundle(DEFAULT)
    check_taxonomy(bundle, load_taxonomy())
    assert sum(path.stat().st_size for path in DEFAULT.iterdir()) <= 40_000_000
    assert json.loads((DEFAULT / MANIFEST).read_bytes())["metrics"]["baseline"] is not None
