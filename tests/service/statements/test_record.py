"""The record for the Transparency Database: whole for every area and action, and every broken field is refused by its name."""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from labeling.taxonomy import Taxonomy
from service.app import create_app
from service.personal import kinds_of
from service.settings import REPOSITORY, Settings, SettingsError
from service.statements.building import Decided, Known, build, restricts
from service.statements.rules import StatementFileError, StatementRules, parse_rules, read_rules
from service.statements.schemas import StatementIn
from service.statements.telling import notice_of, sections_of
from service.statements.transparency import (
    FREE_TEXT,
    ONLY_WITH,
    REQUIRED_WITH,
    RESTRICTIONS,
    TransparencyStatement,
    problems,
)
from service.statements.words import LANGUAGES
from service.statements.workflow import configured
from tests.service.statements.steps import ILLEGAL_ONE, KNOWN, ON, WHOLE

MAPPING = REPOSITORY / "service" / "statements" / "mapping.toml"
FIELDS = TransparencyStatement.model_fields


@pytest.fixture(scope="session")
def rules(taxonomy: Taxonomy) -> StatementRules:
    """The shipped rules."""
    return read_rules(None, taxonomy)


def test_every_area_and_action_makes_a_record_that_the_database_takes(
    taxonomy: Taxonomy, rules: StatementRules
) -> None:
    seen: set[str] = set()
    for area, action in itertools.product(taxonomy.area_ids, [one for one in taxonomy.actions if one.enforces]):
        if not restricts([action.id], rules):
            assert action.id == "warn"
            continue
        said = StatementIn(even_if_exempt=True)
        built = build(KNOWN, Decided(area, [action.id], ON), said, rules, names=("ct-1", None))
        assert built.problems == (), (area, action.id)
        sent = TransparencyStatement.model_validate(built.values).as_json()
        assert TransparencyStatement.model_validate_json(json.dumps(sent)).as_json() == sent
        assert sent["category"] == taxonomy.area(area).dsa_category
        assert [name for name in FREE_TEXT if kinds_of(str(sent.get(name, "")))] == [], area
        seen |= {str(sent.get(one)) for one in RESTRICTIONS}
        for language in LANGUAGES:
            told = notice_of(built, language, rules)
            assert "{" not in told
            assert re.search(r"\b(6|six|seis|sechs)\b", told), "six months to complain"
            assert [one.name for one in sections_of(built, language, rules)] == list(rules.words[language].headings)
            assert rules.words[language].areas[area][1] in told
    assert len(seen - {"None"}) == 6


@pytest.mark.parametrize("whole", [WHOLE, ILLEGAL_ONE], ids=["terms", "law"])
def test_each_single_broken_field_is_refused_with_its_name(whole: dict[str, Any]) -> None:
    assert problems(whole) == []
    broken = list(mutations(whole))
    for name, value in broken:
        changed = {field: one for field, one in whole.items() if field != name}
        if value is not Ellipsis:
            changed[name] = value
        named = {one.field for one in problems(changed)}
        assert name in named, (name, value)
    assert {name for name, _ in broken} == set(FIELDS) | {"unheard_of"}


def mutations(whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields with values that break them, from the model itself: left out, of another type, unknown, too long, too early."""
    yield "unheard_of", "x"
    for name, field in FIELDS.items():
        yield name, 3.5
        if field.is_required():
            yield name, ...
            yield name, None
        yield from ((name, value) for value in _out_of_bounds(name, field))
    for name, (other, code) in REQUIRED_WITH.items():
        held = whole.get(other) or ()
        wanted = code in held if isinstance(held, list) else held == code
        if wanted:
            yield name, ...
        else:
            yield name, "there is no place for it"
    for name, (other, code) in ONLY_WITH.items():
        if whole.get(other) != code:
            yield name, "Yes"
    for name, ends in RESTRICTIONS.items():
        yield ends, (ON - timedelta(days=1)).isoformat()
        if not whole.get(name):
            yield ends, (ON + timedelta(days=1)).isoformat()
    yield "content_date", (ON + timedelta(days=1)).isoformat()
    yield "category_addition", [whole["category"]]


def _out_of_bounds(name: str, field: FieldInfo) -> Iterator[Any]:
    schema = TransparencyStatement.model_json_schema()["properties"][name]
    for one in [*schema.get("anyOf", []), schema]:
        kind = one.get("type")
        if "enum" in one or "const" in one:
            yield "CODE_UNKNOWN"
        if kind == "string" and "maxLength" in one:
            yield "a" * (one["maxLength"] + 1)
            yield ""
        if kind == "string" and "pattern" in one:
            yield "not a ✓ value"
        if kind == "string" and one.get("format") == "date":
            yield from ("30.11.2026", "2026-13-01", "2026-11-30T00:00:00", "2038-01-02")
        if kind == "array":
            yield ["CODE_UNKNOWN"]
            if one.get("minItems"):
                yield []
        if kind == "object":
            yield {"EAN-13": "12"}
    if name in ("content_date", "application_date"):
        yield "1999-12-31"


def test_source_and_automation_are_told_as_they_were(rules: StatementRules) -> None:
    def told(basis: str = "review", **known: Any) -> tuple[str, str, str]:
        facts = {name: getattr(KNOWN, name) for name in KNOWN.__slots__} | known
        values = build(
            Known(**facts), Decided("harassment", ["remove"], ON, basis), None, rules, names=("p", None)
        ).values
        return (
            values["source_type"],
            values["automated_detection"],
            values["automated_decision"].removeprefix("AUTOMATED_DECISION_"),
        )

    assert told(channels=["user"], suggested=False) == ("SOURCE_TYPE_OTHER_NOTIFICATION", "No", "NOT_AUTOMATED")
    assert told(channels=["user"], suggested=True) == ("SOURCE_TYPE_OTHER_NOTIFICATION", "No", "PARTIALLY")
    assert told(channels=["user"], flags=["article_16"])[0] == "SOURCE_ARTICLE_16"
    assert told(channels=["user", "automated", "trusted_flagger"])[:2] == ("SOURCE_TRUSTED_FLAGGER", "No")
    assert told(channels=["automated"])[:2] == ("SOURCE_VOLUNTARY", "Yes")
    assert told(channels=[])[:2] == ("SOURCE_VOLUNTARY", "No")
    assert told("cluster", suggested=False)[2] == "PARTIALLY"
    facts = build(KNOWN, Decided("harassment", ["remove"], ON, "cluster"), None, rules, names=("p", None)).values
    assert "nearly the same as other content" in facts["decision_facts"]


def test_exempt_decisions_make_no_record_and_say_why(rules: StatementRules) -> None:
    spam = build(KNOWN, Decided("spam", ["remove"], ON), None, rules, names=("p", None))
    assert (spam.exemption, dict(spam.values)) == ("high_volume", {})
    ordered = {name: getattr(KNOWN, name) for name in KNOWN.__slots__} | {"flags": ["legal_order"]}
    order = build(Known(**ordered), Decided("harassment", ["remove"], ON), None, rules, names=("p", None))
    assert order.exemption == "article_9_order"
    assert notice_of(order, "en", rules) == ""


def test_an_illegal_ground_needs_its_law_and_drops_the_terms(rules: StatementRules) -> None:
    def made(**said: Any) -> tuple[list[str], dict[str, Any]]:
        statement = StatementIn(decision_ground="DECISION_GROUND_ILLEGAL_CONTENT", **said)
        built = build(KNOWN, Decided("hateful_conduct", ["remove"], ON), statement, rules, names=("p", None))
        return [one.field for one in built.problems], dict(built.values)

    assert made()[0] == ["illegal_content_legal_ground", "illegal_content_explanation"]
    named, values = made(illegal_content_legal_ground="Section 130", illegal_content_explanation="It incites hatred.")
    assert named == []
    assert "incompatible_content_ground" not in values


def test_the_day_of_content_is_assumed_or_asked_for(taxonomy: Taxonomy, rules: StatementRules) -> None:
    facts = {name: getattr(KNOWN, name) for name in KNOWN.__slots__} | {"created_on": None}
    built = build(Known(**facts), Decided("privacy", ["remove"], ON), None, rules, names=("p", None))
    assert (built.values["content_date"], built.assumed, built.problems) == (KNOWN.first_seen, ("content_date",), ())
    asking = parse_rules(_mapping().replace('"first_seen"\n', '"ask"\n'), taxonomy, where="m.toml")
    asked = build(Known(**facts), Decided("privacy", ["remove"], ON), None, asking, names=("p", None))
    assert [one.field for one in asked.problems] == ["content_date"]
    given = StatementIn(content_date=date(2026, 11, 1))
    assert build(Known(**facts), Decided("privacy", ["remove"], ON), given, asking, names=("p", None)).problems == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('restricts_nothing = ["warn"]', "restricts_nothing = []"), "action 'warn' of taxonomy"),
        (("[actions.remove]", "[actions.erase]"), "action 'remove' of taxonomy"),
        (('"DECISION_ACCOUNT_SUSPENDED"', '"DECISION_ACCOUNT_PAUSED"'), "'DECISION_ACCOUNT_PAUSED' is no code"),
        (('"DECISION_ACCOUNT_SUSPENDED"', '"DECISION_ACCOUNT_TERMINATED"\nmood = "x"'), "'mood' is none of"),
        (("days = 30", "days = 0"), "days must be"),
        (("days = 30", "days = '30'"), "days must be"),
        (('territory = "EEA"', 'territory = ["US"]'), "territory: 'US' is no code"),
        (("KEYWORD_COORDINATED_HARM", "KEYWORD_X"), "keywords: 'KEYWORD_X' is no code"),
        (('"first_seen"\n', '"guess"\n'), "content_date must be"),
        (("[exempt]", "[excused]"), "cannot be read"),
    ],
)
def test_rules_that_cannot_be_used_say_what_and_where(change: tuple[str, str], named: str, taxonomy: Taxonomy) -> None:
    text = _mapping()
    assert change[0] in text
    with pytest.raises(StatementFileError, match=re.escape(named)) as error:
        parse_rules(text.replace(*change), taxonomy, where="mine.toml")
    assert "mine.toml" in str(error.value)


def test_an_action_that_restricts_nothing_and_stands_nowhere_is_no_matter(rules: StatementRules) -> None:
    decided = Decided("harassment", ["remove", "no_violation"], ON)
    built = build(KNOWN, decided, None, rules, names=("ct-1", None))
    assert built.problems == ()
    assert built.values["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, taxonomy: Taxonomy) -> None:
    own = tmp_path / "rules.toml"
    settings = Settings(data_dir=tmp_path, statement_rules=own)
    with pytest.raises(
        SettingsError, match=r"TRIAGE_STATEMENT_RULES: .*rules\.toml: file of statement rules cannot be read"
    ):
        configured(settings, taxonomy)
    own.write_text(_mapping().replace("[actions.label]", "[actions.sticker]"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"the action 'label' of taxonomy"):
        create_app(settings, database_url="postgresql://nobody@localhost/none")
    assert configured(settings.model_copy(update={"statements": "off"}), taxonomy) is None


def _mapping() -> str:
    return MAPPING.read_text(encoding="utf-8")
