"""Forms of intake: which source may raise what, and what has to be said for it. Pure functions over a versioned file."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from labeling.taxonomy import Taxonomy
from service.escalations.closing import Closed, is_closer
from service.escalations.schemas import Confidentiality, Source
from service.escalations.schemas import Path as NamedPath
from service.routing.schemas import Channel

FieldKind = Literal["line", "text", "urls", "date", "moment", "email", "choice", "confirmation", "country"]
# The languages in which something missing is asked for; English stands in for any other.
LANGUAGES = ("en", "es", "de", "fr")
# Fields that say who raises it: they become the requester of the record.
REQUESTER = {
    "requester_name": "name",
    "requester_organisation": "organisation",
    "requester_email": "email",
    "requester_reference": "reference",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
ANY_SOURCE = "*"
_UNRESTRICTED = ("normal", "confidential")
_HOW_CLOSED = "confidentiality is normal or confidential; restricted is what a path makes it"


class FormFileError(ValueError):
    """A file of forms that cannot be used; the message names file and entry."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something a form asks for. `ask` is how whoever raised it is asked for it, by language."""

    label: str
    kind: FieldKind
    ask: Mapping[str, str]
    help: str = ""
    choices: tuple[str, ...] = ()

    def asked(self, language: str) -> str:
        """How it is asked for in a language, else in English."""
        return self.ask.get(language) or self.ask["en"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What came in: the fields of its form, and how a record of it begins."""

    label: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    # A field that is required where another has that value: (other field, value), by field.
    required_if: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    help: str = ""
    # The path of named people that it takes, by source; ANY_SOURCE for all.
    path: Mapping[str, NamedPath] = field(default_factory=dict)
    confidentiality: Confidentiality | None = None
    # What the review cases of its content are flagged with; special routes go by these.
    flags: tuple[str, ...] = ()
    area: str | None = None
    severity: int | None = None
    checklist: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All of its form, in order: what is required, what may become so, what may be said."""
        return tuple(dict.fromkeys((*self.required, *self.required_if, *self.optional)))

    def path_of(self, source: str) -> NamedPath | None:
        """The path of named people that it takes from this source."""
        return self.path.get(source) or self.path.get(ANY_SOURCE)


@dataclass(frozen=True, slots=True)
class SourceForms:
    """What a source may raise. `channel` is that of reports made for it, `mail` the trigger of a mail until it is read."""

    label: str
    channel: Channel
    triggers: tuple[str, ...]
    mail: str
    asks: bool
    confidentiality: Confidentiality = "normal"


@dataclass(frozen=True, slots=True)
class Address:
    """Whose mail it is, by whom it comes from or whom it was sent to."""

    source: Source
    sender: str = ""
    recipient: str = ""
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Forms:
    """The whole file."""

    version: str
    owner: str
    decided_on: date
    mail: tuple[Address, ...]
    sources: Mapping[str, SourceForms]
    triggers: Mapping[str, Trigger]
    fields: Mapping[str, Field]
    checks: Mapping[str, str]
    # How closed a record of a policy area is at least, whoever raises it.
    areas: Mapping[str, Confidentiality] = field(default_factory=dict)

    def form(self, source: str, trigger: str) -> Trigger | None:
        """The form of a trigger for a source; None where that source may not raise it."""
        known = self.sources.get(source)
        return self.triggers[trigger] if known and trigger in known.triggers else None

    def closed(self, source: str, trigger: str, area: str | None) -> Closed:
        """How closed a record of it is by default: its confidentiality, and the path of named people that it takes.

        A trigger that has no form is as closed as its source; an area only ever makes it more so.
        """
        form = self.triggers.get(trigger)
        if form is not None and (path := form.path_of(source)):
            return "restricted", path
        by_form = (form and form.confidentiality) or self.sources[source].confidentiality
        by_area = self.areas.get(area or "", "normal")
        return (by_area if is_closer(by_area, by_form) else by_form), None

    def whose(self, sender: str, recipients: list[str]) -> tuple[str, str]:
        """(source, trigger) of a mail by its addresses, all in lower case."""
        for one in self.mail:
            if (one.sender and _fits(one.sender, sender)) or any(_fits(one.recipient, to) for to in recipients):
                return one.source, one.trigger or self.sources[one.source].mail
        return "user", self.sources["user"].mail


def _fits(pattern: str, address: str) -> bool:
    """Whether an address is the whole `name@host`, of `@host` or below it, or `name@` of any host."""
    name, _, host = address.rpartition("@")
    wanted_name, _, wanted_host = pattern.rpartition("@")
    if not pattern or not host or (wanted_name and name != wanted_name):
        return False
    return not wanted_host or host == wanted_host or (not wanted_name and host.endswith(f".{wanted_host}"))


def read_forms(path: Path | None, taxonomy: Taxonomy) -> Forms:
    """The forms in `path`, or those that ship with the product. Raises FormFileError.

    The shipped ones may name areas that a taxonomy of one's own lacks, which are then left open; a file of one's own may not.
    """
    if path is None:
        text = resources.files("service.intake").joinpath("forms.toml").read_text(encoding="utf-8")
        return _checked(_only_known(parse_forms(text, where="shipped forms"), taxonomy), taxonomy, "shipped forms")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormFileError(f"{path}: file of forms cannot be read ({error})") from error
    return _checked(parse_forms(text, where=str(path)), taxonomy, str(path))


@lru_cache(maxsize=4)
def parse_forms(text: str, *, where: str) -> Forms:
    """Build the forms from TOML text, unchecked; `where` names the source in error messages. Raises FormFileError."""
    try:
        raw = tomllib.loads(text)
        return Forms(
            mail=tuple(_address(one) for one in raw.pop("mail", [])),
            sources={name: SourceForms(**_tuples(one)) for name, one in raw.pop("sources").items()},
            triggers={name: Trigger(**_trigger(one)) for name, one in raw.pop("triggers").items()},
            fields={name: Field(**_tuples(one)) for name, one in raw.pop("fields").items()},
            checks=dict(raw.pop("checks", {})),
            areas=dict(raw.pop("areas", {})),
            **raw,
        )
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormFileError(f"{where}: cannot be read as forms of intake ({error})") from error


def _checked(forms: Forms, taxonomy: Taxonomy, where: str) -> Forms:
    for problem in _problems(forms, taxonomy):
        raise FormFileError(f"{where}: {problem}")
    return forms


def _only_known(forms: Forms, taxonomy: Taxonomy) -> Forms:
    known = {
        name: one if one.area in taxonomy.area_ids else replace(one, area=None) for name, one in forms.triggers.items()
    }
    areas = {name: one for name, one in forms.areas.items() if name in taxonomy.area_ids}
    return replace(forms, triggers=known, areas=areas)


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def _trigger(entry: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {}
    for name, condition in entry.get("required_if", {}).items():
        other, equals, value = condition.partition("=")
        if not equals:
            raise ValueError(f"required_if.{name}: write it as other_field=value, not {condition!r}")
        conditions[name] = (other, value)
    return {**_tuples(entry), "required_if": conditions}


def _address(entry: Mapping[str, str]) -> Address:
    given = dict(entry)
    sender, recipient = given.pop("from", "").lower(), given.pop("to", "").lower()
    if "@" not in sender + recipient:
        raise ValueError("mail: an entry needs `from` or `to` as name@host, @host or name@")
    return Address(sender=sender, recipient=recipient, **given)  # type: ignore[arg-type] # the source is checked below


def _problems(forms: Forms, taxonomy: Taxonomy) -> Iterator[str]:
    """What contradicts itself or names what there is not."""
    lacking = set(get_args(Source)) ^ set(forms.sources)
    if lacking:
        yield f"sources: every source has an entry and there are no others; see {', '.join(sorted(lacking))}"
    yield from _problems_of_name(forms)
    yield from _problems_of_areas(forms, taxonomy)
    for name, source in forms.sources.items():
        yield from _problems_of_source(forms, name, source)
    for name, trigger in forms.triggers.items():
        yield from (f"triggers.{name}: {one}" for one in _problems_of_trigger(forms, trigger, taxonomy))
    for name, one in forms.fields.items():
        yield from (f"fields.{name}: {problem}" for problem in _problems_of_field(one))
    for number, address in enumerate(forms.mail, 1):
        if address.source not in forms.sources:
            yield f"mail entry {number}: there is no source {address.source!r}"
        elif address.trigger and forms.form(address.source, address.trigger) is None:
            yield f"mail entry {number}: {address.source} cannot raise {address.trigger!r}"


def _problems_of_field(one: Field) -> Iterator[str]:
    if one.kind not in get_args(FieldKind):
        yield f"kind {one.kind!r} is none of {', '.join(get_args(FieldKind))}"
    if (one.kind == "choice") != bool(one.choices):
        yield "a choice has choices, and nothing else has"
    if "en" not in one.ask:
        yield "ask.en says how it is asked for"


def _problems_of_source(forms: Forms, name: str, source: SourceForms) -> Iterator[str]:
    unknown = [one for one in source.triggers if one not in forms.triggers]
    if unknown or not source.triggers:
        yield f"sources.{name}: triggers that there are not: {', '.join(unknown) or 'it has none'}"
    if source.mail not in source.triggers:
        yield f"sources.{name}: mail {source.mail!r} is none of its triggers"
    if source.channel not in get_args(Channel):
        yield f"sources.{name}: channel {source.channel!r} is none of {', '.join(get_args(Channel))}"
    if source.confidentiality not in _UNRESTRICTED:
        yield f"sources.{name}: {_HOW_CLOSED}"


def _problems_of_name(forms: Forms) -> Iterator[str]:
    names = (*forms.triggers, *forms.fields, *forms.checks)
    yield from (f"{name!r}: a name is small letters, digits and _" for name in names if not _NAME.fullmatch(name))


def _problems_of_areas(forms: Forms, taxonomy: Taxonomy) -> Iterator[str]:
    for name, closed in forms.areas.items():
        if name not in taxonomy.area_ids:
            yield f"areas.{name}: the taxonomy has no such area"
        if closed not in _UNRESTRICTED:
            yield f"areas.{name}: {_HOW_CLOSED}"


def _problems_of_trigger(forms: Forms, trigger: Trigger, taxonomy: Taxonomy) -> Iterator[str]:
    unknown = [one for one in trigger.fields if one not in forms.fields]
    unknown += [other for other, _value in trigger.required_if.values() if other not in trigger.fields]
    if unknown:
        yield f"fields that there are not: {', '.join(unknown)}"
    if lacking := [one for one in trigger.checklist if one not in forms.checks]:
        yield f"checks that there are not: {', '.join(lacking)}"
    if trigger.area is not None and trigger.area not in taxonomy.area_ids:
        yield f"area {trigger.area!r} is none of the taxonomy"
    if not set(trigger.path.values()) <= set(get_args(NamedPath)):
        yield f"path is one of {', '.join(get_args(NamedPath))}"
    if trigger.confidentiality not in (None, *_UNRESTRICTED):
        yield _HOW_CLOSED
    if trigger.severity is not None and trigger.severity not in range(5):
        yield "severity is from 0 to 4"
