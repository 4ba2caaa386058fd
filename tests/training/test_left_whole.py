"""What a kill, an interruption or a mistake leaves of runs and bundles: the old, the new, or a refusal."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from eval.truth import make_truth
from labeling.records import write_labelled_texts
from models.bundle import MANIFEST, load_bundle
from tests.training.conftest import AREAS, make_rows
from tests.training.small import CONFIG, small_network
from training import network as checkpoints
from training.__main__ import main
from training.export_onnx import ExportError, _check_learned, _write
from training.network import CheckpointError, Trained, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.training


def small_run(*, learned: tuple[str, ...] = AREAS) -> Trained:
    network, tokenizer = small_network()
    return Trained(network, tokenizer, CONFIG, AREAS, learned, rows_selected=9, rows_seen=9, minutes=1.0)


def test_a_run_killed_while_it_is_saved_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(small_run(), tmp_path, data={})
    assert load_checkpoint(tmp_path)[0].rows_seen == 9

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save_file", kill)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(small_run(), tmp_path, data={})
    with pytest.raises(CheckpointError, match="not the folder of a finished training run"):
        load_checkpoint(tmp_path)


def test_an_interrupted_export_keeps_the_old_bundle(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(bundle, tmp_path / "out"))
    old = load_bundle(out)
    contents = {name: old.read(name) for name in old.manifest["files"]}
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _write(out, {**old.manifest, "created": datetime.now(UTC).isoformat()}, contents)
    assert load_bundle(out).hash == old.hash
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_learned_nothing_is_no_bundle(tmp_path: Path) -> None:
    truth = make_truth(make_rows(6), AREAS)
    _check_learned(small_run(), truth, tmp_path)
    with pytest.raises(ExportError, match="learned no area"):
        _check_learned(small_run(learned=()), truth, tmp_path)
    truth.known[:, 0] = np.zeros(6)
    with pytest.raises(ExportError, match="no validation row speaks of an area that was learned"):
        _check_learned(small_run(learned=AREAS[:1]), truth, tmp_path)


def test_export_of_a_run_judged_by_rows_of_nothing_it_learned_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = [replace(row, policy_areas=(), annotated_areas=()) for row in make_rows(6)]
    write_labelled_texts(tmp_path / "rows.jsonl", silent)
    alone = Path(shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("baseline*")))
    arguments = ["--run", str(alone), "--validation", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "b")]
    assert main(["export", "--no-tracking", *arguments]) == 2
    assert "no validation row speaks of" in capsys.readouterr().err
    assert not (tmp_path / "b" / MANIFEST).exists()


def test_the_same_rows_packed_and_plain_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(data, tmp_path / "data"))
    (folder / "train.jsonl.gz").write_bytes(b"")
    arguments = ["--data", str(folder), "--config", str(folder / "config.toml"), "--out", str(tmp_path / "out")]
    assert main(["train", "--no-tracking", *arguments]) == 2
    assert "holds train.jsonl.gz and train.jsonl; remove the one" in capsys.readouterr().err
