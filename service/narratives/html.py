"""A narrative as HTML: a file that needs nothing else and prints well, and its parts for a page of the console."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.catalogues import Voice
from service.narratives.model import Document, asked, closing, content_hash, figure_defined, figure_head
from service.narratives.texts import has_long_word

TEMPLATES = Path(__file__).resolve().parent / "templates"


def as_html(document: Document, *, paper: str) -> bytes:
    """A whole file; every value is escaped."""
    page = _environment().get_template("document.html")
    return page.render(**_told(document), paper=paper, hash=content_hash(document)).encode()


def parts(document: Document) -> Markup:
    """The parts alone, to stand under a title."""
    return Markup(_environment().get_template("blocks.html").render(**_told(document)))  # noqa: S704 - the template escapes


def _told(document: Document) -> dict[str, Any]:
    say = Voice(document.language)
    return {
        "document": document,
        "closing": closing(document),
        "figure_head": figure_head(say),
        "defined": lambda one: figure_defined(one, say),
        "asked": asked,
        "content_hash": say("Content hash"),
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["long"] = has_long_word
    return environment
