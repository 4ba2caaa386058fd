"""Behavioural suites: small hand-written cases, each of which passes or fails.

- **minimum**: plain cases that any model must get. Passes when some expected area reaches its threshold, or, for a
  harmless text, when no area does.
- **invariance**: a change that says nothing about harm (names, places, emoji, typos, casing, politeness, a handle or
  a link). Passes when no area moves by more than MOST_MOVED. A model that says nothing passes too, so read it beside
  the other suites.
- **direction**: a clause that must raise the score of an area, or lower it. Passes when it moves that way by at least
  LEAST_MOVED.

The cases were written for this project; no public suite was copied.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from labeling.records import RecordError
from models.inference import Score, Scorer

SUITES = ("minimum", "invariance", "direction")
MOST_MOVED = 0.1
LEAST_MOVED = 0.01


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `changed` is the text after the change; `areas` what a plain case is, or what a clause must move.

    `direction` is up or down, for that suite alone.
    """

    id: str
    suite: str
    kind: str
    lang: str
    text: str
    changed: str = ""
    areas: tuple[str, ...] = ()
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of `n` cases passed."""

    n: int
    passed: int
    rate: float


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """Pass rates of one suite, and the ids of the cases that failed. `limit` is the movement that its rule names."""

    total: Rate
    kinds: dict[str, Rate]
    languages: dict[str, Rate]
    failed: tuple[str, ...]
    limit: float | None


def read_cases() -> list[Case]:
    """All cases that ship with the product. Raises RecordError for a line that is none."""
    return [case for suite in SUITES for case in _read(suite)]


def run_suites(
    scorer: Scorer, thresholds: dict[str, float], cases: Sequence[Case] | None = None
) -> dict[str, SuiteReport]:
    """Score the cases, the shipped ones unless others are given, and count what passes."""
    chosen = read_cases() if cases is None else list(cases)
    texts = [text for case in chosen for text in (case.text, case.changed or case.text)]
    scores = scorer.score(texts, [case.lang for case in chosen for _ in range(2)])
    usable = {area: thresholds[area] for area in scorer.trained_areas}
    verdicts = [
        (case, _RULES[case.suite](case, before, after, usable))
        for case, before, after in zip(chosen, scores[::2], scores[1::2], strict=True)
    ]
    return {suite: _report(suite, [one for one in verdicts if one[0].suite == suite]) for suite in SUITES}


def _minimum(case: Case, before: Score, _: Score, thresholds: dict[str, float]) -> bool:
    reached = {area for area, threshold in thresholds.items() if before.areas[area] >= threshold}
    return bool(reached & set(case.areas)) if case.areas else not reached


def _invariance(_: Case, before: Score, after: Score, thresholds: dict[str, float]) -> bool:
    moved = [abs(before.areas[area] - after.areas[area]) for area in thresholds]
    return max(moved, default=0.0) <= MOST_MOVED


def _direction(case: Case, before: Score, after: Score, _: dict[str, float]) -> bool:
    sign = 1 if case.direction == "up" else -1
    return all(sign * (after.areas.get(area, 0) - before.areas.get(area, 0)) >= LEAST_MOVED for area in case.areas)


_RULES: dict[str, Callable[[Case, Score, Score, dict[str, float]], bool]] = {
    "minimum": _minimum,
    "invariance": _invariance,
    "direction": _direction,
}
_LIMITS = {"minimum": None, "invariance": MOST_MOVED, "direction": LEAST_MOVED}


def _report(suite: str, verdicts: Sequence[tuple[Case, bool]]) -> SuiteReport:
    kinds, languages = (sorted({getattr(case, name) for case, _ in verdicts}) for name in ("kind", "lang"))
    return SuiteReport(
        total=_rate(passed for _, passed in verdicts),
        kinds={kind: _rate(passed for case, passed in verdicts if case.kind == kind) for kind in kinds},
        languages={lang: _rate(passed for case, passed in verdicts if case.lang == lang) for lang in languages},
        failed=tuple(case.id for case, passed in verdicts if not passed),
        limit=_LIMITS[suite],
    )


def _rate(verdicts: Iterable[bool]) -> Rate:
    every = list(verdicts)
    return Rate(len(every), sum(every), sum(every) / len(every) if every else 0.0)


def _read(suite: str) -> Iterable[Case]:
    name = f"{suite}.jsonl"
    lines = resources.files("eval.behaviour").joinpath(name).read_text(encoding="utf-8").split("\n")
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            values["areas"] = tuple(values.get("areas", ()))
            key = f"{suite}:{values['kind']}:{values['lang']}"
            counts[key] = counts.get(key, 0) + 1
            yield Case(id=f"{key}:{counts[key]}", suite=suite, **values)
        except (ValueError, TypeError, KeyError) as error:
            raise RecordError(f"eval/behaviour/{name}:{number}: not a case ({error})") from error
