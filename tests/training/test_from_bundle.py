"""A bundle can be trained on: its weights come back, for the same areas and for others."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from labeling.taxonomy import load_taxonomy
from models.bundle import MANIFEST, MODEL, BundleError, describe_file
from tests.training.conftest import AREAS, CONFIG, TEXTS, read_json
from training.__main__ import main
from training.config import load_config
from training.from_bundle import read_bundle
from training.network import load_checkpoint
from training.train import predict_texts

pytestmark = pytest.mark.training

SAMPLE = [TEXTS[area].format("nine") for area in ("spam", "harassment", "")]


def test_what_comes_back_scores_as_the_run_did(bundle: Path, run: Path, data: Path) -> None:
    trained, _ = load_checkpoint(run)
    back = read_bundle(bundle, load_config(data / "config.toml"), areas=trained.areas)
    assert (back.trained_areas, back.rows_seen) == (trained.trained_areas, trained.rows_seen)
    expected, found = predict_texts(trained, SAMPLE), predict_texts(back, SAMPLE)
    assert np.abs(expected.areas - found.areas).max() < 0.1
    assert np.abs(expected.severity - found.severity).max() < 0.1


def test_new_areas_start_untrained_and_old_ones_keep_their_place(bundle: Path, data: Path) -> None:
    config = load_config(data / "config.toml")
    old = load_taxonomy().area_ids
    new = ("something_new", *old[5:])
    same, other = (read_bundle(bundle, config, areas=areas) for areas in (old, new))
    before, after = predict_texts(same, SAMPLE), predict_texts(other, SAMPLE)
    assert np.array_equal(after.areas[:, 1:], before.areas[:, 5:])
    assert np.array_equal(after.areas[:, 0], np.zeros(len(SAMPLE)))
    assert np.array_equal(after.severity, before.severity)
    assert set(other.trained_areas) <= set(new)


def test_training_goes_on_from_a_bundle(bundle: Path, data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.replace("0.05", "0.02"))
    arguments = ["--data", str(data), "--config", str(config), "--start", str(bundle), "--out", str(tmp_path / "run")]
    assert main(["train", "--no-tracking", *arguments]) == 0
    state = read_json(tmp_path / "run" / "run.json")
    assert state["minutes"] == pytest.approx(0.07)
    assert set(state["trained_areas"]) == set(AREAS)


def test_another_shape_is_refused(bundle: Path, data: Path) -> None:
    config = replace(load_config(data / "config.toml"), wide_rows=50_000)
    with pytest.raises(BundleError, match="keep `wide_rows`"):
        read_bundle(bundle, config, areas=load_taxonomy().area_ids)


@pytest.mark.parametrize("what", ["no training", "training of another kind", "no graph", "another graph"])
def test_a_bundle_without_what_training_needs_is_refused(bundle: Path, data: Path, tmp_path: Path, what: str) -> None:
    broken = Path(shutil.copytree(bundle, tmp_path / "broken"))
    manifest = read_json(broken / MANIFEST)
    if what == "no training":
        del manifest["training"]
    elif what == "training of another kind":
        manifest["training"] = {"encoder_shape": {}}
    else:
        graph = b"no graph" if what == "no graph" else onnx.ModelProto().SerializeToString()
        (broken / MODEL).write_bytes(graph)
        manifest["files"][MODEL] = describe_file(graph)
    (broken / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=r"cannot be read as a graph|cannot be trained on"):
        read_bundle(broken, load_config(data / "config.toml"), areas=load_taxonomy().area_ids)
