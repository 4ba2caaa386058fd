"""Charts as SVG that the server draws: lines with intervals; the numbers stand beside them as a table and as CSV.

A drawing has no text and no colour of its own. Its axes are words beside it, so that they stay readable at any width, and
what it looks like is a matter of charts.css, in light and dark. The template `chart.html` puts all of it together.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from service.pages.language import _
from service.pages.words import DAY, HOUR, MINUTE, amount

# Units of the drawing, which is stretched to the room that there is.
WIDTH, HEIGHT = 240.0, 60.0
# More points are more than a drawing of this width can show.
POINTS_MOST = 400

_SPANS = (
    *(1.0, 2.0, 5.0, 10.0, 30.0),
    *(MINUTE * step for step in (1, 2, 5, 10, 30)),
    *(HOUR * step for step in (1, 2, 4, 8, 12)),
    *(DAY * step for step in (1, 2, 4, 7)),
)

Form = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Point:
    """One value at its place on the axis, in words; None where nothing is known. `low` and `high` are its interval."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How values are said, where the axis ends (None: where the values do), and where the same numbers are as CSV."""

    form: Form = amount
    top: float | None = None
    csv: str | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Hover:
    """What is said of one point where the pointer stands."""

    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with everything that is said of it; all paths are empty where nothing is known."""

    title: str
    words: str
    top: str
    first: str
    last: str
    now: str
    rows: list[tuple[str, str, str]]
    unit: str
    csv: str | None
    has_intervals: bool
    hovers: Sequence[Hover] = ()
    line: str = ""
    area: str = ""
    band: str = ""
    dots: str = ""


def line_chart(title: str, points: Sequence[Point], look: Look | None = None) -> Chart:
    """A line over equal steps, with a band where points have intervals. Raises ValueError for too many points."""
    look = look or Look()
    top = _checked(points, look)
    xs = [WIDTH * place / max(1, len(points) - 1) for place in range(len(points))]
    runs = _runs([(x, _y(point.value, top)) for x, point in zip(xs, points, strict=True)])
    bands = _runs_of(points, xs, top)
    return replace(
        _said(title, points, look, top),
        hovers=_hovers(points, look),
        line=" ".join(_path(run) for run in runs if len(run) > 1),
        area=" ".join(f"{_path(run)} V{HEIGHT:g} H{run[0][0]:g} Z" for run in runs if len(run) > 1),
        band=" ".join(bands),
        # A line of no length with round ends is a dot, however the drawing is stretched.
        dots=" ".join(f"M{x:g} {y:g}h0" for run in runs for x, y in (run[-1:] if len(runs) == 1 else run)),
    )


def nice(value: float) -> float:
    """The least of 1, 2, 2.5, 5 and 10 times a power of ten that is not below the value; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-12))


def nice_time(seconds: float) -> float:
    """The least span of time that one says in one word and that is not below the seconds."""
    return next((step for step in _SPANS if step >= seconds), nice(seconds / DAY) * DAY)


def _checked(points: Sequence[Point], look: Look) -> float:
    if len(points) > POINTS_MOST:
        raise ValueError(f"{len(points)} points; a chart shows at most {POINTS_MOST}: take larger steps")
    known = [one for point in points for one in (point.value, point.high) if one is not None]
    return look.top if look.top is not None else nice(max(known, default=0.0))


def _said(title: str, points: Sequence[Point], look: Look, top: float) -> Chart:
    known = [point for point in points if point.value is not None]
    values = [point.value for point in known if point.value is not None]
    if values:
        words = _(
            "From %(first)s to %(last)s: lowest %(low)s, highest %(high)s, last %(now)s.",
            first=points[0].label,
            last=points[-1].label,
            low=look.form(min(values)),
            high=look.form(max(values)),
            now=look.form(values[-1]),
        )
    else:
        words = _("Nothing is known yet.")
    return Chart(
        title=title,
        words=words,
        top=look.form(top) if values else "",
        first=points[0].label if points else "",
        last=points[-1].label if points else "",
        # An older value is not how it stands now.
        now=_value(points[-1], look.form) if points else "–",
        rows=[(point.label, _value(point, look.form), _interval(point, look.form)) for point in points],
        unit=look.unit,
        csv=look.csv,
        has_intervals=any(point.low is not None for point in points),
    )


def _hovers(points: Sequence[Point], look: Look) -> list[Hover]:
    """Strips beside each other, each with its point in the middle."""
    step = WIDTH / max(1, len(points) - 1)
    return [
        Hover(
            round(step * (place - 0.5), 2),
            round(step, 2),
            f"{point.label}: {_value(point, look.form)}{_in_brackets(point, look.form)}",
        )
        for place, point in enumerate(points)
    ]


def _value(point: Point, form: Form) -> str:
    return "–" if point.value is None else form(point.value)


def _interval(point: Point, form: Form) -> str:
    if point.low is None or point.high is None:
        return ""
    return _("%(low)s to %(high)s", low=form(point.low), high=form(point.high))


def _in_brackets(point: Point, form: Form) -> str:
    said = _interval(point, form)
    return f" ({said})" if said else ""


def _y(value: float | None, top: float) -> float | None:
    return None if value is None else round(HEIGHT * (1 - min(max(value, 0.0), top) / top), 2)


def _runs(places: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Points that stand beside each other with nothing unknown between them."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in places:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((round(x, 2), y))
    return [run for run in runs if run]


def _runs_of(points: Sequence[Point], xs: Sequence[float], top: float) -> list[str]:
    lows = _runs([(x, _y(point.low, top)) for x, point in zip(xs, points, strict=True)])
    highs = _runs([(x, _y(point.high, top)) for x, point in zip(xs, points, strict=True)])
    return [
        f"{_path(high)} {_path(low[::-1]).replace('M', 'L', 1)} Z"
        for low, high in zip(lows, highs, strict=True)
        if len(low) > 1
    ]


def _path(run: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in run)
