"""What a release has to beat: TF-IDF and one logistic regression per area, on the rows and masks the network trains on.

The recipe is the usual strong one for short texts: character n-grams (2-5, within words) beside words and word pairs,
balanced classes. The regularisation strength is chosen per area on a slice of the *training* rows; the validation rows
are only scored.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from eval.metrics import average_precision
from eval.truth import make_truth
from labeling.records import LabelledText
from models.preprocess import clean_text
from training.config import TrainConfig
from training.data import select_rows
from training.train import MIN_POSITIVES

STRENGTHS = (1.0, 3.0, 10.0, 30.0)
DEFAULT_STRENGTH = 3.0
# One row in ten decides the strength, where that leaves enough positives to decide anything.
HELD_OUT_SHARE = 0.1
MIN_HELD_OUT_POSITIVES = 10
CHARACTER_FEATURES = 200_000
WORD_FEATURES = 100_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BaselineScores:
    """Logits (n, areas) of the validation rows and of those fitted on, and the inverse strength C of each learned area.

    `taught` are the logits of `rows`; they know their own labels, and serve only to fill what nobody labelled.
    """

    scores: NDArray[np.float64]
    strengths: dict[str, float]
    rows: list[LabelledText]
    taught: NDArray[np.float64]


def fit_baseline(
    config: TrainConfig,
    rows: Sequence[LabelledText],
    *,
    validation: Sequence[LabelledText],
    areas: tuple[str, ...],
) -> BaselineScores:
    """Fit on the rows that `config` selects from `rows` and score `validation`. An area that is not learned scores 0."""
    chosen = select_rows(rows, config)
    truth = make_truth(chosen, areas)
    features, to_score = _features([row.text for row in chosen], [row.text for row in validation])
    logger.info("%d rows, %d features", len(chosen), features.shape[1])
    held_out = np.random.default_rng(config.seed).random(len(chosen)) < HELD_OUT_SHARE
    scores = np.zeros((len(validation), len(areas)))
    taught = np.zeros((len(chosen), len(areas)))
    strengths: dict[str, float] = {}
    for column, area in enumerate(areas):
        known = truth.known[:, column] > 0
        labels = truth.labels[:, column] > 0
        if labels[known].sum() < MIN_POSITIVES or labels[known].all():
            continue
        strengths[area] = _choose_strength(features, labels, known=known, held_out=held_out)
        model = _fit(features[known], labels[known], strengths[area])
        # Balanced classes raise every logit by the odds against; taken back, areas can be compared and combined.
        against = math.log((~labels[known]).sum() / labels[known].sum())
        scores[:, column] = model.decision_function(to_score) - against
        taught[:, column] = model.decision_function(features) - against
        logger.info("%s: %d positives of %d, C %g", area, labels[known].sum(), known.sum(), strengths[area])
    return BaselineScores(scores, strengths, chosen, taught)


def _features(train: Sequence[str], validation: Sequence[str]) -> tuple[Any, Any]:
    vectorizers = [
        TfidfVectorizer(
            analyzer=analyzer,
            ngram_range=ngrams,
            min_df=3,
            max_features=limit,
            sublinear_tf=True,
            preprocessor=_lower_model_text,
            dtype=np.float32,
        )
        for analyzer, ngrams, limit in (
            ("char_wb", (2, 5), CHARACTER_FEATURES),
            ("word", (1, 2), WORD_FEATURES),
        )
    ]
    both = make_union(*vectorizers)
    return both.fit_transform(train), both.transform(validation)


def _lower_model_text(text: str) -> str:
    return clean_text(text).lower()


def _choose_strength(
    features: Any, labels: NDArray[np.bool_], *, known: NDArray[np.bool_], held_out: NDArray[np.bool_]
) -> float:
    fit, judge = known & ~held_out, known & held_out
    if labels[judge].sum() < MIN_HELD_OUT_POSITIVES:
        return DEFAULT_STRENGTH
    wanted = labels[judge].astype(np.float32)
    judged: dict[float, float] = {}
    for strength in STRENGTHS:
        model = _fit(features[fit], labels[fit], strength)
        judged[strength] = average_precision(wanted, model.decision_function(features[judge]))
    return max(judged, key=judged.__getitem__)


def _fit(features: Any, labels: NDArray[np.bool_], strength: float) -> Any:
    return LogisticRegression(C=strength, class_weight="balanced", solver="liblinear").fit(features, labels)
