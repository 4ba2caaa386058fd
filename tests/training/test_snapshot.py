"""A folder of a snapshot is what training reads, as it is."""

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.__main__ import main as labeling
from labeling.records import read_labelled_texts, write_labelled_texts
from tests.training.conftest import CONFIG, make_rows, read_json
from training.__main__ import main

pytestmark = pytest.mark.training

SIGNS = {"spam": "free prize", "harassment": "you fool", "": "fine weather"}


def test_training_takes_a_snapshot_as_it_is(tmp_path: Path) -> None:
    draw = random.Random(5)
    letters = "bdfgklmnprstvz"
    rows = [
        replace(
            row,
            text=" ".join(
                [
                    *("".join(draw.choice(letters) + draw.choice("aeiou") for _ in range(3)) for _ in range(6)),
                    SIGNS["".join(row.policy_areas)],
                ]
            ),
            extra={"decided_at": f"2026-11-{number % 28 + 1:02}T09:00:00+00:00"},
        )
        for number, row in enumerate(make_rows(90))
    ]
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    (tmp_path / "config.toml").write_text(CONFIG)
    arguments = ["--out", str(tmp_path / "snapshots"), "--share", "0.3"]
    assert labeling(["snapshot", str(tmp_path / "rows.jsonl"), *arguments]) == 0
    [snapshot] = (tmp_path / "snapshots").iterdir()
    run = tmp_path / "run"
    arguments = ["--data", str(snapshot), "--config", str(tmp_path / "config.toml"), "--out", str(run), "--no-tracking"]
    assert main(["train", *arguments]) == 0
    data = read_json(run / "run.json")["data"]
    file = snapshot / "train.jsonl.gz"
    assert data["files"] == [{"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}]
    trained = list(read_labelled_texts(file))
    assert len(trained) == read_json(snapshot / "manifest.json")["split"]["train"]
    assert data["positives"]["spam"] == sum("spam" in row.policy_areas for row in trained)
    assert labeling(["verify", str(snapshot)]) == 0
