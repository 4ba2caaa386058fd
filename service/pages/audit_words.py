"""What each kind of event says, as a sentence; who did it and to which case stand beside it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from service.pages.language import N_, _
from service.pages.words import spoken

GROUPS: Mapping[str, str] = {
    "case": N_("Cases"),
    "lease": N_("Leases"),
    "decision": N_("Decisions"),
    "statement": N_("Statements of reasons"),
    "cluster": N_("Decisions for many cases"),
    "media": N_("Media"),
    "opinion": N_("Second opinions"),
    "appeal": N_("Appeals"),
    "clock": N_("Clocks"),
    "sla": N_("Clocks of escalations"),
    "score": N_("Scores"),
    "drift": N_("Drift"),
    "label": N_("Labels looked at again"),
    "labels": N_("Labels in doubt"),
    "qa": N_("Quality"),
    "policy": N_("Policies"),
    "ranking": N_("Ranking"),
    "routing": N_("Routing"),
    "route": N_("Special routes"),
    "queue": N_("Queues"),
    "role": N_("Roles"),
    "bank": N_("Banks"),
    "search": N_("Searches"),
    "view": N_("Saved views"),
    "translation": N_("Translations"),
    "escalation": N_("Escalations"),
    "person": N_("People"),
    "key": N_("Keys"),
    "webhook": N_("Webhooks"),
    "intake": N_("Intake of escalations"),
    "consult": N_("Questions to teams"),
    "restricted": N_("Restricted paths"),
    "preservation": N_("Preservation"),
    "reply": N_("Replies"),
    "audit": N_("This log"),
    "cause": N_("Root causes"),
    "crisis": N_("Crises"),
    "continuity": N_("Continuity plans"),
    "improvement": N_("Improvements"),
    "narrative": N_("Narratives"),
}

KINDS: Mapping[str, str] = {
    "crisis.drafted": N_("Drafted a crisis"),
    "crisis.changed": N_("Changed the draft of a crisis"),
    "crisis.begun": N_("Approved a crisis, which began"),
    "crisis.begun_alone": N_("Began a crisis alone"),
    "crisis.approved": N_("Approved a crisis that had begun"),
    "crisis.extended": N_("Extended a crisis"),
    "crisis.ended": N_("Ended a crisis"),
    "crisis.expired": N_("A crisis was over by its time"),
    "crisis.reviewed": N_("Reviewed a crisis"),
    "crisis.review_asked": N_("The review of a crisis was asked for"),
    "crisis.seen": N_("Confirmed what happened to a crisis"),
    "crisis.read": N_("Confirmed the note of a crisis"),
    "continuity.saved": N_("Saved a continuity plan"),
    "continuity.drilled": N_("A continuity plan was drilled"),
    "intake.asked": N_("Whoever raised it was asked for what is missing"),
    "intake.completed": N_("Added what was missing"),
    "intake.checked": N_("Ticked an item of the checklist"),
    "intake.unchecked": N_("Opened an item of the checklist again"),
    "intake.mail": N_("A mail came in"),
    "case.opened": N_("A report opened a case"),
    "case.reported_again": N_("A further report joined the case"),
    "case.reported_after_decision": N_("A report came after the case was decided"),
    "case.claimed": N_("Took the case"),
    "case.content_changed": N_("Was shown that the content had been edited"),
    "case.decided": N_("Decided the case"),
    "case.reopened": N_("The case is open again"),
    "case.merged": N_("The case went into a newer one of the same subject"),
    "case.held": N_("Kept the case back"),
    "case.handed_over": N_("Handed the case over"),
    "case.skipped": N_("Passed the case over"),
    "case.noted": N_("Wrote a note"),
    "case.returned": N_("The case returned to its queue"),
    "case.shed": N_("The case was given up openly under load"),
    "case.unshed": N_("A case that was given up came back"),
    "lease.opened": N_("Opened a case that was fetched ahead"),
    "lease.released": N_("Gave the case back"),
    "lease.lapsed": N_("The lease ran out"),
    "lease.unopened": N_("A case that was fetched ahead went back unopened"),
    "lease.alert": N_("The case keeps coming back"),
    "lease.taken_back": N_("Took the case back from somebody whose account was closed or has another role"),
    "decision.undone": N_("Took a decision back"),
    "decision.untold": N_("Nobody was there to be told of the decision"),
    "statement.batched": N_("Statements of reasons were put into a batch"),
    "statement.confirmed": N_("Said what became of a batch of statements"),
    "statement.made_afterwards": N_("A statement of reasons was made up for afterwards"),
    "statement.missing": N_("A statement of reasons could not be made after an appeal"),
    "statement.mended": N_("Mended a statement that the database refused"),
    "statement.reviewed": N_("The statement of a decision was reviewed"),
    "cluster.decided": N_("Decided many similar cases at once"),
    "cluster.undone": N_("Took back a decision for many cases"),
    "media.revealed": N_("Opened an original"),
    "media.defaults_set": N_("Changed how media are shown"),
    "opinion.asked": N_("Asked for a second opinion"),
    "opinion.answered": N_("Gave a second opinion"),
    "opinion.reopened": N_("A second opinion is wanted again"),
    "opinion.withdrawn": N_("Withdrew the question for a second opinion"),
    "appeal.link_made": N_("Made an address at which a decision can be appealed"),
    "appeal.filed": N_("An appeal was filed"),
    "appeal.claimed": N_("Took an appeal"),
    "appeal.released": N_("Gave an appeal back"),
    "appeal.decided": N_("Decided an appeal"),
    "appeal.undone": N_("Took the outcome of an appeal back"),
    "appeal.carried_out": N_("The outcome of an appeal was carried out"),
    "appeal.withdrawn": N_("An appeal was withdrawn"),
    "appeal.untold": N_("Nobody was there to be told of an appeal"),
    "appeal.escalated": N_("An appeal goes on as an escalation"),
    "appeal.disputed": N_("Recorded an out-of-court dispute about an appeal"),
    "appeal.dispute_settled": N_("Recorded what an out-of-court dispute came to"),
    "clock.set": N_("Set a clock"),
    "clock.replaced": N_("Replaced a clock"),
    "clock.ended": N_("A clock of an escalation was over, and so was that of its case"),
    "sla.started": N_("A clock of an escalation began"),
    "sla.replaced": N_("A clock of an escalation took the place of another"),
    "sla.ended": N_("A clock of an escalation fell away"),
    "sla.met": N_("What a clock of an escalation asks for was done"),
    "sla.paused": N_("Paused the internal clocks"),
    "sla.resumed": N_("Let the internal clocks go on"),
    "sla.warned": N_("A clock of an escalation runs out soon"),
    "sla.breached": N_("A clock of an escalation has run out"),
    "sla.acted": N_("Acted on a clock that had run out"),
    "sla.matrix_saved": N_("Put a matrix of clocks to work"),
    "score.failed": N_("The model could not score the content"),
    "drift.raised": N_("What comes in has drifted from what the model was promoted on"),
    "drift.ended": N_("A drift has ended"),
    "label.resolved": N_("Looked again at a label in doubt"),
    "labels.suspected": N_("Labels were put in doubt by a model"),
    "qa.plan_made": N_("Made a plan of checks"),
    "qa.plan_closed": N_("Closed a plan of checks"),
    "qa.claimed": N_("Took a check"),
    "qa.answered": N_("Answered a check"),
    "qa.released": N_("Gave a check back"),
    "qa.disputed": N_("The answers to a check differ"),
    "qa.settled": N_("A check was settled"),
    "qa.objected": N_("Objected to feedback"),
    "qa.objection_resolved": N_("Answered an objection"),
    "qa.golden_made": N_("Made a golden item"),
    "qa.golden_retired": N_("Retired a golden item"),
    "qa.calibration_made": N_("Made a calibration session"),
    "qa.calibration_taken": N_("Took part in a calibration session"),
    "qa.calibration_agreed": N_("Agreed on an item of a calibration session"),
    "qa.calibration_closed": N_("Closed a calibration session"),
    "policy.drafted": N_("Drafted a policy"),
    "policy.edited": N_("Edited the draft of a policy"),
    "policy.published": N_("Published a policy"),
    "policy.withdrawn": N_("Withdrew a policy"),
    "policy.replayed": N_("Replayed decisions under a draft"),
    "policy.acknowledged": N_("Confirmed having read a policy"),
    "ranking.chosen": N_("Chose how cases are ranked"),
    "routing.saved": N_("Saved the routing rules"),
    "route.special_unserved": N_("A special route has no queue that serves it"),
    "queue.created": N_("Made a queue"),
    "queue.changed": N_("Changed a queue"),
    "queue.closed": N_("Closed a queue"),
    "queue.member_added": N_("Let somebody into a queue"),
    "queue.member_removed": N_("Took somebody out of a queue"),
    "role.actions_denied": N_("Changed what a role may not do"),
    "bank.created": N_("Made a bank of known pictures"),
    "bank.changed": N_("Changed a bank of known pictures"),
    "bank.imported": N_("Took a file of hashes into a bank"),
    "bank.hash_added": N_("Added a hash to a bank"),
    "bank.hash_confirmed": N_("Confirmed a hash of a bank"),
    "bank.hash_removed": N_("Took a hash out of a bank"),
    "search.made": N_("Searched"),
    "view.added": N_("Saved a view"),
    "view.changed": N_("Changed a saved view"),
    "view.removed": N_("Removed a saved view"),
    "translation.asked": N_("Had the text translated"),
    "escalation.opened": N_("Opened an escalation"),
    "escalation.said": N_("Kept a message with the escalation"),
    "escalation.attached": N_("Kept a medium with the escalation"),
    "escalation.taken": N_("Took the escalation"),
    "escalation.assigned": N_("Gave the escalation to somebody"),
    "escalation.released": N_("The escalation is with nobody"),
    "escalation.waits": N_("The escalation waits"),
    "escalation.needs_information": N_("Information is missing"),
    "escalation.goes_on": N_("The escalation goes on"),
    "escalation.resolved": N_("Resolved the escalation"),
    "escalation.taken_up": N_("Took the escalation up again"),
    "escalation.changed": N_("Changed facts of the escalation"),
    "escalation.linked": N_("Said what else the escalation is about"),
    "escalation.unlinked": N_("Said what the escalation is no longer about"),
    "escalation.watched": N_("Somebody follows the escalation"),
    "escalation.unwatched": N_("Somebody follows the escalation no longer"),
    "escalation.handover_read": N_("Read the hand-over note"),
    "escalation.unowned": N_("Nobody has had the escalation for too long"),
    "person.created": N_("Added an account"),
    "person.changed": N_("Changed an account"),
    "person.role_changed": N_("Gave an account another role"),
    "person.password_reset": N_("Reset the password of an account"),
    "person.password_changed": N_("Chose a password in place of a one-time one"),
    "person.closed": N_("Closed an account"),
    "person.signed_in": N_("Signed in"),
    "person.signed_out_everywhere": N_("Signed out everywhere"),
    "key.made": N_("Made a key"),
    "key.revoked": N_("Revoked a key"),
    "webhook.created": N_("Added a webhook endpoint"),
    "webhook.changed": N_("Changed a webhook endpoint"),
    "webhook.closed": N_("Removed a webhook endpoint"),
    "webhook.tested": N_("Sent a test message"),
    "webhook.delivered": N_("A message was delivered"),
    "webhook.failed": N_("A message was given up"),
    "webhook.replayed": N_("Sent a given-up message again"),
    "person.privileged": N_("Changed who may read what is privileged"),
    "consult.asked": N_("Asked a team"),
    "consult.taken": N_("Took a question to a team"),
    "consult.asked_back": N_("A team asked back"),
    "consult.explained": N_("Added to a question to a team"),
    "consult.answered": N_("A team answered"),
    "consult.withdrawn": N_("Withdrew a question to a team"),
    "consult.kept": N_("Kept the answer of a team for later cases"),
    "consult.unkept": N_("No longer kept the answer of a team for later cases"),
    "consult.team_set": N_("Changed a team that is asked"),
    "consult.member_added": N_("Put somebody into a team that is asked"),
    "consult.member_removed": N_("Took somebody out of a team that is asked"),
    "restricted.read": N_("Read a restricted record"),
    "restricted.alarm": N_("A restricted path has too few people"),
    "restricted.member_asked": N_("Proposed to name somebody on a restricted path"),
    "restricted.member_added": N_("Confirmed that somebody is named on a restricted path"),
    "restricted.member_declined": N_("Declined that somebody is named on a restricted path"),
    "restricted.member_removed": N_("Took somebody off a restricted path"),
    "restricted.package_made": N_("Put a package together for a person to file"),
    "restricted.package_filed": N_("Entered where a package was filed"),
    "preservation.set": N_("Preserved evidence"),
    "preservation.changed": N_("Changed the end of a preservation"),
    "preservation.change_asked": N_("Asked to shorten a preservation"),
    "preservation.change_declined": N_("Declined to shorten a preservation"),
    "preservation.ending": N_("A preservation comes to its end"),
    "reply.begun": N_("Began a reply"),
    "reply.changed": N_("Changed a reply that waited for approval or was approved"),
    "reply.submitted": N_("Asked for approval of a reply"),
    "reply.approved": N_("Approved a reply"),
    "reply.returned": N_("Sent a reply back to whoever wrote it"),
    "reply.discarded": N_("Discarded a reply"),
    "reply.sent": N_("Sent a reply"),
    "reply.taken_back": N_("Took a reply back before it went out"),
    "reply.sent_again": N_("Sent a given-up letter again"),
    "reply.delivered": N_("A letter was delivered"),
    "reply.failed": N_("A letter was given up"),
    "reply.template_saved": N_("Saved a template of replies"),
    "reply.template_withdrawn": N_("Took a version of a template back"),
    "audit.exported": N_("Took a part of this log out as a file"),
    "cause.filed": N_("Filed the root cause"),
    "improvement.added": N_("Added an action"),
    "improvement.changed": N_("Changed an action"),
    "improvement.recurred": N_("The same kind came in again after an action was done"),
    "improvement.held": N_("Nothing of the kind came in after an action was done"),
    "narrative.made": N_("Made a narrative"),
    "narrative.taken": N_("Took a narrative as a file"),
}

# Of an identifier so much tells it apart on a page.
ID_SHOWN = 12
_IDENTIFIER = re.compile(r"[a-z]+(?:_[a-z]+)+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d:\d\d")


def sentence_of(kind: str) -> str:
    """What an event of that kind says; one that this version does not know is spoken as it is."""
    return _(KINDS[kind]) if kind in KINDS else spoken(kind).capitalize()


def exact(when: datetime) -> str:
    """A point in time to the second, in UTC: events follow each other closely."""
    return f"{when.astimezone(UTC):%d %b %Y, %H:%M:%S}".lstrip("0")


def choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Groups of kinds by name, each with its kinds: what a filter offers."""
    return [
        (group, _(name), [(kind, _(words)) for kind, words in KINDS.items() if kind.partition(".")[0] == group])
        for group, name in GROUPS.items()
    ]


def details(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known beyond the kind, as names and values; identifiers are cut, the file has them whole."""
    return [(spoken(name), said) for name, value in data.items() if (said := _said(value))]


def _said(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(filter(None, map(_said, value)))
        case dict():
            return ", ".join(f"{spoken(name)} {said}" for name, one in value.items() if (said := _said(one)))
    text = str(value)
    if _is_id(text):
        return f"…{text[-ID_SHOWN:]}"
    if _IDENTIFIER.fullmatch(text):
        return spoken(text)
    return exact(datetime.fromisoformat(text)) if _MOMENT.fullmatch(text) else text


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
