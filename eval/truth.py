"""What is known of labelled rows, as arrays: the one place where rows become labels and masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.records import LabelledText

UNKNOWN_SEVERITY = -1


@dataclass(frozen=True, slots=True)
class Truth:
    """Labels and mask of n rows as 0/1 floats (n, areas), severity (n,) with UNKNOWN_SEVERITY where nobody rated it."""

    labels: NDArray[np.float32]
    known: NDArray[np.float32]
    severity: NDArray[np.int64]

    def part(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Truth":
        """Some of the rows."""
        return Truth(self.labels[rows], self.known[rows], self.severity[rows])


def make_truth(rows: Sequence[LabelledText], areas: Sequence[str]) -> Truth:
    """Arrays for `rows`, columns in the order of `areas`; an area outside `annotated_areas` is masked, not negative."""
    column = {area: index for index, area in enumerate(areas)}
    labels = np.zeros((len(rows), len(areas)), np.float32)
    known = np.zeros_like(labels)
    severity = np.full(len(rows), UNKNOWN_SEVERITY, np.int64)
    for index, row in enumerate(rows):
        known[index, [column[area] for area in row.annotated_areas if area in column]] = 1
        labels[index, [column[area] for area in row.policy_areas if area in column]] = 1
        if row.severity is not None:
            severity[index] = row.severity
    return Truth(labels, known, severity)
