"""The repository speaks of the product alone, stays light, and its locks are whole and agree."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture import repository
from tests.architecture.tree import REPOSITORY, join, readable_text, repository_files

BUNDLE = "bundles/default/"
LOCKS = ["serving.txt", "dev.txt", "train.txt"]
NEVER_LOCKED = re.compile(r"torch|triton|nvidia-|cuda-")
# This file plants what the check looks for, and repository.py spells out the patterns.
SPEAKS_OF_PATTERNS = {"tests/architecture/repository.py", "tests/architecture/test_repository.py"}
# A vocabulary is somebody's words, not ours.
VOCABULARIES = {f"{BUNDLE}tokenizer.json"}


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def lock(name: str) -> str:
    return (REPOSITORY / "requirements" / name).read_text(encoding="utf-8")


def test_repository_speaks_of_the_product_alone() -> None:
    texts = {relative(path): readable_text(path) for path in repository_files(REPOSITORY)}
    own = {name: text for name, text in texts.items() if text and name not in SPEAKS_OF_PATTERNS | VOCABULARIES}
    assert len(own) > 20
    found = repository.forbidden_text(own)
    assert not found, join(found)


@pytest.mark.parametrize(
    "text",
    [
        "see /work/notes.md",
        'open("/tmp/rows.jsonl")',
        "cd /home/ada/triage",
        "(/Users/ada)",
        r"C:\Users\ada",
        "file:///opt/wheels",
        "--index-url https://mirror.example/simple",
        "<<<<<<< HEAD",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_foreign_text_is_found(text: str) -> None:
    assert len(repository.forbidden_text({"docs/planted.md": f"first line\n{text}\n"})) == 1


@pytest.mark.parametrize(
    "text",
    ["GET /v1/work/next", "var/tmp/x", "https://example.org/home/page", "./work/x", "/var/lib/triage", "${HOME}/tmp/x"],
)
def test_addresses_of_the_product_are_not_foreign(text: str) -> None:
    assert not repository.forbidden_text({"docs/planted.md": text})


def test_files_are_small() -> None:
    sizes = [(relative(path), path.stat().st_size) for path in repository_files(REPOSITORY)]
    found = repository.large_files(sizes, limit=repository.SIZE_LIMIT, except_below=BUNDLE)
    assert not found, join(found)


def test_large_file_is_found() -> None:
    sizes = [("docs/film.gif", 1_000_001), (f"{BUNDLE}model.onnx", 30_000_000), ("README.md", 1_000_000)]
    found = repository.large_files(sizes, limit=repository.SIZE_LIMIT, except_below=BUNDLE)
    assert [line.partition(":")[0] for line in found] == ["docs/film.gif"]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_whole(name: str) -> None:
    text = lock(name)
    assert len(repository.lock_versions(text)) > 50
    found = repository.lock_findings(text, never=NEVER_LOCKED)
    assert not found, join(found)


def test_gap_in_a_lock_is_found() -> None:
    text = "attrs==1.0 \\\n    --hash=sha256:00\nnumpy==2.0\n    # via x\ntorch==2.13.0 \\\n    --hash=sha256:00\n"
    found = repository.lock_findings(text, never=NEVER_LOCKED)
    assert found == ["numpy: has no hash", "torch: must not be locked"]


def test_locks_agree() -> None:
    found = repository.lock_conflicts({name: lock(name) for name in LOCKS})
    assert not found, join(found)


def test_conflict_of_locks_is_found() -> None:
    assert repository.lock_conflicts({"a": "numpy==2.0 \\\n", "b": "numpy==2.1 ; x \\\n", "c": "attrs==1 \\\n"})


def test_everything_declared_is_locked() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        "serving.txt": project["project"]["dependencies"],
        "train.txt": project["project"]["optional-dependencies"]["train"],
        "dev.txt": project["dependency-groups"]["dev"],
    }
    for name, requirements in declared.items():
        wanted = {re.split(r"[\[~=<>!; ]", requirement)[0].lower() for requirement in requirements}
        assert wanted <= set(repository.lock_versions(lock(name))), f"{name} is behind pyproject.toml: make lock"
