"""`python -m eval sample`: prevalence, recall and calibration of all cases, from the random share of a decision log."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eval.decision_log import LogError, LoggedCase, read_log
from eval.markdown import aligned
from eval.sampling import MIN_DRAWS, Estimate, Sample, until, violates
from eval.sampling import per_case as over
from eval.sections import Table
from models.bundle import CALIBRATION, load_bundle
from models.calibration import parse_calibration

METHOD = (
    "Des Raj over the draws of the random share; 95 % intervals by Wilson with effective draws, put together by MOVER; "
    f"no figure below {MIN_DRAWS} draws"
)
# Of the probability of the leading area.
EDGES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)


def add_sample_command(commands: Any) -> None:
    """Add `sample` to the subcommands."""
    command = commands.add_parser("sample", help="estimate prevalence, recall and calibration from the random share")
    command.set_defaults(run_command=_sample)
    command.add_argument("--log", type=Path, required=True, help="decision log (python -m service export --log FILE)")
    command.add_argument("--queue", help="one queue alone; the draws of all are averaged otherwise")
    command.add_argument(
        "--bundle", type=Path, default=Path("bundles/default"), help="whose thresholds recall is measured at"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")


def _sample(options: argparse.Namespace) -> None:
    cases = [one for one in read_log(options.log) if options.queue in (None, one.queue)]
    if not cases:
        raise LogError(f"{options.log}: no case is of queue {options.queue!r}")
    found = estimates(cases, thresholds_of(options.bundle))
    if options.json:
        print(json.dumps({"log": options.log.name, "queue": options.queue, **found}, allow_nan=False))
        return
    for one in tables(found):
        print(f"{one.caption}\n{aligned(one)}\n")


def thresholds_of(folder: Path) -> dict[str, float]:
    """The operating point of each area of a bundle. Raises BundleError."""
    bundle = load_bundle(folder)
    calibration = parse_calibration(bundle.read(CALIBRATION), bundle.folder / CALIBRATION, names=bundle.areas)
    return dict(zip(bundle.areas, calibration.thresholds().tolist(), strict=True))


def estimates(cases: Sequence[LoggedCase], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """All figures as JSON values."""
    sample = Sample(cases)
    areas = sorted({one.decision.policy_area for one in cases if one.decision and one.decision.violating})
    return {
        "method": METHOD,
        "counts": {**asdict(sample.counts), "unscored": sum(one.areas is None for one in cases)},
        "until": until(cases).isoformat(),
        "prevalence": {
            "any": asdict(sample.ratio(over(cases, violates), np.ones(len(cases)))),
            **{area: asdict(_prevalence(sample, area)) for area in areas},
        },
        "recall": {
            "any": asdict(_recall(sample, thresholds, None)),
            **{area: asdict(_recall(sample, thresholds, area)) for area in areas if area in thresholds},
        },
        "calibration": _calibration(sample),
    }


def _prevalence(sample: Sample, area: str) -> Estimate:
    return sample.ratio(over(sample.cases, lambda one: _is_about(one, area)), np.ones(len(sample.cases)))


def _recall(sample: Sample, thresholds: Mapping[str, float], area: str | None) -> Estimate:
    """Of violating cases that have a score, the share with an area (or this one) at its threshold or above."""
    asked = thresholds if area is None else {area: thresholds[area]}

    def flagged(one: LoggedCase) -> bool:
        return any((one.areas or {}).get(name, 0.0) >= bar for name, bar in asked.items())

    of = over(sample.cases, lambda one: one.areas is not None and _is_about(one, area))
    return sample.ratio(of * over(sample.cases, flagged), of)


def _is_about(one: LoggedCase, area: str | None) -> bool:
    return violates(one) and (area is None or (one.decision is not None and one.decision.policy_area == area))


def _calibration(sample: Sample) -> list[dict[str, Any]]:
    """By bins of the leading area's probability: what was stated, and how often the decision named that very area."""
    leading = [max(one.areas.items(), key=lambda area: area[1]) if one.areas else ("", -1.0) for one in sample.cases]
    stated = np.array([probability for _, probability in leading])
    right = np.array([_is_about(one, area) for one, (area, _) in zip(sample.cases, leading, strict=True)], float)
    found = []
    for low, high in [*pairwise(EDGES), (EDGES[0], EDGES[-1])]:
        inside = ((stated >= low) & ((stated < high) | (high == EDGES[-1]))).astype(float)
        seen = sample.ratio(right * inside, inside)
        found.append({"from": low, "to": high, "stated": sample.mean(stated, inside), **asdict(seen)})
    return found


def tables(found: Mapping[str, Any]) -> list[Table]:
    """The figures as tables: what was counted, prevalence, recall, calibration."""
    counts = Table(("cases and draws", ""), tuple((name, f"{value:,}") for name, value in found["counts"].items()))
    head = ("", "share (95 %)", "draws", "of them found", "without the random share")
    made = [
        Table(head, tuple((name, *_cells(one)) for name, one in found[kind].items()), caption)
        for kind, caption in (
            ("prevalence", "Prevalence: violating cases of all that had been opened, on average over the draws"),
            ("recall", "Recall: violating cases that the model scored at its threshold or above"),
        )
    ]
    bins = Table(
        ("probability of the leading area", "stated", *head[1:]),
        tuple(
            (f"{one['from']:g} to {one['to']:g}", "" if one["stated"] is None else f"{one['stated']:.3f}", *_cells(one))
            for one in found["calibration"]
        ),
        "Calibration: how often the decision named the model's leading area",
    )
    return [counts, *made, bins]


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    share = "too few" if one["value"] is None else f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
    naive = "" if one["naive"] is None else f"{one['naive']:.3f}"
    return share, str(one["draws"]), str(one["found"]), naive
