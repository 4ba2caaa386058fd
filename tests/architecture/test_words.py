"""Every word of the pages can be translated, and every language is complete."""

from typing import get_args

import pytest
from babel.messages.catalog import Catalog

from service.catalogues import TEMPLATE, catalogues
from service.people.schemas import InterfaceLanguage
from tests.architecture import words
from tests.architecture.tree import join

CODES = [path.parents[1].name for path in words.languages()]


@pytest.fixture(scope="module")
def template() -> Catalog:
    return words.template()


def test_the_catalogue_says_what_the_code_says(template: Catalog) -> None:
    assert len(template) > 200
    assert TEMPLATE.read_bytes() == words.written(template), f"{TEMPLATE.name} is behind the code: make words"


def test_there_is_another_language_than_english_and_people_may_choose_each() -> None:
    assert CODES
    assert set(get_args(InterfaceLanguage)) == set(catalogues()) == {"en", *CODES}


@pytest.mark.parametrize("path", words.languages(), ids=CODES)
def test_a_language_has_every_message(path: object, template: Catalog) -> None:
    [one] = [known for known in words.languages() if known == path]
    catalog = words.read(one)
    lacks = words.unfinished(catalog)
    assert not lacks, join(lacks[:50])
    assert one.read_bytes() == words.written(words.brought_up(one, template)), f"{one.name} is behind: make words"


def test_what_is_unfinished_is_found() -> None:
    catalog = Catalog(locale="es")
    catalog.add("Save", "")
    catalog.add("Close", "Cerrar", flags=["fuzzy"])
    catalog.add("Until %(when)s", "Hasta")
    catalog.add(("one case", "%(num)s cases"), ("un caso", "casos"))
    catalog.add(("one day", "%(num)s days"), ("un día", "%(num)s días"))
    catalog.add("Press <kbd>N</kbd>", "Pulsa N")
    catalog.add("Undo", "Deshacer")

    assert words.unfinished(catalog) == [
        "missing: 'Save'",
        "fuzzy: 'Close'",
        "other values: 'Until %(when)s'",
        "other values: 'Press <kbd>N</kbd>'",
    ]


def test_messages_are_found_in_templates_modules_scripts_and_the_vocabulary() -> None:
    found = {(where.rpartition("/")[2], text) for where, text, _comments in words.found()}
    assert {
        ("layout.html", "Skip to the content"),
        ("menu.py", "My work"),
        ("api.js", "The service answered %(status)s."),
        ("undo.js", ("One case is open again.", "%(num)s cases are open again.")),
        ("taxonomy.toml", "Child safety"),
        ("service", "trusted flagger"),
    } <= found
