"""A second look at what a model says: how likely an area is, given the scores of all areas and the labels of other rows.

A bundle was calibrated elsewhere, and its areas know of each other (who reads harassment often reads hate): one logistic regression for each
area on the log-odds of all of them, fitted on other rows, brings both to the labels at hand (stacking, Wolpert 1992).
"""

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.next.learner import MIN_OF_A_KIND, AreaModel, Sparse, cross_fitted
from eval.next.tools import tool
from eval.truth import Truth

# Little, since one input alone says nearly all of it (docs/experiments.md).
STRENGTH = 0.1
# Scores are rounded to six digits: a probability of 0 is not sure beyond that.
LEAST = 1e-6


def stacked(scores: Values, truth: Truth, groups: NDArray[np.int64], *, seed: int) -> Values:
    """(n, areas) probabilities; each row is judged by what rows of other groups teach.

    An area with too few labels of a kind keeps the scores as they are. NaN where there is no score.
    """
    inputs = _log_odds(scores)
    found = scores.copy()
    for column in np.flatnonzero(~np.isnan(scores).all(axis=0)):
        known, unknown = (np.flatnonzero(one) for one in (truth.known[:, column] > 0, truth.known[:, column] <= 0))
        labels = truth.labels[known, column] > 0
        fitted = cross_fitted(inputs[known], labels, groups[known], seed=seed, fit=fit_scores)
        model = None if fitted is None else fit_scores(inputs[known], labels)
        if fitted is None or model is None:
            continue
        found[known, column] = fitted
        found[unknown, column] = model.probabilities(inputs[unknown])
    return np.where(np.isnan(scores), np.nan, found)


def fit_scores(inputs: Sparse, labels: NDArray[np.bool_]) -> AreaModel | None:
    """Fit one area on the log-odds of all; None where there are too few of either kind."""
    if min(labels.sum(), (~labels).sum()) < MIN_OF_A_KIND:
        return None
    fitted = tool("sklearn.linear_model").LogisticRegression(C=STRENGTH, max_iter=1_000).fit(inputs, labels)
    return AreaModel(fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]), 0.0)


def _log_odds(scores: Values) -> Values:
    """Log-odds of the scores; what a model does not say is as likely as not."""
    probabilities = np.clip(np.nan_to_num(scores, nan=0.5), LEAST, 1 - LEAST)
    return np.asarray(np.log(probabilities) - np.log1p(-probabilities), np.float64)
