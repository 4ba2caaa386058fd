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
    chance: np.random.Generator, *, n: int, share: float, load: float, base_rate: float, lottery: Lottery = evenly
) -> MadeUp:
    """A queue that takes the highest score first, one reviewer, `load` times the work that can be done."""
    at = np.cumsum(chance.exponential(1.0, n))
    violating = chance.random(n) < base_rate
    score = 1 / (1 + np.exp(-np.where(violating, 1.0, -1.0) - 1.2 * chance.standard_normal(n)))
    place, now, come = chance.random(n), 0.0, 0
    waiting: list[int] = []
    claims: dict[int, Claim] = {}
    totals = np.zeros(3)
    while come < n or waiting:
        if not waiting:
            now = max(now, float(at[come]))
        while come < n and at[come] <= now:
            waiting.append(come)
            come += 1
        if come == n:
            break
        lane, propensity = "ranked", 1.0
        if chance.random() < share:
            lane = RANDOM
            number, propensity = lottery(place[waiting], chance)
            flagged = violating[:come] & (score[:come] >= 0.5)
            totals += come, violating[:come].sum(), flagged.sum()
        else:
            number = int(np.argmax(score[waiting]))
        taken, ended = waiting.pop(number), now + float(chance.exponential(load))
        claims[taken] = Claim(_moment(now), _moment(ended), "decided", lane, propensity)
        now = ended
    cases = [
        LoggedCase(
            where=f"made up:{index}",
            case_id=f"case-{index}",
            queue="default",
            opened_at=_moment(float(at[index])),
            shed_at=None,
            parts=None,
            areas={AREA: float(score[index])},
            views_per_hour=1.0,
            deadline=None,
            claims=(claims[index],) if index in claims else (),
            decision=_decision(bool(violating[index]), claims.get(index)),
        )
        for index in range(n)
    ]
    return MadeUp(cases, float(totals[1] / max(totals[0], 1)), float(totals[2] / max(totals[1], 1)))


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
    }
    return {
        "case_id": one.case_id,
        "queue": one.queue,
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
            }
            for claim in one.claims
        ],
        "decision": decision,
    }


def write(path: Path, cases: list[LoggedCase]) -> Path:
    """The log as a file."""
    path.write_text("".join(json.dumps(row(one)) + "\n" for one in cases), encoding="utf-8")
    return path
