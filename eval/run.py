"""Score labelled rows with a bundle, and measure how good the scores are."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics import (
    Interval,
    Values,
    area_report,
    bootstrap_auprc,
    calibration_error,
    severity_kappa,
)
from eval.truth import UNKNOWN_SEVERITY, Truth, make_truth
from labeling.records import LabelledText, read_labelled_texts
from models.calibration import severity_level
from models.inference import Score, Scorer

# Rows read and scored at a time; large enough for full batches of like length.
ROWS_PER_CHUNK = 1_024

Progress = Callable[[int], None]


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


def score_file(scorer: Scorer, data: Path, out: Path, *, progress: Progress) -> int:
    """Write one JSON line of scores for each row of `data`; returns how many. Raises RecordError, OSError."""
    written = 0
    with out.open("w", encoding="utf-8") as lines:
        for rows in _chunks(read_labelled_texts(data)):
            for row, score in zip(rows, scorer.score([row.text for row in rows]), strict=True):
                lines.write(json.dumps(score_line(row.id, score), ensure_ascii=False) + "\n")
            written += len(rows)
            progress(written)
    return written


def score_line(row_id: str, score: Score) -> dict[str, Any]:
    """One row of a score file, probabilities to six digits."""
    return {
        "id": row_id,
        "areas": {area: round(p, 6) for area, p in score.areas.items()},
        "severity": [round(p, 6) for p in score.severity],
    }


def evaluate(scorer: Scorer, data: Path, *, progress: Progress) -> Figures:
    """Score every row of `data` and measure. Raises RecordError, OSError."""
    truths: list[Truth] = []
    area_parts: list[list[list[float]]] = []
    severity_parts: list[list[tuple[float, ...]]] = []
    done = 0
    for rows in _chunks(read_labelled_texts(data)):
        scores = scorer.score([row.text for row in rows])
        truths.append(make_truth(rows, scorer.areas))
        area_parts.append([[score.areas[area] for area in scorer.areas] for score in scores])
        severity_parts.append([score.severity for score in scores])
        done += len(rows)
        progress(done)
    if not truths:
        raise ValueError(f"{data}: holds no rows")
    truth = Truth(
        np.concatenate([one.labels for one in truths]),
        np.concatenate([one.known for one in truths]),
        np.concatenate([one.severity for one in truths]),
    )
    probabilities = np.concatenate([np.array(part) for part in area_parts])
    severities = np.concatenate([np.array(part) for part in severity_parts])
    return measure(truth, probabilities, scorer.areas, severity=severities, calibrated=True)


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


def _chunks(rows: Iterable[LabelledText]) -> Iterator[list[LabelledText]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_PER_CHUNK)):
        yield chunk


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
