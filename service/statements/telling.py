"""The text of a statement of reasons, as the law lists its parts, and the notice to the author around it: pure functions."""

from collections.abc import Mapping
from typing import Any, get_args

from service.statements.building import Built, default_texts
from service.statements.codes import Country
from service.statements.rules import StatementRules
from service.statements.schemas import SectionOut
from service.statements.transparency import ILLEGAL, RESTRICTIONS
from service.statements.words import Words

_OTHERS = {
    "DECISION_VISIBILITY_OTHER": "decision_visibility_other",
    "DECISION_MONETARY_OTHER": "decision_monetary_other",
}


def sections_of(built: Built, language: str, rules: StatementRules) -> list[SectionOut]:
    """What Article 17(3)(a) to (f) asks for, in one language; nothing where the decision is exempt.

    What a person wrote is told in the words they wrote it in.
    """
    if built.exemption is not None or not built.values:
        return []
    words = rules.words[language]
    texts = _texts(built, words, rules)
    parts = {
        "decision": _decision(built.values, words),
        "facts": texts["decision_facts"],
        "automation": " ".join(
            (
                words.codes[f"DETECTION_{built.values['automated_detection']}"],
                words.codes[built.values["automated_decision"]],
            )
        ),
        "ground": _ground(built.values, texts, words),
        "redress": _redress(words, rules),
    }
    return [
        SectionOut.model_validate({"name": one, "heading": words.headings[one], "text": parts[one]}) for one in parts
    ]


def notice_of(built: Built, language: str, rules: StatementRules) -> str:
    """What the author is told: the whole statement with an opening and a close; empty where the decision is exempt."""
    sections = sections_of(built, language, rules)
    if not sections:
        return ""
    words = rules.words[language]
    opening = words.said["opening"].format(kind=words.kind(built.kind), what=words.said[f"what_{_what(built.values)}"])
    return "\n\n".join(
        [opening, *(f"{one.heading}\n{one.text}" for one in sections), words.said["closing"]],
    )


def _what(values: Mapping[str, Any]) -> str:
    """What is restricted: the content, the account or both."""
    account = bool(values.get("decision_account") or values.get("decision_provision"))
    content = bool(values.get("decision_visibility") or values.get("decision_monetary"))
    return "both" if account and content else "account" if account else "content"


def _texts(built: Built, words: Words, rules: StatementRules) -> dict[str, str]:
    """Free texts: those written, and defaults in this language for the others."""
    texts = default_texts(built, str(built.values["source_type"]), words, rules)
    if built.replaces is not None:
        texts["decision_facts"] += " " + words.said["replaces"].format(puid=built.replaces)
    written = {name: str(built.values[name]) for name in built.edited if name in built.values}
    return texts | written


def _decision(values: Mapping[str, Any], words: Words) -> str:
    told = []
    for field, ends in RESTRICTIONS.items():
        codes = values.get(field) or []
        for code in [codes] if isinstance(codes, str) else codes:
            other = values.get(_OTHERS.get(code, ""))
            told.append(f"{words.codes[code]} {other}" if other else words.codes[code])
        if values.get(ends):
            told.append(words.said["until"].format(day=values[ends]))
    countries = values.get("territorial_scope") or []
    if not countries:
        return " ".join(told)
    everywhere = set(countries) == set(get_args(Country))
    territory = words.said["eea"] if everywhere else words.said["countries"].format(codes=", ".join(countries))
    return words.said["restrictions"].format(what=" ".join(told), territory=territory)


def _ground(values: Mapping[str, Any], texts: Mapping[str, str], words: Words) -> str:
    law = values["decision_ground"] == ILLEGAL
    names = ("illegal_content_legal_ground", "illegal_content_explanation")
    if not law:
        names = ("incompatible_content_ground", "incompatible_content_explanation")
    ground, explanation = (str(texts.get(name, values.get(name, ""))) for name in names)
    told = words.said["law" if law else "terms"].format(ground=ground.rstrip("."), explanation=explanation)
    if values.get("incompatible_content_illegal") == "Yes":
        told += " " + words.said["also_illegal"]
    reference = values.get("decision_ground_reference_url")
    return f"{told} {reference}" if reference else told


def _redress(words: Words, rules: StatementRules) -> str:
    where = words.redress["complaint_here"]
    if rules.complaint_url:
        where = words.redress["complaint_at"].format(url=rules.complaint_url)
    return " ".join(
        (words.redress["complaint"].format(where=where), words.redress["settlement"], words.redress["court"])
    )
