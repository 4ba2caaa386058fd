"""What the templates show, worked out of cases, ranks and the taxonomy: the arithmetic of the pages stands here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from labeling.taxonomy import Severity, Taxonomy
from models.rank import BY_HARM
from service.cases.schemas import CaseEventOut, CaseOut, ScoreOut
from service.labels import violates
from service.leases.workflow import Lease
from service.media.schemas import MediaItem
from service.pages.audit_words import details, sentence_of
from service.pages.language import N_, _, separated
from service.pages.words import spoken
from service.ranking.words import Sentence, sentences
from service.ranking.workflow import live_rank

# One and many of each kind; what is mixed has no kind.
MEDIA_NAMES = {
    "image": (N_("Picture"), N_("%(num)s pictures")),
    "video": (N_("Video"), N_("%(num)s videos")),
    "audio": (N_("Sound"), N_("%(num)s sounds")),
    "": (N_("Medium"), N_("%(num)s media")),
}

# More lines than these say nothing that a reviewer could use; their harm is shown as one sum.
AREAS_SHOWN = 5

# Areas of which the model is unsure: more names would only worry.
UNSURE_SHOWN = 3

# Risks in one queue differ by orders of magnitude: a bar is this much shorter, of 100, for every halving.
BAR_PER_HALVING = 10.0
LEAST_BAR = 2.0

# A case that waits for years must not overflow the page that shows it.
MOST_DOUBLINGS = 200.0


@dataclass(frozen=True, slots=True)
class UpcomingRow:
    """One line of the preview of a queue. `risk_share` is the length of its bar, 100 for the riskiest shown.

    `area` is what the model takes the content for or, where it found nothing or has not looked, what was reported.
    """

    position: int
    case_id: UUID
    kind: str
    area: str
    area_is_reported: bool
    scored: bool
    severity: Severity
    risk: float
    risk_share: float
    views_per_hour: float
    waiting_seconds: float
    pictures: int
    reports: int
    language: str | None
    special: str | None


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case that the viewer already has in hand."""

    case_id: UUID
    title: str
    seconds_left: float
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area's share of the harm of a view: `probability` x `weight` = `harm`.

    `weight` holds the factor for harm that falls on a person; `reported` says that a reporter named the area, `learned`
    that the model's probability depends on the text.
    """

    area_id: str
    name: str
    reported: bool
    learned: bool
    probability: float
    weight: float
    harm: float


@dataclass(frozen=True, slots=True)
class RiskSum:
    """The rank as a sum that can be followed by hand.

    `harm_per_view` x `views_per_hour` / `handling_minutes` = `index`; x `waiting_factor` = `risk_now`; the stored key
    is log2 of `index` plus `waiting_bonus`. `person_factor` is what the weights of some areas contain, 1.0 for none.
    `orders` is false where the queue goes by something else than this risk.
    """

    areas: tuple[AreaRow, ...]
    other_areas: int
    other_harm: float
    harm_per_view: float
    views_per_hour: float
    person_factor: float
    handling_minutes: float
    index: float
    waited_seconds: float
    doubling_hours: float
    waiting_factor: float
    risk_now: float
    index_log: float
    waiting_bonus: float
    value: float
    orders: bool


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One step of the severity scale with the model's probability for it; None when nothing was scored."""

    step: Severity
    probability: float | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The area that the form starts with because the model named it."""

    area_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Option:
    """A label that a decision may be filed under; `floor` is the severity it usually has at least, which is advice only."""

    id: str
    name: str
    description: str
    floor: int


def label_name(taxonomy: Taxonomy, label: str) -> str:
    """The name of an area or of benign; an id that this taxonomy no longer has is spoken as it is."""
    if label == taxonomy.benign_id:
        return _(taxonomy.benign_name)
    names = {area.id: area.name for area in taxonomy.areas}
    return _(names[label]) if label in names else spoken(label).capitalize()


def action_names(taxonomy: Taxonomy, actions: Iterable[str]) -> str:
    """Actions as one phrase."""
    names = {action.id: action.name for action in taxonomy.actions}
    return ", ".join(_(names[action]) if action in names else spoken(action) for action in actions)


def label_words(taxonomy: Taxonomy, said: Mapping[str, Any]) -> str:
    """The label that a decision makes, by `policy_area`, `severity` and `actions`: what was found, or that it was not."""
    name = label_name(taxonomy, said["policy_area"])
    if said["policy_area"] == taxonomy.benign_id:
        return name
    if not violates(said["actions"], taxonomy):
        return _("%(area)s: not violated", area=name)
    return _("%(area)s, severity %(level)s", area=name, level=said["severity"])


# How a case stands that is not in the reader's hands.
STATUS_WORDS = {
    "open": N_("waits"),
    "leased": N_("in somebody's hands"),
    "held": N_("kept back"),
    "shed": N_("given up"),
    "decided": N_("decided"),
}


def status_words(status: str) -> str:
    """How another case stands, in a word or three."""
    return _(STATUS_WORDS[status])


def case_title(case: CaseOut, taxonomy: Taxonomy) -> str:
    """What a case is about without a word of its content."""
    reasons = list(dict.fromkeys(label_name(taxonomy, report.reason) for report in case.reports))
    kind = _(spoken(case.subject.kind).capitalize())
    reported = (reasons[0] if reasons else _("an unnamed reason")).lower()
    if len(reasons) > 1:
        return _(
            "%(kind)s reported for %(reason)s and %(more)s more", kind=kind, reason=reported, more=len(reasons) - 1
        )
    return _("%(kind)s reported for %(reason)s", kind=kind, reason=reported)


def media_title(items: Sequence[MediaItem]) -> str:
    """What a case comes with: `Picture`, `3 pictures`, `Video`, `2 media` where kinds are mixed."""
    [kind, *others] = sorted({item.kind for item in items})
    one, many = MEDIA_NAMES["" if others else kind]
    return _(one) if len(items) == 1 else _(many, num=len(items))


def upcoming_rows(rows: Sequence[Any], taxonomy: Taxonomy, now: datetime) -> list[UpcomingRow]:
    """The preview of a queue from the rows of `service.queues.workflow.upcoming`."""
    risks = [risk_now(live_rank(row.rank, row.live_views).parts, now) for row in rows]
    most = max(risks, default=1.0)
    return [
        UpcomingRow(
            position=position,
            case_id=row.id,
            kind=_(spoken(row.kind).capitalize()),
            area=label_name(taxonomy, row.primary_area if _found(row, taxonomy) else row.reason),
            area_is_reported=not _found(row, taxonomy),
            scored=row.rank["scored"],
            severity=_likely_severity(row.rank["severity"], taxonomy),
            risk=risk,
            risk_share=max(LEAST_BAR, 100 - BAR_PER_HALVING * math.log2(most / risk)),
            views_per_hour=row.views_per_hour,
            waiting_seconds=_waited(row.rank, now),
            pictures=row.pictures,
            reports=row.report_count,
            language=row.language,
            special=row.special,
        )
        for position, (row, risk) in enumerate(zip(rows, risks, strict=True), start=1)
    ]


def held_case(lease: Lease, case: CaseOut, taxonomy: Taxonomy) -> HeldCase:
    """A line of the list of cases in hand."""
    left = (lease.expires_at - case.server_now).total_seconds()
    return HeldCase(lease.case_id, case_title(case, taxonomy), left, lease.expires_at)


def risk_now(parts: Mapping[str, Any], now: datetime) -> float:
    """Harm-weighted views per minute of work, doubled for every `doubling_hours` that the case has waited."""
    return float(parts["index"]) * _waiting_factor(parts, now)


def risk_sum(case: CaseOut, taxonomy: Taxonomy, now: datetime) -> RiskSum:
    """The stored parts of the rank, named for reading."""
    parts = case.rank.parts
    shown, folded = parts["areas"][:AREAS_SHOWN], parts["areas"][AREAS_SHOWN:]
    areas = tuple(
        AreaRow(
            one["area"],
            label_name(taxonomy, one["area"]),
            one["area"] in parts["reasons"],
            case.score is not None and one["area"] in case.score.areas and one["area"] not in case.score.unassessed,
            one["probability"],
            one["weight"] * one["vulnerability"] * one.get("crisis", 1.0),
            one["harm"],
        )
        for one in shown
    )
    return RiskSum(
        areas=areas,
        other_areas=len(taxonomy.areas) - len(shown),
        other_harm=math.fsum([parts["other_harm"], *(one["harm"] for one in folded)]),
        harm_per_view=parts["harm_per_view"],
        views_per_hour=parts["views_per_hour"],
        person_factor=max((one["vulnerability"] for one in shown), default=1.0),
        handling_minutes=parts["handling_minutes"],
        index=parts["index"],
        waited_seconds=_waited(parts, now),
        doubling_hours=parts["doubling_hours"],
        waiting_factor=_waiting_factor(parts, now),
        risk_now=risk_now(parts, now),
        index_log=math.log2(parts["index"]),
        waiting_bonus=parts["waiting_bonus"],
        value=case.rank.value,
        orders=parts["policy"] in BY_HARM,
    )


def why_words(case: CaseOut, taxonomy: Taxonomy) -> list[str]:
    """Why the case ranks where it does, in the language of the page."""
    return [in_words(one) for one in sentences(case.rank.parts, taxonomy, now=case.server_now)]


def in_words(one: str | Sentence) -> str:
    """A sentence of the service in the language of the page; a value is a name, a number or a part of a sentence."""
    if isinstance(one, Sentence):
        return _(one.message, **{name: in_words(value) for name, value in one.values.items()})
    return separated(one) if one[:1].isdigit() else _(one)


def level_rows(score: ScoreOut | None, taxonomy: Taxonomy) -> list[LevelRow]:
    """The five levels with what the model gave each."""
    return [LevelRow(step, score.severity[step.level] if score is not None else None) for step in taxonomy.severities]


def unsure_names(score: ScoreOut | None, taxonomy: Taxonomy) -> list[str]:
    """Names of the likeliest areas of which the model can exclude neither answer."""
    if score is None:
        return []
    likeliest = sorted(score.unsure, key=lambda area: -score.areas.get(area, 0.0))
    return [label_name(taxonomy, area) for area in likeliest[:UNSURE_SHOWN]]


def suggestion(score: ScoreOut | None, taxonomy: Taxonomy) -> Suggestion | None:
    """The model's primary area as a suggestion; None where nothing was scored or the label no longer exists."""
    if score is None or score.primary_area not in taxonomy.label_ids:
        return None
    return Suggestion(score.primary_area, label_name(taxonomy, score.primary_area))


def policy_options(taxonomy: Taxonomy) -> list[Option]:
    """Every area by name, benign last."""
    areas = [Option(area.id, _(area.name), _(area.description), area.floor) for area in taxonomy.areas]
    benign = Option(taxonomy.benign_id, _(taxonomy.benign_name), _("Nothing in the taxonomy is violated."), 0)
    return [*sorted(areas, key=lambda option: option.name), benign]


def event_words(event: CaseEventOut) -> str:
    """What happened, as the log of events says it."""
    return sentence_of(event.kind)


def event_details(event: CaseEventOut) -> str:
    """The data of an event in one line; identifiers are left out, they help nobody who reads."""
    plain = {name: value for name, value in event.data.items() if not isinstance(value, dict)}
    return ", ".join(f"{name} {value}" for name, value in details(plain) if not value.startswith("…"))


def utc_now() -> datetime:
    """The time by which the pages count."""
    return datetime.now(UTC)


def _found(row: Any, taxonomy: Taxonomy) -> bool:
    return row.primary_area is not None and row.primary_area != taxonomy.benign_id


def _likely_severity(severity: Sequence[float], taxonomy: Taxonomy) -> Severity:
    return taxonomy.severities[max(range(len(severity)), key=lambda level: severity[level])]


def _waited(parts: Mapping[str, Any], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(parts["received_at"])).total_seconds())


def _waiting_factor(parts: Mapping[str, Any], now: datetime) -> float:
    doublings = _waited(parts, now) / 3600 / parts["doubling_hours"]
    return float(2 ** min(doublings, MOST_DOUBLINGS))
