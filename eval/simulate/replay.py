"""A decision log run anew under other orders: its own arrivals, handling times and reviewers' busy times.

Nobody's name is in a log, so reviewers are put together from the claims: each claim goes to whoever was free last, and claims
that follow each other within GAP are one session. A case that was never decided has an unknown truth. It stands in the
queue and takes time like the others, and is left out of every figure of harm: an order that would have found it gets
no credit.
"""

import heapq
import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from eval.decision_log import CLUSTER, Claim, LogError, LoggedCase, read_log
from eval.simulate.scene import MOST_CASES, Arrivals, Scene, Sessions, SimulationError, Team
from labeling.taxonomy import Taxonomy
from models.rank import EPOCH, Rank, RankConfig, reproduce

# Hours between two claims that still belong to one session.
GAP = 5 / 60
# Nobody worked on these: the time of a lapsed lease is not that of a reviewer.
IDLE_OUTCOMES = ("lapsed",)
TELEMETRY_HOURS = 0.5
# A decision takes a second at least, or time would stand still.
LEAST_MINUTES = 1 / 60
LONGEST_DAYS = 400.0


def replay_scene(path: Path, taxonomy: Taxonomy, config: RankConfig, *, half_life: float) -> Scene:
    """The log as a scene; views are taken to halve every `half_life` hours, which no log tells.

    Raises LogError or SimulationError, which name what is wrong, and OSError.
    """
    cases = read_log(path)
    if not half_life > 0:
        raise SimulationError(f"the half-life of views must be above 0, not {half_life}")
    if len(cases) > MOST_CASES:
        raise SimulationError(f"{path}: more than {MOST_CASES:,} cases; cut the log by time")
    first = cases[0].opened_at
    zero = _hours(first.replace(hour=0, minute=0, second=0, microsecond=0))
    worked = sorted(
        (claim.at, claim.ended_at)
        for one in cases
        for claim in one.claims
        # Cases of a cluster have leases without length: nobody worked on them.
        if claim.ended_at and claim.ended_at > claim.at and claim.outcome not in IDLE_OUTCOMES
    )
    if not worked:
        raise SimulationError(f"{path}: nobody took a case and gave it back or decided it; there is no work to replay")
    sessions = sessions_of([(_hours(begin) - zero, _hours(end) - zero) for begin, end in worked])
    end = max(*(mine[-1][1] for mine in sessions), _hours(cases[-1].opened_at) - zero)
    if end > LONGEST_DAYS * 24:
        raise SimulationError(f"{path}: longer than {LONGEST_DAYS:g} days; cut the log by time")
    ranks = [_rank(one, config) for one in cases]
    arrivals = _arrivals(cases, ranks, taxonomy, zero=zero, half_life=half_life)
    return Scene(arrivals, Team(sessions, end, TELEMETRY_HOURS), ranks, zero)


def sessions_of(claims: Sequence[tuple[float, float]]) -> tuple[Sessions, ...]:
    """The fewest reviewers who could have worked on all these claims, each with sessions one after the other."""
    busy: list[tuple[float, int]] = []
    free: list[tuple[float, int]] = []
    found: list[list[tuple[float, float]]] = []
    for begin, end in claims:
        while busy and busy[0][0] <= begin:
            until, who = heapq.heappop(busy)
            # Whoever was free last comes first, so that sessions stay whole.
            heapq.heappush(free, (-until, who))
        who = heapq.heappop(free)[1] if free else len(found)
        if who == len(found):
            found.append([])
        mine = found[who]
        if mine and begin - mine[-1][1] <= GAP:
            mine[-1] = (mine[-1][0], max(end, mine[-1][1]))
        else:
            mine.append((begin, end))
        heapq.heappush(busy, (end, who))
    return tuple(tuple(mine) for mine in found)


def load_of(scene: Scene) -> float:
    """Work that came by the time that reviewers had."""
    return float(scene.arrivals.minutes.sum()) / scene.team.capacity


def _arrivals(
    cases: Sequence[LoggedCase], ranks: Sequence[Rank], taxonomy: Taxonomy, *, zero: float, half_life: float
) -> Arrivals:
    expected = [float(one.parts["handling_minutes"]) for one in ranks]
    taken = [_minutes(one) for one in cases]
    ratios = [mine / usual for mine, usual in zip(taken, expected, strict=True) if mine]
    # Those never decided take what the others took, by what was expected of each.
    factor = statistics.median(ratios) if ratios else 1.0
    severity = np.array([_severity(one) for one in cases])
    n = len(cases)
    return Arrivals(
        at=np.array([_hours(one.opened_at) - zero for one in cases]),
        severity=severity,
        harm_per_view=np.where(severity > 0, np.array(taxonomy.severity_weights)[np.maximum(severity, 0)], 0.0),
        views=np.array([float(one.parts["views_per_hour"]) for one in ranks]),
        decay=np.full(n, math.log(2) / half_life),
        minutes=np.array([mine or usual * factor for mine, usual in zip(taken, expected, strict=True)]),
        legal=np.array([_hours(one.deadline) - zero if one.deadline else np.inf for one in cases]),
        told=np.ones(n),
    )


def _severity(one: LoggedCase) -> int:
    """The severity that was found; -1 where nobody decided, or found a violation and did not rate it."""
    if one.decision is None:
        return -1
    if not one.decision.violating:
        return 0
    return -1 if one.decision.severity is None else max(1, one.decision.severity)


def _minutes(one: LoggedCase) -> float | None:
    """Minutes of the claim that ended with the decision; None where there was none, or it was decided with a cluster."""
    if one.decision is None or one.decision.basis == CLUSTER:
        return None
    ended: list[Claim] = [claim for claim in one.claims if claim.ended_at and claim.at <= one.decision.decided_at]
    if not ended or ended[-1].ended_at is None:
        return None
    return max(LEAST_MINUTES, (ended[-1].ended_at - ended[-1].at).total_seconds() / 60)


def _rank(one: LoggedCase, config: RankConfig) -> Rank:
    """The rank by the logged parts under the constants of `config` that come after the parts: times and ageing."""
    try:
        parts: Mapping[str, Any] = one.parts or {}
        received = datetime.fromisoformat(parts["received_at"])
        latest = received + timedelta(hours=config.latest_start_hours)
        changed = {
            "views_per_hour": max(one.views_per_hour, config.least_views_per_hour),
            "doubling_hours": config.doubling_hours,
            "deadline": one.deadline.isoformat() if one.deadline else None,
            "latest_start": latest.isoformat(),
            "guard_minutes": config.guard_minutes,
        }
        return Rank(**reproduce({**parts, **changed, "policy": config.policy}))
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise LogError(f"{one.where}: parts give no rank ({error!r})") from error


def _hours(at: datetime) -> float:
    return (at - EPOCH).total_seconds() / 3600
