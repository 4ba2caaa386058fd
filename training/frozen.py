"""Layers that do not train give the same states for a row in every epoch: computed once, then kept."""

import numpy as np
import torch
from numpy.typing import NDArray

from models.definition import TriageNetwork
from models.inference import pad
from training.config import ConfigError, TrainConfig
from training.loss import Rows


class FrozenStates:
    """What embeddings and frozen layers make of rows, computed without dropout when a row is first asked for.

    Kept in half precision: 2 * hidden size bytes a token, about 40 kB for a row of 50 tokens of e5-small. A run that
    goes on after a kill computes them anew, in other batches, so it ends within rounding and not bit for bit.
    """

    def __init__(self, network: TriageNetwork, rows: Rows) -> None:
        self._network = network
        self._rows = rows
        self._kept: dict[int, NDArray[np.float16]] = {}

    def of(self, index: NDArray[np.int64]) -> torch.Tensor:
        """States (batch, length, hidden) of the rows, zero behind the end of each."""
        missing = np.array([one for one in index.tolist() if one not in self._kept], np.int64)
        if len(missing):
            self._compute(missing)
        lengths = self._rows.lengths[index]
        width = self._kept[int(index[0])].shape[1]
        states = np.zeros((len(index), int(lengths.max()), width), np.float32)
        for place, one in enumerate(index.tolist()):
            states[place, : lengths[place]] = self._kept[one]
        return torch.from_numpy(states).to(self._network.wide.weight.device)

    @torch.no_grad()
    def _compute(self, index: NDArray[np.int64]) -> None:
        device = self._network.wide.weight.device
        ids, mask = (torch.from_numpy(one).to(device) for one in pad([self._rows.ids[one] for one in index]))
        found = self._network.states_below(ids, mask).to(torch.float16).cpu().numpy()
        for place, one in enumerate(index.tolist()):
            self._kept[one] = found[place, : self._rows.lengths[one]].copy()


def frozen_states(network: TriageNetwork, rows: Rows, config: TrainConfig) -> FrozenStates | None:
    """The cache that `config` asks for. Raises ConfigError where the layers below change while training."""
    if not config.cache_frozen:
        return None
    if config.train_embeddings or not config.frozen_layers:
        raise ConfigError(
            "cache_frozen: needs frozen_layers above 0 and train_embeddings = false; what changes cannot be kept"
        )
    return FrozenStates(network, rows)
