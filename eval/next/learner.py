"""A learner that is fitted in a second: TF-IDF of words and characters, one logistic regression for each area.

Fast enough to be fitted anew for every batch. The recipe is that of `training.baseline`, with fewer features.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.next.tools import tool
from eval.truth import make_truth
from labeling.records import LabelledText
from models.calibration import sigmoid
from models.preprocess import clean_text

# Fewer of either kind teach nothing: the area stays unknown to the learner.
MIN_OF_A_KIND = 5
STRENGTH = 10.0
WORD_FEATURES = 50_000
CHARACTER_FEATURES = 100_000
DIMENSIONS = 64

Sparse = Any


@dataclass(frozen=True, slots=True)
class AreaModel:
    """A fitted area: logit = features @ weights + bias, 0 at its operating point.

    Classes are balanced when it is fitted, so the point is where recall and the false-positive rate cost the same;
    `against` is the logit of the base rate, which makes probabilities of it.
    """

    weights: NDArray[np.float64]
    bias: float
    against: float

    def probabilities(self, features: Sparse) -> Values:
        """How likely the area applies, for each row."""
        return sigmoid(np.asarray(features @ self.weights).ravel() + self.bias - self.against)

    @property
    def threshold(self) -> float:
        """The probability at the operating point."""
        return 1 / (1 + math.exp(self.against))


Fit = Callable[[Sparse, NDArray[np.bool_]], AreaModel | None]


def features_of(texts: Sequence[str], *, vocabulary_of: int | None = None) -> Sparse:
    """TF-IDF rows of `texts`; the first `vocabulary_of` of them (default: all) make the vocabulary. Raises ToolMissingError."""
    learned = texts[:vocabulary_of]
    vectorizer = tool("sklearn.feature_extraction.text").TfidfVectorizer
    parts = [
        vectorizer(
            analyzer=analyzer,
            ngram_range=ngrams,
            # With a handful of texts every word is rare.
            min_df=2 if len(learned) >= 1_000 else 1,
            max_features=limit,
            sublinear_tf=True,
            preprocessor=_lower_model_text,
            dtype=np.float64,
        )
        for analyzer, ngrams, limit in (("char_wb", (2, 4), CHARACTER_FEATURES), ("word", (1, 2), WORD_FEATURES))
    ]
    return tool("sklearn.pipeline").make_union(*parts).fit(learned).transform(texts).tocsr()


def vectors_of(features: Sparse, *, seed: int) -> Values:
    """(n, at most DIMENSIONS) directions of the texts, of length 1: the singular vectors of their TF-IDF."""
    most = min(DIMENSIONS, features.shape[1] - 1, features.shape[0] - 1)
    if most < 1:
        return np.ones((features.shape[0], 1))
    with tool("threadpoolctl").threadpool_limits(1):
        reduced = tool("sklearn.decomposition").TruncatedSVD(most, random_state=seed).fit_transform(features)
    lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
    return np.asarray(reduced / np.where(lengths > 0, lengths, 1.0), np.float64)


def fit_area(features: Sparse, labels: NDArray[np.bool_]) -> AreaModel | None:
    """Fit one area; None where there are too few of either kind."""
    positives = int(labels.sum())
    if min(positives, len(labels) - positives) < MIN_OF_A_KIND:
        return None
    logistic = tool("sklearn.linear_model").LogisticRegression
    fitted = logistic(C=STRENGTH, class_weight="balanced", solver="liblinear", random_state=1).fit(features, labels)
    against = math.log((len(labels) - positives) / positives)
    return AreaModel(fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]), against)


def fit_areas(features: Sparse, rows: Sequence[LabelledText], areas: Sequence[str]) -> dict[str, AreaModel]:
    """Fit every area that `rows`, whose features come first, teach enough of."""
    truth = make_truth(rows, areas)
    found: dict[str, AreaModel] = {}
    for column, area in enumerate(areas):
        known = np.flatnonzero(truth.known[:, column] > 0)
        model = fit_area(features[known], truth.labels[known, column] > 0)
        if model is not None:
            found[area] = model
    return found


def cross_fitted(
    features: Sparse, labels: NDArray[np.bool_], groups: NDArray[np.int64], *, seed: int, fit: Fit = fit_area
) -> Values | None:
    """A probability for every row from a model that saw neither it nor any of its group; None for too few of a kind."""
    folds = 5
    if min(labels.sum(), (~labels).sum()) < folds * MIN_OF_A_KIND:
        return None
    found = np.full(len(labels), np.nan)
    split = tool("sklearn.model_selection").StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for taught, judged in split.split(np.zeros(len(labels)), labels, groups):
        model = fit(features[taught], labels[taught])
        if model is None:
            return None
        found[judged] = model.probabilities(features[judged])
    return found


def _lower_model_text(text: str) -> str:
    return clean_text(text).lower()
