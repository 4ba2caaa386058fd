"""docs/capabilities.md names pages, addresses and commands that exist, and every responsibility has an answer."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from service.app import create_app
from service.settings import Settings
from tests.architecture.test_routes import addresses
from tests.architecture.tree import REPOSITORY, join

PAGE = REPOSITORY / "docs/capabilities.md"
# Rows of the table of responsibilities that the page answers.
ROWS = 52


def rows(text: str) -> list[tuple[str, str]]:
    """Each responsibility with what serves it."""
    found = re.findall(r"^\| (?!responsibility)(.+?) \| (.+?) \|$", text, re.MULTILINE)
    return [(what, served) for what, served in found if not set(what) <= set("-|")]


def wrong(text: str, *, pages: Iterable[str], commands: Iterable[str]) -> list[str]:
    """Rows without an answer, and names of what does not exist."""
    known = {*pages, *commands}
    named = re.compile(r"`|\bopen\b")
    found = [f"{what}: nothing is named" for what, served in rows(text) if not named.search(served)]
    for what, served in rows(text):
        for name in re.findall(r"`([^`]+)`", served):
            bare = re.sub(r"^(GET|POST|PUT|PATCH|DELETE) ", "", name)
            if bare not in known:
                found.append(f"{what}: there is no {name}")
    return found


@pytest.fixture
def known_pages(tmp_path: Path) -> set[str]:
    app = create_app(Settings(data_dir=tmp_path), database_url="postgresql://nobody/nothing")
    return {address.partition(" ")[2] for address, _guarded in addresses(app.routes)}


def commands() -> set[str]:
    """`python -m PART COMMAND` of every part, as their files say them."""
    found = set()
    for part in ("service", "eval", "labeling", "training"):
        entry = (REPOSITORY / part / "__main__.py").read_text(encoding="utf-8")
        below = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / part).rglob("*.py"))
        # A table of names and their help, or parsers that each command adds.
        names = re.findall(r'^    "([a-z-]+)": "', entry, re.MULTILINE)
        names += re.findall(r'add_parser\(\s*"([a-z-]+)"', below)
        found |= {f"python -m {part} {name}" for name in names}
    return found


def test_every_responsibility_is_answered_with_something_that_exists(known_pages: set[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(rows(text)) == ROWS
    found = wrong(text, pages=known_pages, commands=commands())
    assert not found, join(found)


def test_a_page_or_command_that_is_gone_is_found() -> None:
    text = "| Work | `/there`, `/gone` and `python -m service fly` |\n| Rest | nobody |\n| More | A rota: open |\n"
    assert wrong(text, pages={"/there"}, commands=()) == [
        "Rest: nothing is named",
        "Work: there is no /gone",
        "Work: there is no python -m service fly",
    ]
