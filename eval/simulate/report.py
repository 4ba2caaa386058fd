"""Figures of simulated policies, as JSON objects, as a table and as one page with plots."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from eval.charts import LINE, MUTED, SECOND, Spec, draw
from eval.sections import Table
from eval.simulate.bound import least_leak
from eval.simulate.engine import Outcome, Rules, simulate
from eval.simulate.world import Arrivals, Values, World, arrivals_of
from models.rank import RankConfig

QUANTILES = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Figures:
    """One policy at one load, over all seeds; shares are means over seeds, `low` and `high` the extremes of `leak`.

    `leak` is the share of avoidable harm-weighted views that were not averted, `oracle_leak` a bound below every order.
    `legal_breach` counts deadlines within the time simulated, cases still open and overdue among them.
    `max_age_over_bound` is by how many hours the oldest case exceeded its latest start, neither begun nor openly shed.
    `hours_to_action` gives p50, p90 and p95 by severity, None where so many are still open.
    """

    policy: str
    load: float
    leak: float
    leak_low: float
    leak_high: float
    oracle_leak: float
    legal_breach: float
    max_age_over_bound: float
    shed_share: float
    starved_hours: float
    hours_to_action: dict[str, list[float | None]]
    cases: int
    seeds: int


def measure_policies(
    world: World, rules: Rules, *, policies: Sequence[str], loads: Sequence[float], seeds: Sequence[int]
) -> Iterable[Figures]:
    """Figures of every policy at every load. All policies meet the same arrivals under one seed."""
    for load in loads:
        at_load = replace(world, load=load)
        drawn = [arrivals_of(at_load, rules.taxonomy, seed) for seed in seeds]
        bounds = [least_leak(arrivals, at_load) for arrivals in drawn]
        for policy in policies:
            chosen = replace(rules, ranking=replace(rules.ranking, policy=policy))
            outcomes = [
                simulate(arrivals, at_load, chosen, seed=seed) for arrivals, seed in zip(drawn, seeds, strict=True)
            ]
            yield _figures(chosen.ranking, at_load, drawn, outcomes, oracle=float(np.mean(bounds)))


def _figures(
    config: RankConfig, world: World, drawn: Sequence[Arrivals], outcomes: Sequence[Outcome], *, oracle: float
) -> Figures:
    end = world.days * 24
    pairs = list(zip(drawn, outcomes, strict=True))
    leaks = [_leak(arrivals, outcome, end) for arrivals, outcome in pairs]
    waits = [np.minimum(np.minimum(one.start, one.shed), end) - arrivals.at for arrivals, one in pairs]
    return Figures(
        policy=config.policy,
        load=world.load,
        leak=float(np.mean(leaks)),
        leak_low=min(leaks),
        leak_high=max(leaks),
        oracle_leak=oracle,
        legal_breach=float(np.mean([_breach(arrivals, outcome, end) for arrivals, outcome in pairs])),
        max_age_over_bound=max(0.0, max(float(one.max()) for one in waits) - config.latest_start_hours),
        shed_share=float(np.mean([np.isfinite(outcome.shed).mean() for outcome in outcomes])),
        starved_hours=max(float(one.max()) for one in waits),
        hours_to_action=_times(pairs),
        cases=sum(len(arrivals.at) for arrivals in drawn),
        seeds=len(drawn),
    )


def _done(arrivals: Arrivals, outcome: Outcome) -> Values:
    finished: Values = outcome.start + arrivals.minutes / 60
    return finished


def _leak(arrivals: Arrivals, outcome: Outcome, end: float) -> float:
    whole = arrivals.harm(arrivals.at, np.full(len(arrivals.at), end)).sum()
    leaked = arrivals.harm(arrivals.at, np.minimum(_done(arrivals, outcome), end)).sum()
    return float(leaked / whole) if whole else 0.0


def _breach(arrivals: Arrivals, outcome: Outcome, end: float) -> float:
    due = arrivals.legal <= end
    return float((_done(arrivals, outcome)[due] > arrivals.legal[due]).mean()) if due.any() else 0.0


def _times(pairs: Sequence[tuple[Arrivals, Outcome]]) -> dict[str, list[float | None]]:
    waited = np.concatenate([_done(arrivals, outcome) - arrivals.at for arrivals, outcome in pairs])
    severity = np.concatenate([arrivals.severity for arrivals, _ in pairs])
    found: dict[str, list[float | None]] = {}
    for level in range(5):
        hours = np.sort(waited[severity == level])
        at = [hours[min(int(q * len(hours)), len(hours) - 1)] for q in QUANTILES] if len(hours) else []
        found[str(level)] = [round(float(one), 3) if np.isfinite(one) else None for one in at]
    return found


def to_json(figures: Figures) -> dict[str, Any]:
    """One JSON object, shares to six digits."""
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(figures).items()}


def table(every: Sequence[Figures]) -> Table:
    """All figures as one table, loads one after the other."""
    rows = [
        (
            one.policy,
            f"{one.load:g}",
            f"{one.leak:.2%}",
            f"{one.leak_low:.2%} to {one.leak_high:.2%}",
            f"{one.oracle_leak:.2%}",
            f"{one.legal_breach:.1%}",
            f"{one.max_age_over_bound:.1f}",
            f"{one.shed_share:.1%}",
            " / ".join("open" if value is None else f"{value:.1f}" for value in one.hours_to_action["4"]),
        )
        for one in every
    ]
    head = (
        "policy", "load", "leak", "over seeds", "bound", "deadlines missed", "hours over bound", "shed",
        "severity 4, p50 / p90 / p95 h",
    )  # fmt: skip
    return Table(head, tuple(rows))


def plot(every: Sequence[Figures]) -> Spec:
    """Leak by load, one line a policy, on a logarithmic scale; the bound dashed."""
    points = [{"load": one.load, "leak": max(one.leak, 1e-5), "policy": one.policy} for one in every]
    bound = [{"load": one.load, "leak": max(one.oracle_leak, 1e-5)} for one in every]
    axis = {"gridColor": LINE, "domainColor": LINE, "labelColor": MUTED, "titleColor": MUTED}
    across = {"field": "load", "type": "quantitative", "title": "load", "scale": {"zero": False}, "axis": axis}
    up = {
        "field": "leak",
        "type": "quantitative",
        "title": "leak",
        "scale": {"type": "log"},
        "axis": {**axis, "format": ".2%"},
    }
    return {
        "width": 560,
        "height": 320,
        "layer": [
            {
                "data": {"values": points},
                "mark": {"type": "line", "point": True},
                "encoding": {"x": across, "y": up, "color": {"field": "policy", "type": "nominal"}},
            },
            {
                "data": {"values": bound},
                "mark": {"type": "line", "strokeDash": [4, 4], "color": SECOND},
                "encoding": {"x": across, "y": up},
            },
        ],
    }


def page(every: Sequence[Figures], world: World) -> str:
    """One HTML page that needs nothing else. Raises ChartError where charts cannot be drawn."""
    environment = Environment(loader=PackageLoader("eval"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("simulation.html").render(
        drawing=Markup(draw(plot(every))),  # noqa: S704
        table=table(every),
        cases=max(one.cases for one in every),
        seeds=every[0].seeds,
        world=asdict(world),
    )
