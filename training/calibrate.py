"""Fit what `models.calibration` applies: Platt scaling and a threshold for each area, temperatures for the ordinal heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.truth import UNKNOWN_SEVERITY, Truth
from models.calibration import UNTRAINED, AreaCalibration, Calibration, ordinal_probabilities, sigmoid
from models.inference import Logits

# With fewer positives a slope of one's own is noise: the area gets the shared slope and fits its bias alone.
MIN_POSITIVES_FOR_SLOPE = 20
NEWTON_STEPS = 50
WANTED_RECALL = 0.9
WANTED_PRECISION = 0.9
# Error rates outside the unsure range. Negatives are many: two in a hundred of them are more than all positives of a
# rare area.
POSITIVES_MISSED = 0.1
NEGATIVES_MISSED = 0.02
TEMPERATURES = np.geomspace(0.25, 4.0, 161)


def fit_calibration(
    truth: Truth, graphic: NDArray[np.int64], logits: Logits, *, areas: Sequence[str], trained: Sequence[str]
) -> Calibration:
    """Calibrate the columns in `trained` on rows whose label is known; the others become the constant prior.

    `graphic` are graphic levels (n,), UNKNOWN_SEVERITY where nobody gave one.
    """
    known = {area: truth.known[:, column] > 0 for column, area in enumerate(areas)}
    labels = {area: truth.labels[known[area], column] for column, area in enumerate(areas)}
    values = {area: logits.areas[known[area], column].astype(np.float64) for column, area in enumerate(areas)}
    own = {
        area: fit_platt(values[area], labels[area])
        for area in trained
        if labels[area].sum() >= MIN_POSITIVES_FOR_SLOPE and not labels[area].all()
    }
    slopes = [slope for slope, _ in own.values() if slope > 0]
    shared = float(np.median(slopes)) if slopes else 1.0
    fitted: list[AreaCalibration] = []
    for area in areas:
        if area not in trained:
            fitted.append(UNTRAINED)
            continue
        slope, bias = own.get(area, (0.0, 0.0))
        if slope <= 0:
            slope, bias = fit_platt(values[area], labels[area], slope=shared)
        probabilities = sigmoid(slope * values[area] + bias)
        threshold = best_f1_threshold(labels[area], probabilities)
        fitted.append(AreaCalibration(slope, bias, threshold, *unsure_range(labels[area], probabilities)))
    return Calibration(
        tuple(fitted), fit_temperature(truth.severity, logits.severity), fit_temperature(graphic, logits.graphic)
    )


def fit_platt(logits: Values, labels: Values, *, slope: float | None = None) -> tuple[float, float]:
    """Slope and bias of p = sigmoid(slope * logit + bias) by Newton's method, the slope fixed where it is given.

    The targets are pulled a little off 0 and 1 (Platt 1999), so that separable data does not send the slope away.
    """
    if not len(logits):
        return (1.0 if slope is None else slope), 0.0
    positives = float(labels.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2)
    target = np.where(labels > 0, high, low)
    design = np.ones((len(logits), 1)) if slope is not None else np.column_stack([np.ones(len(logits)), logits])
    offset = logits * slope if slope is not None else np.zeros(len(logits))
    weights = np.zeros(design.shape[1])
    weights[1:] = 1.0
    loss = _cross_entropy(target, design @ weights + offset)
    for _ in range(NEWTON_STEPS):
        p = sigmoid(design @ weights + offset)
        gradient = design.T @ (p - target)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        while (after := _cross_entropy(target, design @ (weights - step) + offset)) > loss and np.abs(
            step
        ).max() > 1e-9:
            step = step / 2
        weights, improvement, loss = weights - step, loss - after, after
        if improvement < 1e-9:
            break
    return (float(weights[1]) if slope is None else slope), float(weights[0])


def best_f1_threshold(labels: Values, probabilities: Values) -> float:
    """The probability from which on an area should apply to have the best F1; 0.5 where there is no positive."""
    best = operating_points(labels, probabilities)["best_f1"]
    return best.threshold if best else 0.5


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A probability to act from, and what that gives on the rows it was chosen on."""

    threshold: float
    recall: float
    precision: float
    flagged: float


def operating_points(labels: Values, probabilities: Values) -> dict[str, OperatingPoint | None]:
    """Where an area should apply for the best F1, for a recall of WANTED_RECALL and for a precision of WANTED_PRECISION.

    None where no threshold gives that, or there is no positive. A threshold lies half way to the next lower
    probability, so that rounding cannot move a row across it.
    """
    if not labels.sum():
        return dict.fromkeys(("best_f1", "recall", "precision"))
    reached = np.unique(probabilities)[::-1]
    thresholds = (reached + np.append(reached[1:], 0.0)) / 2
    order = np.argsort(-probabilities, kind="stable")
    ends = np.searchsorted(-probabilities[order], -reached, side="right")
    hits = np.concatenate([[0.0], np.cumsum(labels[order])])[ends]
    recall, precision = hits / labels.sum(), hits / ends
    points = [
        OperatingPoint(*map(float, one)) for one in zip(thresholds, recall, precision, ends / len(labels), strict=True)
    ]
    return {
        "best_f1": points[int((2 * hits / (ends + labels.sum())).argmax())],
        # The highest threshold that still finds enough, and the lowest that is still right often enough.
        "recall": next((one for one in points if one.recall >= WANTED_RECALL), None),
        "precision": next((one for one in reversed(points) if one.precision >= WANTED_PRECISION), None),
    }


def unsure_range(labels: Values, probabilities: Values) -> tuple[float, float]:
    """The probabilities between which neither answer can be excluded.

    Split conformal prediction for each class by itself (Vovk 2012, "Conditional validity of inductive conformal
    predictors"): at most POSITIVES_MISSED of the positives fall below the range and NEGATIVES_MISSED of the negatives
    above it, on rows like these. With too few rows of a class nothing of it can be promised, and everything is unsure.
    """
    lowest, highest = 0.0, 1.0
    positives, negatives = np.sort(probabilities[labels > 0]), np.sort(probabilities[labels <= 0])
    below = int(POSITIVES_MISSED * (len(positives) + 1))
    if below:
        lowest = float(positives[below - 1])
    above = int(NEGATIVES_MISSED * (len(negatives) + 1))
    if above:
        highest = float(negatives[-above])
    return lowest, highest


def fit_temperature(levels: NDArray[np.int64], logits: Values) -> float:
    """The temperature under which the known levels are likeliest; 1 where none is known or the model judges none."""
    rated = levels != UNKNOWN_SEVERITY
    if not rated.any() or not logits.shape[1]:
        return 1.0
    levels = levels[rated]
    losses: list[float] = []
    for temperature in TEMPERATURES:
        probabilities = ordinal_probabilities(logits[rated], float(temperature))
        losses.append(float(-np.log(np.maximum(probabilities[np.arange(len(levels)), levels], 1e-9)).mean()))
    return float(TEMPERATURES[int(np.argmin(losses))])


def _cross_entropy(target: Values, logits: Values) -> float:
    return float((np.logaddexp(0, logits) - target * logits).sum())
