"""Fit what `models.calibration` applies: Platt scaling and a threshold for each area, severity, the graphic level."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.metrics import Values
from eval.truth import UNKNOWN_SEVERITY, Truth
from models.calibration import (
    UNTRAINED,
    AreaCalibration,
    Calibration,
    Scaling,
    SeverityScaling,
    ordinal_probabilities,
    sigmoid,
)
from models.inference import Logits
from models.languages import UNKNOWN_LANGUAGE

# With fewer positives a slope of one's own is noise: the area gets the shared slope and fits its bias alone.
MIN_POSITIVES_FOR_SLOPE = 20
# A language gets a scaling of its own in an area where it has this many rows of each answer.
MIN_OF_LANGUAGE = 100
NEWTON_STEPS = 50
WANTED_RECALL = 0.9
WANTED_PRECISION = 0.9
# Error rates outside the unsure range. Negatives are many: two in a hundred of them are more than all positives of a
# rare area.
POSITIVES_MISSED = 0.1
NEGATIVES_MISSED = 0.02
# A severity that somebody gave to the very text counts so often, one read off a kind of label once. Public rows are mostly
# of the latter kind, and less of what they hold is severe.
RATED = 20.0
TEMPERATURES = np.geomspace(0.25, 4.0, 161)


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows to calibrate on: what is true, graphic levels (n,) with UNKNOWN_SEVERITY where nobody gave one, primary languages (n,).

    `rated` (n,) are rows whose severity somebody gave to that very text, instead of one for a whole kind of label.
    """

    truth: Truth
    graphic: NDArray[np.int64]
    languages: NDArray[np.str_]
    rated: NDArray[np.bool_]

    def part(self, rows: NDArray[np.bool_]) -> "Judged":
        """Some of the rows."""
        return Judged(self.truth.part(rows), self.graphic[rows], self.languages[rows], self.rated[rows])


def fit_calibration(
    judged: Judged,
    logits: Logits,
    *,
    areas: Sequence[str],
    trained: Sequence[str],
    least: int = MIN_OF_LANGUAGE,
) -> Calibration:
    """Calibrate the columns in `trained` on rows whose label is known; the others become the constant prior.

    `least` is how many rows of each answer a language needs for a scaling of its own.
    """
    truth = judged.truth
    known = [truth.known[:, column] > 0 for column in range(len(areas))]
    labels = [truth.labels[rows, column] for column, rows in enumerate(known)]
    values = [logits.areas[rows, column].astype(np.float64) for column, rows in enumerate(known)]
    own = {
        column: fit_platt(values[column], labels[column])
        for column, area in enumerate(areas)
        if area in trained and labels[column].sum() >= MIN_POSITIVES_FOR_SLOPE and not labels[column].all()
    }
    slopes = [slope for slope, _ in own.values() if slope > 0]
    shared = float(np.median(slopes)) if slopes else 1.0
    fitted: list[AreaCalibration] = []
    languages: dict[str, dict[int, Scaling]] = {}
    for column, area in enumerate(areas):
        if area not in trained:
            fitted.append(UNTRAINED)
            continue
        slope, bias = own.get(column, (0.0, 0.0))
        if slope <= 0:
            slope, bias = fit_platt(values[column], labels[column], slope=shared)
        of_area = sigmoid(slope * values[column] + bias)
        spoken = judged.languages[known[column]]
        for language, scaling in fit_languages(values[column], labels[column], spoken, least=least).items():
            languages.setdefault(language, {})[column] = scaling
            of_it = spoken == language
            of_area[of_it] = sigmoid(scaling.slope * values[column][of_it] + scaling.bias)
        threshold = best_f1_threshold(labels[column], of_area)
        fitted.append(AreaCalibration(slope, bias, threshold, *unsure_range(labels[column], of_area)))
    scaled = Calibration(
        tuple(fitted), graphic_temperature=fit_temperature(judged.graphic, logits.graphic), languages=languages
    )
    probabilities = scaled.area_probabilities(logits.areas, judged.languages.tolist())
    counts = np.where(judged.rated, RATED, 1.0)
    return replace(scaled, severity=fit_severity(truth.severity, logits.severity, probabilities, counts))


def fit_languages(logits: Values, labels: Values, languages: NDArray[np.str_], *, least: int) -> dict[str, Scaling]:
    """Platt scaling by language (n,), for those with `least` rows of each answer.

    The rows of a language are weighed until as many of them violate as of all rows: how many do in a collection says how
    it was collected, and a network that has learned it lets whole languages wait, or puts them first.
    """
    share = float(labels.mean()) if len(labels) else 0.0
    found: dict[str, Scaling] = {}
    for language in np.unique(languages).tolist():
        chosen = languages == language
        positives = float(labels[chosen].sum())
        negatives = float(chosen.sum()) - positives
        if min(positives, negatives) < least or language == UNKNOWN_LANGUAGE:
            continue
        of_it = positives / (positives + negatives)
        counts = np.where(labels[chosen] > 0, share / of_it, (1 - share) / (1 - of_it))
        slope, bias = fit_platt(logits[chosen], labels[chosen], counts=counts)
        if slope > 0:
            found[language] = Scaling(slope, bias)
    return found


def fit_platt(
    logits: Values, labels: Values, *, slope: float | None = None, counts: Values | None = None
) -> tuple[float, float]:
    """Slope and bias of p = sigmoid(slope * logit + bias) by Newton's method, the slope fixed where it is given.

    `counts` (n,) are how often each row counts, once where they are not given.
    The targets are pulled a little off 0 and 1 (Platt 1999), so that separable data does not send the slope away.
    """
    if not len(logits):
        return (1.0 if slope is None else slope), 0.0
    times = np.ones(len(logits)) if counts is None else np.asarray(counts, np.float64)
    positives = float(times @ labels)
    high, low = (positives + 1) / (positives + 2), 1 / (float(times.sum()) - positives + 2)
    target = np.where(labels > 0, high, low)
    design = np.ones((len(logits), 1)) if slope is not None else np.column_stack([np.ones(len(logits)), logits])
    offset = logits * slope if slope is not None else np.zeros(len(logits))
    weights = np.zeros(design.shape[1])
    weights[1:] = 1.0
    loss = _cross_entropy(target, design @ weights + offset, times)
    for _ in range(NEWTON_STEPS):
        p = sigmoid(design @ weights + offset)
        gradient = design.T @ (times * (p - target))
        curvature = (design * (times * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        while (after := _cross_entropy(target, design @ (weights - step) + offset, times)) > loss and np.abs(
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


def fit_severity(levels: NDArray[np.int64], logits: Values, areas: Values, counts: Values) -> SeverityScaling:
    """The scaling under which the known levels (n,) are likeliest, each row counted `counts` (n,) times.

    `logits` (n, 4) are those of "more severe than k", `areas` (n, areas) calibrated probabilities. The questions "more
    than k" are answered as if each were asked by itself. A weak pull to the network's own answer keeps few rows from
    sending a number away.
    """
    known = levels != UNKNOWN_SEVERITY
    if not known.any():
        return SeverityScaling()
    own, lift, times = logits[known].astype(np.float64), areas[known], counts[known, None]
    steps, columns = own.shape[1], lift.shape[1]
    above = (levels[known, None] > np.arange(steps)).astype(np.float64)
    start = np.concatenate([[1.0], np.zeros(steps + columns)])

    def loss(values: Values) -> tuple[float, Values]:
        slope, biases, weights = values[0], values[1 : 1 + steps], values[1 + steps :]
        found = slope * own + biases + (lift @ weights)[:, None]
        wrong = times * (sigmoid(found) - above)
        total = float((times * (np.logaddexp(0, found) - above * found)).sum() + 0.5 * ((values - start) ** 2).sum())
        parts = [[(wrong * own).sum()], wrong.sum(0), lift.T @ wrong.sum(1)]
        return total, np.concatenate(parts) + values - start

    bounds = [(1e-3, None), *[(None, None)] * steps, *[(0.0, None)] * columns]
    values = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return SeverityScaling(values[0], tuple(values[1 : 1 + steps]), tuple(values[1 + steps :]))


def fit_temperature(levels: NDArray[np.int64], logits: Values) -> float:
    """The temperature under which the known levels are likeliest; 1 where none is known or the model judges none."""
    rated = levels != UNKNOWN_SEVERITY
    if not rated.any() or not logits.shape[1]:
        return 1.0
    levels = levels[rated]
    losses: list[float] = []
    for temperature in TEMPERATURES:
        probabilities = ordinal_probabilities(logits[rated] / float(temperature))
        losses.append(float(-np.log(np.maximum(probabilities[np.arange(len(levels)), levels], 1e-9)).mean()))
    return float(TEMPERATURES[int(np.argmin(losses))])


def _cross_entropy(target: Values, logits: Values, times: Values) -> float:
    return float(times @ (np.logaddexp(0, logits) - target * logits))
