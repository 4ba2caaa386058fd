"""The messages of the pages: `python -m tests.architecture.words` reads them out of the code into the catalogue.

It writes service/pages/locales/console.pot and brings every language up to it: a translation is kept as long as its
English text is the same, a new message is empty, and what the code says no longer is dropped.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from labeling.taxonomy import load_taxonomy
from service.catalogues import FOLDER, TEMPLATE
from service.causes.codes import words as cause_words
from service.causes.figures import words as figure_words
from service.causes.schemas import ImprovementState
from service.clocks.schemas import ClockKind
from service.escalations.schemas import Resolution, Source
from service.exposure.workflow import FEW as TOO_FEW_EXPOSED
from service.floor.workflow import ASSUMPTION
from service.holds.schemas import SkipReason
from service.intake.forms import read_forms
from service.media.upload import Kind
from service.people.schemas import RoleName
from service.policies.schemas import State
from service.routing.schemas import Channel, Special
from service.scorecards.figures import FIGURES, NOTES
from service.scorecards.workflow import FEW as TOO_FEW_PEOPLE
from service.similar.schemas import Status
from service.sla.schemas import Target
from tests.architecture.reference import error_classes
from tests.architecture.tree import REPOSITORY

PAGES = REPOSITORY / "service/pages"
_WORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
_SCRIPT_WORDS = {"t": None, "tn": (1, 2)}
_JINJA = {"trimmed": "true", "newstyle_gettext": "true"}
_VALUE = re.compile(r"%\((\w+)\)s|%%|</?\w+>")
_HEAD = (b'"Language: ', b'"Plural-Forms: ', b'"Content-Type: ')
# Kinds of subjects are the platform's; these are the usual ones.
KINDS = (
    "account",
    "ad",
    "comment",
    "group",
    "image",
    "listing",
    "message",
    "page",
    "post",
    "profile",
    "review",
    "video",
)
# One found message: where (relative to the repository), its English text or its two forms, comments for translators.
Found = tuple[str, str | tuple[str, ...], list[str]]


def found() -> Iterator[Found]:
    """Every message that the code or the vocabulary names, in a stable order."""
    for path in sorted(PAGES.rglob("*")):
        method, keywords = {
            ".html": ("jinja2.ext:babel_extract", _WORDS),
            ".py": ("python", _WORDS),
            ".js": ("javascript", _SCRIPT_WORDS),
        }.get(path.suffix, ("", {}))
        if method and "vendor" not in path.parts:
            yield from _in_file(path, method, keywords)
    # What is given out is content, and is said in the language that it is asked for in.
    for path in sorted((REPOSITORY / "service/narratives").rglob("*.py")):
        yield from _in_file(path, "python", {"say": None, "N_": None})
    # Sentences that the API says in English, and the pages in the language of their reader.
    yield from _in_file(REPOSITORY / "service/ranking/words.py", "python", {"say": None})
    yield from _of_vocabulary()


def _in_file(path: Path, method: str, keywords: dict[str, tuple[int, int] | None]) -> Iterator[Found]:
    where = path.relative_to(REPOSITORY).as_posix()
    options = _JINJA if path.suffix == ".html" else {}
    with path.open("rb") as file:
        for _line, text, comments, _context in extract(method, file, keywords, ["l10n:"], options):
            if text:
                yield where, text, comments


def _of_vocabulary() -> Iterator[Found]:
    """Names that reach a page as data: the taxonomy, roles, kinds, channels and states, and what error codes mean."""
    taxonomy = load_taxonomy()
    where = "labeling/taxonomy.toml"
    yield where, taxonomy.benign_name, []
    named = [(one.name, one.description) for one in taxonomy.areas]
    named += [(one.name, one.description) for one in taxonomy.actions]
    yield from ((where, text, []) for texts in named for text in texts)
    for step in taxonomy.severities:
        told = (step.name, step.anchor, step.physical, step.emotional, step.financial)
        yield from ((where, text, []) for text in told if text)
    for names in (RoleName, Channel, Special, Status, SkipReason, ClockKind):
        yield from (("service", name.replace("_", " "), []) for name in get_args(names))
    yield from (("service/wire.py", kind, []) for kind in KINDS)
    figures = [text for one in FIGURES for text in (one.title, one.definition)]
    yield from (("service/scorecards", text, []) for text in (*figures, *NOTES, TOO_FEW_PEOPLE))
    yield from (("service/floor", text, []) for text in (ASSUMPTION, TOO_FEW_EXPOSED))
    yield from (("service/causes", text, []) for text in (*cause_words(), *figure_words()))
    yield from (("service/policies", one.replace("_", " "), []) for one in get_args(State))
    for names in (Source, Resolution, Target, ImprovementState):
        yield from (("service/narratives", name.replace("_", " "), []) for name in get_args(names))
    yield from (("service/narratives", kind, []) for kind in ("case", *get_args(Kind), "kept"))
    forms = read_forms(None, taxonomy)
    yield from (("service/narratives", one.replace("_", " "), []) for one in forms.triggers)
    texts = [one.label for one in forms.sources.values()]
    for asked in (forms.triggers, forms.fields):
        texts += [text for one in asked.values() for text in (one.label, one.help) if text]
    texts += [choice for one in forms.fields.values() for choice in one.choices]
    yield from (("service/intake/forms.toml", text, []) for text in (*texts, *forms.checks.values()))
    for error in sorted(error_classes(), key=lambda one: one.code):
        yield "service/errors", " ".join((error.__doc__ or "").split()), [error.code]


def template() -> Catalog:
    """The catalogue without translations."""
    catalog = Catalog(project="content-triage", charset="utf-8", fuzzy=False)
    for where, text, comments in found():
        catalog.add(text, locations=[(where, 0)], auto_comments=comments)
    return catalog


def written(catalog: Catalog) -> bytes:
    """A catalogue as it lies in its file: without dates and line numbers, which would change with every edit."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, omit_header=False, include_lineno=False, width=120, sort_output=True)
    head, blank, rest = buffer.getvalue().partition(b"\n\n")
    # A head without dates and tools: nobody's language team, nothing that changes by itself.
    kept = [line for line in head.split(b"\n") if line.startswith((b"msg", *_HEAD))]
    return b"\n".join(kept) + blank + rest


def languages() -> list[Path]:
    """The file of every language but English."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/console.po"))


def read(path: Path) -> Catalog:
    """The catalogue of one language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def brought_up(path: Path, catalog: Catalog) -> Catalog:
    """One language with the messages of the catalogue."""
    translated = read(path)
    # No guessing by likeness: half a translation reads like a whole one.
    translated.update(catalog, no_fuzzy_matching=True, update_header_comment=False)
    translated.obsolete.clear()
    return translated


def unfinished(catalog: Catalog) -> list[str]:
    """What a language lacks: messages without a translation, doubtful ones, ones with other values than the English."""
    return [f"{problem}: {message.id!r}" for message in catalog if message.id for problem in _problems(message)] + [
        f"obsolete: {text!r}" for text in catalog.obsolete
    ]


def _problems(message: Message) -> Iterator[str]:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    said = [message.string] if isinstance(message.string, str) else list(message.string or ())
    if not said or not all(said):
        yield "missing"
        return
    if message.fuzzy:
        yield "fuzzy"
    # "one case" may leave the number out, and so may its translation.
    most = set.union(*map(_values, ids))
    least = set.intersection(*map(_values, ids))
    if not all(least <= _values(one) <= most for one in said):
        yield "other values"


def _values(text: str) -> set[str]:
    return {one[0] for one in _VALUE.finditer(text)}


def main() -> None:
    """Write the catalogue and all languages."""
    catalog = template()
    TEMPLATE.write_bytes(written(catalog))
    for path in languages():
        translated = brought_up(path, catalog)
        path.write_bytes(written(translated))
        lacks = unfinished(translated)
        print(f"{path.relative_to(REPOSITORY)}: {len(translated)} messages, {len(lacks)} to do")


if __name__ == "__main__":
    main()
