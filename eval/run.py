"""The figures that a bundle carries in its manifest: quality on the rows that it was calibrated on.

`eval.report` measures a finished bundle, on any rows, in far more ways.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.metrics import (
    Interval,
    Values,
    area_report,
    bootstrap_auprc,
    calibration_error,
    severity_kappa,
)
from eval.truth import UNKNOWN_SEVERITY, Truth
from models.calibration import severity_level


@dataclass(frozen=True, slots=True)
class AreaFigures:
    """One area: rows with a known label, positives, their share, AUPRC with its 95 % interval, calibration error.

    `calibration_error` is None for scores that are no probabilities.
    """

    rows: int
    positives: int
    base_rate: float
    auprc: float
    interval: Interval
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Quality on one set of rows. `too_few` holds the areas without a figure and the positives they had.

    `macro_auprc` is the plain mean over `areas`, None where there is none; `severity_kappa` likewise without ratings.
    """

    rows: int
    macro_auprc: float | None
    macro_interval: Interval | None
    areas: dict[str, AreaFigures]
    too_few: dict[str, int]
    severity_rows: int
    severity_kappa: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return asdict(self)


def measure(
    truth: Truth, scores: Values, areas: Sequence[str], *, severity: Values | None = None, calibrated: bool = False
) -> Figures:
    """Figures of `scores` (n, areas), and of severity probabilities (n, 5) where given.

    `calibrated` says that the scores are probabilities, whose calibration can be measured.
    """
    report = area_report(truth, scores, areas)
    columns = [areas.index(area) for area in report.areas]
    intervals, macro_interval = bootstrap_auprc(truth, scores, columns) if columns else ([], None)
    figures = {
        area: AreaFigures(
            rows=result.rows,
            positives=result.positives,
            base_rate=result.base_rate,
            auprc=result.auprc,
            interval=interval,
            calibration_error=_area_calibration_error(truth, scores, column) if calibrated else None,
        )
        for (area, result), column, interval in zip(report.areas.items(), columns, intervals, strict=True)
    }
    rated = truth.severity != UNKNOWN_SEVERITY
    kappa = None
    if severity is not None and rated.any():
        kappa = severity_kappa(truth.severity[rated], severity_level(severity[rated]))
    return Figures(
        rows=len(truth.labels),
        macro_auprc=_number(report.macro_auprc),
        macro_interval=macro_interval,
        areas=figures,
        too_few=report.too_few,
        severity_rows=int(rated.sum()) if severity is not None else 0,
        severity_kappa=None if kappa is None else _number(kappa),
    )


def figures_table(figures: Figures) -> str:
    """The figures as aligned text, for a terminal."""
    lines = [f"{'area':24}{'rows':>8}{'positive':>10}{'base rate':>11}{'AUPRC':>8}  {'95 % interval':16}{'ECE':>7}"]
    for area, one in figures.areas.items():
        error = "" if one.calibration_error is None else f"{one.calibration_error:.3f}"
        lines.append(
            f"{area:24}{one.rows:>8}{one.positives:>10}{one.base_rate:>11.4f}{one.auprc:>8.3f}  "
            f"{one.interval.low:.3f} to {one.interval.high:.3f}  {error:>7}"
        )
    for area, positives in figures.too_few.items():
        lines.append(f"{area:24}{'':>8}{positives:>10}  too few to measure")
    if figures.macro_auprc is not None and figures.macro_interval is not None:
        low, high = figures.macro_interval.low, figures.macro_interval.high
        lines.append(f"macro AUPRC {figures.macro_auprc:.4f} ({low:.4f} to {high:.4f}), {len(figures.areas)} areas")
    if figures.severity_kappa is not None:
        lines.append(
            f"severity quadratic-weighted kappa {figures.severity_kappa:.3f} over {figures.severity_rows} rows"
        )
    return "\n".join(lines)


def sha256_of(path: Path) -> str:
    """The sha256 (hex) of a file, which names the data that figures were measured on."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _area_calibration_error(truth: Truth, scores: Values, column: int) -> float:
    known = truth.known[:, column] > 0
    return calibration_error(truth.labels[known, column], scores[known, column])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
