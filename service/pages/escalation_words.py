"""What the pages call the sources, states and endings of escalations."""

from collections.abc import Mapping
from typing import Any

from service.escalations.schemas import Resolution, Source, Status, Verb, WaitingFor
from service.pages.audit_words import sentence_of as sentence_of_any
from service.pages.language import N_, _
from service.pages.words import spoken

SOURCES: Mapping[Source, str] = {
    "user": N_("User"),
    "press": N_("Press"),
    "partner": N_("Partner"),
    "trusted_flagger": N_("Trusted flagger"),
    "regulator": N_("Regulator"),
    "law_enforcement": N_("Law enforcement"),
    "court": N_("Court"),
    "advertiser": N_("Advertiser"),
    "rights_holder": N_("Rights holder"),
    "employee": N_("Employee"),
    "leadership": N_("Leadership"),
    "vendor": N_("Vendor"),
}
STATUSES: Mapping[Status, str] = {
    "new": N_("new"),
    "needs_information": N_("information is missing"),
    "working": N_("being worked on"),
    "waiting": N_("waits"),
    "resolved": N_("resolved"),
}
WAITS: Mapping[WaitingFor, str] = {
    "consult": N_("for advice from another team"),
    "requester": N_("for whoever raised it"),
    "other_team": N_("for the work of another team"),
    "third_party": N_("for somebody outside"),
}
# Each with what it means; docs/escalations.md says the same at more length.
RESOLUTIONS: Mapping[Resolution, tuple[str, str]] = {
    "actioned": (N_("Acted on"), N_("What was asked for was done: content or accounts were acted on.")),
    "partly_actioned": (N_("Partly acted on"), N_("A part was acted on; the note says which part was not, and why.")),
    "no_violation": (N_("No violation"), N_("It was looked into, and nothing that is forbidden was found.")),
    "decision_reversed": (N_("Decision reversed"), N_("An earlier decision of ours was wrong and was taken back.")),
    "complied": (N_("Order complied with"), N_("An order of an authority or court was carried out.")),
    "refused": (N_("Refused"), N_("A request was refused on stated grounds, and whoever made it was told.")),
    "referred": (N_("Referred"), N_("Somebody else is responsible and has it now; the note says who.")),
    "answered": (N_("Answered"), N_("A question was answered; nothing else was to be done.")),
    "insufficient_information": (N_("Not enough information"), N_("What was missing was asked for and never came.")),
    "duplicate": (N_("Duplicate"), N_("Another escalation is about the same and goes on.")),
    "withdrawn": (N_("Withdrawn"), N_("Whoever raised it took it back.")),
}
ASSETS: Mapping[str, str] = {
    "account": N_("Account"),
    "page": N_("Page"),
    "business": N_("Business"),
    "ad_account": N_("Ad account"),
    "ad": N_("Advertisement"),
    "post": N_("Post"),
    "domain": N_("Domain"),
}
TARGETS: Mapping[str, str] = {
    "first_response": N_("First response"),
    "next_update": N_("Next update"),
    "decision": N_("Decision"),
}
ALIKE: Mapping[str, str] = {
    "policy_area": N_("same policy area"),
    "trigger": N_("same trigger"),
    "source": N_("same source"),
    "words": N_("similar words"),
}
CONFIDENTIALITY: Mapping[str, str] = {
    "normal": N_("everybody who works on escalations"),
    "confidential": N_("whoever has or follows it, and those who lead"),
    "restricted": N_("people named for its path"),
}
PATHS: Mapping[str, str] = {"child_safety": N_("Child safety"), "law_enforcement": N_("Law enforcement")}
# (verb, name, key, whether it asks for something first)
ACTIONS: Mapping[Verb, tuple[str, str, bool]] = {
    "take": (N_("Take"), "T", False),
    "go_on": (N_("Go on"), "O", False),
    "resolve": (N_("Resolve…"), "R", True),
    "wait": (N_("Wait…"), "W", True),
    "ask": (N_("Information is missing…"), "I", True),
    "assign": (N_("Give to…"), "A", True),
    "release": (N_("Release"), "", False),
    "take_up": (N_("Take up again…"), "T", True),
}

_SAID: Mapping[str, str] = {
    "note": N_("Wrote a note"),
    "handover": N_("Wrote a hand-over note"),
    "reason": N_("Said why"),
    "reply": N_("A reply was written"),
    "receipt": N_("A receipt was written"),
    "question": N_("A question was written"),
    "mail": N_("A mail came in"),
}
_FACTS: Mapping[str, str] = {
    "title": N_("Title"),
    "trigger": N_("Trigger"),
    "language": N_("Language"),
    "jurisdiction": N_("Country"),
    "policy_area": N_("Policy area"),
    "severity": N_("Severity"),
    "high_profile": N_("High profile"),
    "at_risk": N_("Somebody is at risk"),
    "grey_area": N_("Grey area"),
    "confidentiality": N_("Who may see it"),
    "path": N_("Path"),
}


def sentence_of(kind: str, data: Mapping[str, Any]) -> str:
    """What an event of a record says; a message by its own kind."""
    if kind == "escalation.said":
        if data.get("direction") == "inbound" and data.get("kind") == "note":
            return _("Kept what they said")
        return _(_SAID.get(str(data.get("kind")), _SAID["note"]))
    return sentence_of_any(kind)


def somebody_in(kind: str, data: Mapping[str, Any]) -> str:
    """Whom an event of a record is about beside who did it; empty where it is about nobody else."""
    named = kind in ("escalation.assigned", "escalation.watched", "escalation.unwatched", "sla.acted")
    return str(data.get("username", "")) if named else ""


def facts_changed(data: Mapping[str, Any]) -> str:
    """Which facts an event changed, from what to what."""
    return "; ".join(_changed(name, data[name]) for name in _FACTS if name in data)


def _changed(name: str, value: Any) -> str:
    if not isinstance(value, dict):
        return _(_FACTS[name])
    return f"{_(_FACTS[name])}: {_value(value.get('from'))} → {_value(value.get('to'))}"


def _value(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return _("yes") if value else _("no")
    return spoken(str(value))
