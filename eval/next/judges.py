"""Who says how likely each area applies to texts that wait for a label: a bundle, a score file, the quick learner, or a person."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.metrics import Values
from eval.next.learner import AreaModel, Sparse
from eval.sample import thresholds_of
from eval.scores import read_scores, scores_of
from eval.truth import make_truth
from labeling.records import LabelledText
from models.inference import OnnxScorer

# Where nobody set an operating point, a probability of a half is one.
NO_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Judge:
    """Probabilities (n, areas), NaN where it says nothing, operating points (areas,), and who it is."""

    name: str
    probabilities: Values
    thresholds: Values


def by_bundle(folder: Path, rows: Sequence[LabelledText], areas: Sequence[str], *, threads: int) -> Judge:
    """Score the rows now. Raises BundleError."""
    scorer = OnnxScorer.load(folder, threads=threads)
    scores = scores_of(scorer, rows, areas, progress=lambda done: print(f"{done} rows", file=sys.stderr))
    unlearned = [area not in scorer.trained_areas for area in areas]
    return Judge(
        f"bundle {scorer.bundle_hash}",
        np.where(unlearned, math.nan, scores.areas),
        _points(thresholds_of(folder), areas),
    )


def by_scores(path: Path, bundle: Path | None, rows: Sequence[LabelledText], areas: Sequence[str]) -> Judge:
    """Read a score file; operating points are those of the bundle, if one is named. Raises ScoreError, BundleError."""
    points = _points({} if bundle is None else thresholds_of(bundle), areas)
    return Judge(f"scores {path.name}", read_scores(path, rows, areas).areas, points)


def by_learner(models: Mapping[str, AreaModel], features: Sparse, areas: Sequence[str]) -> Judge:
    """The quick learner, fitted on what is labelled."""
    found = np.full((features.shape[0], len(areas)), math.nan)
    for column, area in enumerate(areas):
        if area in models:
            found[:, column] = models[area].probabilities(features)
    points = np.array([models[area].threshold if area in models else NO_THRESHOLD for area in areas])
    return Judge("TF-IDF and logistic regression", found, points)


def by_people(rows: Sequence[LabelledText], areas: Sequence[str]) -> Judge:
    """The labels that the rows carry, as certain as their givers were."""
    truth = make_truth(rows, areas)
    said = np.where(truth.known > 0, truth.labels, math.nan).astype(np.float64)
    return Judge("labels of the rows", said, np.full(len(areas), NO_THRESHOLD))


def _points(given: Mapping[str, float], areas: Sequence[str]) -> Values:
    return np.array([given.get(area, NO_THRESHOLD) for area in areas])
