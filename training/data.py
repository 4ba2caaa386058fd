"""Labelled rows to training material: which rows train, how much each counts, and batches of like length."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.truth import Truth
from labeling.records import LabelledText
from training.config import TrainConfig

# How far a label is trusted: expert labels count for more than labels derived from where a text was found.
QUALITY_WEIGHTS = {"gold": 1.5, "silver": 1.0, "construction": 0.7, "weak": 0.5}

# Batches of like length are cut from stretches of this many batches, so that order stays random from one to the next.
BATCHES_SORTED_TOGETHER = 50


def permitted(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows whose licence the configuration allows; all of them where it names no licences."""
    return [row for row in rows if not config.licences or row.licence in config.licences]


def select_rows(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows that train: permitted licences, positives first, no more of one source than the caps allow."""
    by_source: dict[str, list[LabelledText]] = defaultdict(list)
    for row in permitted(rows, config):
        by_source[row.source].append(row)
    chosen: list[LabelledText] = []
    for source in sorted(by_source):
        members = by_source[source]
        random.Random(f"{config.seed}:{source}").shuffle(members)
        cap = config.cap_per_source if members[0].lang == "en" else config.cap_per_source_other
        positive = [row for row in members if row.policy_areas][:cap]
        negative = [row for row in members if not row.policy_areas]
        room = max(cap - len(positive), min(len(negative), cap // 2))
        chosen += positive + negative[:room]
    return chosen


def describe_rows(rows: Sequence[LabelledText]) -> dict[str, Any]:
    """Where rows come from and what they say, as counts: sources with their licence, languages, positives by area."""
    licences = {row.source: row.licence for row in rows}
    return {
        "sources": {
            source: {"rows": count, "licence": licences[source]}
            for source, count in sorted(Counter(row.source for row in rows).items())
        },
        "languages": dict(Counter(row.lang for row in rows).most_common()),
        "positives": dict(Counter(area for row in rows for area in row.policy_areas).most_common()),
    }


def row_weights(rows: Sequence[LabelledText]) -> NDArray[np.float32]:
    """How much each row counts in the loss: trust in its kind of label times its own weight."""
    return np.array([QUALITY_WEIGHTS.get(row.label_quality, 1.0) * row.weight for row in rows], np.float32)


def repeat_rare(truth: Truth, *, below: int, at_most: int) -> NDArray[np.int64]:
    """Row indices with the positives of rare areas repeated, so that an epoch shows each area often enough."""
    repeats = np.ones(len(truth.labels), np.int64)
    positives = truth.labels.sum(0)
    for area in np.flatnonzero((positives > 0) & (positives < below)):
        times = min(at_most, int(below / positives[area]))
        chosen = truth.labels[:, area] > 0
        repeats[chosen] = np.maximum(repeats[chosen], times)
    return np.repeat(np.arange(len(repeats)), repeats)


def shuffled_batches(
    lengths: NDArray[np.int64], batch: int, *, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield index batches of like length in random order: one epoch."""
    order = generator.permutation(len(lengths))
    stretch = batch * BATCHES_SORTED_TOGETHER
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[at : at + batch] for at in range(0, len(part), batch)]
    yield from (batches[index] for index in generator.permutation(len(batches)))
