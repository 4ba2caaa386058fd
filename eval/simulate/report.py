"""Figures of simulated policies as tables, and as one page with plots."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from eval.charts import LINE, MUTED, SECOND, Spec, draw, own_ids
from eval.sections import Table
from eval.simulate.figures import Figures
from labeling.taxonomy import SEVERITY_LEVELS

# The least leak that a logarithmic axis shows.
LEAST_SHOWN = 1e-5
AXIS = {"gridColor": LINE, "domainColor": LINE, "labelColor": MUTED, "titleColor": MUTED}


def table(every: Sequence[Figures]) -> Table:
    """All figures as one table, loads one after the other."""
    rows = [
        (
            one.policy,
            f"{one.load:.3g}",
            f"{one.leak:.2%}",
            f"{one.leak_low:.2%} to {one.leak_high:.2%}",
            f"{one.oracle_leak:.2%}",
            f"{one.legal_breach:.1%}",
            f"{one.legal_infeasible:.1%}",
            f"{one.max_age_over_bound:.1f}",
            f"{one.shed_share:.1%}",
            _times(one, 4),
        )
        for one in every
    ]
    head = (
        "policy", "load", "leak", "over seeds", "bound", "deadlines missed", "by anyone", "hours over bound", "shed",
        "severity 4, p50 / p90 / p95 h",
    )  # fmt: skip
    return Table(head, tuple(rows))


def times_table(every: Sequence[Figures]) -> Table:
    """Hours to action of every severity, and of the case that waited longest."""
    head = ("policy", "load", *(f"severity {level}" for level in range(SEVERITY_LEVELS)), "longest wait")
    rows = [
        (
            one.policy,
            f"{one.load:.3g}",
            *(_times(one, level) for level in range(SEVERITY_LEVELS)),
            f"{one.starved_hours:.1f}",
        )
        for one in every
    ]
    return Table(head, tuple(rows), "p50 / p90 / p95 in hours; open: so many had not been decided at the end")


def _times(one: Figures, level: int) -> str:
    return " / ".join("open" if value is None else f"{value:.1f}" for value in one.hours_to_action[str(level)])


def plots(every: Sequence[Figures]) -> list[tuple[str, Spec]]:
    """Leak, missed deadlines and shed cases by load, one line a policy, each under its caption."""
    points = [
        {
            "load": one.load,
            "policy": one.policy,
            "leak": max(one.leak, LEAST_SHOWN),
            "bound": max(one.oracle_leak, LEAST_SHOWN),
            "missed": one.legal_breach,
            "over": one.max_age_over_bound,
            "shed": one.shed_share,
        }
        for one in every
    ]
    shares = {"format": ".0%"}
    dashes = {"type": "line", "strokeDash": [4, 4], "color": SECOND}
    leak = _lines(points, "leak", title="leak", axis={"format": ".2%"}, scale={"type": "log"})
    leak["layer"].append({"mark": dashes, "encoding": {"x": _ACROSS, "y": {"field": "bound", "type": "quantitative"}}})
    return [
        ("Leak by load; nobody comes below the dashed line", leak),
        ("Deadlines missed by load", _lines(points, "missed", title="deadlines missed", axis=shares)),
        (
            "Hours by which the oldest case exceeded its latest start, not openly shed",
            _lines(points, "over", title="hours over the bound"),
        ),
        ("Cases openly shed by load", _lines(points, "shed", title="cases shed", axis=shares)),
    ]


_ACROSS: Spec = {"field": "load", "type": "quantitative", "title": "load", "scale": {"zero": False}, "axis": AXIS}


def _lines(
    points: Sequence[Mapping[str, Any]],
    name: str,
    *,
    title: str,
    axis: Spec | None = None,
    scale: Spec | None = None,
) -> Spec:
    up = {"field": name, "type": "quantitative", "title": title, "axis": {**AXIS, **(axis or {})}, "scale": scale or {}}
    line = {
        "mark": {"type": "line", "point": True},
        "encoding": {"x": _ACROSS, "y": up, "color": {"field": "policy", "type": "nominal"}},
    }
    # Room for the longest name in fonts that run wider than the one the drawing is measured with.
    padding = {"left": 18, "right": 48, "top": 4, "bottom": 4}
    return {"width": 560, "height": 280, "padding": padding, "data": {"values": list(points)}, "layer": [line]}


def page(every: Sequence[Figures], source: Mapping[str, Any]) -> str:
    """One HTML page that needs nothing else; `source` says where the arrivals are from. Raises ChartError."""
    environment = Environment(loader=PackageLoader("eval"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("simulation.html").render(
        drawings=[
            (caption, Markup(own_ids(draw(spec), f"{place}-")))  # noqa: S704
            for place, (caption, spec) in enumerate(plots(every))
        ],
        tables=[("Figures", table(every)), ("Time to action by severity", times_table(every))],
        cases=max(one.cases for one in every),
        unknown=max(one.unknown for one in every),
        seeds=every[0].seeds,
        source=source,
    )
