"""Against shortcuts: rows weighed so that neither a mention of people nor an easy source decides what is learned."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from eval.identity import groups_mentioned
from labeling.records import LabelledText

# The area that public data finds in nearly every text that names a group.
AREA = "hateful_conduct"
# How far a row may be raised above, or a violating one lowered below, what it would count otherwise.
MOST, LEAST = 4.0, 0.5


def mention_weights(rows: Sequence[LabelledText]) -> NDArray[np.float32]:
    """Factors (n,) after which a mention of a group says as little about hate as its absence does.

    In public data most texts that name Jews or women are hateful, so that a network learns the name. Of rows that
    mention a group the harmless ones are raised, at most to MOST, and what is still missing is taken off the violating
    ones, until their odds are those of rows that mention nobody (reweighting: Kamiran and Calders 2012).
    """
    labels = np.array([_violates(row) for row in rows])
    mentioned = groups_mentioned(rows)
    nobody = ~np.logical_or.reduce(list(mentioned.values()))
    factors = np.ones(len(rows), np.float32)
    odds = _odds(labels[nobody])
    for rows_of in mentioned.values():
        found = _odds(labels[rows_of])
        if not odds or not found or found <= odds:
            continue
        raised = min(found / odds, MOST)
        lowered = max(odds * raised / found, LEAST)
        harmless, violating = rows_of & (labels == 0), rows_of & (labels == 1)
        factors[harmless] = np.maximum(factors[harmless], raised)
        factors[violating] = np.minimum(factors[violating], lowered)
    return factors


def source_numbers(rows: Sequence[LabelledText]) -> NDArray[np.int64]:
    """The source of each row (n,) as a number from 0 on."""
    return np.unique([row.source for row in rows], return_inverse=True)[1].astype(np.int64)


class GroupDro:
    """Weights of groups of rows that rise while a group is learned worse than others.

    Group distributionally robust optimisation (Sagawa et al. 2020, algorithm 1) with shares between a fifth and five
    times of even ones, as a group of wrong labels would otherwise take all. `shares` is the whole state.
    """

    def __init__(self, groups: NDArray[np.int64], rate: float, *, shares: Sequence[float] = ()) -> None:
        """`groups` (n,) counts from 0; `rate` is the step size; `shares` are those of a run that is gone on from."""
        self._groups = groups
        self._rate = rate
        count = int(groups.max()) + 1
        self.shares = np.array(shares, np.float64) if len(shares) else np.full(count, 1 / count)

    def weights(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """How much each row of the batch counts (b,); 1 where shares are even."""
        return (self.shares[self._groups[index]] * len(self.shares)).astype(np.float32)

    def learn(self, losses: torch.Tensor, index: NDArray[np.int64]) -> None:
        """Move the shares by the losses (b,) of the rows of a batch."""
        groups = self._groups[index]
        sums = np.bincount(groups, losses.detach().cpu().numpy(), len(self.shares))
        counts = np.bincount(groups, minlength=len(self.shares))
        shares = self.shares * np.exp(self._rate * sums / np.maximum(counts, 1))
        even = 1 / len(shares)
        shares = np.clip(shares / shares.sum(), even / 5, even * 5)
        self.shares = shares / shares.sum()


def _violates(row: LabelledText) -> int:
    """1 or 0 for what is known of the row; -1 where nobody looked."""
    return int(AREA in row.policy_areas) if AREA in row.annotated_areas else -1


def _odds(labels: NDArray[np.int64]) -> float:
    counts = Counter(labels.tolist())
    return counts[1] / counts[0] if counts[0] else 0.0
