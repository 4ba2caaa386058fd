"""What training minimises: masked cross entropy of the areas, and that of the ordinal heads where a level is known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from eval.truth import UNKNOWN_SEVERITY, Truth
from training.config import TrainConfig
from training.data import UNKNOWN_GRAPHIC, Targets


@dataclass(slots=True)
class Rows:
    """Encoded rows with what is known of them and how often each stands in an epoch."""

    ids: list[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    truth: Truth
    targets: Targets
    weight: NDArray[np.float32]
    pool: NDArray[np.int64]


Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
LossOf = Callable[[Outputs, NDArray[np.int64]], torch.Tensor]


def make_loss(rows: Rows, config: TrainConfig, device: torch.device) -> LossOf:
    """Masked area loss plus cumulative losses of severity and graphic level.

    Positives weigh sqrt(negatives / positives), at most 5.
    """
    target, known = (torch.from_numpy(one).to(device) for one in (rows.targets.areas, rows.truth.known))
    weight = torch.from_numpy(rows.weight).to(device)
    severity = torch.from_numpy(rows.truth.severity).to(device)
    graphic = torch.from_numpy(rows.targets.graphic).to(device)
    positives = (target * known).sum(0)
    balance = ((known.sum(0) - positives) / positives.clamp(min=1)).clamp(min=1).sqrt().clamp(max=5)

    def loss_of(logits: Outputs, index: NDArray[np.int64]) -> torch.Tensor:
        at = torch.from_numpy(index).to(device)
        mask = known[at] * weight[at, None]
        each = functional.binary_cross_entropy_with_logits(logits[0], target[at], pos_weight=balance, reduction="none")
        loss = (each * mask).sum() / mask.sum().clamp(min=1)
        loss = loss + config.severity_loss * ordinal_loss(logits[1], severity[at], UNKNOWN_SEVERITY)
        return loss + config.graphic_loss * ordinal_loss(logits[2], graphic[at], UNKNOWN_GRAPHIC)

    return loss_of


def ordinal_loss(logits: torch.Tensor, levels: torch.Tensor, unknown: int) -> torch.Tensor:
    """Cross entropy of the steps "more than k", over the rows whose level is known; 0 where there is none."""
    above = (levels[:, None] > torch.arange(logits.shape[1], device=logits.device)).float()
    each = functional.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(1)
    known = (levels != unknown).float()
    return (each * known).sum() / known.sum().clamp(min=1)
