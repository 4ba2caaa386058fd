"""The decision log of the service: one JSON object a case, with when it was handed out, by which chance, and what came of it.

`python -m service export --log FILE` writes it. It names no member of staff and no reporter.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labeling.taxonomy import SEVERITY_LEVELS

# Longer logs are cut by time before they are read: everything is held in memory.
MOST_CASES = 1_000_000
LONGEST_LINE = 1_000_000
RANDOM = "random"
REVIEW = "review"
CLUSTER = "cluster"


class LogError(ValueError):
    """A log that cannot be read; the message names file, line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One time that a case was handed out; `ended_at` is None while it is in somebody's hands.

    `propensity` is the chance of this case, given that the random share handed out one of the open cases in `pool`: those
    of these scopes. None is the pool of a claim that was not drawn, or of a log from before pools were kept.
    """

    at: datetime
    ended_at: datetime | None
    outcome: str
    lane: str
    propensity: float | None
    pool: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that stands; `severity` is None where nobody rated it, `basis` is "cluster" where nobody looked."""

    policy_area: str
    severity: int | None
    violating: bool
    decided_at: datetime
    basis: str = REVIEW


@dataclass(frozen=True, slots=True)
class LoggedCase:
    """One case: what was known of it, and what was done. `areas` are the model's probabilities, None without a score.

    `scope` says which people may be given it, None in a log from before scopes were kept. `where` is the line of the log,
    for messages about what it says.
    """

    where: str
    case_id: str
    queue: str
    opened_at: datetime
    shed_at: datetime | None
    parts: Mapping[str, Any] | None
    areas: Mapping[str, float] | None
    views_per_hour: float
    deadline: datetime | None
    claims: tuple[Claim, ...]
    decision: Decided | None
    scope: int | None = None


def read_log(path: Path) -> list[LoggedCase]:
    """All cases in order of their opening. Raises LogError, OSError."""
    found: list[LoggedCase] = []
    lines: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8") as rows:
            for number, line in enumerate(rows, start=1):
                if not line.strip():
                    continue
                one = _parse(line, f"{path}:{number}")
                if one.case_id in lines:
                    raise LogError(f"{path}:{number}: case {one.case_id} is in line {lines[one.case_id]} already")
                if len(found) >= MOST_CASES:
                    raise LogError(f"{path}:{number}: more than {MOST_CASES:,} cases; cut the log by time")
                lines[one.case_id] = number
                found.append(one)
    except UnicodeDecodeError as error:
        raise LogError(f"{path}: not UTF-8 text ({error})") from error
    if not found:
        raise LogError(f"{path}: holds no case")
    return sorted(found, key=lambda one: (one.opened_at, one.case_id))


def _parse(line: str, where: str) -> LoggedCase:
    if len(line) > LONGEST_LINE:
        raise LogError(f"{where}: longer than {LONGEST_LINE:,} characters")
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise TypeError("not a JSON object")
        one = _case(row, where)
        _check(one)
    except json.JSONDecodeError as error:
        raise LogError(f"{where}: not a JSON object ({error.msg})") from error
    except KeyError as error:
        raise LogError(f"{where}: {error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise LogError(f"{where}: {error}") from error
    return one


def _case(row: Mapping[str, Any], where: str) -> LoggedCase:
    return LoggedCase(
        where=where,
        case_id=_text(row, "case_id"),
        queue=_text(row, "queue"),
        opened_at=_moment(row, "opened_at"),
        shed_at=_moment_or_none(row, "shed_at"),
        parts=_object_or_none(row, "parts"),
        areas=_areas(row),
        views_per_hour=_number(row, "views_per_hour", most=math.inf),
        deadline=_moment_or_none(row, "deadline"),
        claims=tuple(sorted((_claim(one) for one in _list(row, "claims")), key=lambda claim: claim.at)),
        decision=_decision(_object_or_none(row, "decision")),
        scope=_scope(row.get("scope")),
    )


def _claim(row: Any) -> Claim:
    if not isinstance(row, dict):
        raise TypeError("each of claims must be an object")
    propensity = None if row["propensity"] is None else _number(row, "propensity", most=1.0)
    if row["lane"] == RANDOM and not propensity:
        raise ValueError("a claim of the random lane needs a propensity above 0")
    return Claim(
        at=_moment(row, "at"),
        ended_at=_moment_or_none(row, "ended_at"),
        outcome=str(row["outcome"]),
        lane=_text(row, "lane"),
        propensity=propensity,
        pool=_pool(row.get("pool")),
    )


def _decision(row: Mapping[str, Any] | None) -> Decided | None:
    if row is None:
        return None
    severity, violating = row["severity"], row["violating"]
    if severity is not None and (type(severity) is not int or severity not in range(SEVERITY_LEVELS)):
        raise ValueError(f"severity must be 0 to {SEVERITY_LEVELS - 1} or null, not {severity!r}")
    if type(violating) is not bool:
        raise TypeError(f"violating must be true or false, not {violating!r}")
    basis = str(row.get("basis", REVIEW))
    return Decided(_text(row, "policy_area"), severity, violating, _moment(row, "decided_at"), basis)


def _scope(row: Any) -> int | None:
    if row is None:
        return None
    if not isinstance(row, dict) or type(row["id"]) is not int:
        raise TypeError("scope must be an object with a whole number as id, or null")
    found: int = row["id"]
    return found


def _pool(scopes: Any) -> frozenset[int] | None:
    if scopes is None:
        return None
    if not isinstance(scopes, list) or any(type(one) is not int for one in scopes):
        raise TypeError("pool must be a list of ids of scopes, or null")
    return frozenset(scopes)


def _check(one: LoggedCase) -> None:
    """Raises ValueError where the times of a case contradict each other."""
    moments = [("claims: at", claim.at) for claim in one.claims]
    if one.decision:
        moments.append(("decided_at", one.decision.decided_at))
    for name, moment in moments:
        if moment < one.opened_at:
            raise ValueError(f"{name} {moment.isoformat()} is before opened_at {one.opened_at.isoformat()}")
    for claim in one.claims:
        if claim.ended_at and claim.ended_at < claim.at:
            raise ValueError(f"a claim ended at {claim.ended_at.isoformat()}, before it began")


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a text, not {value!r}")
    return value


def _number(row: Mapping[str, Any], name: str, *, most: float) -> float:
    value = row[name]
    if type(value) not in (int, float) or not 0 <= value <= most or math.isinf(value):
        raise ValueError(f"{name} must be a number of 0 or more" + (f", {most:g} at most" if most < math.inf else ""))
    return float(value)


def _list(row: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(row[name], list):
        raise TypeError(f"{name} must be a list")
    found: list[Any] = row[name]
    return found


def _object_or_none(row: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = row[name]
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"{name} must be an object or null")
    return value


def _areas(row: Mapping[str, Any]) -> Mapping[str, float] | None:
    score = _object_or_none(row, "score")
    if score is None:
        return None
    areas = _object_or_none(score, "areas") or {}
    return {name: _number(areas, name, most=1.0) for name in areas}


def _moment(row: Mapping[str, Any], name: str) -> datetime:
    value = row[name]
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a date with time, such as 2026-11-29T12:00:00+00:00, not {value!r}") from None
    if found.tzinfo is None:
        raise ValueError(f"{name} must say its offset from UTC, such as +00:00, not {value!r}")
    return found.astimezone(UTC)


def _moment_or_none(row: Mapping[str, Any], name: str) -> datetime | None:
    return None if row[name] is None else _moment(row, name)
