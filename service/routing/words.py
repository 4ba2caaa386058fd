"""Rules as sentences that a lead can read aloud."""

from collections.abc import Iterable
from typing import Any

from labeling.taxonomy import Taxonomy
from models.languages import UNKNOWN_LANGUAGE
from service.routing.rules import Rule, When

# Longer lists are cut for reading; the form holds them whole.
LISTED = 6


def sentence(rule: Rule, taxonomy: Taxonomy) -> str:
    """The conditions of a rule in words; where it leads to is shown beside them."""
    parts = conditions(rule.when, taxonomy)
    return f"Cases where {', and '.join(parts)}." if parts else "Every case that comes this far."


def conditions(when: When, taxonomy: Taxonomy) -> list[str]:
    """One phrase for each condition that is given."""
    names = {area.id: area.name for area in taxonomy.areas} | {taxonomy.benign_id: taxonomy.benign_name}
    phrases = [
        _is("the channel", map(_spoken, when.channels)),
        _is("the reason", map(_spoken, when.reasons)),
        _is("a flag", map(_spoken, when.flags)),
        _is("the surface", map(_spoken, when.kinds)),
        _is("the language", ("unknown" if one == UNKNOWN_LANGUAGE else one for one in when.languages)),
        _is("the market", when.markets),
        "" if when.scored is None else "there is a score" if when.scored else "there is no score yet",
        _likely(when, names),
        _is("the likeliest area", (names.get(area, area) for area in when.primary_areas)),
        "" if when.severity is None else _at_least("the severity", when.severity, taxonomy),
        "" if when.graphic is None else f"the graphic level is {when.graphic} or more",
    ]
    return [phrase for phrase in phrases if phrase]


def lack(row: Any) -> str:
    """What nobody has whom waiting cases could be given to; of (missing, lacks_language, lacks_consent)."""
    language, area = row.lacks_language, row.lacks_consent
    return {
        "queue": "nobody active may take from it",
        "language": f"nobody who takes from it reads {language}",
        "consent": f"nobody who takes from it consented to {area}",
        "both": f"nobody who takes from it both reads {language} and consented to {area}",
        "passed_over": "past their latest start, and everybody they could be given to has passed them over for good",
    }[row.missing]


def _is(what: str, values: Iterable[str]) -> str:
    listed = sorted(values)
    return f"{what} is {_either(listed)}" if listed else ""


def _likely(when: When, names: dict[str, str]) -> str:
    by_area = sorted(when.areas.items(), key=lambda one: names.get(one[0], one[0]))
    return _either([f"{names.get(area, area)} is {least:.0%} likely or more" for area, least in by_area])


def _at_least(what: str, level: int, taxonomy: Taxonomy) -> str:
    name = taxonomy.severities[level].name
    return f"{what} is {level} ({name})" + (" or more" if level < len(taxonomy.severities) - 1 else "")


def _either(values: list[str]) -> str:
    shown = values[:LISTED]
    if len(values) > LISTED:
        shown = [*shown, f"one of {len(values) - LISTED} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}" if shown else ""


def _spoken(identifier: str) -> str:
    return identifier.replace("_", " ")
