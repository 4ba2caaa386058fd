"""Leave-one-source-out: how good is a model on a collection whose rows it never saw?

For each source a model was trained without it and its rows were scored by that model (`python -m eval score`). Put
together, every row is scored by a model that does not know its source: the pooled figures are what to expect on
other people's text, and their distance to a model that was trained on everything is what knowing the source is worth.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.compare import Comparison, Rival, compare
from eval.dataset import DataFile, Dataset
from eval.figures import Estimate, Macro, Settings, area_table, harm_figures
from eval.scored import Scored, Scores, pair_up
from eval.scores import ScoreError, read_scores
from eval.sections import Table, estimate, number
from eval.slices import SliceArea, slice_areas

FORMAT = 1
POOLED = "all sources, each unseen"


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """Rows scored without knowing their source. `known` compares with the model that was trained on all sources."""

    n: int
    positives: int
    base_rate: float | None
    any_harm: Estimate
    macro: Macro
    areas: dict[str, SliceArea]
    known: Comparison | None


@dataclass(frozen=True, slots=True)
class SourcesReport:
    """Figures of each source, of all of them pooled, and the files they were measured on."""

    format: int
    data: tuple[DataFile, ...]
    settings: Settings
    pooled: SourceFigures
    sources: dict[str, SourceFigures]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def parse_folds(folds: list[str]) -> dict[str, Path]:
    """Source → score file, from `SOURCE=FILE` texts. Raises ScoreError."""
    found: dict[str, Path] = {}
    for fold in folds:
        source, _, path = fold.partition("=")
        if not source or not path or source in found:
            raise ScoreError(f"--fold {fold!r}: must be SOURCE=FILE, each source once")
        found[source] = Path(path)
    return found


def measure_sources(
    dataset: Dataset,
    folds: Mapping[str, Path],
    *,
    areas: tuple[str, ...],
    settings: Settings,
    reference: Path | None = None,
) -> SourcesReport:
    """Figures by source and pooled. Raises ScoreError for a source without rows or a row without scores, OSError."""
    chosen = [number for number, row in enumerate(dataset.rows) if row.source in folds]
    rows = tuple(dataset.rows[number] for number in chosen)
    part = Dataset(dataset.files, rows, tuple(dataset.file_of[number] for number in chosen))
    source_of = np.array([row.source for row in rows])
    scores = np.full((len(rows), len(areas)), np.nan)
    for source, path in folds.items():
        index = np.flatnonzero(source_of == source)
        if not len(index):
            raise ScoreError(f"--fold {source}: the data hold no rows of that source")
        scores[index] = read_scores(path, [rows[one] for one in index], areas).areas
    ours = _scored(part, areas, Scores(scores))
    known = None if reference is None else _scored(part, areas, read_scores(reference, rows, areas))
    figures = {
        source: _figures(
            ours.take(source_of == source), None if known is None else known.take(source_of == source), settings
        )
        for source in folds
    }
    return SourcesReport(FORMAT, dataset.files, settings, _figures(ours, known, settings), figures)


def sources_table(report: SourcesReport) -> Table:
    """The report in one table: the pooled line first."""
    lines = {POOLED: report.pooled, **report.sources}
    rows = tuple(
        (
            name,
            f"{one.n:,}",
            f"{one.positives:,}",
            number(one.base_rate),
            estimate(asdict(one.any_harm)),
            f"{estimate(asdict(one.macro))} ({len(one.macro.areas)})" if one.macro.areas else "-",
            _gap(one.known.any_harm.difference if one.known else None),
            _gap(one.known.macro.difference if one.known else None),
        )
        for name, one in lines.items()
    )
    head = (
        "source",
        "rows",
        "harmful",
        "base rate",
        "any-harm AUPRC",
        "macro AUPRC (areas)",
        "any-harm loss",
        "macro loss",
    )
    return Table(head, rows, "Scored by models that never saw the source; loss against a model that did")


def _scored(dataset: Dataset, areas: tuple[str, ...], scores: Scores) -> Scored:
    # Thresholds belong to a bundle, and there are as many models here as sources: nothing is flagged.
    return pair_up(dataset, areas, scores, thresholds=[np.inf] * len(areas), trained=areas)


def _figures(ours: Scored, known: Scored | None, settings: Settings) -> SourceFigures:
    harm, table = harm_figures(ours, settings), area_table(ours, settings)
    return SourceFigures(
        n=len(ours.rows),
        positives=harm.positives,
        base_rate=harm.base_rate,
        any_harm=Estimate(harm.auprc, harm.auprc_low, harm.auprc_high),
        macro=table.macro,
        areas=slice_areas(table.areas),
        known=None
        if known is None
        else compare(ours, Rival("known", "Trained on all sources", known), settings, slices={}),
    )


def _gap(difference: float | None) -> str:
    return "-" if difference is None else f"{difference:+.3f}"
