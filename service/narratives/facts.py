"""What a narrative is composed of, read in one transaction; and the words that facts are said in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from labeling.taxonomy import Taxonomy
from service.catalogues import Voice
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
    say: Voice
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
    return facts.say(names.get(area, spoken(area))) if area else ""


def cause_name(cause: CauseOut, say: Voice) -> str:
    """The code of a cause and the part of it."""
    code = codes()[cause.code]
    return f"{say(code.name)}: {say(code.subcodes.get(cause.subcode, spoken(cause.subcode))).lower()}"


def figure_of(result: Result, say: Voice) -> Figure:
    """A result with its words."""
    query = result.query
    return Figure(
        name=query.name,
        title=say(query.title),
        definition=say(query.definition),
        unit=say(query.unit),
        parameters=dict(result.parameters),
        n=result.n,
        value=result.value,
        low=result.low,
        high=result.high,
        said=_said(result, say),
    )


def _said(result: Result, say: Voice) -> str:
    if result.too_few:
        return say("not enough to say: %(count)s", count=result.n)
    if result.value is None:
        return say("not known")
    n, value = say.separated(f"{result.n:,}"), say.separated(f"{result.value:,.0f}")
    match result.query.kind:
        case "count":
            return n
        case "share_of" if result.n == 0:
            return say("none")
        case "share_of":
            return say("%(part)s of %(whole)s", part=value, whole=n)
        case "share":
            return _estimate(result, say, ".1%")
        case "minutes":
            return _duration(result.value, say)
        case "rate":
            return _estimate(result, say, ".1f")


def _estimate(result: Result, say: Voice, form: str) -> str:
    """A value with its interval of 95 %."""
    value, low, high = (say.separated(format(one, form)) for one in (result.value, result.low, result.high))
    n = say.separated(f"{result.n:,}")
    return say("%(value)s (%(low)s to %(high)s, n = %(count)s)", value=value, low=low, high=high, count=n)


def _duration(minutes: float, say: Voice) -> str:
    hours, days = (say.separated(f"{minutes / unit:.1f}") for unit in (60, 1440))
    if minutes < 120:
        return say("%(count)s min", count=round(minutes))
    return say("%(count)s h", count=hours) if minutes < 48 * 60 else say("%(count)s days", count=days)
