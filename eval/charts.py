"""Charts of a report as SVG: Vega-Lite specifications, drawn by vl-convert without a browser or a network.

vl-convert comes with the extra `train`; it is asked for only when a page is made, so that everything else in `eval`
runs in the serving install. Colours are CSS variables of the page, so one drawing serves light and dark.
"""

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
Spec = dict[str, Any]

INK, MUTED, LINE, ACCENT, SECOND = "var(--ink)", "var(--muted)", "var(--line)", "var(--accent)", "var(--second)"
FONT = "system-ui, sans-serif"
# Values of a slice that a chart shows; the tables hold all of them.
MOST_BARS = 24
SHARE = {"domain": [0, 1]}


class ChartError(ValueError):
    """Charts cannot be drawn; the message says what to install."""


def charts(report: Json) -> dict[str, list[tuple[str, str]]]:
    """For each section of the page, its charts as (caption, SVG). Raises ChartError."""
    drawn = {
        "areas": [
            ("AUPRC with 95 % interval; the tick is the base rate, which a random order reaches", _area_bars(report)),
            ("Precision over recall; the dashed line is the base rate", _precision_recall(report)),
            (
                "Reliability: stated probability against the share that is true; the dashed line is perfect",
                _reliability(report),
            ),
        ],
        "severity": [("True against predicted severity, share of each true level", _confusion(report))],
        "slices": [
            (f"Any-harm AUPRC by {dimension}; the tick is the base rate", _slice_bars(values))
            for dimension, values in report["slices"].items()
        ],
        "hard": [("Harmless rows flagged at recall .80, by kind", _hard_bars(report))],
        "identity": [("False-positive gap by group at the bundle's threshold; 0 is even", _gap_bars(report))],
        "behaviour": [("Share of cases that pass", _behaviour_bars(report))],
    }
    drawn |= {
        f"against-{name}": [("Difference of AUPRC with 95 % interval; right of 0 is better", _difference_bars(one))]
        for name, one in report["comparisons"].items()
    }
    return {
        section: [
            (caption, own_ids(draw(spec), f"{section}-{place}-"))
            for place, (caption, spec) in enumerate(specs)
            if spec is not None
        ]
        for section, specs in drawn.items()
    }


def draw(spec: Spec) -> str:
    """The SVG of a Vega-Lite specification, to be placed inside a page. Raises ChartError."""
    try:
        converter = importlib.import_module("vl_convert")
    except ImportError as error:
        raise ChartError(
            "charts need vl-convert-python: pip install 'vl-convert-python~=1.9' (or `make train`)"
        ) from error
    svg: str = converter.vegalite_to_svg({**spec, "config": _CONFIG, "background": None})
    # The size follows the page instead: the view box keeps the proportions.
    return re.sub(
        r'(<svg[^>]*?) width="([\d.]+)" height="[\d.]+"', r'\1 style="width:100%;max-width:\2px"', svg, count=1
    )


def own_ids(svg: str, prefix: str) -> str:
    """The drawing with ids that no other drawing of the page has: all of them start to count at the same one."""
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", svg)


_CONFIG: Spec = {
    "font": FONT,
    # Room for labels in fonts that run wider than the one that the drawing was measured with.
    "padding": {"left": 18, "right": 8, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 220,
    },
    "header": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 11},
    "legend": {"labelColor": MUTED, "titleColor": MUTED},
    "text": {"color": INK, "fill": INK},
}


def _area_bars(report: Json) -> Spec | None:
    rows = [
        _bar(f"{area} ({one['positives']:,})", one, "auprc") | {"base": one["base_rate"]}
        for area, one in report["areas"].items()
    ]
    return _interval_bars(rows, "AUPRC", tick=True)


def _slice_bars(values: Json) -> Spec | None:
    rows = [
        _bar(f"{value} ({one['n']:,})", one, "auprc") | {"base": one["base_rate"]}
        for value, one in values.items()
        if one["auprc"] is not None
    ]
    return _interval_bars(rows[:MOST_BARS], "any-harm AUPRC", tick=True)


def _hard_bars(report: Json) -> Spec | None:
    rows = [
        _bar(f"{kind.replace('_', ' ')} ({one['n_at_recall']:,})", one["fpr_at_recall_80"])
        for kind, one in report["hard_negatives"].items()
        if one["fpr_at_recall_80"]["value"] is not None
    ]
    return _interval_bars(rows[:MOST_BARS], "share flagged")


def _gap_bars(report: Json) -> Spec | None:
    found = report["identity"] or {"groups": {}, "dialects": {}}
    rows = [
        _bar(f"{name.replace('_', ' ')} ({one['n']:,})", one["gap"])
        for kind in ("groups", "dialects")
        for name, one in found[kind].items()
        if one["gap"]["value"] is not None
    ]
    return _interval_bars(rows, "gap in false-positive rate", domain=None)


def _difference_bars(comparison: Json) -> Spec | None:
    lines = {**comparison["areas"], "macro": comparison["macro"], "any harm": comparison["any_harm"]}
    rows = [
        _bar(f"{name} ({one['positives']:,})", {**one, "value": one["difference"]})
        for name, one in lines.items()
        if one["difference"] is not None
    ]
    return _interval_bars(rows, "difference of AUPRC", domain=None)


def _behaviour_bars(report: Json) -> Spec | None:
    rows = [
        {"suite": suite, "label": f"{kind.replace('_', ' ')} ({rate['n']})", "value": rate["rate"]}
        for suite, one in report["behaviour"].items()
        for kind, rate in one["kinds"].items()
    ]
    if not rows:
        return None
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "color": ACCENT, "height": 10, "cornerRadiusEnd": 3},
        "encoding": {
            "y": {"field": "label", "type": "nominal", "sort": None, "title": None},
            "x": {
                "field": "value",
                "type": "quantitative",
                "scale": SHARE,
                "title": "share passed",
                "axis": {"format": ".0%"},
            },
            "row": {
                "field": "suite",
                "sort": None,
                "title": None,
                "header": {"labelAngle": 0, "labelAlign": "left", "labelOrient": "top"},
            },
        },
        "resolve": {"scale": {"y": "independent"}},
        "width": 420,
        "height": {"step": 18},
    }


def _bar(label: str, values: Json, name: str | None = None) -> dict[str, Any]:
    keys = ("value", "low", "high") if name is None else (name, f"{name}_low", f"{name}_high")
    value, low, high = (values[key] for key in keys)
    return {
        "label": label,
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
    }


def _interval_bars(rows: Sequence[Json], title: str, *, tick: bool = False, domain: Spec | None = SHARE) -> Spec | None:
    """Points with their intervals, one line each; without a domain the axis holds 0 and whatever there is."""
    if not rows:
        return None
    y = {"field": "label", "type": "nominal", "sort": None, "title": None}
    scale = domain or {"zero": True}
    x = {"field": "value", "type": "quantitative", "title": title, "scale": scale}
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 2.5},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "color": ACCENT, "size": 70, "opacity": 1},
            "encoding": {"y": y, "x": x},
        },
    ]
    if domain is None:
        layers.insert(
            0,
            {
                "mark": {"type": "rule", "color": MUTED, "strokeDash": [3, 3]},
                "encoding": {"x": {"datum": 0, "type": "quantitative"}},
            },
        )
    if tick:
        mark = {"type": "tick", "color": SECOND, "thickness": 2, "height": 12}
        layers.append({"mark": mark, "encoding": {"y": y, "x": {**x, "field": "base"}}})
    return {"data": {"values": list(rows)}, "layer": layers, "width": 420, "height": {"step": 20}}


def _precision_recall(report: Json) -> Spec | None:
    rows = [
        {"area": area, "recall": recall, "precision": precision, "base": report["areas"][area]["base_rate"]}
        for area, one in report["curves"].items()
        for recall, precision in one["precision_recall"]
    ]
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "color": ACCENT, "interpolate": "step-before", "strokeWidth": 2},
            "encoding": {"x": _axis("recall"), "y": _axis("precision")},
        },
        {
            "mark": {"type": "rule", "color": SECOND, "strokeDash": [3, 3]},
            "encoding": {"y": {"aggregate": "mean", **_axis("base", title="precision")}},
        },
    ]
    return _small_multiples(rows, layers)


def _reliability(report: Json) -> Spec | None:
    rows = [
        {"area": area, "stated": stated, "seen": seen, "rows": count}
        for area, one in report["curves"].items()
        for stated, seen, count in one["reliability"]
    ]
    diagonal = {
        "data": {"values": [{"p": 0}, {"p": 1}]},
        "mark": {"type": "line", "color": SECOND, "strokeDash": [3, 3]},
        "encoding": {"x": _axis("p", title="stated"), "y": _axis("p", title="seen")},
    }
    line = {
        "mark": {"type": "line", "color": ACCENT, "point": {"filled": True, "size": 28, "color": ACCENT}},
        "encoding": {"x": _axis("stated"), "y": _axis("seen")},
    }
    return _small_multiples(rows, [diagonal, line])


def _confusion(report: Json) -> Spec | None:
    rows = [
        {
            "which": "rated by people" if name == "human" else "all rows",
            "true": level,
            "predicted": predicted,
            "share": count / max(sum(line), 1),
            "count": count,
        }
        for name, one in report["severity"].items()
        for level, line in enumerate(one["confusion"])
        for predicted, count in enumerate(line)
    ]
    if not rows:
        return None
    place = {
        "x": {"field": "predicted", "type": "ordinal", "axis": {"labelAngle": 0}},
        "y": {"field": "true", "type": "ordinal"},
    }
    shade = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.04, 0.9]},
        "legend": None,
    }
    return {
        "data": {"values": rows},
        "facet": {"column": {"field": "which", "sort": None, "title": None}},
        "spec": {
            "width": 190,
            "height": 190,
            "layer": [
                {
                    "mark": {"type": "rect", "fill": ACCENT, "cornerRadius": 3},
                    "encoding": {**place, "fillOpacity": shade},
                },
                {
                    "mark": {"type": "text", "fontSize": 11},
                    "encoding": {**place, "text": {"field": "count", "format": ","}},
                },
            ],
        },
    }


def _small_multiples(rows: Iterable[Json], layers: Sequence[Spec]) -> Spec | None:
    values = list(rows)
    if not values:
        return None
    return {
        "data": {"values": values},
        "facet": {"field": "area", "sort": None, "title": None},
        "columns": 5,
        "spec": {"width": 170, "height": 130, "layer": list(layers)},
    }


def _axis(field: str, *, title: str | None = None) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": SHARE,
        "title": title or field,
        "axis": {"tickCount": 3, "format": ".1f"},
    }
