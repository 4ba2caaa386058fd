"""What a narrative for an audience holds: one table, and the events that it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.catalogues import N_

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
        N_("Internal"),
        N_("Internal. For those who work on this record; not to be passed on."),
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
        N_("Leadership"),
        N_("Confidential. For leadership; not to be passed on outside the company."),
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
        N_("Partner or press"),
        N_("For the partner or editor it was written for."),
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
        N_("Regulator"),
        N_("Confidential. For the authority it was written for."),
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
    "escalation.opened": Told(N_("The record was opened"), 9, "outside"),
    "escalation.said/inbound": Told(N_("A message came in from whoever raised it"), 5, "outside"),
    "escalation.said/outbound": Told(N_("An answer was sent to whoever raised it"), 8, "outside"),
    "escalation.said/outbound/receipt": Told(N_("Its receipt was confirmed"), 3, "outside"),
    # The event of asking says it.
    "escalation.said/outbound/question": Told(N_("Missing facts were asked for"), 0),
    "escalation.said/internal": Told(N_("A note was kept"), 0),
    "escalation.attached": Told(N_("A file was added"), 2),
    "escalation.assigned": Told(N_("The record was given to somebody"), 3),
    "escalation.taken": Told(N_("Somebody took the record"), 3),
    "escalation.released": Told(N_("The record was given back"), 2),
    "escalation.changed": Told(N_("Facts of the record were changed"), 2),
    "escalation.linked": Told(N_("Something was linked with the record"), 2),
    "escalation.unlinked": Told(N_("A link of the record was ended"), 1),
    "escalation.watched": Told(N_("Somebody follows the record"), 0),
    "escalation.unwatched": Told(N_("Somebody follows the record no longer"), 0),
    "escalation.handover_read": Told(N_("A hand-over was read"), 0),
    "escalation.needs_information": Told(N_("Missing facts were asked for"), 6, "outside"),
    "intake.asked": Told(N_("Missing facts were asked for"), 6, "outside"),
    "intake.completed": Told(N_("Missing facts came in"), 5, "outside"),
    "intake.checked": Told(N_("An item of the checklist was ticked"), 1),
    "intake.unchecked": Told(N_("An item of the checklist was opened again"), 1),
    "intake.mail": Told(N_("A mail came in"), 0),
    "escalation.waits": Told(N_("The record waits for others"), 4, "company"),
    "escalation.goes_on": Told(N_("Work on the record went on"), 4, "company"),
    "escalation.resolved": Told(N_("The record was resolved"), 9, "outside"),
    "escalation.taken_up": Told(N_("The record was taken up again"), 8, "outside"),
    "cause.filed": Told(N_("The root cause was found"), 6, "company"),
    "improvement.added": Told(N_("An action was added"), 3),
    "improvement.changed": Told(N_("An action was changed"), 1),
    "improvement.recurred": Told(N_("The same kind came in again after an action"), 6, "company"),
    "improvement.held": Told(N_("Nothing of the kind came in after an action"), 5, "company"),
    "narrative.made": Told(N_("A narrative was made"), 0),
    "narrative.taken": Told(N_("A narrative was taken as a file"), 0),
    "consult.asked": Told(N_("Another team was asked"), 4, "company"),
    "consult.answered": Told(N_("Another team answered"), 5, "company"),
    "consult.taken": Told(N_("Another team took the question"), 1),
    "consult.asked_back": Told(N_("Another team asked back"), 2),
    "consult.explained": Told(N_("A question to another team was explained"), 1),
    "consult.withdrawn": Told(N_("A question to another team was withdrawn"), 3),
    "consult.kept": Told(N_("An answer was kept for later cases"), 0),
    "consult.unkept": Told(N_("An answer was kept for later cases no longer"), 0),
    "reply.begun": Told(N_("A reply was begun"), 0),
    "reply.changed": Told(N_("A reply was changed"), 0),
    "reply.submitted": Told(N_("Approval of a reply was asked for"), 2),
    "reply.approved": Told(N_("A reply was approved"), 2),
    "reply.returned": Told(N_("A reply was not approved"), 2),
    "reply.discarded": Told(N_("A reply was discarded"), 0),
    "reply.sent": Told(N_("A reply was sent"), 0),
    "reply.taken_back": Told(N_("A reply was taken back before it went out"), 2),
    "reply.sent_again": Told(N_("A reply was sent again"), 1),
    "reply.delivered": Told(N_("A reply was delivered"), 4, "company"),
    "reply.failed": Told(N_("A reply could not be delivered"), 6, "company"),
    "escalation.unowned": Told(N_("It was found that nobody owned the record"), 5, "company"),
    "appeal.escalated": Told(N_("It came out of an appeal"), 6, "company"),
    "restricted.read": Told(N_("The record was read"), 0),
    "restricted.package_made": Told(N_("A package was put together for a person to file"), 6),
    "restricted.package_filed": Told(N_("It was entered where a package was filed"), 6),
    "preservation.set": Told(N_("Evidence was preserved"), 6),
    "preservation.changed": Told(N_("The end of a preservation was changed"), 3),
    "preservation.change_asked": Told(N_("It was asked to shorten a preservation"), 2),
    "preservation.change_declined": Told(N_("It was declined to shorten a preservation"), 2),
    "preservation.ending": Told(N_("A preservation came to its end"), 3),
    "sla.started": Told(N_("A clock started"), 0),
    "sla.replaced": Told(N_("A clock took the place of another"), 3),
    "sla.acted": Told(N_("A missed deadline was acted on"), 4),
    "sla.ended": Told(N_("A clock ended"), 0),
    "sla.met": Told(N_("A deadline was met"), 3),
    "sla.paused": Told(N_("Clocks were paused"), 3, "company"),
    "sla.resumed": Told(N_("Clocks went on"), 3, "company"),
    "sla.warned": Told(N_("A deadline came near"), 5, "company"),
    "sla.breached": Told(N_("A deadline was missed"), 9, "company"),
}
