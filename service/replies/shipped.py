"""The templates that come with the product: one file for each language, read once and checked as any other template is."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from service.replies.placeholders import faults

LANGUAGES = ("en", "es", "de", "fr")
VERSION = 1
OWNER = "content-triage"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


class ShippedTemplateError(ValueError):
    """A file of templates that cannot be used; the message names file and entry."""


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template; `source` and `area` are empty where it is for every one."""

    id: UUID
    source: str
    area: str
    language: str
    purpose: str
    version: int
    subject: str
    body: str
    offered: bool = True
    owner: str = OWNER
    reason: str = "Comes with the product"
    effective_at: datetime = SINCE
    shipped: bool = True

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells templates apart; versions of one share it."""
        return self.source, self.area, self.language, self.purpose


@dataclass(frozen=True, slots=True)
class Phrases:
    """What placeholders say in one language."""

    # By action of the taxonomy.
    decisions: Mapping[str, str]
    # By jurisdiction; "" for every other.
    redress: Mapping[str, str]
    # Subjects of what the product writes by itself, by kind of message.
    subjects: Mapping[str, str]
    team: str


@cache
def shipped() -> tuple[Template, ...]:
    """Every template that comes with the product. Raises ShippedTemplateError."""
    found = [_template(language, entry) for language in LANGUAGES for entry in _file(language)["templates"]]
    if len({one.key for one in found}) < len(found):
        raise ShippedTemplateError("two shipped templates are for the same source, area, language and purpose")
    return tuple(found)


@cache
def phrases(language: str) -> Phrases | None:
    """What placeholders say in a language; None where the product does not speak it."""
    if language not in LANGUAGES:
        return None
    file = _file(language)
    redress = {("" if name == "other" else name.upper()): text for name, text in file["redress"].items()}
    return Phrases(file["decisions"], redress, file["subjects"], file["team"])


@cache
def _file(language: str) -> dict[str, Any]:
    text = resources.files("service.replies").joinpath("shipped", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _template(language: str, entry: Mapping[str, str]) -> Template:
    source, area, purpose = entry.get("source", ""), entry.get("area", ""), entry["purpose"]
    # The same id in every installation: what names a template goes on naming it.
    name = f"https://content-triage.example/replies/{source or '-'}/{area or '-'}/{language}/{purpose}"
    subject, body = entry["subject"], entry["body"].strip()
    if wrong := [*faults(subject), *faults(body)]:
        raise ShippedTemplateError(f"shipped/{language}.toml, {source or 'all'} {purpose}: {'; '.join(wrong)}")
    return Template(uuid5(NAMESPACE_URL, name), source, area, language, purpose, VERSION, subject, body)
