"""A statement of reasons from what is known of a case, a decision, and what somebody wrote: pure functions.

What can be known is derived, so that a usual decision costs nobody a key press. What was automated is told as it was
(DSA Article 17(3)(c)): nobody can say otherwise.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, get_args

from models.languages import primary_language
from service.personal import kinds_of
from service.statements.codes import Language
from service.statements.rules import StatementRules
from service.statements.schemas import Exemption, StatementIn
from service.statements.transparency import (
    FACTS_CHARACTERS,
    FREE_TEXT,
    ILLEGAL,
    INCOMPATIBLE,
    LATEST,
    RESTRICTIONS,
    Problem,
    problems,
)
from service.statements.words import Words, language_of

AUTOMATED_CHANNEL = "automated"
TITLE_CHARACTERS = 200
# What is said of the area that was broken; the rest is of the content, and stays true of it.
OF_AREA = frozenset(
    {
        "category",
        "category_addition",
        "category_specification",
        "category_specification_other",
        "decision_facts",
        "decision_ground",
        "decision_ground_reference_url",
        "illegal_content_legal_ground",
        "illegal_content_explanation",
        "incompatible_content_ground",
        "incompatible_content_explanation",
        "incompatible_content_illegal",
    }
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the case at the moment of the decision; days are those of UTC."""

    kind: str
    language: str | None
    has_text: bool
    created_on: date | None
    first_seen: date
    channels: Collection[str]
    flags: Collection[str]
    media: Collection[str]
    # The model's suggestion stood beside the content.
    suggested: bool
    policy_title: str | None = None
    policy_number: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: what for, what is done, on which day, and whether the case itself was looked at ("cluster": it was not)."""

    policy_area: str
    actions: Sequence[str]
    on: date
    basis: str = "review"


@dataclass(frozen=True, slots=True)
class Built:
    """What became of it. `values` may break rules, which `problems` lists."""

    area: str
    kind: str
    language: str
    alike: bool
    values: Mapping[str, Any]
    exemption: Exemption | None = None
    assumed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    policy: tuple[str, int] | None = None
    replaces: str | None = None
    problems: tuple[Problem, ...] = field(default=())


def restricts(actions: Sequence[str], rules: StatementRules) -> bool:
    """Whether a decision with these actions restricts anything that Article 17(1) lists."""
    return any(rules.actions[one].codes for one in actions if one in rules.actions)


def build(
    known: Known, decided: Decided, said: StatementIn | None, rules: StatementRules, *, names: tuple[str | None, ...]
) -> Built:
    """The statement. `names` are its puid, and that of an earlier one whose place it takes, or None."""
    puid, replaces = names
    said = said or StatementIn()
    own = said.model_dump(exclude_none=True, exclude={"even_if_exempt"})
    policy = _policy(known)
    exemption = None if said.even_if_exempt else _exemption(known, decided, rules)
    made = Built(
        area=decided.policy_area,
        kind=known.kind,
        language=language_of(known.language),
        alike=decided.basis == "cluster",
        values={},
        exemption=exemption,
        edited=tuple(sorted(own)),
        policy=policy,
        replaces=replaces,
    )
    if exemption is not None:
        return made
    content_date, assumed = _content_date(known, decided, rules)
    values: dict[str, Any] = {
        "puid": puid,
        **_restrictions(decided, rules),
        **_category(decided.policy_area, rules),
        **_content(known, rules),
        **content_date,
        "application_date": decided.on,
        "territorial_scope": list(rules.territory),
        "source_type": source_of(known, rules),
        "automated_detection": "Yes" if set(known.channels) == {AUTOMATED_CHANNEL} else "No",
        "automated_decision": _automation(known, decided),
        **own,
    }
    values.setdefault("decision_ground", INCOMPATIBLE)
    texts = default_texts(made, str(values["source_type"]), rules.words["en"], rules)
    if values["decision_ground"] == ILLEGAL:
        texts = {"decision_facts": texts["decision_facts"]}
    values = {**texts, **values}
    if replaces is not None:
        named = _replaced(replaces, rules)
        values["decision_facts"] = values["decision_facts"][: FACTS_CHARACTERS - len(named)] + named
    return Built(
        **{name: getattr(made, name) for name in ("area", "kind", "language", "alike", "edited", "policy", "replaces")},
        values=values,
        assumed=tuple(one for one in assumed if one not in own),
        problems=tuple(problems(values)),
    )


def kept_words(earlier: Built, decided: Decided, rules: StatementRules) -> StatementIn:
    """What somebody wrote into an earlier statement, as far as it is to the point of a decision that was made anew."""
    same = earlier.area == decided.policy_area
    restricted = {name for one in decided.actions if one in rules.actions for name in rules.actions[one].codes}
    gone = {end for name, end in RESTRICTIONS.items() if name not in restricted} | (frozenset() if same else OF_AREA)
    own = {name: earlier.values[name] for name in earlier.edited if name in earlier.values and name not in gone}
    if earlier.replaces is not None and "decision_facts" in own:
        own["decision_facts"] = own["decision_facts"].removesuffix(_replaced(earlier.replaces, rules))
    return StatementIn.model_validate(own | {"even_if_exempt": same})


def stands(earlier: Built, actions: Sequence[str], rules: StatementRules) -> bool:
    """Whether all that these actions restrict was restricted before."""
    codes = [pair for one in actions if one in rules.actions for pair in rules.actions[one].codes.items()]
    before = {name: [value] if isinstance(value, str) else value for name, value in earlier.values.items()}
    return all(code in before.get(name, ()) for name, code in codes)


def _replaced(puid: str, rules: StatementRules) -> str:
    return " " + rules.words["en"].said["replaces"].format(puid=puid)


def default_texts(built: Built, source: str, words: Words, rules: StatementRules) -> dict[str, str]:
    """Facts, ground and explanation in one language, where nobody wrote others."""
    name = next((one.name for one in rules.taxonomy.areas if one.id == built.area), built.area)
    area, rule = words.area(built.area, name)
    facts = words.said["facts_alike" if built.alike else "facts"]
    ground = words.said["ground"].format(area=area)
    if built.policy is not None:
        title, number = built.policy
        # A title that only repeats what the policy is about says nothing twice.
        named = "ground_version" if title.casefold() in (area.casefold(), name.casefold()) else "ground_titled"
        ground = words.said[named].format(area=area, title=title, number=number)
    return {
        "decision_facts": facts.format(source=words.codes[source], area=area, rule=rule),
        "incompatible_content_ground": ground,
        "incompatible_content_explanation": words.said["explanation"].format(rule=rule),
    }


def personal_fields(said: StatementIn | None, known: Collection[str]) -> dict[str, list[str]]:
    """By free text that somebody wrote, the kinds of personal data in it; `known` are ids of people of the case."""
    if said is None:
        return {}
    found = {name: kinds_of(str(getattr(said, name, None) or ""), known) for name in FREE_TEXT}
    return {name: kinds for name, kinds in found.items() if kinds}


def source_of(known: Known, rules: StatementRules) -> str:
    """Where the case came from: the weightiest of its reports; of one without any report, the platform itself."""
    found = {rules.channels.get(one, "SOURCE_TYPE_OTHER_NOTIFICATION") for one in known.channels}
    if not rules.article_16_flags.isdisjoint(known.flags):
        found.add("SOURCE_ARTICLE_16")
    return next((one for one in rules.sources if one in found), "SOURCE_VOLUNTARY")


def _policy(known: Known) -> tuple[str, int] | None:
    """Title and version of the policy in force, unless its title holds what may not be published."""
    if known.policy_title is None or known.policy_number is None or kinds_of(known.policy_title):
        return None
    return known.policy_title[:TITLE_CHARACTERS].strip(), known.policy_number


def _exemption(known: Known, decided: Decided, rules: StatementRules) -> Exemption | None:
    if not rules.order_flags.isdisjoint(known.flags):
        return "article_9_order"
    return "high_volume" if decided.policy_area in rules.high_volume_areas else None


def _restrictions(decided: Decided, rules: StatementRules) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for restriction in (rules.actions[one] for one in decided.actions if one in rules.actions):
        for name, code in restriction.codes.items():
            if name == "decision_visibility":
                values.setdefault(name, []).append(code)
            else:
                values[name] = code
            if restriction.days is not None:
                values[RESTRICTIONS[name]] = min(decided.on + timedelta(days=restriction.days), LATEST)
    return values


def _category(area: str, rules: StatementRules) -> dict[str, Any]:
    category = rules.taxonomy.area(area).dsa_category
    return {"category": category} | (
        {"category_specification": list(rules.keywords[area])} if area in rules.keywords else {}
    )


def _content(known: Known, rules: StatementRules) -> dict[str, Any]:
    types = ["CONTENT_TYPE_TEXT"] if known.has_text else []
    types += sorted({rules.media.get(one, "CONTENT_TYPE_OTHER") for one in known.media})
    if known.kind in rules.kinds:
        types.append(rules.kinds[known.kind])
    values: dict[str, Any] = {"content_type": list(dict.fromkeys(types)) or ["CONTENT_TYPE_OTHER"]}
    if "CONTENT_TYPE_OTHER" in values["content_type"]:
        values["content_type_other"] = known.kind.replace("_", " ")
    if known.kind in rules.accounts:
        values["account_type"] = rules.accounts[known.kind]
    language = primary_language(known.language).upper()
    return values | ({"content_language": language} if language in get_args(Language) else {})


def _content_date(known: Known, decided: Decided, rules: StatementRules) -> tuple[dict[str, date], tuple[str, ...]]:
    """When the content was made, as far as it is known, and whether that is assumed."""
    made = known.created_on
    if made is not None and date(2000, 1, 1) <= made <= decided.on:
        return {"content_date": made}, ()
    if rules.content_date == "ask":
        return {}, ()
    return {"content_date": min(known.first_seen, decided.on)}, ("content_date",)


def _automation(known: Known, decided: Decided) -> str:
    # Nobody looked at those of a cluster: near-duplicates of one that somebody did look at were found by the machine.
    helped = decided.basis == "cluster" or known.suggested
    return "AUTOMATED_DECISION_PARTIALLY" if helped else "AUTOMATED_DECISION_NOT_AUTOMATED"
