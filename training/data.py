"""Labelled rows to arrays: which rows train, what is known about each, and batches of like length."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from labeling.records import LabelledText
from models.preprocess import clean_text
from training.config import TrainConfig

# How far a label is trusted: expert labels count for more than labels derived from where a text was found.
QUALITY_WEIGHTS = {"gold": 1.5, "silver": 1.0, "construction": 0.7, "weak": 0.5}

UNKNOWN_SEVERITY = -1


@dataclass(frozen=True, slots=True)
class Targets:
    """What is known of n rows: labels and mask (n, areas) as 0/1 floats, severity (n,) with -1 for unknown."""

    labels: NDArray[np.float32]
    known: NDArray[np.float32]
    severity: NDArray[np.int64]
    weight: NDArray[np.float32]


def select_rows(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows that train: permitted licences, positives first, no more of one source than the caps allow."""
    by_source: dict[str, list[LabelledText]] = defaultdict(list)
    for row in rows:
        if not config.licences or row.licence in config.licences:
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


def make_targets(rows: Sequence[LabelledText], areas: Sequence[str]) -> Targets:
    """Arrays of labels, masks, severities and weights for `rows`, columns in the order of `areas`."""
    column = {area: index for index, area in enumerate(areas)}
    labels = np.zeros((len(rows), len(areas)), np.float32)
    known = np.zeros_like(labels)
    severity = np.full(len(rows), UNKNOWN_SEVERITY, np.int64)
    for index, row in enumerate(rows):
        known[index, [column[area] for area in row.annotated_areas if area in column]] = 1
        labels[index, [column[area] for area in row.policy_areas if area in column]] = 1
        if row.severity is not None:
            severity[index] = row.severity
    weight = np.array([QUALITY_WEIGHTS.get(row.label_quality, 1.0) * row.weight for row in rows], np.float32)
    return Targets(labels, known, severity, weight)


def repeat_rare(targets: Targets, *, below: int, at_most: int) -> NDArray[np.int64]:
    """Row indices with the positives of rare areas repeated, so that an epoch shows each area often enough."""
    repeats = np.ones(len(targets.labels), np.int64)
    positives = targets.labels.sum(0)
    for area in np.flatnonzero((positives > 0) & (positives < below)):
        times = min(at_most, int(below / positives[area]))
        chosen = targets.labels[:, area] > 0
        repeats[chosen] = np.maximum(repeats[chosen], times)
    return np.repeat(np.arange(len(repeats)), repeats)


def encode_rows(rows: Sequence[LabelledText], tokenizer: Tokenizer, *, max_tokens: int) -> list[NDArray[np.int64]]:
    """Token ids of each row's model text, special tokens included, at most `max_tokens` long."""
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch_fast([clean_text(row.text) for row in rows])
    return [np.array(one.ids, np.int64) for one in encoded]


def bucketed(
    lengths: NDArray[np.int64], batch: int, *, generator: np.random.Generator | None, chunk: int = 50
) -> Iterator[NDArray[np.int64]]:
    """Yield index batches of like length; with a generator in random order, without one from short to long."""
    if generator is None:
        order = np.argsort(lengths, kind="stable")
        yield from (order[start : start + batch] for start in range(0, len(order), batch))
        return
    order = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch * chunk):
        part = order[start : start + batch * chunk]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[at : at + batch] for at in range(0, len(part), batch)]
    yield from (batches[index] for index in generator.permutation(len(batches)))


def pad(ids: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack rows of ids to (batch, longest) with zeros behind, and the attention mask that goes with it."""
    longest = max(len(row) for row in ids)
    stacked = np.zeros((len(ids), longest), np.int64)
    mask = np.zeros_like(stacked)
    for index, row in enumerate(ids):
        stacked[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return stacked, mask
