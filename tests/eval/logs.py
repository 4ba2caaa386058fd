"""Decision logs of a queue that is made up: cases, draws of the random share, and the truth that no log holds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.decision_log import RANDOM, Claim, Decided, LoggedCase

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
AREA = "spam"
# (positions on the circle of the open cases, where a spot falls, which of the window) -> (who is drawn, propensity)
Lottery = Callable[[NDArray[np.float64], np.random.Generator], tuple[int, float]]


def evenly(places: NDArray[np.float64], chance: np.random.Generator) -> tuple[int, float]:
    """Each as likely as the next."""
    return int(chance.integers(len(places))), 1 / len(places)


def by_window(places: NDArray[np.float64], chance: np.random.Generator, *, width: int = 32) -> tuple[int, float]:
    """As the service draws: a spot on the circle, and one of the next `width` cases from there on."""
    n = len(places)
    if n < width:
        return evenly(places, chance)
    order = np.argsort(places)
    drawn = (int(np.searchsorted(places[order], chance.random())) + int(chance.integers(width))) % n
    stretch = places[order[drawn]] - places[order[drawn - width]] if n > width else 1.0
    return int(order[drawn]), float(stretch % 1.0 or 1.0) / width


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A log, and what it is about: violating cases by cases, and found ones by violating ones, over the draws."""

    cases: list[LoggedCase]
    prevalence: float
    recall: float


def made_up(
    chance: np.random.Generator,
    *,
    n: int,
    share: float,
    load: float,
    base_rate: float,
    lottery: Lottery = evenly,
    limited: bool = False,
) -> MadeUp:
    """A queue that takes the highest score first, one reviewer, `load` times the work that can be done.

    With `limited` two reviewers take turns by chance, each with a language of their own: the second's cases are fewer and
    violate half as often.
    """
    at = np.cumsum(chance.exponential(1.0, n))
    scope = np.where(chance.random(n) < 0.3, 2, 1) if limited else np.ones(n, int)
    violating = chance.random(n) < base_rate / scope
    score = 1 / (1 + np.exp(-np.where(violating, 1.0, -1.0) - 1.2 * chance.standard_normal(n)))
    place, now, come = chance.random(n), 0.0, 0
    waiting: list[int] = []
    claims: dict[int, Claim] = {}
    totals = {1: np.zeros(4), 2: np.zeros(4)}
    while come < n or waiting:
        if not waiting:
            now = max(now, float(at[come]))
        while come < n and at[come] <= now:
            waiting.append(come)
            come += 1
        if come == n:
            break
        lane, propensity, pool, turn = "ranked", 1.0, None, int(scope[waiting[0]])
        if limited:
            turn = int(chance.integers(1, 3))
        mine = np.flatnonzero(scope[waiting] == turn)
        if not len(mine):
            # None of theirs waits, so all that wait are the other's.
            turn, mine = 3 - turn, np.arange(len(waiting))
        if chance.random() < share:
            lane, pool = RANDOM, frozenset({turn})
            number, propensity = lottery(place[waiting][mine], chance)
            theirs = scope[:come] == turn
            flagged = violating[:come] & (score[:come] >= 0.5)
            totals[turn] += 1, theirs.sum(), violating[:come][theirs].sum(), flagged[theirs].sum()
        else:
            number = int(np.argmax(score[waiting][mine]))
        taken, ended = waiting.pop(int(mine[number])), now + float(chance.exponential(load))
        claims[taken] = Claim(_moment(now), _moment(ended), "decided", lane, propensity, pool)
        now = ended
    rows = zip(at.tolist(), scope.tolist(), violating.tolist(), score.tolist(), strict=True)
    cases = [_case(index, one, claims.get(index)) for index, one in enumerate(rows)]
    _, every, broken, found = sum(one / max(one[0], 1) for one in totals.values())
    return MadeUp(cases, float(broken / max(every, 1e-9)), float(found / max(broken, 1e-9)))


def _case(index: int, one: tuple[float, int, bool, float], claim: Claim | None) -> LoggedCase:
    opened, scope, violating, score = one
    return LoggedCase(
        where=f"made up:{index}",
        case_id=f"case-{index}",
        queue="default",
        opened_at=_moment(opened),
        shed_at=None,
        parts=None,
        areas={AREA: score},
        views_per_hour=1.0,
        deadline=None,
        claims=(claim,) if claim else (),
        decision=_decision(violating, claim),
        scope=scope,
    )


def _decision(violating: bool, claim: Claim | None) -> Decided | None:
    if claim is None or claim.ended_at is None:
        return None
    return Decided(AREA if violating else "benign", 2 if violating else 0, violating, claim.ended_at)


def _moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def row(one: LoggedCase) -> dict[str, Any]:
    """A case as the service writes it."""
    decision = one.decision and {
        "policy_area": one.decision.policy_area,
        "severity": one.decision.severity,
        "violating": one.decision.violating,
        "decided_at": one.decision.decided_at.isoformat(),
        "basis": one.decision.basis,
    }
    return {
        "case_id": one.case_id,
        "queue": one.queue,
        "scope": one.scope and {"id": one.scope, "language": "und", "high_exposure": False, "consent_area": ""},
        "opened_at": one.opened_at.isoformat(),
        "status": "decided" if one.decision else "shed" if one.shed_at else "open",
        "shed_at": one.shed_at.isoformat() if one.shed_at else None,
        "parts": one.parts,
        "score": {"areas": one.areas} if one.areas is not None else None,
        "views_per_hour": one.views_per_hour,
        "deadline": one.deadline.isoformat() if one.deadline else None,
        "pictures": 0,
        "claims": [
            {
                "at": claim.at.isoformat(),
                "ended_at": claim.ended_at.isoformat() if claim.ended_at else None,
                "outcome": claim.outcome,
                "lane": claim.lane,
                "propensity": claim.propensity,
                "pool": claim.pool and sorted(claim.pool),
            }
            for claim in one.claims
        ],
        "decision": decision,
    }


def write(path: Path, cases: list[LoggedCase]) -> Path:
    """The log as a file."""
    path.write_text("".join(json.dumps(row(one)) + "\n" for one in cases), encoding="utf-8")
    return path
