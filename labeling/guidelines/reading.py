"""Guidelines for reviewers and annotators: one file for each policy area, and an introduction to all of them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy

FOLDER = Path(__file__).resolve().parent
INTRODUCTION = "introduction"
MOST_LINES = 120
LEAST_LINES = 40
SECTIONS = (
    "Definition",
    "Covered",
    "Not covered",
    "Severity",
    "Edge cases",
    "Counter-examples",
    "Neighbours",
    "When unsure",
)
# Every area says how it treats each of these, or a reader would have to guess.
CONTEXTS = ("Quoting", "Reclaiming", "News", "Education", "Satire", "Victims")
_FRONT = re.compile(r"\+\+\+\n(.*?)\n\+\+\+\n(.*)", re.DOTALL)


class GuidelineError(ValueError):
    """A guideline that cannot be used; the message names the file and how to mend it."""


@dataclass(frozen=True, slots=True)
class Guideline:
    """The guideline of one area: Markdown, and examples as {"text", "verdict", "severity", "why"}."""

    area: str
    title: str
    body: str
    examples: tuple[Mapping[str, Any], ...]


def load_guidelines(taxonomy: Taxonomy, folder: Path = FOLDER) -> list[Guideline]:
    """The guidelines of those areas of the taxonomy that have one, in its order. Raises GuidelineError."""
    return [read_guideline(path) for area in taxonomy.area_ids if (path := folder / f"{area}.md").is_file()]


def read_guideline(path: Path) -> Guideline:
    """One file. Raises GuidelineError."""
    found = _FRONT.fullmatch(path.read_text(encoding="utf-8"))
    if found is None:
        raise GuidelineError(f"{path}: begin it with title and examples in TOML between two lines of +++")
    try:
        front = tomllib.loads(found[1])
    except tomllib.TOMLDecodeError as error:
        raise GuidelineError(f"{path}: the part between +++ is not TOML: {error}") from error
    if not isinstance(front.get("title"), str):
        raise GuidelineError(f"{path}: title: give it as text")
    return Guideline(path.stem, front["title"], found[2].strip(), tuple(front.get("examples", ())))


def introduction(folder: Path = FOLDER) -> str:
    """What holds for every area."""
    return (folder / f"{INTRODUCTION}.md").read_text(encoding="utf-8")


def guideline_problems(taxonomy: Taxonomy, folder: Path = FOLDER) -> list[str]:
    """What is wrong with the guidelines of a taxonomy, one line each; nothing where all is well."""
    named = {path.stem for path in folder.glob("*.md")} - {INTRODUCTION}
    problems = [
        f"{area}.md: no such file, but the taxonomy has the area" for area in taxonomy.area_ids if area not in named
    ]
    problems += [
        f"{area}.md: no such area in taxonomy {taxonomy.version}" for area in sorted(named - set(taxonomy.area_ids))
    ]
    if not (folder / f"{INTRODUCTION}.md").is_file():
        problems.append(f"{INTRODUCTION}.md: no such file")
    for area in taxonomy.area_ids:
        if area in named:
            try:
                problems += _problems_of(read_guideline(folder / f"{area}.md"), taxonomy)
            except GuidelineError as error:
                problems.append(str(error))
    return problems


def _problems_of(one: Guideline, taxonomy: Taxonomy) -> list[str]:
    sections = _sections(one.body)
    where = f"{one.area}.md"
    problems = [f"{where}: section {name!r} is missing or empty" for name in SECTIONS if not sections.get(name)]
    if tuple(sections) != SECTIONS and not problems:
        problems.append(f"{where}: the sections are {', '.join(SECTIONS)}, in this order")
    lines = len(one.body.splitlines())
    if not LEAST_LINES <= lines <= MOST_LINES:
        problems.append(f"{where}: {lines} lines; {LEAST_LINES} to {MOST_LINES} are read to the end")
    levels = re.findall(r"^- \*\*(\d) ", sections.get("Severity", ""), re.MULTILINE)
    if levels != [str(level) for level in range(SEVERITY_LEVELS - 1, -1, -1)]:
        problems.append(f"{where}: 'Severity' has one line for each level from 4 to 0")
    said = sections.get("Counter-examples", "")
    problems += [f"{where}: 'Counter-examples' does not treat {name}" for name in CONTEXTS if f"**{name}" not in said]
    others = set(re.findall(r"`([a-z_]+)`", sections.get("Neighbours", "")))
    if unknown := sorted(others - set(taxonomy.label_ids)):
        problems.append(f"{where}: 'Neighbours' names what is no area: {', '.join(unknown)}")
    if not others:
        problems.append(f"{where}: 'Neighbours' names no area")
    return problems + _example_problems(where, one.examples, floor=taxonomy.area(one.area).floor)


def _example_problems(where: str, examples: Sequence[Mapping[str, Any]], *, floor: int) -> list[str]:
    problems = []
    for number, one in enumerate(examples, start=1):
        if not all(isinstance(one.get(field), str) and one[field].strip() for field in ("text", "why")):
            problems.append(f"{where}: example {number}: text and why have to say something")
        severity = one.get("severity")
        if one.get("verdict") == "violating":
            if not isinstance(severity, int) or not floor <= severity < SEVERITY_LEVELS:
                problems.append(f"{where}: example {number}: severity from {floor}, the floor of the area, to 4")
        elif one.get("verdict") != "allowed" or severity is not None:
            problems.append(f"{where}: example {number}: verdict is violating, or allowed without a severity")
    if {one.get("verdict") for one in examples} != {"violating", "allowed"}:
        problems.append(f"{where}: give examples of both verdicts")
    return problems


def _sections(body: str) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    return {name.strip(): said.strip() for name, said in zip(parts[1::2], parts[2::2], strict=True)}
