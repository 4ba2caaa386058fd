"""The documents keep up with the code: targets, settings, error codes, links, decisions."""

import json
import re

import pytest

from service.settings import Settings
from tests.architecture import documents, reference
from tests.architecture.tree import REPOSITORY, join, repository_files

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
GOOD_ADR = "# 1. X\n" + "".join(f"\n## {heading}\n\nText.\n" for heading in documents.ADR_HEADINGS)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    found = [path for path in repository_files(REPOSITORY) if path.suffix == ".md"]
    return {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in found}


def exists(name: str) -> bool:
    return (REPOSITORY / name).exists()


def test_every_make_target_is_documented(pages: dict[str, str]) -> None:
    assert {"help", "run", "test", "check", "bench", "demo"} <= documents.make_targets(MAKEFILE)
    found = documents.undocumented_targets(MAKEFILE, pages)
    assert not found, join(found)


def test_undocumented_and_unknown_targets_are_found() -> None:
    text = "Use `make run`.\n```sh\nmake fly\n```\n"
    found = documents.undocumented_targets("run: ## go\nhide: ## x\n", {"README.md": text})
    assert found == ["make hide: no document names it", "README.md: there is no `make fly`"]


@pytest.mark.parametrize("name", reference.PAGES)
def test_generated_page_is_current(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert text == reference.PAGES[name](), f"{name} is behind the code: make docs"


def test_every_setting_and_error_code_is_documented(pages: dict[str, str]) -> None:
    fields = Settings.model_fields
    names = {variable for name, field in fields.items() for variable in reference.variables(name, field)}
    names |= {error.code for error in reference.error_classes()}
    assert len(names) > 30
    found = documents.unmentioned(names, pages)
    assert not found, join(found)


def test_every_setting_and_error_says_what_it_means() -> None:
    settings = [name for name, field in Settings.model_fields.items() if not field.description]
    errors = [error.__name__ for error in reference.error_classes() if not error.__doc__]
    assert not settings + errors


def test_error_codes_are_unique() -> None:
    codes = [error.code for error in reference.error_classes()]
    assert sorted(codes) == sorted(set(codes))


def test_undocumented_name_is_found() -> None:
    assert documents.unmentioned({"TRIAGE_X", "TRIAGE_Y"}, {"docs/a.md": "`TRIAGE_X` and TRIAGE_Y"}) == [
        "TRIAGE_Y: no document mentions it"
    ]


def test_links_lead_somewhere(pages: dict[str, str]) -> None:
    found = documents.broken_links(pages, exists=exists)
    assert not found, join(found)


def test_broken_link_is_found() -> None:
    text = "[a](../README.md) [b](gone.md#x) [c](https://example.org) [d](#here)\n```\n[e](code.md)\n```\n"
    found = documents.broken_links({"docs/a.md": text}, exists={"README.md"}.__contains__)
    assert found == ["docs/a.md: gone.md does not exist"]


def test_decisions_have_their_form_and_a_check(pages: dict[str, str]) -> None:
    records = {path: text for path, text in pages.items() if re.match(r"docs/decisions/\d{4}-", path)}
    assert len(records) >= 8
    found = [line for path, text in records.items() for line in documents.adr_findings(path, text, exists=exists)]
    assert not found, join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD_ADR + "\n`tests/architecture`\n", 0),
        (GOOD_ADR + "\nReview.\n", 1),
        (GOOD_ADR + "\n`tests/gone.py`\n", 1),
        (GOOD_ADR.replace("## Rejected", "## Other") + "\n`tests/architecture`\n", 1),
        (GOOD_ADR + "\n" * 60 + "`tests/architecture`\n", 1),
    ],
)
def test_bad_decision_is_found(text: str, expected: int) -> None:
    assert len(documents.adr_findings("docs/decisions/0001-x.md", text, exists=exists)) == expected


def test_changelog_has_a_place_for_what_is_next(pages: dict[str, str]) -> None:
    assert "## [Unreleased]" in pages["CHANGELOG.md"]


def test_notice_names_every_source_of_the_shipped_bundle() -> None:
    manifest = json.loads((REPOSITORY / "bundles/default/manifest.json").read_text(encoding="utf-8"))
    # The corpus lies in the repository itself; NOTICE names it in words.
    sources = {name for name in manifest["training"]["data"]["sources"] if not name.startswith("corpus:")}
    named = set(re.findall(r"^  ([a-z][a-z0-9_]+) ", (REPOSITORY / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE))
    assert sources
    assert sources - named == set()
