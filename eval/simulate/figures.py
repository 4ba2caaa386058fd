"""Simulated policies in figures: what leaks, what is late, what is left lying, and what nobody could have done better."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eval.simulate.bound import least_leak
from eval.simulate.engine import Outcome, Rules, simulate
from eval.simulate.scene import Scene, Values
from labeling.taxonomy import SEVERITY_LEVELS

QUANTILES = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Figures:
    """One policy at one load, over all scenes; shares are means over them, `low` and `high` the extremes of `leak`.

    `leak` is the share of avoidable harm-weighted views that were not averted, `oracle_leak` a bound below every order.
    `legal_breach` counts deadlines within the time simulated, cases still open and overdue among them;
    `legal_infeasible` those that were missed although nothing but cases with deadlines was reviewed, the earliest first.
    `max_age_over_bound` is by how many hours the oldest case exceeded its latest start, neither begun nor openly shed,
    `starved_hours` how long the oldest waited. `hours_to_action` gives p50, p90 and p95 by severity, None where so many are
    still open. `unknown` are cases whose truth nobody knows: they are in the queue, and in no figure of harm.
    """

    policy: str
    load: float
    leak: float
    leak_low: float
    leak_high: float
    oracle_leak: float
    legal_breach: float
    legal_infeasible: float
    max_age_over_bound: float
    shed_share: float
    starved_hours: float
    hours_to_action: dict[str, list[float | None]]
    cases: int
    unknown: int
    seeds: int


def measure_policies(
    scenes: Sequence[Scene], rules: Rules, *, policies: Sequence[str], load: float, seeds: Sequence[int]
) -> Iterable[Figures]:
    """Figures of every policy at one load. All policies meet the same scenes, one for each seed."""
    oracle = float(np.mean([least_leak(one.arrivals, one.team) for one in scenes]))
    infeasible = float(np.mean([_infeasible(one, rules) for one in scenes]))
    for policy in policies:
        chosen = replace(rules, ranking=replace(rules.ranking, policy=policy))
        runs = [(one, simulate(one, chosen, seed=seed)) for one, seed in zip(scenes, seeds, strict=True)]
        leaks = [_leak(scene, outcome) for scene, outcome in runs]
        waits = [
            np.minimum(np.minimum(outcome.start, outcome.shed), scene.team.end) - scene.arrivals.at
            for scene, outcome in runs
        ]
        oldest = max(float(one.max()) for one in waits)
        yield Figures(
            policy=policy,
            load=load,
            leak=float(np.mean(leaks)),
            leak_low=min(leaks),
            leak_high=max(leaks),
            oracle_leak=oracle,
            legal_breach=float(np.mean([_breach(scene, outcome) for scene, outcome in runs])),
            legal_infeasible=infeasible,
            max_age_over_bound=max(0.0, oldest - rules.ranking.latest_start_hours),
            shed_share=float(np.mean([np.isfinite(outcome.shed).mean() for _, outcome in runs])),
            starved_hours=oldest,
            hours_to_action=_times(runs),
            cases=sum(len(one.arrivals) for one in scenes),
            unknown=sum(int((one.arrivals.severity < 0).sum()) for one in scenes),
            seeds=len(scenes),
        )


def to_json(figures: Figures) -> dict[str, Any]:
    """One JSON object, shares to six digits."""
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(figures).items()}


def _done(scene: Scene, outcome: Outcome) -> Values:
    finished: Values = outcome.start + scene.arrivals.minutes / 60
    return finished


def _leak(scene: Scene, outcome: Outcome) -> float:
    arrivals, end = scene.arrivals, scene.team.end
    whole = arrivals.harm(arrivals.at, np.full(len(arrivals), end)).sum()
    leaked = arrivals.harm(arrivals.at, np.minimum(_done(scene, outcome), end)).sum()
    return float(leaked / whole) if whole else 0.0


def _breach(scene: Scene, outcome: Outcome) -> float:
    due = scene.arrivals.legal <= scene.team.end
    return float((_done(scene, outcome)[due] > scene.arrivals.legal[due]).mean()) if due.any() else 0.0


def _infeasible(scene: Scene, rules: Rules) -> float:
    """The share of deadlines that earliest-deadline-first misses when there is nothing else to do."""
    chosen = np.flatnonzero(np.isfinite(scene.arrivals.legal))
    if not len(chosen):
        return 0.0
    alone = scene.only(chosen)
    first_due = replace(rules, ranking=replace(rules.ranking, policy="edf", random_share=0.0))
    return _breach(alone, simulate(alone, first_due, seed=0))


def _times(runs: Sequence[tuple[Scene, Outcome]]) -> dict[str, list[float | None]]:
    waited = np.concatenate([_done(scene, outcome) - scene.arrivals.at for scene, outcome in runs])
    severity = np.concatenate([scene.arrivals.severity for scene, _ in runs])
    found: dict[str, list[float | None]] = {}
    for level in range(SEVERITY_LEVELS):
        hours = np.sort(waited[severity == level])
        at = [hours[min(int(q * len(hours)), len(hours) - 1)] for q in QUANTILES] if len(hours) else []
        found[str(level)] = [round(float(one), 3) if np.isfinite(one) else None for one in at]
    return found
