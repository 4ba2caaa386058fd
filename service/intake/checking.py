"""What is wrong with what a form was filled with: pure, and never an exception."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from service.intake.forms import Field, Forms, Trigger

LINE_CHARACTERS = 200
TEXT_CHARACTERS = 20_000
URLS = 200
URL_CHARACTERS = 2_000
YES = "yes"

_EMAIL = re.compile(r"[^\s@<>\"(),;:]{1,64}@[^\s@<>\"(),;:]{1,190}\.[^\s@<>\"(),;:.]{2,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that is missing or cannot be used, and how to mend it."""

    field: str
    problem: str


def problems(forms: Forms, form: Trigger, values: Mapping[str, str]) -> list[Problem]:
    """Everything that is wrong, in the order of the form; nothing where it is complete."""
    found = []
    for name in form.fields:
        said, asked = values.get(name, "").strip(), forms.fields[name]
        if said:
            words = _wrong(asked, said)
        elif name in form.required or _is_due(form, name, values):
            words = "tick this to state it" if asked.kind == "confirmation" else "this is needed"
        else:
            continue
        if words:
            found.append(Problem(name, words))
    return found


def unknown(form: Trigger, values: Mapping[str, str]) -> list[Problem]:
    """Values for what the form does not ask for: they would be lost without a word."""
    return [Problem(name, "the form has no such field") for name in values if name not in form.fields]


def _is_due(form: Trigger, name: str, values: Mapping[str, str]) -> bool:
    if name not in form.required_if:
        return False
    other, value = form.required_if[name]
    return values.get(other, "").strip() == value


def _wrong(asked: Field, said: str) -> str:
    """What is wrong with a value; empty for nothing."""
    most = TEXT_CHARACTERS if asked.kind in ("text", "urls") else LINE_CHARACTERS
    if len(said) > most:
        return f"at most {most:,} characters fit"
    if asked.kind not in ("text", "urls") and len(said.splitlines()) > 1:
        return "write it on one line"
    match asked.kind:
        case "urls":
            return _wrong_urls(said.split())
        case "email":
            return "" if is_email(said) else "write one e-mail address, such as name@host.example"
        case "date":
            return "" if _is_day(said) else "write a day as 2026-11-30"
        case "moment":
            return "" if moment_of(said) else "write day, time and time zone, such as 2026-11-30T14:05+01:00"
        case "choice":
            return "" if said in asked.choices else f"choose one of: {'; '.join(asked.choices)}"
        case "confirmation":
            return "" if said == YES else f"this is a statement: it is {YES!r} or left out"
        case "country":
            return "" if _COUNTRY.fullmatch(said) else "write the two capital letters of the country, such as DE"
    return ""


def is_email(text: str) -> bool:
    """Whether a text is one e-mail address that somebody can be written to."""
    return len(text) <= LINE_CHARACTERS and _EMAIL.fullmatch(text) is not None


def _wrong_urls(urls: list[str]) -> str:
    if len(urls) > URLS:
        return f"at most {URLS} addresses fit; send the others as another one"
    for number, url in enumerate(urls, 1):
        if not is_url(url):
            return f"address {number} is none: write it whole, with https:// in front"
    return ""


def is_url(text: str) -> bool:
    """Whether a text is the whole address of a page."""
    try:
        parts = urlsplit(text)
        return len(text) <= URL_CHARACTERS and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def moment_of(said: str) -> datetime | None:
    """The instant that a text names; None where it names none, or leaves its time zone open."""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 1 < moment.year < 9999 else None


def _is_day(said: str) -> bool:
    try:
        date.fromisoformat(said)
    except ValueError:
        return False
    return True
