"""What a narrative is composed of, read in one transaction; and the words that facts are said in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from labeling.taxonomy import Taxonomy
from service.causes.codes import codes
from service.causes.schemas import CauseOut, ImprovementOut
from service.causes.workflow import Figure as Result
from service.escalations.schemas import EscalationEventOut
from service.narratives.model import Figure
from service.sla.workflow import Nearest

OPEN_STATES = ("proposed", "agreed", "doing")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence: a case with the hash of its reported content, or a file that came with the record."""

    kind: str
    reference: str
    status: str
    sha256: str
    media: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What another team answered when it was asked about the record; never under privilege."""

    team: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known of a record at an instant. `hidden` are names that no audience but colleagues may read."""

    record: Any
    evidence: Sequence[Piece]
    assets: int
    events: Sequence[EscalationEventOut]
    cause: CauseOut | None
    actions: Sequence[ImprovementOut]
    due: Nearest | None
    figures: Mapping[str, Result]
    advice: Sequence[Advice]
    hidden: tuple[str, ...]
    at: datetime
    zone: ZoneInfo
    taxonomy: Taxonomy


def moment(facts: Facts, when: datetime) -> str:
    """A moment in the time zone of the narrative, which its head names."""
    return when.astimezone(facts.zone).strftime("%Y-%m-%d %H:%M")


def spoken(name: str) -> str:
    """An id as words."""
    return name.replace("_", " ").replace(".", ": ")


def area_of(facts: Facts) -> str:
    """The policy area, or nothing."""
    area = facts.record.policy_area
    names = {one.id: one.name for one in facts.taxonomy.areas}
    return names.get(area, spoken(area)) if area else ""


def cause_name(cause: CauseOut) -> str:
    """The code of a cause and the part of it."""
    code = codes()[cause.code]
    return f"{code.name}: {code.subcodes.get(cause.subcode, spoken(cause.subcode)).lower()}"


def figure_of(result: Result) -> Figure:
    """A result with its words."""
    query = result.query
    return Figure(
        name=query.name,
        title=query.title,
        definition=query.definition,
        unit=query.unit,
        parameters=dict(result.parameters),
        n=result.n,
        value=result.value,
        low=result.low,
        high=result.high,
        said=_said(result),
    )


def _said(result: Result) -> str:
    if result.too_few:
        return f"not enough to say: {result.n}"
    if result.value is None:
        return "not known"
    match result.query.kind:
        case "count":
            return f"{result.n:,}"
        case "share_of" if result.n == 0:
            return "none"
        case "share_of":
            return f"{result.value:,.0f} of {result.n:,}"
        case "share":
            return f"{result.value:.1%} ({result.low:.1%} to {result.high:.1%}, n = {result.n:,})"
        case "minutes":
            return _duration(result.value)
        case "rate":
            return f"{result.value:.1f} ({result.low:.1f} to {result.high:.1f}, n = {result.n:,})"


def _duration(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} days"
