"""What the timeline of an escalation says of each event beside its sentence: in words, and nothing that only a machine reads."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from service.pages.causes import SIDES, STATES, cause_words
from service.pages.escalation_words import ASSETS, RESOLUTIONS, STATUSES, TARGETS, WAITS, facts_changed
from service.pages.language import N_, _, ngettext
from service.pages.narratives import AUDIENCES, FORMS
from service.pages.replies import PURPOSES
from service.pages.restricted import KINDS as PACKAGES
from service.pages.sla import KINDS
from service.pages.words import day, moment, spoken

Data = Mapping[str, Any]

# What the data of events say by a name of a closed list.
_NAMED: Mapping[str, Mapping[Any, str]] = {
    "waiting_for": WAITS,
    "resolution": {name: words for name, (words, _meaning) in RESOLUTIONS.items()},
    "target": TARGETS,
    "kind": KINDS,
    "audience": AUDIENCES,
    "form": FORMS,
    "direction": SIDES,
}
# Which of these names are said of events of a group, in this order; of the others nothing is.
_SAID: Mapping[str, tuple[str, ...]] = {
    "escalation": ("waiting_for", "resolution"),
    "sla": ("target", "kind"),
    "narrative": ("audience", "form"),
    "improvement": ("direction",),
}
_LINKS: Mapping[str, str] = {"case": N_("Case"), "escalation": N_("Escalation"), **ASSETS}


def details_of(kind: str, data: Data) -> str:
    """What else is known of an event, in the language of the page; empty where its kind says it all."""
    group = kind.partition(".")[0]
    if kind == "escalation.said":
        return ""
    if kind == "escalation.changed":
        return facts_changed(data)
    named = [_(_NAMED[name][data[name]]) for name in _SAID.get(group, ()) if str(data.get(name, "")) in _NAMED[name]]
    return ", ".join(one for one in [*_way(data), *named, *_own(kind, group, data)] if one)


def _way(data: Data) -> list[str]:
    """From where to where, of what has states."""
    before, after = data.get("from"), data.get("to")
    states: tuple[Mapping[Any, str], ...] = (STATUSES, STATES)
    words = next((one for one in states if before in one and after in one), None)
    return [f"{_(words[before])} → {_(words[after])}"] if words and before != after else []


def _own(kind: str, group: str, data: Data) -> list[str]:
    match group:
        case "escalation" if "kind" in data:
            return [_(_LINKS.get(str(data["kind"]), ""))] if data["kind"] in _LINKS else []
        case "sla":
            return _of_clock(kind, data)
        case "intake":
            return _of_intake(data)
        case "consult" if "team" in data:
            return [spoken(str(data["team"]))]
        case "reply" if data.get("purpose") in PURPOSES:
            return [_(PURPOSES[data["purpose"]])]
        case "appeal" if "number" in data:
            return [f"A-{data['number']}"]
        case "cause" if "code" in data:
            return [cause_words(f"{data['code']}/{data['subcode']}" if data.get("subcode") else str(data["code"]))]
        case "restricted" | "preservation":
            return [_(PACKAGES[data["purpose"]]) if data.get("purpose") in PACKAGES else "", *_until(data)]
        case "improvement" if "days" in data:
            return [ngettext("after %(num)s day", "after %(num)s days", data["days"])]
    return []


def _of_clock(kind: str, data: Data) -> list[str]:
    if kind == "sla.acted":
        return _of_action(data)
    if kind in ("sla.paused", "sla.resumed"):
        still = data.get("clocks", 0)
        return [ngettext("%(num)s clock stands still", "%(num)s clocks stand still", still)] if still else []
    late = [_("late")] if data.get("late") else []
    return (
        [*late, _("due on %(when)s", when=moment(datetime.fromisoformat(data["due_at"])))] if "due_at" in data else late
    )


def _of_action(data: Data) -> list[str]:
    """What running out set off: whom it was told, and what was done beside."""
    told = data.get("told", 0)
    said = [ngettext("%(num)s person was told", "%(num)s people were told", told)] if told else []
    if not data.get("done"):
        return [*said, _("it had no effect")]
    match data.get("action"):
        case "raise_severity":
            return [*said, _("severity %(old)s → %(new)s", old=data.get("from"), new=data.get("to"))]
        case "front_queue":
            return [*said, _("its cases go to the front of their queue")]
        case "hand_over":
            return [*said, _("it was handed over")]
    return said


def _of_intake(data: Data) -> list[str]:
    missing = ", ".join(spoken(str(name)) for name in data.get("missing", ()))
    files = data.get("files", 0)
    return [
        _("still missing: %(fields)s", fields=missing) if missing else "",
        _("sender not verified") if data.get("verified") is False else "",
        ngettext("%(num)s file came along", "%(num)s files came along", files) if files else "",
    ]


def _until(data: Data) -> list[str]:
    if until := data.get("until"):
        return [_("until %(when)s", when=moment(datetime.fromisoformat(until)))]
    return [day(date.fromisoformat(data["filed_on"]))] if "filed_on" in data else []
