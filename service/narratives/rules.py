"""What a narrative for an audience holds: one table, and the events that it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# How far an event, or a deadline, is told: to colleagues alone, within the company, or outside of it.
Reach = Literal["colleagues", "company", "outside"]
REACHES: tuple[Reach, ...] = ("colleagues", "company", "outside")


@dataclass(frozen=True, slots=True)
class Rules:
    """What one audience gets. Nobody gets privileged parts, pictures or the words of messages.

    `own_words` are texts that the staff wrote for itself: title, summary, whys and actions; elsewhere their place is taken
    by what the rules say of them. `staff` are names of people who work here, `requester` whoever raised it. `evidence` says how
    exactly it is named, `cause` whether there is a word of cause and actions, `deadlines` which are named, and `reach` which
    events: those that go at least as far.
    """

    name: str
    marking: str
    own_words: bool
    staff: bool
    requester: bool
    evidence: Literal["hashes", "numbers", "counts"]
    figures: tuple[str, ...]
    cause: bool
    deadlines: Literal["all", "legal", "none"]
    reach: Reach

    @property
    def names_people(self) -> bool:
        """Whether texts may hold people; else they are left out of what somebody wrote."""
        return self.staff and self.requester


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
        cause=True,
        deadlines="all",
        reach="colleagues",
    ),
    "leadership": Rules(
        "Leadership",
        "Confidential. For leadership; not to be passed on outside the company.",
        own_words=True,
        staff=False,
        requester=False,
        evidence="numbers",
        figures=_ALL,
        cause=True,
        deadlines="all",
        reach="company",
    ),
    "partner": Rules(
        "Partner or press",
        "For the partner or editor it was written for.",
        own_words=False,
        staff=False,
        requester=False,
        evidence="counts",
        figures=("cases_decided", "first_answer_minutes"),
        cause=False,
        deadlines="none",
        reach="outside",
    ),
    "regulator": Rules(
        "Regulator",
        "Confidential. For the authority it was written for.",
        own_words=False,
        staff=False,
        requester=False,
        evidence="hashes",
        figures=("reports_on_cases", "cases_decided", "first_answer_minutes", "reports_in_area_per_week"),
        cause=True,
        deadlines="legal",
        reach="outside",
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """How an event is told, and how far. `weight` decides what is kept where there is little room; 0 is never told."""

    words: str
    weight: int
    reach: Reach = "colleagues"


# By kind, and for messages by kind, direction and what they are. An event that is not here is told to colleagues alone, by its name.
EVENTS: Mapping[str, Told] = {
    "escalation.opened": Told("The record was opened", 9, "outside"),
    "escalation.said/inbound": Told("A message came in from whoever raised it", 5, "outside"),
    "escalation.said/outbound": Told("An answer was sent to whoever raised it", 8, "outside"),
    "escalation.said/outbound/receipt": Told("Its receipt was confirmed", 3, "outside"),
    # The event of asking says it.
    "escalation.said/outbound/question": Told("Missing facts were asked for", 0),
    "escalation.said/internal": Told("A note was kept", 0),
    "escalation.attached": Told("A file was added", 2),
    "escalation.assigned": Told("The record was given to somebody", 3),
    "escalation.taken": Told("Somebody took the record", 3),
    "escalation.released": Told("The record was given back", 2),
    "escalation.changed": Told("Facts of the record were changed", 2),
    "escalation.linked": Told("Something was linked with the record", 2),
    "escalation.unlinked": Told("A link of the record was ended", 1),
    "escalation.watched": Told("Somebody follows the record", 0),
    "escalation.unwatched": Told("Somebody follows the record no longer", 0),
    "escalation.handover_read": Told("A hand-over was read", 0),
    "escalation.needs_information": Told("Missing facts were asked for", 6, "outside"),
    "intake.asked": Told("Missing facts were asked for", 6, "outside"),
    "intake.completed": Told("Missing facts came in", 5, "outside"),
    "intake.checked": Told("An item of the checklist was ticked", 1),
    "intake.unchecked": Told("An item of the checklist was opened again", 1),
    "intake.mail": Told("A mail came in", 0),
    "escalation.waits": Told("The record waits for others", 4, "company"),
    "escalation.goes_on": Told("Work on the record went on", 4, "company"),
    "escalation.resolved": Told("The record was resolved", 9, "outside"),
    "escalation.taken_up": Told("The record was taken up again", 8, "outside"),
    "cause.filed": Told("The root cause was found", 6, "company"),
    "improvement.added": Told("An action was added", 3),
    "improvement.changed": Told("An action was changed", 1),
    "improvement.recurred": Told("The same kind came in again after an action", 6, "company"),
    "improvement.held": Told("Nothing of the kind came in after an action", 5, "company"),
    "narrative.made": Told("A narrative was made", 0),
    "narrative.taken": Told("A narrative was taken as a file", 0),
    "consult.asked": Told("Another team was asked", 4, "company"),
    "consult.answered": Told("Another team answered", 5, "company"),
    "consult.taken": Told("Another team took the question", 1),
    "consult.asked_back": Told("Another team asked back", 2),
    "consult.explained": Told("A question to another team was explained", 1),
    "consult.withdrawn": Told("A question to another team was withdrawn", 3),
    "consult.kept": Told("An answer was kept for later cases", 0),
    "consult.unkept": Told("An answer was kept for later cases no longer", 0),
    "reply.begun": Told("A reply was begun", 0),
    "reply.changed": Told("A reply was changed", 0),
    "reply.submitted": Told("Approval of a reply was asked for", 2),
    "reply.approved": Told("A reply was approved", 2),
    "reply.returned": Told("A reply was not approved", 2),
    "reply.discarded": Told("A reply was discarded", 0),
    "reply.sent": Told("A reply was sent", 0),
    "reply.taken_back": Told("A reply was taken back before it went out", 2),
    "reply.sent_again": Told("A reply was sent again", 1),
    "reply.delivered": Told("A reply was delivered", 4, "company"),
    "reply.failed": Told("A reply could not be delivered", 6, "company"),
    "escalation.unowned": Told("It was found that nobody owned the record", 5, "company"),
    "appeal.escalated": Told("It came out of an appeal", 6, "company"),
    "restricted.read": Told("The record was read", 0),
    "restricted.package_made": Told("A package was put together for a person to file", 6),
    "restricted.package_filed": Told("It was entered where a package was filed", 6),
    "preservation.set": Told("Evidence was preserved", 6),
    "preservation.changed": Told("The end of a preservation was changed", 3),
    "preservation.change_asked": Told("It was asked to shorten a preservation", 2),
    "preservation.change_declined": Told("It was declined to shorten a preservation", 2),
    "preservation.ending": Told("A preservation came to its end", 3),
    "sla.started": Told("A clock started", 0),
    "sla.replaced": Told("A clock took the place of another", 3),
    "sla.acted": Told("A missed deadline was acted on", 4),
    "sla.ended": Told("A clock ended", 0),
    "sla.met": Told("A deadline was met", 3),
    "sla.paused": Told("Clocks were paused", 3, "company"),
    "sla.resumed": Told("Clocks went on", 3, "company"),
    "sla.warned": Told("A deadline came near", 5, "company"),
    "sla.breached": Told("A deadline was missed", 9, "company"),
}
