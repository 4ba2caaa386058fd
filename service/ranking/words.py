"""The rank in words: why a case stands where it stands, in sentences a reviewer can read in seconds."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from labeling.taxonomy import Taxonomy
from models.rank import BY_HARM, GUARD, POLICIES, guard_from

# From here on the factor is no longer spelt out: it says no more, and after a year it is beyond any number.
MANY_DOUBLINGS = 20


def explain(parts: Mapping[str, Any], taxonomy: Taxonomy, *, now: datetime) -> list[str]:
    """Sentences from the stored parts; every number in them is one of the parts or follows from them."""
    policy = parts["policy"]
    if policy not in BY_HARM:
        return [_OTHER_ORDERS[policy](parts, now), _what(parts, taxonomy)]
    return [
        _what(parts, taxonomy),
        f"{_number(parts['views_per_hour'])} views an hour multiply that harm.",
        *_vulnerable(parts, taxonomy),
        *_reporters(parts, taxonomy),
        f"A decision takes about {parts['handling_minutes']:.1f} minutes; quicker ones come first at equal harm.",
        _waiting(parts, now),
        *_guarded(parts, now),
    ]


def place_in_words(ahead: int | None, *, most: int) -> list[str]:
    """One sentence about the place in the queue; none for a case that does not wait. `most` is as far as was counted."""
    if ahead is None:
        return []
    if ahead == 0:
        return ["It is the next case of its queue."]
    count = (
        f"At least {ahead:,} cases stand"
        if ahead >= most
        else f"{ahead:,} {'case stands' if ahead == 1 else 'cases stand'}"
    )
    return [f"{count} before it in its queue."]


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


def _reporters(parts: Mapping[str, Any], taxonomy: Taxonomy) -> list[str]:
    """What the history of known reporters does to the areas they named, and that a mere number does nothing."""
    found = [
        f"{_name(one['reason'], taxonomy)} was named by reporters whose earlier reports were "
        f"{'upheld more' if one['ratio'] > 1 else 'dismissed more'} often than usual, which counts {one['ratio']:.2g} times."
        for one in parts.get("reporters", ())
        if not math.isclose(one["ratio"], 1.0, abs_tol=0.005)
    ]
    if parts.get("reports", 1) > 1:
        found.append(f"It was reported {parts['reports']:,} times; the number alone moves nothing.")
    return found


def _guarded(parts: Mapping[str, Any], now: datetime) -> list[str]:
    """When the case goes ahead of all that have no deadline, whatever its harm; nothing under a policy without a guard."""
    if not parts["policy"].endswith(GUARD):
        return []
    begin, _ = guard_from(parts)
    what = "a deadline" if parts["deadline"] else "its latest start"
    hours = (begin - now).total_seconds() / 3600
    if hours <= 0:
        return [f"It goes first now, because of {what}."]
    return [f"If nobody has taken it in {_span(hours)}, it goes first because of {what}."]


def _span(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"


def _waiting(parts: Mapping[str, Any], now: datetime) -> str:
    hours = (now - datetime.fromisoformat(parts["received_at"])).total_seconds() / 3600
    doubled = f"Waiting counts double every {parts['doubling_hours']:g} hours"
    if hours < 1:
        return f"{doubled}; this one came {max(hours * 60, 0):.0f} minutes ago."
    doublings = hours / parts["doubling_hours"]
    factor = _number(2**doublings) if doublings < MANY_DOUBLINGS else "over a million"
    return f"{doubled}; this one has waited {hours:.1f} hours, which counts {factor} times."


def _waited(parts: Mapping[str, Any], now: datetime) -> str:
    hours = (now - datetime.fromisoformat(parts["received_at"])).total_seconds() / 3600
    return (
        f"this one came {max(hours * 60, 0):.0f} minutes ago" if hours < 1 else f"this one has waited {hours:.1f} hours"
    )


def _due_in(parts: Mapping[str, Any], now: datetime) -> str:
    hours = (guard_from(parts)[1] - now).total_seconds() / 3600
    return f"this one is due in {hours:.1f} hours" if hours > 0 else f"this one has been due for {-hours:.1f} hours"


_OTHER_ORDERS: dict[str, Callable[[Mapping[str, Any], datetime], str]] = {
    "fifo": lambda parts, now: f"What came first goes first, whatever it is: {_waited(parts, now)}.",
    "tier": lambda parts, now: f"The most likely severity goes first, then what came first: {_waited(parts, now)}.",
    "p": lambda parts, _now: f"The surest goes first: the likeliest area has {POLICIES[parts['policy']](parts):.0%}.",
    "p*severity": lambda parts, _now: (
        f"Likelihood times weight of severity goes first: {_number(POLICIES[parts['policy']](parts))} is the highest here."
    ),
    "edf": lambda parts, now: f"What is due first goes first: {_due_in(parts, now)}.",
}


def _name(area_id: str, taxonomy: Taxonomy) -> str:
    """The id itself where a rank is older than the taxonomy and names an area that is gone."""
    return next((area.name for area in taxonomy.areas if area.id == area_id), area_id)


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0")
