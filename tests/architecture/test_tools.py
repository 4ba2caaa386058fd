"""The tools of `make check` are set up so that they bite: each must find what is planted here."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import REPOSITORY

PYPROJECT = REPOSITORY / "pyproject.toml"

# Rule → a line that breaks it, in a file of the service.
RUFF_PLANTS = {
    "A004": "import eval",
    "ANN201": "def untyped():\n    return 1",
    "ANN001": "def half_typed(x) -> None:\n    del x",
    "B006": "def shared(x: list[int] = []) -> None:\n    x.append(1)",
    "DTZ005": "import datetime\nnow = datetime.datetime.now()",
    "F401": "import zlib",
    "FBT001": "def flagged(loud: bool) -> None:\n    del loud",
    "PLC0415": "def late() -> None:\n    import bz2\n    bz2.open",
    "S101": "assert REPOSITORY",
    "S105": "password = 'hunter2'",
    "S608": "def query(name: str) -> str:\n    return f'SELECT * FROM {name}'",
    "T201": "print('loaded')",
    "TID251": "from sqlalchemy.orm import Session",
    "TID252": "from .cases import store",
}

MYPY_PLANTS = {
    "return-value": "def double(x: int) -> str:\n    return x\n",
    "no-untyped-def": "def untyped(x):\n    return x\n",
    "type-arg": "def bare(x: dict) -> None: ...\n",
    "ignore-without-code": "def quiet() -> str:\n    return 1  # type: ignore\n",
    "no-any-return": "import json\ndef loose(text: str) -> int:\n    return json.loads(text)\n",
    "unreachable": "def never(x: int) -> None:\n    if isinstance(x, str):\n        x.strip()\n",
    "possibly-undefined": "def maybe(x: int) -> int:\n    if x:\n        y = 1\n    return y\n",
}

# Contract → a file that breaks it. Every contract of pyproject.toml must have one.
IMPORT_PLANTS = {
    "floors": {"labeling/planted.py": "import eval.metrics\n"},
    "serving-is-light": {"service/ids.py": "import torch\n"},
    "inference-is-light": {"models/preprocess.py": "import transformers\n"},
    "labels-are-plain": {"labeling/records.py": "import sqlalchemy\n"},
    "statistics-are-numpy": {"labeling/statistics/planted.py": "import scipy.stats\n"},
    "service-layers": {"service/leases/workflow.py": "import service.decisions.schemas\n"},
    "no-cycles": {"service/errors/base.py": "import service.ids\n", "service/ids.py": "import service.errors.base\n"},
    "three-hops": {"service/people/store.py": "import service.people.workflow\n"},
    "rules-know-no-http": {"service/people/workflow.py": "import fastapi\n"},
}


def ruff(text: str, path: str) -> set[str]:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--output-format=json",
        "--stdin-filename",
        path,
        "-",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, input=text, capture_output=True, text=True, check=False)
    return {finding["code"] for finding in json.loads(done.stdout)}


def test_ruff_finds_what_is_planted() -> None:
    text = "\n\n\n".join(RUFF_PLANTS.values()) + "\n"
    assert set(RUFF_PLANTS) - ruff(text, "service/planted.py") == set()


def test_ruff_checks_the_tests_as_well() -> None:
    assert "ANN201" in ruff("def test_planted():\n    pass\n", "tests/planted.py")


def test_ruff_passes_clean_code() -> None:
    assert ruff('"""Nothing wrong here."""\n\nANSWER = 42\n', "service/planted.py") == set()


def test_ruff_format_finds_what_is_planted() -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--check",
        "--no-cache",
        "--stdin-filename",
        "service/planted.py",
        "-",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, input="x  =  1\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1


def test_mypy_finds_what_is_planted(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("\n\n".join(MYPY_PLANTS.values()), encoding="utf-8")
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "mypy", "--config-file", str(PYPROJECT), "--cache-dir", str(cache), str(planted)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    missed = [code for code in MYPY_PLANTS if f"[{code}]" not in done.stdout]
    assert not missed, done.stdout + done.stderr


def contracts() -> dict[str, str]:
    configured = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract["name"] for contract in configured}


def test_every_import_contract_has_a_planted_violation() -> None:
    assert set(contracts()) == set(IMPORT_PLANTS)


@pytest.fixture(scope="module")
def import_linter_output(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("planted")
    for package in tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]:
        ignored = shutil.ignore_patterns("__pycache__", "*.json*", "*.svg", "*.html", "*.css", "*.js", "*.toml")
        shutil.copytree(REPOSITORY / package, root / package, ignore=ignored)
    shutil.copy(PYPROJECT, root)
    for name, text in (planted for files in IMPORT_PLANTS.values() for planted in files.items()):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(text)
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stdout


@pytest.mark.parametrize("contract", sorted(IMPORT_PLANTS))
def test_import_linter_finds_what_is_planted(import_linter_output: str, contract: str) -> None:
    assert f"{contracts()[contract]} BROKEN" in import_linter_output
