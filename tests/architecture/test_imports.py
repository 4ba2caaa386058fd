"""Importing our code does nothing but define names, and serving works without any training package."""

from pathlib import Path

import pytest

from tests.architecture import imports, lifts
from tests.architecture.tree import REPOSITORY, join, read_sources, write_tree

NOT_IN_SERVING = {"datasets", "mlflow", "onnx", "pandas", "scipy", "sklearn", "statsmodels", "torch", "transformers"}
SERVING_PARTS = [
    "labeling.taxonomy",
    "labeling.records",
    "models.atomic",
    "models.bundle",
    "models.calibration",
    "models.inference",
    "models.registry",
    "models.verdict",
]


def modules_of(*folders: str) -> list[str]:
    found = [source.module for source in read_sources(REPOSITORY, folders)]
    return [module for module in found if module not in lifts.WORKS_ON_IMPORT]


def test_importing_what_serves_does_nothing(tmp_path: Path) -> None:
    modules = [module for module in modules_of("labeling", "models", "service") if module != "models.definition"]
    found = imports.side_effects(REPOSITORY, modules, folder=tmp_path)
    assert not found, join(found)


@pytest.mark.training
def test_importing_what_trains_does_nothing(tmp_path: Path) -> None:
    modules = [*modules_of("eval", "training", "bench"), "models.definition"]
    found = imports.side_effects(REPOSITORY, modules, folder=tmp_path)
    found = [line for line in found if not any(f": leaves {start}" in line for start in lifts.LEFT_BY_OTHERS)]
    assert not found, join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print('loaded')", "says"),
        ("import os\nos.write(2, b'warning')", "says"),
        ("from pathlib import Path\nPath('var').mkdir()", "leaves var"),
        ("from pathlib import Path\nPath('/dev/null').write_text('x')", "writes a file"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "socket."),
        ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()", "starts a thread"),
        ("import os\nos.environ['TRIAGE_SECRET']", "cannot be imported: KeyError"),
        ("import sys\nsys.exit(3)", "cannot be imported: SystemExit"),
    ],
)
def test_work_on_import_is_found(tmp_path: Path, text: str, expected: str) -> None:
    root = write_tree(tmp_path / "tree", {"service/quiet.py": "x = 1\n", "service/planted.py": text})
    folder = tmp_path / "empty"
    folder.mkdir()
    found = imports.side_effects(root, ["service.quiet", "service.planted"], folder=folder)
    assert [line.partition(":")[0] for line in found][:1] == ["service.planted"]
    assert any(expected in line for line in found), join(found)


def test_serving_needs_no_training_package(tmp_path: Path) -> None:
    modules = [*SERVING_PARTS, *modules_of("labeling/statistics", "service")]
    assert {"service.app", "service.__main__"} <= set(modules)
    found = imports.needs_hidden(REPOSITORY, modules, hidden=NOT_IN_SERVING, folder=tmp_path)
    assert not found, join(found)


def test_training_package_in_serving_is_found(tmp_path: Path) -> None:
    files = {"service/planted.py": "from models.net import x\n", "models/net.py": "import torch.nn\nx = torch\n"}
    root = write_tree(tmp_path / "tree", files)
    found = imports.needs_hidden(root, ["service.planted"], hidden=NOT_IN_SERVING, folder=tmp_path)
    assert len(found) == 1
    assert "torch" in found[0]
