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
from training.pairs import pair_loss
from training.robust import GroupDro


@dataclass(slots=True)
class Rows:
    """Encoded rows with what is known of them, how often each stands in an epoch, its source and its twin."""

    ids: list[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    truth: Truth
    targets: Targets
    weight: NDArray[np.float32]
    pool: NDArray[np.int64]
    sources: NDArray[np.int64]
    twins: NDArray[np.int64]


Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
LossOf = Callable[[Outputs, NDArray[np.int64]], torch.Tensor]


def make_loss(rows: Rows, config: TrainConfig, device: torch.device, dro: GroupDro | None = None) -> LossOf:
    """Masked area loss plus cumulative losses of severity and graphic level.

    Positives weigh sqrt(negatives / positives), at most 5. What teachers say stands in where nobody labelled an area, and
    beside the label elsewhere, each as far as `config` says; such areas do not take from the weight of labelled ones.
    `dro` weighs the sources of a batch and learns from its area losses.
    """
    known, positives = rows.truth.known, (rows.targets.areas * rows.truth.known).sum(0)
    balance = np.sqrt(np.clip((known.sum(0) - positives) / np.maximum(positives, 1), 1, 25)).astype(np.float32)
    share, stands_in = _teaching(rows, config)
    mixed = (1 - share) * rows.targets.areas + share * np.nan_to_num(rows.targets.taught)
    target, labelled, mask, weight, raised = (
        torch.from_numpy(one).to(device) for one in (mixed, known, known + stands_in, rows.weight, balance)
    )
    severity = torch.from_numpy(rows.truth.severity).to(device)
    graphic = torch.from_numpy(rows.targets.graphic).to(device)
    rated = torch.from_numpy(np.where(rows.targets.rated, config.rated_severity, 1.0).astype(np.float32)).to(device)

    violating = (rows.truth.labels > 0) & (known > 0)

    def loss_of(logits: Outputs, index: NDArray[np.int64]) -> torch.Tensor:
        at = torch.from_numpy(index).to(device)
        counts = weight[at, None]
        each = functional.binary_cross_entropy_with_logits(logits[0], target[at], pos_weight=raised, reduction="none")
        if dro:
            dro.learn((each * labelled[at]).sum(1) / labelled[at].sum(1).clamp(min=1), index)
            counts = counts * torch.from_numpy(dro.weights(index)).to(device)[:, None]
        loss: torch.Tensor = (each * mask[at] * counts).sum() / (labelled[at] * counts).sum().clamp(min=1)
        loss = loss + config.severity_loss * ordinal_loss(logits[1], severity[at], UNKNOWN_SEVERITY, rated[at])
        if config.pair_loss:
            loss = loss + config.pair_loss * pair_loss(logits[0], index, rows.twins, violating)
        return loss + config.graphic_loss * ordinal_loss(logits[2], graphic[at], UNKNOWN_GRAPHIC)

    return loss_of


def _teaching(rows: Rows, config: TrainConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far the teachers' word replaces each target, and how much it counts where there is no label: (n, areas) each."""
    taught = ~np.isnan(rows.targets.taught)
    known = rows.truth.known > 0
    share = np.where(known, config.teacher_share, 1.0) * taught
    return share.astype(np.float32), (taught & ~known).astype(np.float32) * np.float32(config.teacher_unlabelled)


def ordinal_loss(
    logits: torch.Tensor, levels: torch.Tensor, unknown: int, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Cross entropy of the steps "more than k", over the rows whose level is known; 0 where there is none.

    `weight` (batch,) is how much each row counts among them.
    """
    above = (levels[:, None] > torch.arange(logits.shape[1], device=logits.device)).float()
    each = functional.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(1)
    known = (levels != unknown).float() * (1.0 if weight is None else weight)
    return (each * known).sum() / known.sum().clamp(min=1)
