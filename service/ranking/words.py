"""The rank in words: why a case stands where it stands, in sentences a reviewer can read in seconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labeling.taxonomy import Taxonomy

# From here on the factor is no longer spelt out: it says no more, and after a year it is beyond any number.
MANY_DOUBLINGS = 20


def explain(parts: Mapping[str, Any], taxonomy: Taxonomy, *, now: datetime) -> list[str]:
    """Sentences from the stored parts; every number in them is one of the parts or follows from them."""
    return [
        _what(parts, taxonomy),
        f"{_number(parts['views_per_hour'])} views an hour multiply that harm.",
        *_vulnerable(parts, taxonomy),
        f"A decision takes about {parts['handling_minutes']:.1f} minutes; quicker ones come first at equal harm.",
        _waiting(parts, now),
    ]


def _what(parts: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    leading = parts["areas"][0]
    name = _name(leading["area"], taxonomy)
    likely = max(range(len(parts["severity"])), key=lambda level: parts["severity"][level])
    severity = taxonomy.severities[likely].name
    if not parts["scored"]:
        return (
            f"Not scored yet: treated as {name} at {leading['probability']:.0%}, which is cautious on purpose, "
            "because of what was reported."
            if leading["area"] in parts["reasons"]
            else f"Not scored yet: treated as {name} at {leading['probability']:.0%}, which is cautious on purpose."
        )
    reported = ", and a reporter named it" if leading["area"] in parts["reasons"] else ""
    return f"{name} weighs most: {leading['probability']:.0%} likely{reported}; most likely severity {likely} ({severity})."


def _vulnerable(parts: Mapping[str, Any], taxonomy: Taxonomy) -> list[str]:
    vulnerability = parts["areas"][0]["vulnerability"]
    if vulnerability == 1.0:
        return []
    name = _name(parts["areas"][0]["area"], taxonomy)
    return [f"{name} falls on a person, which counts {vulnerability:g} times."]


def _waiting(parts: Mapping[str, Any], now: datetime) -> str:
    hours = (now - datetime.fromisoformat(parts["received_at"])).total_seconds() / 3600
    doubled = f"Waiting counts double every {parts['doubling_hours']:g} hours"
    if hours < 1:
        return f"{doubled}; this one came {max(hours * 60, 0):.0f} minutes ago."
    doublings = hours / parts["doubling_hours"]
    factor = _number(2**doublings) if doublings < MANY_DOUBLINGS else "over a million"
    return f"{doubled}; this one has waited {hours:.1f} hours, which counts {factor} times."


def _name(area_id: str, taxonomy: Taxonomy) -> str:
    """The id itself where a rank is older than the taxonomy and names an area that is gone."""
    return next((area.name for area in taxonomy.areas if area.id == area_id), area_id)


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0")
