"""Rows and scores made by hand for the tests of figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.dataset import DataFile, Dataset
from eval.scored import Scored, Scores, pair_up
from labeling.records import LabelledText

AREAS = ("spam", "privacy")


def row(
    number: int,
    *areas: str,
    known: tuple[str, ...] = AREAS,
    severity: int | None = None,
    text: str | None = None,
    source: str = "s",
    lang: str = "en",
    **extra: Any,
) -> LabelledText:
    """Row r<number>, positive in `areas`."""
    return LabelledText(
        f"r{number}", f"text {number}" if text is None else text, areas, known, severity, source, lang, extra=extra
    )


def scored(
    rows: Sequence[LabelledText],
    scores: Sequence[Sequence[float]],
    *,
    areas: tuple[str, ...] = AREAS,
    severity: Sequence[int] | None = None,
    thresholds: Sequence[float] | None = None,
    trained: Sequence[str] | None = None,
    file_of: Sequence[int] | None = None,
) -> Scored:
    """Rows with area scores and certain severities; every threshold is 0.5 unless given."""
    certain = None if severity is None else np.eye(5)[list(severity)]
    files = tuple(file_of or [0] * len(rows))
    dataset = Dataset(
        tuple(DataFile(f"f{one}", "0" * 64, files.count(one)) for one in sorted(set(files))), tuple(rows), files
    )
    return pair_up(
        dataset,
        areas,
        Scores(np.array(scores, np.float64).reshape(len(rows), len(areas)), certain),
        thresholds=thresholds or [0.5] * len(areas),
        trained=areas if trained is None else trained,
    )
