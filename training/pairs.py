"""Minimal pairs: two texts alike but for a word, one violating and one not, seen side by side and pulled apart."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from labeling.records import LabelledText

# How far apart the logits of the two should be: the odds of the violating one twenty times those of the other.
MARGIN = 3.0
# The field of a row that both texts of a pair share.
PAIR = "pair"
NOBODY = -1


def find_twins(rows: Sequence[LabelledText]) -> NDArray[np.int64]:
    """For each row the index of the other text of its pair (n,), NOBODY where there is none or where three claim it."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.extra.get(PAIR):
            members[f"{row.source} {row.extra[PAIR]}"].append(index)
    twins = np.full(len(rows), NOBODY, np.int64)
    for both in members.values():
        if len(both) == 2:
            twins[both] = both[::-1]
    return twins


def with_twins(index: NDArray[np.int64], twins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of a batch, those behind them whose twin is among them and they are not."""
    wanted = np.unique(twins[index])
    return np.concatenate([index, wanted[(wanted != NOBODY) & ~np.isin(wanted, index)]])


def pair_loss(
    logits: torch.Tensor, index: NDArray[np.int64], twins: NDArray[np.int64], violating: NDArray[np.bool_]
) -> torch.Tensor:
    """Mean of softplus(MARGIN - difference) over the pairs of a batch and the areas that only one of them violates.

    `logits` (batch, areas) are those of `index`; `violating` (n, areas) is of all rows. 0 for a batch without pairs.
    A label per text leaves the network free to answer by the topic that both share; their difference does not.
    """
    place = {int(row): at for at, row in enumerate(index)}
    firsts = [row for row in place if int(twins[row]) in place]
    differ = violating[firsts] & ~violating[twins[firsts]]
    pairs, areas = np.nonzero(differ)
    above = [place[firsts[pair]] for pair in pairs]
    below = [place[int(twins[firsts[pair]])] for pair in pairs]
    apart = logits[above, areas] - logits[below, areas]
    return functional.softplus(MARGIN - apart).sum() / max(len(apart), 1)
