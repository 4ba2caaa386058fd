"""What a narrative for an audience holds: one table, and the events that it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rules:
    """What one audience gets. Nobody gets privileged parts, pictures or the words of messages.

    `own_words` are texts that the staff wrote for itself: title, summary, whys and actions; elsewhere their place is taken
    by what the rules say of them. `staff` are names of people who work here, `requester` whoever raised it. `evidence` says how
    exactly it is named.
    """

    name: str
    marking: str
    own_words: bool
    staff: bool
    requester: bool
    evidence: Literal["hashes", "numbers", "counts"]
    figures: tuple[str, ...]
    inner_events: bool


_ALL = (
    "reports_on_cases",
    "cases_decided",
    "first_answer_minutes",
    "escalations_alike_per_week",
    "escalations_of_cause_per_week",
    "reports_in_area_per_week",
    "decisions_taken_back",
)

AUDIENCES: Mapping[str, Rules] = {
    "internal": Rules(
        "Internal",
        "Internal. For those who work on this record; not to be passed on.",
        own_words=True,
        staff=True,
        requester=True,
        evidence="hashes",
        figures=_ALL,
        inner_events=True,
    ),
    "leadership": Rules(
        "Leadership",
        "Confidential. For leadership; not to be passed on outside the company.",
        own_words=True,
        staff=False,
        requester=False,
        evidence="numbers",
        figures=_ALL,
        inner_events=False,
    ),
    "partner": Rules(
        "Partner or press",
        "For the partner or editor it was written for.",
        own_words=False,
        staff=False,
        requester=False,
        evidence="counts",
        figures=("cases_decided", "first_answer_minutes"),
        inner_events=False,
    ),
    "regulator": Rules(
        "Regulator",
        "Confidential. For the authority it was written for.",
        own_words=False,
        staff=False,
        requester=False,
        evidence="hashes",
        figures=("reports_on_cases", "cases_decided", "first_answer_minutes", "reports_in_area_per_week"),
        inner_events=False,
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """How an event is told. `weight` decides what is kept where there is little room, 0 is never told; `inner` is for colleagues."""

    words: str
    weight: int
    inner: bool = False


# By kind, and for messages by kind and direction. An event that is not here is told to colleagues alone, by its name.
EVENTS: Mapping[str, Told] = {
    "escalation.opened": Told("The record was opened", 9),
    "escalation.said/inbound": Told("A message came in from whoever raised it", 5),
    "escalation.said/outbound": Told("An answer was sent to whoever raised it", 8),
    "escalation.said/internal": Told("A note was kept", 0, inner=True),
    "escalation.attached": Told("A file was added", 2, inner=True),
    "escalation.assigned": Told("The record was given to somebody", 3, inner=True),
    "escalation.taken": Told("Somebody took the record", 3, inner=True),
    "escalation.released": Told("The record was given back", 2, inner=True),
    "escalation.changed": Told("Facts of the record were changed", 2, inner=True),
    "escalation.linked": Told("Something was linked with the record", 2, inner=True),
    "escalation.unlinked": Told("A link of the record was ended", 1, inner=True),
    "escalation.needs_information": Told("Missing facts were asked for", 6),
    "escalation.waits": Told("The record waits for others", 4, inner=True),
    "escalation.goes_on": Told("Work on the record went on", 4, inner=True),
    "escalation.resolved": Told("The record was resolved", 9),
    "escalation.taken_up": Told("The record was taken up again", 8),
    "cause.filed": Told("The root cause was found", 6),
    "improvement.added": Told("An action was added", 3, inner=True),
    "improvement.changed": Told("An action was changed", 1, inner=True),
    "improvement.recurred": Told("It was found that the same kind came in again after an action", 6, inner=True),
    "improvement.held": Told("It was found that nothing of the kind came in after an action", 5, inner=True),
    "narrative.made": Told("A narrative was made", 0, inner=True),
    "narrative.taken": Told("A narrative was taken as a file", 0, inner=True),
    "sla.warned": Told("A deadline came near", 5, inner=True),
    "sla.breached": Told("A deadline was missed", 9),
    "statement.made": Told("A statement of reasons was made", 6),
    "appeal.filed": Told("A complaint about the decision came in", 7),
    "appeal.decided": Told("The complaint was decided", 8),
}
