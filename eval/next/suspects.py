"""Labels that look wrong: what a model that never saw them finds unlikely (confident learning, Northcutt et al. 2021).

Every area is looked at on the rows that know it, as a question of yes or no. The quality of a label is cleanlab's: the
probability of what was said, taken relative to how sure the model is of such labels on average, from 0 (surely wrong) to 1. An
`issue` is a label that confident learning counts as wrong, by the joint of said and likely answers.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.next.learner import MIN_OF_A_KIND, Sparse, cross_fitted, fit_area
from eval.next.tools import tool
from eval.truth import Truth
from labeling.records import LabelledText, RecordError
from labeling.snapshot.clusters import clusters

# Nearer to the rows of an area than to the others.
HALF_WAY = 0.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label in doubt: `labelled` says whether it had the area apply, `suggested_area` what the row may be about instead."""

    id: str
    area: str
    labelled: bool
    probability: float
    quality: float
    suggested_area: str
    issue: bool

    def to_json(self) -> dict[str, Any]:
        """One line of the file."""
        return {**asdict(self), "probability": round(self.probability, 6), "quality": round(self.quality, 6)}


def cross_probabilities(features: Sparse, rows: Sequence[LabelledText], truth: Truth, *, seed: int) -> Values:
    """(n, areas) probabilities from models that never saw the row's label; NaN for an area with too few of a kind.

    Rows that belong together (copies, near ones too, and those of one pair or subject) share their fold. Where an area is unknown, a row is judged by what all others teach.
    """
    groups = np.array(clusters(rows))
    found = np.full(truth.labels.shape, np.nan)
    for column in range(truth.labels.shape[1]):
        known, unknown = (np.flatnonzero(one) for one in (truth.known[:, column] > 0, truth.known[:, column] <= 0))
        labels = truth.labels[known, column] > 0
        fitted = cross_fitted(features[known], labels, groups[known], seed=seed)
        model = None if fitted is None else fit_area(features[known], labels)
        if fitted is None or model is None:
            continue
        found[known, column] = fitted
        found[unknown, column] = model.probabilities(features[unknown])
    return found


def find_suspects(
    rows: Sequence[LabelledText], truth: Truth, probabilities: Values, areas: Sequence[str], *, benign: str
) -> list[Suspect]:
    """The most doubtful label of each row, worst first; rows without a judged area are left out."""
    worst: dict[int, tuple[float, int, bool]] = {}
    for column in range(len(areas)):
        judged = np.flatnonzero((truth.known[:, column] > 0) & ~np.isnan(probabilities[:, column]))
        labels = truth.labels[judged, column] > 0
        if min(labels.sum(), (~labels).sum()) < MIN_OF_A_KIND:
            continue
        quality, issues = judge_labels(labels, probabilities[judged, column])
        for row, value, issue in zip(judged.tolist(), quality.tolist(), issues.tolist(), strict=True):
            if row not in worst or (not issue, value) < (not worst[row][2], worst[row][0]):
                worst[row] = (value, column, issue)
    gains = _gains(truth, probabilities)
    found = [
        Suspect(
            rows[row].id,
            areas[column],
            bool(truth.labels[row, column] > 0),
            float(probabilities[row, column]),
            quality,
            _suggested(row, column, truth=truth, gains=gains, names=(*areas, benign)),
            issue,
        )
        for row, (quality, column, issue) in worst.items()
    ]
    return sorted(found, key=lambda one: (not one.issue, one.quality, one.id))


def plant(rows: Sequence[LabelledText], count: int, *, seed: int) -> tuple[list[LabelledText], set[str]]:
    """The rows with `count` wrong labels by seed, and whose they are: half deny an area, half invent one.

    Raises RecordError for too few rows.
    """
    generator = np.random.default_rng(seed)
    kinds = [
        [place for place, row in enumerate(rows) if row.annotated_areas and bool(row.policy_areas) is wanted]
        for wanted in (True, False)
    ]
    wanted = (count // 2, count - count // 2)
    if any(len(kind) < number for kind, number in zip(kinds, wanted, strict=True)):
        raise RecordError(
            f"{count} wrong labels cannot be planted: {len(kinds[0])} rows have an area and {len(kinds[1])} none"
        )
    made = list(rows)
    for kind, number in zip(kinds, wanted, strict=True):
        for place in generator.choice(kind, number, replace=False):
            row = rows[int(place)]
            invented = (str(generator.choice(row.annotated_areas)),)
            made[int(place)] = replace(row, policy_areas=row.policy_areas[1:] if row.policy_areas else invented)
    return made, {was.id for was, now in zip(rows, made, strict=True) if was is not now}


def judge_labels(labels: NDArray[np.bool_], probabilities: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Quality of every label of one area, and whether confident learning counts it as wrong."""
    both = np.column_stack([1 - probabilities, probabilities])
    given = labels.astype(np.int64)
    quality = tool("cleanlab.rank").get_label_quality_scores(given, both, adjust_pred_probs=True)
    issues = tool("cleanlab.filter").find_label_issues(given, both, filter_by="prune_by_noise_rate", n_jobs=1)
    return np.clip(np.asarray(quality, np.float64), 0.0, 1.0), np.asarray(issues, bool)


def _gains(truth: Truth, probabilities: Values) -> Values:
    """(n, areas) how far a probability lies above the mean of the rows labelled as not of the area, in units of the way to
    those that are: about 1 for a typical row of the area, so that common and rare areas can be compared. 0 where unknown.
    """
    found = np.zeros(probabilities.shape)
    for column in range(probabilities.shape[1]):
        judged = (truth.known[:, column] > 0) & ~np.isnan(probabilities[:, column])
        labels = truth.labels[:, column] > 0
        if not (judged & labels).any() or not (judged & ~labels).any():
            continue
        low, high = (float(probabilities[judged & one, column].mean()) for one in (~labels, labels))
        if high > low:
            spoken = ~np.isnan(probabilities[:, column])
            found[spoken, column] = (probabilities[spoken, column] - low) / (high - low)
    return found


def _suggested(row: int, column: int, *, truth: Truth, gains: Values, names: Sequence[str]) -> str:
    """The area itself where it was denied; otherwise the other area that the row is most like, or that it is benign."""
    if truth.labels[row, column] <= 0:
        return names[column]
    others = np.where(np.arange(gains.shape[1]) == column, 0.0, gains[row])
    best = int(np.argmax(others))
    return names[best] if others[best] >= HALF_WAY else names[-1]
