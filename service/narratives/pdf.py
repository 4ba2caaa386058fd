"""A narrative as PDF: set by Typst, which gets every text as data; tagged, and with fonts of the machine for every script."""

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from service.catalogues import Voice
from service.narratives.model import (
    Block,
    Document,
    Figures,
    Heading,
    Paragraph,
    Table,
    asked,
    closing,
    figure_defined,
    figure_head,
    footing,
    widths,
)
from service.narratives.texts import LONGEST_WORD, is_right_to_left

TEMPLATE = Path(__file__).resolve().parent / "templates" / "document.typ"


def as_pdf(document: Document, *, paper: str, made_at: datetime) -> bytes:
    """The file. The same document gives the same file. Takes some tens of milliseconds: not for the event loop."""
    given = {
        "document": json.dumps(_data(document), ensure_ascii=False),
        "paper": paper,
        "hash": footing(document),
    }
    source, timestamp = TEMPLATE.read_bytes(), int(made_at.timestamp())
    try:
        return _compiled(source, given, timestamp, "ua-1")
    except typst.TypstError:
        # PDF/UA-1 refuses a letter that no font of this machine has; the file is still tagged, and says it to a reader of text.
        return _compiled(source, given, timestamp, "1.7")


def _compiled(source: bytes, given: dict[str, str], timestamp: int, standard: Any) -> bytes:
    made = typst.Compiler(source, font_paths=_fonts(), sys_inputs=given).compile(
        format="pdf", pdf_standards=[standard], timestamp=timestamp
    )
    if not isinstance(made, bytes):
        raise TypeError("one file expected")
    return made


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _data(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "heading": _said(document.title),
        "subtitle": document.subtitle,
        "marking": document.marking,
        "language": document.language,
        "form": document.form,
        "closing": closing(document),
        "blocks": [_block(block, Voice(document.language)) for block in document.blocks],
    }


def _block(block: Block, say: Voice) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "text": block.text}
        case Paragraph():
            return {"kind": "paragraph", "style": block.style, **_said(block.text)}
        case Table():
            rows = [[_said(cell) for cell in row] for row in block.rows]
            return _table(block.title, block.head, rows, say)
        case Figures():
            rows = [[_said(cell) for cell in (one.title, one.said, one.name)] for one in block.rows]
            defined = [
                {
                    "title": f"{one.title}.",
                    "text": figure_defined(one, say),
                    "query": asked(one),
                }
                for one in (block.rows if block.defined else ())
            ]
            return _table(block.title, figure_head(say), rows, say) | {"defined": defined}


def _table(title: str, head: tuple[str, ...], rows: list[list[dict[str, Any]]], say: Voice) -> dict[str, Any]:
    return {"kind": "table", "head": head, "rows": rows, "widths": widths(title, len(head), say=say), "defined": []}


def _said(text: str) -> dict[str, Any]:
    return {"text": _breakable(text), "rtl": is_right_to_left(text)}


def _breakable(text: str) -> str:
    """Words that no line would hold, with places at which they may break."""
    return " ".join(
        word if len(word) <= LONGEST_WORD else "\u200b".join(word[at : at + 8] for at in range(0, len(word), 8))
        for word in text.split(" ")
    )
