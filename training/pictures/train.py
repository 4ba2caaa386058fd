"""Fine-tune a Hugging Face image model on a team's own labelled pictures: one output for each class, each by itself."""

import copy
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoConfig, AutoModelForImageClassification

from eval.pictures.data import LabelledPicture, pixels
from models.image_input import InputRule
from training.pictures.errors import PictureTrainingError
from training.pictures.prepare import rule_of

# Threads that decode pictures while the network waits for them.
_DECODERS = 4
_WARM_UP = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureConfig:
    """How to train. `rate` is the highest learning rate, reached after a tenth of the steps, then falling to 0."""

    epochs: int = 4
    batch: int = 32
    rate: float = 5e-5
    weight_decay: float = 0.01
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class TrainedPictures:
    """A network, the classes of its outputs in order, how it wants its pictures, and what each epoch came to."""

    network: nn.Module
    classes: tuple[str, ...]
    rule: InputRule
    losses: tuple[dict[str, float], ...]


def load_network(folder: Path, classes: Sequence[str]) -> tuple[nn.Module, InputRule]:
    """The model in `folder` with a new head for these classes, and how it wants its pictures.

    Nothing is downloaded and none of the folder's own code is run. Raises PictureTrainingError.
    """
    try:
        config = AutoConfig.from_pretrained(
            folder, local_files_only=True, num_labels=len(classes), problem_type="multi_label_classification"
        )
        network = AutoModelForImageClassification.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True, ignore_mismatched_sizes=True
        )
    except (OSError, ValueError) as error:
        raise PictureTrainingError(f"{folder}: is no image model that can be loaded ({error})") from error
    return network, rule_of(folder, image_size=getattr(config, "image_size", None))


def fine_tune(
    network: nn.Module,
    rule: InputRule,
    classes: Sequence[str],
    pictures: Sequence[LabelledPicture],
    config: PictureConfig,
) -> TrainedPictures:
    """Train on the part `train` of the pictures and keep the epoch with the least loss on the part `validation`.

    A class that nobody looked for in a picture takes no part in the loss. Raises PictureTrainingError where a part or
    a class has no pictures to learn from.
    """
    parts = {part: [one for one in pictures if one.part == part] for part in ("train", "validation")}
    _check(parts, classes)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    generator = np.random.default_rng(config.seed)
    steps = config.epochs * -(-len(parts["train"]) // config.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share_of_rate(step, steps))
    best: tuple[float, dict[str, Any]] = (float("inf"), {})
    losses: list[dict[str, float]] = []
    with ThreadPoolExecutor(_DECODERS) as decoders:
        for _ in range(config.epochs):
            network.train()
            order, total = generator.permutation(len(parts["train"])), 0.0
            for start in range(0, len(order), config.batch):
                rows = [parts["train"][place] for place in order[start : start + config.batch]]
                inputs = _inputs(rows, rule, decoders)
                flipped = generator.random(len(rows)) < 0.5
                inputs[flipped] = inputs[flipped][:, :, :, ::-1]
                loss = _loss(network, inputs, rows, classes)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                total += float(loss.detach()) * len(rows)
            seen = {"train": total / len(order), "validation": _validation(network, parts["validation"], rule, classes)}
            losses.append(seen)
            logger.info("epoch %d: loss %.4f, on validation pictures %.4f", len(losses), *seen.values())
            if seen["validation"] < best[0]:
                best = (seen["validation"], copy.deepcopy(network.state_dict()))
    if not best[1]:
        raise PictureTrainingError("the loss was never a number; lower --rate")
    network.load_state_dict(best[1])
    network.eval()
    return TrainedPictures(network, tuple(classes), rule, tuple(losses))


def logits_of(network: nn.Module, inputs: NDArray[np.float32]) -> torch.Tensor:
    """Logits (n, classes) of prepared pictures."""
    logits: torch.Tensor = network(pixel_values=torch.from_numpy(inputs)).logits
    return logits


def _check(parts: dict[str, list[LabelledPicture]], classes: Sequence[str]) -> None:
    for part, pictures in parts.items():
        for name in classes:
            labels = [one.labels[name] for one in pictures if name in one.labels]
            if not any(labels) or all(labels):
                raise PictureTrainingError(
                    f"{name}: the part {part!r} has {sum(labels)} pictures with it and {len(labels) - sum(labels)} without;"
                    " both are needed. Label more, or leave the class out with --class"
                )


def _share_of_rate(step: int, steps: int) -> float:
    warm = max(1, round(_WARM_UP * steps))
    return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def _inputs(rows: Sequence[LabelledPicture], rule: InputRule, decoders: ThreadPoolExecutor) -> NDArray[np.float32]:
    return np.stack(list(decoders.map(lambda one: rule.prepare(pixels(one)), rows)))


def _loss(
    network: nn.Module, inputs: NDArray[np.float32], rows: Sequence[LabelledPicture], classes: Sequence[str]
) -> torch.Tensor:
    known = torch.tensor([[float(name in one.labels) for name in classes] for one in rows])
    labels = torch.tensor([[float(one.labels.get(name, False)) for name in classes] for one in rows])
    each = nn.functional.binary_cross_entropy_with_logits(logits_of(network, inputs), labels, reduction="none")
    mean: torch.Tensor = (each * known).sum() / known.sum().clamp(min=1)
    return mean


def _validation(network: nn.Module, rows: Sequence[LabelledPicture], rule: InputRule, classes: Sequence[str]) -> float:
    network.eval()
    total = 0.0
    with torch.no_grad(), ThreadPoolExecutor(_DECODERS) as decoders:
        for start in range(0, len(rows), 32):
            batch = rows[start : start + 32]
            total += float(_loss(network, _inputs(batch, rule, decoders), batch, classes)) * len(batch)
    return total / len(rows)
