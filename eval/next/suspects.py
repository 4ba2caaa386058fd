"""Labels that look wrong: what a model that never saw them finds unlikely (confident learning, Northcutt et al. 2021).

Every area is looked at on the rows that know it, as a question of yes or no. The odds of a label are taken relative to how sure the
model is of such labels on average, as confident learning does: else all labels of an area that the model is weak at would be in
doubt, and with twenty areas the worst of each would crowd out everything. Where rows know about equally many areas, a row's quality is
the product over them, so a wrong area counts twice: for the one that was said and the one that was not. Otherwise, as in exports, it is
that of its worst area: a row that knows twenty would be in doubt for being asked twenty times (docs/experiments.md). An `issue` is a row with a
label that confident learning (cleanlab) counts as wrong, by the joint of said and likely answers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.next.learner import MIN_OF_A_KIND, Sparse, cross_fitted, fit_area
from eval.next.stacked import LEAST
from eval.next.tools import tool
from eval.truth import Truth
from labeling.records import LabelledText
from labeling.snapshot.clusters import clusters

# Nearer to the rows of an area than to the others.
HALF_WAY = 0.5
# Rows that know half of the areas or fewer are about fewer areas than others, unless their share is this small.
RARE = 0.01
SUM, LARGEST = "sum over the areas", "largest of an area"
# How doubtful rows are, by how unlikely the label of each area is; in nats.
DOUBTS: dict[str, Callable[[Values], Values]] = {
    SUM: lambda surprise: np.asarray(np.nansum(surprise, axis=1), np.float64),
    LARGEST: lambda surprise: np.asarray(np.nanmax(surprise, axis=1), np.float64),
}


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
        # The quality to six digits that tell: the worst are all near zero, and are read in their order.
        return {**asdict(self), "probability": round(self.probability, 6), "quality": float(f"{self.quality:.6g}")}


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
    """Each row with the label of it that is most in doubt, worst row first; rows without a judged area are left out."""
    surprise, issues = surprises(truth, probabilities)
    gains = _gains(truth, probabilities)
    judged = np.flatnonzero(~np.isnan(surprise).all(axis=1))
    doubts = DOUBTS[fitting_doubt(surprise)](surprise[judged])
    found: list[tuple[float, Suspect]] = []
    for row, doubt in zip(judged.tolist(), doubts.tolist(), strict=True):
        column = int(np.nanargmax(surprise[row]))
        suspect = Suspect(
            rows[row].id,
            areas[column],
            bool(truth.labels[row, column] > 0),
            float(probabilities[row, column]),
            math.exp(-doubt),
            _suggested(row, column, truth=truth, gains=gains, names=(*areas, benign)),
            bool(issues[row].any()),
        )
        found.append((-doubt, suspect))
    return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].id))]


def fitting_doubt(surprise: Values) -> str:
    """Which of DOUBTS suits: the sum where nearly all rows know about equally many areas, else the largest."""
    areas = (~np.isnan(surprise)).sum(axis=1)
    few = (areas > 0) & (2 * areas <= areas.max(initial=0))
    return SUM if few.sum() <= RARE * (areas > 0).sum() else LARGEST


def surprises(truth: Truth, probabilities: Values) -> tuple[Values, NDArray[np.bool_]]:
    """(n, areas) how unlikely each label is, in nats (0: certain, NaN: not judged), and whether it counts as wrong.

    Only areas with enough labels of both kinds are judged.
    """
    found = np.full(probabilities.shape, np.nan)
    wrong = np.zeros(probabilities.shape, bool)
    for column in range(probabilities.shape[1]):
        judged = np.flatnonzero((truth.known[:, column] > 0) & ~np.isnan(probabilities[:, column]))
        labels = truth.labels[judged, column] > 0
        if min(labels.sum(), (~labels).sum()) < MIN_OF_A_KIND:
            continue
        applies = np.clip(probabilities[judged, column], LEAST, 1 - LEAST)
        sure, sure_not = applies[labels].mean(), 1 - applies[~labels].mean()
        odds = np.log(applies / sure) - np.log((1 - applies) / sure_not)
        found[judged, column] = np.logaddexp(0.0, np.where(labels, -odds, odds))
        wrong[judged, column] = judge_labels(labels, applies)[1]
    return found, wrong


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
