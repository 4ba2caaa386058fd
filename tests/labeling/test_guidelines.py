"""Every area has a guideline with every section; a planted fault is found."""

import shutil
from pathlib import Path

import pytest

from labeling.__main__ import main
from labeling.guidelines.reading import (
    FOLDER,
    SECTIONS,
    GuidelineError,
    guideline_problems,
    load_guidelines,
    read_guideline,
)
from labeling.taxonomy import load_taxonomy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the guidelines to spoil."""
    copy = tmp_path / "guidelines"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def test_every_area_has_a_sound_guideline() -> None:
    taxonomy = load_taxonomy()
    assert guideline_problems(taxonomy) == []
    assert [one.area for one in load_guidelines(taxonomy)] == list(taxonomy.area_ids)


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("spam", "## Edge cases", "## Edges", "section 'Edge cases' is missing"),
        ("spam", "- **3 severe**", "- **Severe**", "one line for each level"),
        ("spam", "**Satire**", "**Jokes**", "does not treat Satire"),
        ("spam", "`fraud_scams`", "`fraud`", "no area: fraud"),
        ("self_harm", "severity = 4", "severity = 1", "severity from 2"),
        ("spam", 'verdict = "allowed"', 'verdict = "fine"', "verdict is violating, or allowed"),
        ("spam", "+++\n", "", "between two lines of +++"),
        ("spam", 'title = "', "title = ", "is not TOML"),
    ],
)
def test_a_planted_fault_is_found(folder: Path, name: str, before: str, after: str, said: str) -> None:
    path = folder / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert any(said in problem for problem in guideline_problems(load_taxonomy(), folder))


def test_areas_without_a_guideline_and_guidelines_without_an_area_are_found(folder: Path) -> None:
    (folder / "spam.md").rename(folder / "noise.md")
    (folder / "introduction.md").unlink()
    found = guideline_problems(load_taxonomy(), folder)
    assert [problem.partition(":")[0] for problem in found] == ["spam.md", "noise.md", "introduction.md"]


def test_a_long_guideline_is_found(folder: Path) -> None:
    path = folder / "spam.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nmore" * 80, encoding="utf-8")
    assert any("lines; 40 to 120" in problem for problem in guideline_problems(load_taxonomy(), folder))


def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "spam.md"
    path.write_text("+++\nexamples = []\n+++\ntext", encoding="utf-8")
    with pytest.raises(GuidelineError, match="title"):
        read_guideline(path)


def test_the_command_prints_one_and_checks_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guidelines"]) == 0
    assert "20 areas, 0 problems" in capsys.readouterr().out
    assert main(["guidelines", "privacy"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Privacy violations\n")
    assert all(f"## {section}" in printed for section in SECTIONS)
    assert main(["guidelines", "introduction"]) == 0
    assert main(["guidelines", "nothing"]) == 2
    assert "no guideline" in capsys.readouterr().err
