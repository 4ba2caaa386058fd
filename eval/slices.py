"""Figures on parts of the rows: by language, length, source, group, format, kind and market."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.dataset import field_values
from eval.figures import AreaFigures, Estimate, HarmFigures, Macro, Settings, area_table, harm_figures
from eval.scored import Scored

# Dimension → the field of a row that it follows.
DIMENSIONS = {
    "language": "lang",
    "source": "source",
    "group": "group",
    "format": "format",
    "kind": "kind",
    "market": "market",
}
LENGTH = "length"
# Fewer draws than for the whole: there are hundreds of slices, and their intervals are wide anyway.
SLICE_DRAWS = 200

Slices = dict[str, dict[str, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class SliceArea:
    """One area within a slice: rows with a known label, positives and their share, AUPRC (0-1) with its interval."""

    n: int
    positives: int
    base_rate: float
    auprc: float
    auprc_low: float | None
    auprc_high: float | None


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """One slice: any-harm figures as for the whole, and the areas that can be measured in it.

    `macro` is the mean over the areas with enough positives *in the slice*: two slices need not hold the same ones.
    """

    n: int
    positives: int
    base_rate: float | None
    auprc: float | None
    auprc_low: float | None
    auprc_high: float | None
    recall: Estimate
    fpr: Estimate
    macro: Macro
    areas: dict[str, SliceArea]


def cut(scored: Scored) -> tuple[Slices, list[int]]:
    """The rows of every value of every dimension, larger values first, and the upper lengths of the four quartiles.

    A dimension whose field no row has is left out. A row belongs to all values of a field that is a list.
    """
    found = {name: _by_field(scored, field) for name, field in DIMENSIONS.items()}
    lengths = np.array([len(row.text) for row in scored.rows])
    edges = np.quantile(lengths, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf")
    quartile = np.searchsorted(edges[:3], lengths)
    found[LENGTH] = {f"q{one + 1}": quartile == one for one in range(4) if (quartile == one).any()}
    return {name: values for name, values in found.items() if values}, edges.astype(int).tolist()


def measure_slices(scored: Scored, slices: Slices, settings: Settings) -> dict[str, dict[str, SliceFigures]]:
    """Figures of every slice."""
    fewer = Settings(min(settings.draws, SLICE_DRAWS), settings.seed, settings.macro_positives)
    return {
        dimension: {value: _figures(scored.take(chosen), fewer) for value, chosen in values.items()}
        for dimension, values in slices.items()
    }


def slice_areas(areas: Mapping[str, AreaFigures]) -> dict[str, SliceArea]:
    """What a slice keeps of the figures of each area."""
    return {
        area: SliceArea(one.n, one.positives, one.base_rate, one.auprc, one.auprc_low, one.auprc_high)
        for area, one in areas.items()
    }


def _figures(part: Scored, settings: Settings) -> SliceFigures:
    harm: HarmFigures = harm_figures(part, settings)
    table = area_table(part, settings)
    return SliceFigures(
        n=len(part.rows),
        positives=harm.positives,
        base_rate=harm.base_rate,
        auprc=harm.auprc,
        auprc_low=harm.auprc_low,
        auprc_high=harm.auprc_high,
        recall=harm.recall,
        fpr=harm.fpr,
        macro=table.macro,
        areas=slice_areas(table.areas),
    )


def _by_field(scored: Scored, field: str) -> dict[str, NDArray[np.bool_]]:
    index: dict[str, list[int]] = {}
    for number, row in enumerate(scored.rows):
        for value in field_values(row, field):
            index.setdefault(value, []).append(number)
    found: dict[str, NDArray[np.bool_]] = {}
    for value in sorted(index, key=lambda one: (-len(index[one]), one)):
        chosen = np.zeros(len(scored.rows), bool)
        chosen[index[value]] = True
        found[value] = chosen
    return found
