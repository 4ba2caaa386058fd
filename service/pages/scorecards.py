"""The page of scorecards: figures of groups with their intervals, what each means, and what is missing before there are any."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.errors.requests import InvalidRequestError
from service.limits import ScorecardTurn
from service.pages import views
from service.pages.bar import bar
from service.pages.charts import Chart, Look, Point, line_chart, nice_time
from service.pages.language import N_, _, ngettext
from service.pages.rendering import PageRoute, render
from service.pages.words import amount, chance, day, duration, short_day
from service.scorecards.figures import FIGURES
from service.scorecards.schemas import AmountOut, AskedIn, By, GroupOut, ScorecardOut, ShareOut, TimesOut, TrendOut
from service.scorecards.trend import trend
from service.scorecards.workflow import choices, scorecard
from service.security import ScorecardReader

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
BY = {
    "vendor": N_("Vendor"),
    "site": N_("Site"),
    "language": N_("Language"),
    "policy": N_("Policy version"),
    "area": N_("Policy area"),
}
NOBODY = {
    "vendor": N_("No vendor set"),
    "site": N_("No site set"),
    "language": N_("No language"),
    "policy": N_("No policy version"),
    "area": N_("No area yet"),
}
# What the API says where there is too little for a figure; these are what there can be too few of.
TOO_FEW = re.compile(r"not enough (?P<what>[a-z ]+): (?P<n>\d+) of (?P<least>\d+)")
COUNTED = (N_("checks"), N_("checks with two blind answers"), N_("decisions"), N_("deadlines"), N_("escalations"))
TITLES = {one.name: one.title for one in FIGURES}
SHARES = ("accuracy", "sla", "overturned", "escalations")
# How long the axis of a bar is, in the units of its drawing.
AXIS = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval as it is drawn, from 0 to AXIS; `ceiling` is what no accuracy can be expected above, where it is known."""

    low: float
    width: float
    value: float
    ceiling: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one group: `words` alone say all of it, `more` is what it rests on."""

    figure: str
    title: str
    words: str
    more: str
    known: bool
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class CardRow:
    """One group with its figures in the order in which they are shown."""

    name: str
    about: str
    cells: list[Cell]
    # Its code, which the browser can name.
    language: str | None = None
    # A name that people gave.
    own: bool = False


@router.get("/scorecards")
async def scorecards(
    _turn: ScorecardTurn,
    request: Request,
    asked: Annotated[AskedIn, Query()],
    me: ScorecardReader,
    connection: UnitOfWork,
) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    now = views.utc_now()
    try:
        card, problem = await scorecard(connection, asked, today=now.date()), None
    except InvalidRequestError as error:
        card, problem = None, _(error.detail)
    context = {
        **await bar(connection, me),
        "card": card,
        "problem": problem,
        "asked": asked,
        "by": BY,
        "choices": {name: [(one, one) for one in values] for name, values in (await choices(connection)).items()},
        "areas": [(one.id, one.name) for one in views.policy_options(taxonomy)],
        "days": [day(one) for one in (card.since, card.until)] if card else [],
        "rows": [card_row(card, one, taxonomy) for one in card.groups] if card else [],
        "whole": card_row(card, card.all, taxonomy, name=_("All together")) if card else None,
        "meanings": [
            (name, _(one.title), _(one.definition), one.view)
            for name, one in (card.definitions.items() if card else ())
        ],
        "notes": [_(one) for one in card.notes] if card else [],
        "missing": card.missing if card else [],
        "files": file_query(card, by=card.by) if card else "",
        "shortcuts": KEYS,
        "now": now,
    }
    return render("scorecards.html", context, status=422 if problem else 200)


@router.get("/scorecards/trend")
async def over_time(
    _turn: ScorecardTurn,
    asked: Annotated[AskedIn, Query()],
    me: ScorecardReader,
    connection: UnitOfWork,
) -> Response:
    today = views.utc_now().date()
    try:
        found, problem = await trend(connection, asked, today=today), None
    except InvalidRequestError as error:
        found, problem = None, _(error.detail)
    query = file_query(found, by=asked.by) if found else ""
    context = {
        **await bar(connection, me),
        "charts": trend_charts(found, f"/v1/scorecards/trend.csv?{query}") if found else [],
        "days": [day(one) for one in (found.since, found.until)] if found else [],
        "filters": [value for value in found.filters.model_dump().values() if value] if found else [],
        "back": query,
        "problem": problem,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("scorecards_trend.html", context, status=422 if problem else 200)


def trend_charts(found: TrendOut, csv: str) -> list[tuple[str, Chart, str]]:
    """Each figure over time, with why there is none where the last step has none."""
    labels = [f"{short_day(step.since)} – {short_day(step.until)}" for step in found.steps]
    charts = []
    for name in SHARES:
        shares: list[ShareOut] = [getattr(step.figures, name) for step in found.steps]
        points = [Point(label, one.value, one.low, one.high) for label, one in zip(labels, shares, strict=True)]
        look = Look(form=_percent, top=1.0, csv=csv)
        charts.append((name, line_chart(_(TITLES[name]), points, look), _capital(shares[-1].note)))
    for name in ("wait", "touch", "total"):
        times: list[TimesOut] = [getattr(step.figures, name) for step in found.steps]
        points = [
            Point(label, None if one.median is None else one.median * 60)
            for label, one in zip(labels, times, strict=True)
        ]
        top = nice_time(max((point.value or 0.0 for point in points), default=0.0))
        look = Look(form=duration, top=top, csv=csv)
        charts.append((name, line_chart(_(TITLES[name]), points, look), _capital(times[-1].note)))
    return charts


def file_query(card: ScorecardOut | TrendOut, *, by: By) -> str:
    """What the page shows, as the query of the files: with its days, so that the same link is the same file tomorrow."""
    asked: Mapping[str, Any] = {"by": by, "since": card.since, "until": card.until, **card.filters.model_dump()}
    return urlencode({name: value for name, value in asked.items() if value})


def card_row(card: ScorecardOut, group: GroupOut, taxonomy: Taxonomy, *, name: str | None = None) -> CardRow:
    """A line of the table."""
    if name is None:
        name = group.name or _(NOBODY[card.by])
        name = _(views.label_name(taxonomy, group.name)) if card.by == "area" and group.name else name
    about = _(
        "%(people)s, %(decisions)s",
        people=ngettext("%(number)s person", "%(number)s people", group.people, number=amount(group.people)),
        decisions=ngettext(
            "%(number)s decision", "%(number)s decisions", group.decisions, number=amount(group.decisions)
        ),
    )
    titles = {one: _(card.definitions[one].title) for one in card.definitions}
    cells = [share_cell(one, titles[one], getattr(group, one), ceiling=group.ceiling) for one in SHARES]
    if group.open_overdue:
        sla = cells[1]
        cells[1] = replace(
            sla, more=", ".join(filter(None, (sla.more, _("%(cases)s overdue", cases=group.open_overdue))))
        )
    cells += [times_cell(one, titles[one], getattr(group, one)) for one in ("wait", "touch", "total")]
    cells.append(amount_cell("exposure_hours", titles["exposure_hours"], group.exposure_hours, unit=" h"))
    cells.append(amount_cell("cost_per_correct", titles["cost_per_correct"], group.cost_per_correct))
    a_group = card.all is not group and group.name is not None
    language = group.name if card.by == "language" and a_group else None
    return CardRow(name, about, cells, language, own=a_group and card.by in {"vendor", "site"})


def share_cell(figure: str, title: str, share: ShareOut, *, ceiling: ShareOut) -> Cell:
    """A share with its interval; beside accuracy stands the ceiling, or why there is none."""
    most = ceiling if figure == "accuracy" else None
    if share.value is None or share.low is None or share.high is None:
        return Cell(figure, title, _capital(share.note), "", known=False)
    words = _(
        "%(value)s (%(low)s to %(high)s)",
        value=_percent(share.value),
        low=_percent(share.low),
        high=_percent(share.high),
    )
    more = f"n = {share.n}"
    if most is not None:
        more = (
            _("n = %(n)s, ceiling %(ceiling)s", n=share.n, ceiling=_percent(most.value))
            if most.value is not None
            else _("n = %(n)s, ceiling: %(note)s", n=share.n, note=_noted(most.note) if most.note else "–")
        )
    bar = Bar(
        low=round(share.low * AXIS, 2),
        width=round((share.high - share.low) * AXIS, 2),
        value=round(share.value * AXIS, 2),
        ceiling=round(most.value * AXIS, 2) if most is not None and most.value is not None else None,
    )
    return Cell(figure, title, words, more, known=True, bar=bar)


def times_cell(figure: str, title: str, times: TimesOut) -> Cell:
    """A median with its 90th percentile."""
    if times.median is None or times.p90 is None:
        return Cell(figure, title, _capital(times.note), "", known=False)
    p90 = _("9 of 10 within %(time)s", time=duration(times.p90 * 60))
    return Cell(figure, title, duration(times.median * 60), p90, known=True)


def amount_cell(figure: str, title: str, one: AmountOut, *, unit: str = "") -> Cell:
    """A quantity, or why there is none."""
    if one.value is None:
        return Cell(figure, title, _capital(one.note), "", known=False)
    return Cell(figure, title, f"{amount(one.value)}{unit}", "", known=True)


def _percent(value: float) -> str:
    """A share whose sign does not fall into the next line."""
    return chance(value).replace(" ", "\u00a0")


def _noted(note: str) -> str:
    if found := TOO_FEW.fullmatch(note):
        return _("not enough %(what)s: %(n)s of %(least)s", what=_(found["what"]), n=found["n"], least=found["least"])
    return _(note)


def _capital(note: str | None) -> str:
    said = _noted(note) if note else "–"
    return f"{said[:1].upper()}{said[1:]}"
