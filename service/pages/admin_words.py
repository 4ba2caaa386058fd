"""Roles, capabilities and settings in words, for those who run the service."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.pages.language import N_, _
from service.pages.words import duration
from service.settings import Settings

ROLES = {
    "reviewer": N_("Decides cases. Sees media blurred, and originals on the record."),
    "specialist": N_(
        "Reviews and works on escalations, decides whole clusters, settles disputes and appeals, sends reports by hand."
    ),
    "adviser": N_(
        "Answers what those who work on escalations ask: Legal, Public Policy, Sales, Product. Sees no case."
    ),
    "lead": N_("Reviews and runs the floor: queues, routing, policies, quality, scorecards."),
    "ml": N_("Reads labels, models and numbers of queues. Sees no case."),
    "platform": N_("A machine: sends reports and media, and is told of decisions. Sees no case."),
    "admin": N_("Manages people, keys, queues and what ships with the service. Sees no case."),
}

CAPABILITIES = {
    "self": N_("Know who one is, sign out, agree to areas"),
    "queue.read": N_("See queues and how much waits"),
    "case.read": N_("Read cases"),
    "case.review": N_("Take and decide cases"),
    "case.bulk": N_("Decide a whole cluster at once"),
    "media.preview": N_("See blurred media"),
    "media.reveal": N_("See originals, on the record"),
    "clock.set": N_("Set deadlines of cases"),
    "report.write": N_("Send reports"),
    "media.write": N_("Send media"),
    "views.write": N_("Send rates of views"),
    "score": N_("Have texts scored"),
    "labels.export": N_("Take decisions out as labels"),
    "models.read": N_("See models, their shadow and drift"),
    "qa.review": N_("Check decisions blindly, read feedback"),
    "qa.adjudicate": N_("Settle disputes and objections"),
    "qa.manage": N_("Plan checks, golden items and calibration"),
    "policies.manage": N_("Write and publish policies"),
    "banks.read": N_("See banks of known pictures"),
    "banks.add": N_("Put decided pictures into banks"),
    "banks.manage": N_("Make and change banks"),
    "floor.read": N_("See the floor: backlog, alerts, spread of exposure"),
    "scorecards.read": N_("See scorecards and their cost"),
    "queues.manage": N_("Change queues, routing and what roles may do"),
    "shed.manage": N_("Take back what was given up"),
    "webhooks.manage": N_("Manage webhooks and what they failed to deliver"),
    "people.manage": N_("Manage people, roles and keys"),
    "audit.read": N_("Read and export the log of events"),
    "audit.all": N_("Read events of restricted queues as well"),
    "escalation.open": N_("Raise escalations"),
    "escalation.work": N_("Work on escalations"),
    "escalation.manage": N_("Manage clocks, replies and crises of escalations, and see confidential ones"),
    "consult.answer": N_("Answer consults of one’s team"),
    "consult.read": N_("Read questions to teams, and answers kept for later cases"),
    "statements.export": N_("Export statements of reasons"),
    "appeal.file": N_("File appeals"),
    "appeal.decide": N_("Decide appeals"),
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting as it stands: what it is, its value in words, its variable, and whether somebody has set it."""

    label: str
    value: str
    variable: str
    is_set: bool


_MEDIA = {
    "media_least_level": N_("Weakest blur that anything is shown at"),
    "image_model": N_("Model that looks at pictures"),
    "reveal_seconds": N_("How long an original picture stays open"),
    "reveal_clip_seconds": N_("How long an original video or sound stays open"),
    "media_max_bytes": N_("Largest picture"),
    "media_clip_max_bytes": N_("Largest video or sound"),
    "media_max_seconds": N_("Longest video or sound"),
}
_EXPOSURE = {
    "exposure_hours": N_("Originals open to one person in a day, at most"),
    "exposure_alert_minutes": N_("Told to the floor once originals were open for"),
    "exposure_stretch_minutes": N_("Graphic work without a break, at most"),
    "exposure_break_after_minutes": N_("A break is suggested after"),
    "exposure_break_minutes": N_("What counts as a break"),
    "exposure_in_a_row": N_("Graphic cases in a row, at most"),
    "exposure_consent": N_("New people agree to graphic areas first"),
}
_MEGABYTE = 1_000_000


def media_settings(settings: Settings) -> list[SettingRow]:
    """What of media is set where the service runs."""
    return [_row(settings, name, label) for name, label in _MEDIA.items()]


def exposure_settings(settings: Settings) -> list[SettingRow]:
    """Caps and breaks as they are set where the service runs."""
    return [_row(settings, name, label) for name, label in _EXPOSURE.items()]


def _row(settings: Settings, name: str, label: str) -> SettingRow:
    value = getattr(settings, name)
    is_set = value != Settings.model_fields[name].default
    return SettingRow(label, _said(name, value), f"TRIAGE_{name.upper()}", is_set)


def _said(name: str, value: Any) -> str:
    match name.rpartition("_")[2], value:
        case _, bool():
            return _("yes") if value else _("no")
        case _, Path():
            return value.stem
        case "hours", _:
            return duration(value * 3600)
        case "minutes", _:
            return duration(value * 60)
        case "seconds", _:
            return duration(value)
        case "bytes", _:
            return _("%(count)s MB", count=f"{value / _MEGABYTE:g}")
    return str(value)
