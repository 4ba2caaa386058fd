"""What decisions mean for statements of reasons: a versioned file beside the taxonomy, checked against it at the start."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from labeling.taxonomy import Taxonomy
from service.statements.codes import (
    AccountDecision,
    AccountType,
    Category,
    ContentType,
    Country,
    Keyword,
    Monetary,
    Provision,
    SourceType,
    Visibility,
)
from service.statements.words import Words, read_words

EEA = "EEA"
MOST_DAYS = 3650
_RESTRICTIONS: Mapping[str, Any] = {
    "decision_visibility": Visibility,
    "decision_monetary": Monetary,
    "decision_provision": Provision,
    "decision_account": AccountDecision,
}


class StatementFileError(ValueError):
    """A file of statements that cannot be used; the message names file and entry, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """What an action is in the codes of the database; `days` it lasts by default, None for without an end."""

    codes: Mapping[str, str]
    days: int | None = None


@dataclass(frozen=True, slots=True)
class StatementRules:
    """The whole file, with the words of notices in every language."""

    version: str
    taxonomy: Taxonomy
    actions: Mapping[str, Restriction]
    territory: tuple[str, ...]
    content_date: Literal["first_seen", "ask"]
    complaint_url: str
    high_volume_areas: frozenset[str]
    order_flags: frozenset[str]
    sources: tuple[str, ...]
    article_16_flags: frozenset[str]
    channels: Mapping[str, str]
    media: Mapping[str, str]
    kinds: Mapping[str, str]
    accounts: Mapping[str, str]
    keywords: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Words]


def read_rules(path: Path | None, taxonomy: Taxonomy) -> StatementRules:
    """The rules in `path`, or those that ship with the product. Raises StatementFileError."""
    if path is None:
        text = resources.files("service.statements").joinpath("mapping.toml").read_text(encoding="utf-8")
        return parse_rules(text, taxonomy, where="shipped statement rules")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StatementFileError(f"{path}: file of statement rules cannot be read ({error})") from error
    return parse_rules(text, taxonomy, where=str(path))


def parse_rules(text: str, taxonomy: Taxonomy, *, where: str) -> StatementRules:
    """Build the rules from TOML text; `where` names the source in error messages. Raises StatementFileError."""
    try:
        raw = tomllib.loads(text)
        exempt, sources, content = raw["exempt"], raw["sources"], raw["content"]
        rules = StatementRules(
            version=str(raw["version"]),
            taxonomy=taxonomy,
            actions={one: _restriction(entry) for one, entry in raw["actions"].items()}
            | {one: Restriction({}) for one in raw.get("restricts_nothing", ())},
            territory=get_args(Country) if raw["territory"] == EEA else tuple(raw["territory"]),
            content_date=raw["content_date"],
            complaint_url=raw.get("complaint_url", ""),
            high_volume_areas=frozenset(exempt["high_volume_areas"]),
            order_flags=frozenset(exempt["order_flags"]),
            sources=tuple(sources["order"]),
            article_16_flags=frozenset(sources["article_16_flags"]),
            channels=dict(sources["channels"]),
            media=dict(content["media"]),
            kinds=dict(content["kinds"]),
            accounts=dict(content["accounts"]),
            keywords={area: tuple(words) for area, words in raw.get("keywords", {}).items()},
            words=read_words(),
        )
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise StatementFileError(f"{where}: cannot be read as statement rules ({error})") from error
    _check(rules, where)
    return rules


def _restriction(entry: Mapping[str, Any]) -> Restriction:
    codes = {name: str(code) for name, code in entry.items() if name != "days"}
    return Restriction(codes, entry.get("days"))


def _check(rules: StatementRules, where: str) -> None:
    taxonomy = rules.taxonomy
    missing = [one.id for one in taxonomy.actions if one.enforces and one.id not in rules.actions]
    if missing:
        raise StatementFileError(
            f"{where}: the action {missing[0]!r} of taxonomy {taxonomy.version} enforces and has no entry: say under"
            f" [actions.{missing[0]}] what it restricts, or name it in restricts_nothing"
        )
    for action, restriction in rules.actions.items():
        _check_restriction(action, restriction, where)
    for area in taxonomy.areas:
        _known(area.dsa_category, Category, f"{where}: the taxonomy's dsa_category of {area.id}")
    for codes, vocabulary, name in (
        (rules.territory, Country, "territory"),
        (rules.sources, SourceType, "sources.order"),
        (rules.channels.values(), SourceType, "sources.channels"),
        ([*rules.media.values(), *rules.kinds.values()], ContentType, "content"),
        (rules.accounts.values(), AccountType, "content.accounts"),
        ([one for words in rules.keywords.values() for one in words], Keyword, "keywords"),
    ):
        for code in codes:
            _known(code, vocabulary, f"{where}: {name}")
    if rules.content_date not in ("first_seen", "ask"):
        raise StatementFileError(f"{where}: content_date must be 'first_seen' or 'ask', not {rules.content_date!r}")
    if set(rules.sources) != set(get_args(SourceType)):
        raise StatementFileError(f"{where}: sources.order must hold every one of {', '.join(get_args(SourceType))}")


def _check_restriction(action: str, restriction: Restriction, where: str) -> None:
    for field, code in restriction.codes.items():
        if field not in _RESTRICTIONS:
            raise StatementFileError(
                f"{where}: actions.{action}: {field!r} is none of {', '.join(_RESTRICTIONS)}, days"
            )
        _known(code, _RESTRICTIONS[field], f"{where}: actions.{action}")
        if code.endswith("_OTHER"):
            raise StatementFileError(
                f"{where}: actions.{action}: {code} needs words for each decision: map it to another"
            )
    days: Any = restriction.days
    if days is not None and not (isinstance(days, int) and 0 < days <= MOST_DAYS):
        raise StatementFileError(f"{where}: actions.{action}: days must be from 1 to {MOST_DAYS}, not {days!r}")


def _known(code: str, vocabulary: Any, where: str) -> None:
    if code not in get_args(vocabulary):
        raise StatementFileError(
            f"{where}: {code!r} is no code of the database; known: {', '.join(get_args(vocabulary))}"
        )
