"""What makes a text worth labelling: the model is unsure of it, two disagree on it, or nothing like it is labelled.

Pure functions on arrays. Rows are texts; directions of texts (`vectors`) have length 1, so that a dot product is their likeness.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values
from eval.next.tools import tool

Rows = NDArray[np.int64]

# Rows whose likeness is computed at a time.
CHUNK = 4_096
CLUSTER_ROUNDS = 30
# Of so many times the wanted rows, the most valuable, those that lie apart are taken (Zhdanov 2019, batches by k-means).
SHORTLIST = 5
# A probability this near to 0 or 1 is as sure as it gets.
SURE = 1e-6


def margin(probabilities: Values, thresholds: Values) -> Values:
    """(n, areas) from 0 to 1, 1 on the operating point: exp(-distance from it in log-odds)."""
    return np.asarray(np.exp(-np.abs(_logit(probabilities) - _logit(thresholds))))


def entropy(probabilities: Values, _thresholds: Values) -> Values:
    """(n, areas) from 0 to 1: bits that the answer would tell."""
    p = np.clip(probabilities, SURE, 1 - SURE)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


UNCERTAINTY: dict[str, Callable[[Values, Values], Values]] = {"margin": margin, "entropy": entropy}


def disagreement(one: Values, other: Values) -> Values:
    """(n, areas) from 0 to 1: how far two judges are apart."""
    return np.asarray(np.abs(one - other))


def highest(values: Values) -> Values:
    """(n,) the highest of each row of (n, areas); an area of NaN says nothing, and 0 is left where none says anything."""
    return np.asarray(np.where(np.isnan(values), 0.0, values).max(1, initial=0.0), np.float64)


def strangeness(vectors: Values, labelled: Values) -> Values:
    """(n,) from 0 to 2: one minus the likeness to the labelled text that is most like it; 2 where nothing is labelled."""
    found = np.full(len(vectors), 2.0)
    if not len(labelled):
        return found
    for start in range(0, len(vectors), CHUNK):
        found[start : start + CHUNK] = 1 - (vectors[start : start + CHUNK] @ labelled.T).max(1)
    return np.asarray(np.clip(found, 0.0, 2.0), np.float64)


def most_valued(values: Values, count: int) -> Rows:
    """The `count` rows of the highest value, highest first; of equal ones the earlier."""
    return np.argsort(-values, kind="stable")[:count].astype(np.int64)


def spread(vectors: Values, values: Values, count: int, *, seed: int) -> Rows:
    """Of the most valuable rows, `count` that lie apart: one for each cluster, so that no batch holds a text many times."""
    shortlist = most_valued(values, SHORTLIST * count)
    return shortlist[clustered(vectors[shortlist], count, seed=seed, weights=values[shortlist])]


def clustered(vectors: Values, count: int, *, seed: int, weights: Values | None = None) -> Rows:
    """`count` rows, each the nearest to the middle of one cluster of its own."""
    if count >= len(vectors):
        return np.arange(len(vectors), dtype=np.int64)
    # Copies are one point; more clusters than points cannot be.
    points = len(np.unique(np.round(vectors, 6), axis=0))
    clusters = tool("sklearn.cluster").MiniBatchKMeans(
        min(count, points), n_init=1, max_iter=CLUSTER_ROUNDS, random_state=seed, batch_size=CHUNK
    )
    # Weights of zero would leave a cluster without a middle.
    # Several threads wait for each other longer than they work: one, whatever the machine has.
    with tool("threadpoolctl").threadpool_limits(1):
        fitted: Any = clusters.fit(vectors, sample_weight=None if weights is None else np.maximum(weights, SURE))
    away = np.linalg.norm(vectors - fitted.cluster_centers_[fitted.labels_], axis=1)
    order = np.lexsort((away, fitted.labels_))
    first = np.unique(fitted.labels_[order], return_index=True)[1]
    chosen = order[first][:count]
    rest = np.setdiff1d(np.argsort(-away, kind="stable"), chosen, assume_unique=True)
    return np.concatenate([chosen, rest[: count - len(chosen)]]).astype(np.int64)


def farthest_first(vectors: Values, labelled: Values, count: int) -> tuple[Rows, Values]:
    """`count` rows, each the one least like all that is labelled or chosen before it (k-center), with how far it was."""
    distance = strangeness(vectors, labelled)
    chosen: list[int] = []
    away: list[float] = []
    for _ in range(min(count, len(vectors))):
        row = int(np.argmax(distance))
        chosen.append(row)
        away.append(float(distance[row]))
        distance = np.minimum(distance, 1 - vectors @ vectors[row])
        distance[chosen] = -1.0
    return np.array(chosen, np.int64), np.array(away)


def _logit(p: Values) -> Values:
    clipped = np.clip(p, SURE, 1 - SURE)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))
