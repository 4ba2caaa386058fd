"""One network from several runs that started from the same one: the mean of their weights, at no cost in service.

Runs from one start that differ in their seed mostly lie in one valley of the loss, where the mean is better than its
parts ("model soups": Wortsman et al. 2022). What they started from may be one of them: it brings back some of what they
forgot (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from training.network import CheckpointError, Trained


def average(runs: Sequence[Trained], *, rows_before: int = 0, minutes_before: float = 0.0) -> Trained:
    """The mean of the weights of `runs`; rows and minutes are those of all together.

    What the network that they started from had seen, `rows_before` in `minutes_before`, counts once.

    Raises CheckpointError where they differ in size, areas or tokenizer: then they do not come from one start.
    """
    first = runs[0]
    weights = [one.network.state_dict() for one in runs]
    shapes = [{name: values.shape for name, values in state.items()} for state in weights]
    for one, shape in zip(runs, shapes, strict=True):
        if (
            shape != shapes[0]
            or (one.areas, one.trained_areas) != (first.areas, first.trained_areas)
            or one.tokenizer.to_str() != first.tokenizer.to_str()
        ):
            raise CheckpointError("runs differ in size, areas or tokenizer; average only runs from the same start")
    first.network.load_state_dict(
        {name: _mean([state[name] for state in weights]) for name in weights[0]},
    )
    return replace(
        first,
        rows_seen=rows_before + sum(one.rows_seen - rows_before for one in runs),
        minutes=minutes_before + sum(one.minutes - minutes_before for one in runs),
    )


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    if not values[0].is_floating_point():
        return values[0]
    return torch.stack([one.double() for one in values]).mean(0).to(values[0].dtype)
