"""Labelled rows to training material: which rows train, how much each counts, and batches of like length."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.truth import UNKNOWN_SEVERITY, Truth
from labeling.records import LabelledText, RecordError
from labeling.taxonomy import GRAPHIC_LEVELS
from training.config import TrainConfig

# How far a label is trusted: expert labels count for more than labels derived from where a text was found.
QUALITY_WEIGHTS = {"gold": 1.5, "silver": 1.0, "construction": 0.7, "weak": 0.5}

# Batches of like length are cut from stretches of this many batches, so that order stays random from one to the next.
BATCHES_SORTED_TOGETHER = 50

UNKNOWN_GRAPHIC = UNKNOWN_SEVERITY
# The field of a row that holds what teachers say of it.
TAUGHT = "taught"


@dataclass(frozen=True, slots=True)
class Targets:
    """What the network should say: area probabilities (n, areas), graphic level (n,) with UNKNOWN_GRAPHIC.

    A probability is the label, or between 0 and 1 where the two labels of a row differ. `taught` (n, areas) is what
    teachers say, NaN where they say nothing; `rated` (n,) marks severities that people gave.
    """

    areas: NDArray[np.float32]
    graphic: NDArray[np.int64]
    taught: NDArray[np.float32]
    rated: NDArray[np.bool_]


def make_targets(rows: Sequence[LabelledText], truth: Truth, areas: Sequence[str]) -> Targets:
    """Targets of `rows`, from the optional fields `soft` and `taught` {area: probability} and `graphic` 0-3 of each.

    Raises RecordError for other values; null is as good as no field.
    """
    targets = truth.labels.copy()
    graphic = np.full(len(rows), UNKNOWN_GRAPHIC, np.int64)
    taught = np.full(targets.shape, np.nan, np.float32)
    column = {area: index for index, area in enumerate(areas)}
    for index, row in enumerate(rows):
        graphic[index] = _graphic(row)
        for name, into in (("soft", targets), (TAUGHT, taught)):
            for area, probability in _probabilities(row, name).items():
                if area in column:
                    into[index, column[area]] = probability
    rated = np.array([row.extra.get("severity_basis") == "human" for row in rows], bool)
    return Targets(targets, graphic, taught, rated)


def _graphic(row: LabelledText) -> int:
    level = row.extra.get("graphic")
    if level is None:
        return UNKNOWN_GRAPHIC
    if type(level) is not int or level not in range(GRAPHIC_LEVELS):
        raise RecordError(f"row {row.id}: graphic must be 0-{GRAPHIC_LEVELS - 1} or null, not {level!r}")
    return level


def _probabilities(row: LabelledText, name: str) -> dict[str, float]:
    found = row.extra.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RecordError(f"row {row.id}: {name} must be an object of area and probability, not {found!r}")
    for area, value in found.items():
        # A NaN is not between 0 and 1 either.
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise RecordError(f"row {row.id}: {name}.{area} must be a probability, not {value!r}")
    return found


def permitted(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows whose licence the configuration allows, all where it names none, without the sources it excludes."""
    return [row for row in kept_sources(rows, config) if not config.licences or row.licence in config.licences]


def kept_sources(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows without those of sources that the configuration excludes, and whose text no such source holds too."""
    excluded = frozenset(config.exclude_sources)
    return [row for row in rows if excluded.isdisjoint({row.source, *(row.extra.get("also_in") or ())})]


def select_rows(rows: Sequence[LabelledText], config: TrainConfig) -> list[LabelledText]:
    """The rows that train: permitted licences, and of each source as many positives as its cap.

    Rows without an area fill what positives leave of the cap, but may always be half of it: of a source with many of
    both up to one and a half caps are taken. A source is of the language that most of its rows are in. Uncapped sources
    give all they have.
    """
    by_source: dict[str, list[LabelledText]] = defaultdict(list)
    for row in permitted(rows, config):
        by_source[row.source].append(row)
    chosen: list[LabelledText] = []
    for source in sorted(by_source):
        members = by_source[source]
        if source in config.uncapped_sources:
            chosen += members
            continue
        random.Random(f"{config.seed}:{source}").shuffle(members)
        english = sum(row.lang == "en" for row in members)
        cap = config.cap_per_source if 2 * english > len(members) else config.cap_per_source_other
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
    """How much each row counts in the loss: trust in its kind of label times its own weight.

    Raises RecordError for a weight below 0 or without end: one such row would spoil the whole network.
    """
    for row in rows:
        if not (math.isfinite(row.weight) and row.weight >= 0):
            raise RecordError(f"row {row.id}: weight must be a number from 0 on, not {row.weight!r}")
    return np.array([QUALITY_WEIGHTS.get(row.label_quality, 1.0) * row.weight for row in rows], np.float32)


def repeat_rare(truth: Truth, *, below: int, at_most: int) -> NDArray[np.int64]:
    """How often each row stands in an epoch (n,): more than once for positives of rare areas."""
    repeats = np.ones(len(truth.labels), np.int64)
    positives = truth.labels.sum(0)
    for area in np.flatnonzero((positives > 0) & (positives < below)):
        times = min(at_most, int(below / positives[area]))
        chosen = truth.labels[:, area] > 0
        repeats[chosen] = np.maximum(repeats[chosen], times)
    return repeats


def repeat_sources(rows: Sequence[LabelledText], config: TrainConfig) -> NDArray[np.int64]:
    """How often each row stands in an epoch (n,): `repeat_times` for sources that begin as the configuration says."""
    return np.array(
        [config.repeat_times if row.source.startswith(config.repeat_sources or ("\0",)) else 1 for row in rows],
        np.int64,
    )


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
