"""What a narrative is made of, whatever it is rendered as: headings, paragraphs, tables and figures, all of plain text.

Its JSON form is what is stored and what its hash is of.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from service.catalogues import Voice


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `style` is "lead" for the bottom line, "note" for small print, else "plain"."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; every row has as many cells as the head."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with the query that it comes from. `said` is its value in words, `value` the number, None where unknown.

    `parameters` are those of the run; `low` and `high` are the interval of 95 % of an estimate.
    """

    name: str
    title: str
    definition: str
    unit: str
    parameters: Mapping[str, str]
    n: int
    value: float | None
    low: float | None
    high: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures beside each other; `defined` adds what each means and the parameters of its query."""

    title: str
    rows: tuple[Figure, ...]
    defined: bool = False


Block = Heading | Paragraph | Table | Figures
_KINDS = {"heading": Heading, "paragraph": Paragraph, "table": Table, "figures": Figures}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Document:
    """A narrative. `marking` says who it is for; `facts_at` is the instant of every fact, in words and with its time zone."""

    title: str
    subtitle: str
    marking: str
    language: str
    audience: str
    form: str
    facts_at: str
    blocks: tuple[Block, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All of its figures."""
        return tuple(one for block in self.blocks if isinstance(block, Figures) for one in block.rows)


def widths(title: str, columns: int, *, say: Voice) -> Sequence[int]:
    """How wide the columns of a table are beside each other, for paper; `say` speaks the language of its title."""
    known = {(say(name), count): shares for (name, count), shares in _WIDTHS.items()}
    return known.get((title, columns), (1,) * columns)


def figure_head(say: Voice) -> tuple[str, str, str]:
    """The head of figures in a table."""
    return say("Figure"), say("Value"), say("Query")


def figure_defined(one: Figure, say: Voice) -> str:
    """What a figure means, beside its title and its query."""
    return say("%(definition)s Unit: %(unit)s. n = %(count)s.", definition=one.definition, unit=one.unit, count=one.n)


def asked(one: Figure) -> str:
    """The query of a figure as it was called."""
    return f"{one.name}({', '.join(f'{name}={value}' for name, value in one.parameters.items())})"


def footing(document: Document) -> str:
    """What stands at the foot of every page of paper."""
    return f"{Voice(document.language)('Content')} {content_hash(document)[:16]} · {document.facts_at}"


def closing(document: Document) -> str:
    """The last line: the instant of all facts, and how intervals are written."""
    say = Voice(document.language)
    return say(
        "Facts and figures as of %(when)s. Rates and shares: interval of 95 %% in brackets.", when=document.facts_at
    )


_WIDTHS = {
    ("Timeline", 2): (2, 7),
    ("Pieces", 4): (3, 7, 3, 11),
    ("Pieces", 3): (1, 5, 2),
    ("Actions", 5): (1, 5, 2, 2, 2),
    ("Figures", 3): (4, 3, 4),
    ("Advice", 3): (2, 5, 5),
}


def as_json(document: Document) -> dict[str, Any]:
    """The stored form."""
    blocks = [{"kind": _NAMES[type(block)], **asdict(block)} for block in document.blocks]
    whole = {name: getattr(document, name) for name in Document.__slots__ if name != "blocks"}
    return {**whole, "blocks": blocks}


def from_json(stored: Mapping[str, Any]) -> Document:
    """The document of its stored form."""
    return Document(**{**stored, "blocks": tuple(_block(one) for one in stored["blocks"])})


def content_hash(document: Document) -> str:
    """SHA-256 of the stored form, in hexadecimal."""
    canonical = json.dumps(as_json(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def lines(document: Document) -> Iterator[str]:
    """What it says, line by line; two documents that say the same have the same lines."""
    yield from (document.title, document.subtitle, document.marking)
    for block in document.blocks:
        match block:
            case Table():
                yield block.title
                yield from (" | ".join(row) for row in block.rows)
            case Figures():
                yield from (f"{one.title}: {one.said}" for one in block.rows)
            case _:
                yield block.text


def _block(stored: Mapping[str, Any]) -> Block:
    kind = _KINDS[stored["kind"]]
    fields = {name: value for name, value in stored.items() if name != "kind"}
    if kind is Table:
        return Table(fields["title"], tuple(fields["head"]), tuple(tuple(row) for row in fields["rows"]))
    if kind is Figures:
        return Figures(fields["title"], tuple(Figure(**one) for one in fields["rows"]), fields["defined"])
    return Heading(**fields) if kind is Heading else Paragraph(**fields)
