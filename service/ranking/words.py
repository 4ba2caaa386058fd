"""The rank in words: why a case stands where it stands, in sentences a reviewer can read in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labeling.taxonomy import Taxonomy
from models.overlay import SEVERITY_ONLY
from models.rank import BY_HARM, GUARD, POLICIES, guard_from

# From here on the factor is no longer spelt out: it says no more, and after a year it is beyond any number.
MANY_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """English with named values, `%(count)s`, which the pages translate; a value may be a part of a sentence itself."""

    message: str
    values: Mapping[str, str | Sentence]

    def __str__(self) -> str:
        return self.message % self.values


def say(message: str, **values: str | Sentence) -> Sentence:
    """A sentence. By this name messages are found for the catalogue of the pages."""
    return Sentence(message, values)


def explain(parts: Mapping[str, Any], taxonomy: Taxonomy, *, now: datetime) -> list[str]:
    """The sentences in English."""
    return [str(one) for one in sentences(parts, taxonomy, now=now)]


def sentences(parts: Mapping[str, Any], taxonomy: Taxonomy, *, now: datetime) -> list[Sentence]:
    """Sentences from the stored parts; every number in them is one of the parts or follows from them."""
    policy = parts["policy"]
    if policy not in BY_HARM:
        guarded = _guarded(parts, now)
        return [_OTHER_ORDERS[policy](parts, now), _what(parts, taxonomy), *guarded]
    return [
        _what(parts, taxonomy),
        *_crises(parts, taxonomy, now),
        say("%(views)s views an hour multiply that harm.", views=_number(parts["views_per_hour"])),
        *_vulnerable(parts, taxonomy),
        *_reporters(parts, taxonomy),
        say(
            "A decision takes about %(minutes)s minutes; quicker ones come first at equal harm.",
            minutes=format(parts["handling_minutes"], ".1f"),
        ),
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


def _what(parts: Mapping[str, Any], taxonomy: Taxonomy) -> Sentence:
    leading = parts["areas"][0]
    name, chance = _name(leading["area"], taxonomy), format(leading["probability"], ".0%")
    reported = leading["area"] in parts["reasons"]
    if not parts["scored"]:
        return (
            say(
                "Not scored yet: treated as %(area)s at %(chance)s, which is cautious on purpose,"
                " because of what was reported.",
                area=name,
                chance=chance,
            )
            if reported
            else say(
                "Not scored yet: treated as %(area)s at %(chance)s, which is cautious on purpose.",
                area=name,
                chance=chance,
            )
        )
    likely = max(range(len(parts["severity"])), key=lambda level: parts["severity"][level])
    values = {"area": name, "chance": chance, "level": str(likely), "severity": taxonomy.severities[likely].name}
    if reported:
        return say(
            "%(area)s weighs most: %(chance)s likely, and a reporter named it;"
            " most likely severity %(level)s (%(severity)s).",
            **values,
        )
    return say("%(area)s weighs most: %(chance)s likely; most likely severity %(level)s (%(severity)s).", **values)


def _vulnerable(parts: Mapping[str, Any], taxonomy: Taxonomy) -> list[Sentence]:
    vulnerability = parts["areas"][0]["vulnerability"]
    if vulnerability == 1.0:
        return []
    name = _name(parts["areas"][0]["area"], taxonomy)
    return [
        say("%(area)s falls on a person, which counts %(times)s times.", area=name, times=format(vulnerability, "g"))
    ]


def _crises(parts: Mapping[str, Any], taxonomy: Taxonomy, now: datetime) -> list[Sentence]:
    """Which crisis counts which area more or less, and until when; of several that name an area, the one that does."""
    found = []
    for area in parts["areas"]:
        factor = area.get("crisis", 1.0)
        if factor == 1.0:
            continue
        crisis = next(one for one in parts["overlay"]["crises"] if one["areas"].get(area["area"]) == factor)
        found.append(
            say(
                "Crisis “%(crisis)s”: %(area)s counts %(times)s times until %(until)s.",
                crisis=crisis["name"],
                area=_name(area["area"], taxonomy),
                times=format(factor, "g"),
                until=_moment(crisis["until"], now),
            )
        )
    return found


def _moment(at: str, now: datetime) -> str:
    """A moment in UTC, with its day unless that is today."""
    moment = datetime.fromisoformat(at)
    return f"{moment:%H:%M} UTC" if moment.date() == now.astimezone(UTC).date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def _reporters(parts: Mapping[str, Any], taxonomy: Taxonomy) -> list[Sentence]:
    """What the history of known reporters does to the areas they named, and that a mere number does nothing."""
    found = [
        _trusted(_name(one["reason"], taxonomy), one["ratio"])
        for one in parts.get("reporters", ())
        if not math.isclose(one["ratio"], 1.0, abs_tol=0.005)
    ]
    if parts.get("reports", 1) > 1:
        found.append(
            say("It was reported %(times)s times; the number alone moves nothing.", times=format(parts["reports"], ","))
        )
    return found


def _trusted(name: str, ratio: float) -> Sentence:
    if ratio > 1:
        return say(
            "%(area)s was named by reporters whose earlier reports were upheld more often than usual,"
            " which counts %(times)s times.",
            area=name,
            times=format(ratio, ".2g"),
        )
    return say(
        "%(area)s was named by reporters whose earlier reports were dismissed more often than usual,"
        " which counts %(times)s times.",
        area=name,
        times=format(ratio, ".2g"),
    )


def _guarded(parts: Mapping[str, Any], now: datetime) -> list[Sentence]:
    """When the case goes ahead of all that have no deadline, whatever its harm; nothing under a policy without a guard."""
    if not parts["policy"].endswith(GUARD):
        return []
    begin, _ = guard_from(parts)
    hours = (begin - now).total_seconds() / 3600
    if hours <= 0:
        return [
            say("It goes first now, because of a deadline.")
            if parts["deadline"]
            else say("It goes first now, because of its latest start.")
        ]
    return [
        say("If nobody has taken it in %(time)s, it goes first because of a deadline.", time=_span(hours))
        if parts["deadline"]
        else say("If nobody has taken it in %(time)s, it goes first because of its latest start.", time=_span(hours))
    ]


def _span(hours: float) -> Sentence:
    if hours >= 1:
        return say("%(hours)s hours", hours=format(hours, ".1f"))
    return say("%(minutes)s minutes", minutes=format(hours * 60, ".0f"))


def _waiting(parts: Mapping[str, Any], now: datetime) -> Sentence:
    hours = (now - datetime.fromisoformat(parts["received_at"])).total_seconds() / 3600
    every = format(parts["doubling_hours"], "g")
    if hours < 1:
        return say(
            "Waiting counts double every %(every)s hours; this one came %(minutes)s minutes ago.",
            every=every,
            minutes=format(max(hours * 60, 0), ".0f"),
        )
    doublings = hours / parts["doubling_hours"]
    if doublings >= MANY_DOUBLINGS:
        return say(
            "Waiting counts double every %(every)s hours; this one has waited %(hours)s hours,"
            " which counts over a million times.",
            every=every,
            hours=format(hours, ".1f"),
        )
    return say(
        "Waiting counts double every %(every)s hours; this one has waited %(hours)s hours, which counts %(times)s times.",
        every=every,
        hours=format(hours, ".1f"),
        times=_number(2**doublings),
    )


def _waited(parts: Mapping[str, Any], now: datetime) -> Sentence:
    hours = (now - datetime.fromisoformat(parts["received_at"])).total_seconds() / 3600
    if hours < 1:
        return say("this one came %(minutes)s minutes ago", minutes=format(max(hours * 60, 0), ".0f"))
    return say("this one has waited %(hours)s hours", hours=format(hours, ".1f"))


def _due_in(parts: Mapping[str, Any], now: datetime) -> Sentence:
    hours = (guard_from(parts)[1] - now).total_seconds() / 3600
    if hours > 0:
        return say("this one is due in %(hours)s hours", hours=format(hours, ".1f"))
    return say("this one has been due for %(hours)s hours", hours=format(-hours, ".1f"))


_OTHER_ORDERS: dict[str, Callable[[Mapping[str, Any], datetime], Sentence]] = {
    "fifo": lambda parts, now: say(
        "What came first goes first, whatever it is: %(waited)s.", waited=_waited(parts, now)
    ),
    "tier": lambda parts, now: say(
        "The most likely severity goes first, then what came first: %(waited)s.", waited=_waited(parts, now)
    ),
    SEVERITY_ONLY: lambda parts, now: say(
        "While the continuity plan is at work, the most likely severity goes first, then what came first: %(waited)s.",
        waited=_waited(parts, now),
    ),
    "p": lambda parts, _now: say(
        "The surest goes first: the likeliest area has %(chance)s.",
        chance=format(POLICIES[parts["policy"]](parts), ".0%"),
    ),
    "p*severity": lambda parts, _now: say(
        "Likelihood times weight of severity goes first: %(product)s is the highest here.",
        product=_number(POLICIES[parts["policy"]](parts)),
    ),
    "edf": lambda parts, now: say("What is due first goes first: %(due)s.", due=_due_in(parts, now)),
}


def _name(area_id: str, taxonomy: Taxonomy) -> str:
    """The id itself where a rank is older than the taxonomy and names an area that is gone."""
    return next((area.name for area in taxonomy.areas if area.id == area_id), area_id)


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0")
