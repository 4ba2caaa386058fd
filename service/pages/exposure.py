"""The page of one's own exposure: what was open for how long, what follows, breaks, a wish for milder cases, consents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.cases.placing import CONSENT_GRAPHIC
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.schemas import DayOut, ExposureOut, LevelOut, LimitsOut, PeriodOut, SpreadOut, Why
from service.exposure.workflow import NOT_NOW_HOURS, ledger
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.pages.words import duration
from service.people.workflow import me as person_of
from service.security import CaseReviewer, Principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("Z",), N_("Take a break, or end it")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
# For how long graphic cases are usually wished away, in hours.
NOT_NOW = (1, 2, 4, NOT_NOW_HOURS)
LEVELS = (N_("not blurred"), N_("light"), N_("usual"), N_("strong"), N_("strongest"))
# Why no graphic cases come, and what ends it: the API says the same, in English alone.
KEPT_BACK: Mapping[Why, str] = {
    "not_now": N_("You asked for no graphic cases for now. You can lift that at any time."),
    "day": N_(
        "Originals were open to you for %(day)s in the last 24 hours, so milder cases come. Graphic cases come again as the "
        "first hours of that pass out of the 24."
    ),
    "stretch": N_(
        "You worked on graphic cases for %(stretch)s without a break, so milder cases come. Graphic cases come again after "
        "%(pause)s without a case."
    ),
    "in_a_row": N_(
        "You had %(in_a_row)s graphic cases in a row, so a milder one comes. Graphic cases come again after a milder one, or "
        "after %(pause)s without a case."
    ),
}
# How long the axis of a bar is, in the units of its drawing; and the least that can be seen of one.
AXIS = 100.0
LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: where it begins on the axis, and how long it is."""

    level: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level of a period in words and as a bar; the longest bar of all periods is as long as the axis."""

    level: int
    name: str
    seconds: float
    items: int
    share: float


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One period: what was open in it by level, the most graphic first; levels without anything are left out."""

    name: str
    about: str
    since: datetime
    seconds: float
    items: int
    weighted_minutes: float
    levels: list[LevelRow]


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day, with its levels one after the other on the axis; `words` say the same."""

    day: DayOut
    segments: list[Segment]
    words: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How near a limit is: `share` of the axis, `mark` where something is said before it is reached."""

    name: str
    words: str
    share: float
    mark: float


@dataclass(frozen=True, slots=True)
class BinRow:
    """How many people had originals open for so long."""

    words: str
    people: int
    share: float


@router.get("/exposure")
async def page(request: Request, me: CaseReviewer, connection: UnitOfWork) -> Response:
    state = request.app.state
    found = await ledger(connection, me.id, limits_of(state.settings))
    context = {
        **await bar(connection, me),
        "found": found,
        "kept_words": kept_words(found),
        "suggestion_words": suggestion_words(found),
        "periods": period_rows(found),
        "limits": limit_rows(found),
        "days": day_rows(found.days),
        "not_now": NOT_NOW,
        **await _consents(connection, me, state.taxonomy),
        "shortcuts": KEYS,
        "now": found.server_now,
    }
    return render("exposure.html", context)


async def _consents(connection: AsyncConnection, me: Principal, taxonomy: Taxonomy) -> dict[str, Any]:
    """Areas that are asked about; `agreed` is None where no limit is set, `others` are agreed to and not asked about."""
    agreed = (await person_of(connection, me)).consents
    areas = sorted((one for one in taxonomy.areas if one.graphic >= CONSENT_GRAPHIC), key=lambda one: one.name)
    asked = {one.id for one in areas}
    return {
        "areas": areas,
        "agreed": agreed,
        "others": [one for one in agreed or () if one not in asked],
    }


def kept_words(found: ExposureOut) -> str:
    """Why no graphic cases come; nothing where they do."""
    if found.kept_back is None:
        return ""
    limits = found.limits
    amounts = {
        "day": duration(limits.day_minutes * 60),
        "stretch": duration(limits.stretch_minutes * 60),
        "pause": duration(limits.break_minutes * 60),
        "in_a_row": limits.in_a_row,
    }
    return _(KEPT_BACK[found.kept_back.why], **amounts)


def suggestion_words(found: ExposureOut) -> str:
    """How a break is suggested; nothing where none is due."""
    if not found.rest.suggestion:
        return ""
    seconds, limits = found.rest.work_seconds, found.limits
    amounts = {"worked": duration(seconds), "pause": duration(limits.break_minutes * 60)}
    if seconds >= limits.stretch_minutes * 60:
        return _(
            "You have worked on graphic cases for %(worked)s without a break. Milder cases come until you had one of %(pause)s.",
            **amounts,
        )
    return _(
        "You have worked on graphic cases for %(worked)s without a break. It is time for one of %(pause)s.", **amounts
    )


def period_rows(found: ExposureOut) -> list[PeriodRow]:
    """The periods that are counted, from the shortest to the longest."""
    periods = (
        (_("This stretch"), _("Since your last break"), found.stretch),
        (_("This shift"), _("Since your last pause of 4 h"), found.shift),
        (_("Last 24 hours"), _("What the limit of a day goes by, since"), found.last_24_hours),
        (_("This week"), _("Since Monday in UTC"), found.week),
    )
    most = max((one.seconds for *_, period in periods for one in period.levels), default=0.0)
    return [_period_row(name, about, period, most) for name, about, period in periods]


def _period_row(name: str, about: str, period: PeriodOut, most: float) -> PeriodRow:
    levels = [
        LevelRow(one.level, _(LEVELS[one.level]), one.seconds, one.items, _share(one.seconds, most))
        for one in reversed(period.levels)
        if one.seconds or one.items
    ]
    return PeriodRow(name, about, period.since, period.seconds, period.items, period.weighted_minutes, levels)


def limit_rows(found: ExposureOut) -> list[Limit]:
    """How near the limits of a stretch and of a day are."""
    limits: LimitsOut = found.limits
    rows = (
        (
            _("Graphic cases without a break"),
            found.rest.work_seconds,
            limits.stretch_minutes,
            limits.break_after_minutes,
            N_("%(now)s of %(limit)s; a break is suggested at %(early)s"),
        ),
        (
            _("Originals open in 24 hours"),
            found.last_24_hours.seconds,
            limits.day_minutes,
            limits.alert_minutes,
            N_("%(now)s of %(limit)s; you are told at %(early)s"),
        ),
    )
    return [
        Limit(
            name,
            _(told, now=duration(seconds), limit=duration(most * 60), early=duration(early * 60)),
            _share(seconds, most * 60),
            _share(early, most),
        )
        for name, seconds, most, early, told in rows
    ]


def day_rows(days: Sequence[DayOut]) -> list[DayRow]:
    """Today and the days on which anything was open, as bars; the longest of them is as long as the axis."""
    shown = [one for place, one in enumerate(days) if place == 0 or one.seconds or one.items]
    most = max((one.seconds for one in shown), default=0.0)
    return [DayRow(one, segments(one.levels, most), level_words(one.levels)) for one in shown]


def segments(levels: Sequence[LevelOut], most: float) -> list[Segment]:
    """Levels one after the other, the most graphic first; all of them on the axis, also where short ones are drawn longer."""
    widths = [(one.level, _share(one.seconds, most)) for one in reversed(levels)]
    squeezed = max(1.0, sum(width for _, width in widths) / AXIS)
    found, reached = [], 0.0
    for level, width in widths:
        if width:
            found.append(Segment(level, round(reached, 2), round(width / squeezed, 2)))
            reached += width / squeezed
    return found


def level_words(levels: Sequence[LevelOut]) -> str:
    """Time and items by level in one line."""
    said = [
        _("level %(level)s: %(time)s, %(items)s", level=one.level, time=duration(one.seconds), items=one.items)
        for one in reversed(levels)
        if one.seconds or one.items
    ]
    return "; ".join(said)


def bin_rows(spread: SpreadOut) -> list[BinRow]:
    """How exposure lies across people, as bars; the bin with most people is as long as the axis."""
    bins = spread.bins or []
    most = max((one.people for one in bins), default=0)
    return [BinRow(_bin_words(one.from_minutes, one.to_minutes), one.people, _share(one.people, most)) for one in bins]


def _bin_words(low: int, high: int | None) -> str:
    if high is None:
        return _("%(time)s and more", time=duration(low * 60))
    if low == 0:
        return _("under %(time)s", time=duration(high * 60))
    return _("%(low)s to %(high)s", low=duration(low * 60), high=duration(high * 60))


def _share(part: float, most: float) -> float:
    """A length on the axis: none for nothing, and never too short to be seen or longer than the axis."""
    if part <= 0 or most <= 0:
        return 0.0
    return round(min(AXIS, max(LEAST, AXIS * part / most)), 2)
