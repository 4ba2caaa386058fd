"""Score files: written once, read as often as figures are wanted. One JSON line a row: `{"id","areas","severity"}`."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eval.scored import Scores
from labeling.records import LabelledText
from labeling.taxonomy import SEVERITY_LEVELS
from models.inference import Score, Scorer

# Rows scored at a time; large enough for full batches of like length.
ROWS_PER_CHUNK = 1_024
# Rows that are scored again to see that a score file is the bundle's, and how far a probability may be off: other
# processors round the eight-bit products differently.
SPOT_CHECKS = 16
SPOT_TOLERANCE = 0.02

Progress = Callable[[int], None]


class ScoreError(ValueError):
    """A score file that does not fit; the message says where and what to do."""


def score_rows(scorer: Scorer, rows: Iterable[LabelledText], out: Path, *, progress: Progress) -> int:
    """Write one JSON line of scores for each row; returns how many. Raises OSError."""
    written = 0
    with out.open("w", encoding="utf-8") as lines:
        for chunk in _chunks(rows):
            for row, score in zip(chunk, _scored(scorer, chunk), strict=True):
                lines.write(json.dumps(score_line(row.id, score.areas, score.severity), ensure_ascii=False) + "\n")
            written += len(chunk)
            progress(written)
    return written


def _scored(scorer: Scorer, rows: Sequence[LabelledText]) -> list[Score]:
    return scorer.score([row.text for row in rows], [row.lang for row in rows])


def score_line(row_id: str, areas: Mapping[str, float], severity: Sequence[float]) -> dict[str, Any]:
    """One row of a score file, probabilities to six digits."""
    return {
        "id": row_id,
        "areas": {area: round(p, 6) for area, p in areas.items()},
        "severity": [round(p, 6) for p in severity],
    }


def scores_of(scorer: Scorer, rows: Sequence[LabelledText], areas: Sequence[str], *, progress: Progress) -> Scores:
    """Score `rows` now; an area that the scorer does not know becomes a column of NaN."""
    parts: list[list[list[float]]] = []
    severities: list[list[tuple[float, ...]]] = []
    done = 0
    for chunk in _chunks(rows):
        scores = _scored(scorer, chunk)
        parts.append([[score.areas.get(area, math.nan) for area in areas] for score in scores])
        severities.append([score.severity for score in scores])
        done += len(chunk)
        progress(done)
    return Scores(
        np.array([one for part in parts for one in part], np.float64).reshape(done, len(areas)),
        np.array([one for part in severities for one in part], np.float64).reshape(done, SEVERITY_LEVELS),
    )


def read_scores(path: Path, rows: Sequence[LabelledText], areas: Sequence[str]) -> Scores:
    """The scores of `rows` in a score file, in their order; the file may hold more rows. Raises ScoreError, OSError.

    An area that the file leaves out becomes a column of NaN; severity may be left out.
    """
    index = {row.id: number for number, row in enumerate(rows)}
    found = np.full((len(rows), len(areas)), np.nan)
    severity = np.full((len(rows), SEVERITY_LEVELS), np.nan)
    seen = np.zeros(len(rows), bool)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
                row = index.get(values["id"])
                if row is None:
                    continue
                found[row] = [_probability(values["areas"].get(area)) for area in areas]
                if values.get("severity"):
                    severity[row] = _severity(values["severity"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ScoreError(f"{path}:{number}: not a line of scores ({error})") from error
            if seen[row]:
                raise ScoreError(f"{path}:{number}: the scores of row {values['id']!r} come twice")
            seen[row] = True
    if not seen.all():
        missing = rows[int(np.argmin(seen))].id
        raise ScoreError(
            f"{path}: {int((~seen).sum())} of {len(rows)} rows have no scores, such as {missing!r}; "
            "score the same --data anew"
        )
    return Scores(found, None if np.isnan(severity).any() else severity)


def spot_check(scorer: Scorer, scores: Scores, rows: Sequence[LabelledText], areas: Sequence[str]) -> None:
    """Score some rows again. Raises ScoreError where areas or severities differ: the scores are another bundle's.

    Scores without severities pass; then nothing is said of severity either.
    """
    chosen = np.unique(np.linspace(0, len(rows) - 1, SPOT_CHECKS).astype(int))
    again = scores_of(scorer, [rows[one] for one in chosen], areas, progress=lambda _: None)
    gap = np.abs(again.areas - scores.areas[chosen])
    # An area that the scorer does not know must be one that the file leaves out.
    gap[np.isnan(again.areas) & np.isnan(scores.areas[chosen])] = 0.0
    if scores.severity is not None and again.severity is not None:
        gap = np.hstack([gap, np.abs(again.severity - scores.severity[chosen])])
    if not np.isfinite(gap).all() or gap.max() > SPOT_TOLERANCE:
        raise ScoreError(
            f"the score file is not of bundle {scorer.bundle_hash}: a row scored again differs by {gap.max():.3f}; "
            "write it anew with `python -m eval score`"
        )


def _probability(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"a probability is needed, not {value!r}")
    return float(value)


def _severity(values: object) -> list[float]:
    if not isinstance(values, list) or len(values) != SEVERITY_LEVELS or None in values:
        raise ValueError(f"severity: {SEVERITY_LEVELS} probabilities are needed, not {values!r}")
    return [_probability(one) for one in values]


def _chunks(rows: Iterable[LabelledText]) -> Iterator[list[LabelledText]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_PER_CHUNK)):
        yield chunk
