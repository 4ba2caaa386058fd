import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labeling.records import LabelledText, write_labelled_texts
from training.__main__ import main

AREAS = ("harassment", "spam")

TEXTS = {
    "spam": "you have won prize number {} call now to claim your free gift",
    "harassment": "number {} you are a fool and a clown go away",
    "": "the garden has {} roses and the weather is fine today",
}

CONFIG = """\
name = "tiny"
encoder = "minilm-l6"
minutes = 0.05
threads = 1
batch_size = 8
max_tokens = 32
wide_rows = 40000
wide_epochs = 2
frozen_layers = 5
train_embeddings = false
warm_up = 0.1
"""


def make_rows(count: int, *, start: int = 0) -> list[LabelledText]:
    """Mild, made-up rows of two areas and benign in turn, all sides known."""
    rows = []
    for number in range(start, start + count):
        area = ("spam", "harassment", "")[number % 3]
        areas = (area,) if area else ()
        severity = {"spam": 1, "harassment": 2, "": 0}[area]
        text = TEXTS[area].format(number)
        rows.append(LabelledText(f"r{number}", text, areas, AREAS, severity, "made-up", "en", "CC0-1.0"))
    return rows


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of 66 training and 60 validation rows, and the configuration to train on it."""
    folder = tmp_path_factory.mktemp("data")
    write_labelled_texts(folder / "train.jsonl", make_rows(66))
    write_labelled_texts(folder / "validation.jsonl", make_rows(60, start=500))
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="session")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of sixty steps on `data`, baseline beside it."""
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--data", str(data), "--config", str(data / "config.toml"), "--out", str(folder)]
    # Its three seconds pass by the looks at the clock, two a step: a busy machine learns as much as an idle one.
    looks = itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.train.time", SimpleNamespace(monotonic=lambda: next(looks) * 0.025))
        assert main(["train", "--no-tracking", *arguments]) == 0
    assert main(["baseline", *arguments]) == 0
    return folder


@pytest.fixture(scope="session")
def bundle(run: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `run`."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    assert (
        main(
            [
                "export",
                "--no-tracking",
                "--run",
                str(run),
                "--validation",
                str(data / "validation.jsonl"),
                "--out",
                str(folder),
            ]
        )
        == 0
    )
    return folder


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
