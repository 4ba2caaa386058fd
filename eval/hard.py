"""Where filters fool themselves: harmless texts that look harmful, and pairs that differ in one word."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.dataset import field_values
from eval.figures import NOTHING, Estimate, Settings, estimates
from eval.metrics import Counts, Ranking, Statistic
from eval.scored import Scored
from labeling.records import LabelledText

# Kinds of row that are plain as they stand; harmless rows of any other kind are hard negatives.
EASY_KINDS = frozenset({"plain", "everyday"})
TAG = "hard_negative:"
ALL = "all"


@dataclass(frozen=True, slots=True)
class HardNegatives:
    """Harmless rows of one kind: n of them, and the share that is flagged (lower is better).

    `fpr` is the share in which some area reaches its threshold. `fpr_at_recall_80` is the share at or above the
    any-harm score that finds 80 % of the positives of the same file; `n_at_recall` rows lie in a file with positives.
    """

    n: int
    fpr: Estimate
    n_at_recall: int
    fpr_at_recall_80: Estimate


@dataclass(frozen=True, slots=True)
class MinimalPairs:
    """Pairs of a violating text and a harmless one that differ little. Shares are over `n` pairs, intervals by pair.

    `both_right`: a labelled area of the violating side reaches its threshold, and no annotated area of the harmless
    side does. `both_right_in_area` asks the harmless side only about the labelled areas of the other. `ordered`: the
    violating side scores higher in a labelled area. `skipped` ids do not name exactly one violating and one harmless row.
    """

    n: int
    skipped: int
    both_right: Estimate
    both_right_in_area: Estimate
    ordered: Estimate


def hard_negatives(scored: Scored, settings: Settings) -> dict[str, HardNegatives]:
    """False positives by kind, all kinds together first; empty when the rows hold none."""
    harmless = scored.harm_known & (scored.harmful == 0)
    kinds = {kind: rows & harmless for kind, rows in _kinds(scored).items()}
    chosen = {kind: rows for kind, rows in kinds.items() if rows.any()}
    if not chosen:
        return {}
    every = np.logical_or.reduce(list(chosen.values()))
    ordered = {ALL: every, **dict(sorted(chosen.items(), key=lambda one: -int(one[1].sum())))}
    rates = _rates(scored, ordered)
    has_positives = np.isin(scored.file_of, np.unique(scored.file_of[scored.harmful > 0]))
    (found,) = estimates([rates], len(scored.rows), settings)
    count = len(ordered)
    return {
        kind: HardNegatives(int(rows.sum()), found[place], int((rows & has_positives).sum()), found[count + place])
        for place, (kind, rows) in enumerate(ordered.items())
    }


def minimal_pairs(scored: Scored, settings: Settings) -> MinimalPairs | None:
    """Figures of the rows that share a `pair`; None when no row has one."""
    index: dict[str, list[int]] = {}
    for number, row in enumerate(scored.rows):
        if row.extra.get("pair") is not None:
            index.setdefault(str(row.extra["pair"]), []).append(number)
    if not index:
        return None
    harmful = scored.harmful > 0
    pairs = [sorted(rows, key=lambda one: not harmful[one]) for rows in index.values()]
    whole = [rows for rows in pairs if len(rows) == 2 and harmful[rows[0]] and not harmful[rows[1]]]
    if not whole:
        return MinimalPairs(0, len(pairs), NOTHING, NOTHING, NOTHING)
    verdicts = _verdicts(scored, np.array(whole))
    (found,) = estimates([lambda times: list(times @ verdicts / times.sum())], len(whole), settings)
    return MinimalPairs(len(whole), len(pairs) - len(whole), *found)


def _verdicts(scored: Scored, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    bad, good = pairs.T
    labelled = (scored.truth.labels[bad] > 0) & scored.usable
    reached = np.where(scored.usable, scored.scores.areas, -1.0) >= scored.thresholds
    found = (reached[bad] & labelled).any(1)
    higher = np.where(labelled, scored.scores.areas[bad] - scored.scores.areas[good], -1.0).max(1) > 0
    return np.column_stack(
        [found & ~scored.reached()[good].any(1), found & ~(reached[good] & labelled).any(1), higher]
    ).astype(np.float64)


def _rates(scored: Scored, kinds: Mapping[str, NDArray[np.bool_]]) -> Statistic:
    flagged, score = scored.flagged().astype(np.int64), scored.noisy_or()
    members = np.array(list(kinds.values()), np.int64)
    known = scored.harm_known
    files = [np.flatnonzero((scored.file_of == one) & known) for one in np.unique(scored.file_of)]
    rankings = [Ranking(scored.harmful[rows], score[rows], rows=rows) for rows in files]

    def statistic(times: Counts) -> list[float]:
        above, counted = np.zeros(len(score), np.int64), np.zeros(len(score), np.int64)
        for rows, ranking in zip(files, rankings, strict=True):
            edge = ranking.at_recall(times)[0]
            above[rows], counted[rows] = score[rows] >= edge, not np.isnan(edge)
        with np.errstate(invalid="ignore"):
            at_threshold = members @ (times * flagged) / (members @ times)
            at_recall = members @ (times * above) / (members @ (times * counted))
        return [*at_threshold.tolist(), *at_recall.tolist()]

    return statistic


def _kinds(scored: Scored) -> dict[str, NDArray[np.bool_]]:
    found: dict[str, NDArray[np.bool_]] = {}
    for number, row in enumerate(scored.rows):
        for kind in _kinds_of(row):
            found.setdefault(kind, np.zeros(len(scored.rows), bool))[number] = True
    return found


def _kinds_of(row: LabelledText) -> set[str]:
    tagged = {tag.removeprefix(TAG) for tag in field_values(row, "tags") if tag.startswith(TAG)}
    return tagged | (field_values(row, "kind") - EASY_KINDS)
