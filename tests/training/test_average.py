"""The mean of runs from one start."""

from dataclasses import replace

import pytest
import torch

from tests.training.conftest import AREAS
from tests.training.small import CONFIG, small_network
from training.average import average
from training.network import CheckpointError, Trained


def run(shift: float) -> Trained:
    network, tokenizer = small_network()
    with torch.no_grad():
        for values in network.parameters():
            values.add_(shift)
    return Trained(network, tokenizer, CONFIG, AREAS, AREAS, rows_selected=10, rows_seen=40, minutes=2.0)


def test_the_mean_of_two_lies_between_them() -> None:
    found = average([run(0.0), run(1.0)])
    half = run(0.5).network.state_dict()
    for name, values in found.network.state_dict().items():
        assert torch.allclose(values, half[name], atol=1e-6), name
    assert (found.rows_selected, found.rows_seen, found.minutes) == (10, 80, 4.0)


def test_what_they_started_from_counts_once() -> None:
    started, gone_on = run(0.0), replace(run(1.0), rows_seen=100, minutes=5.0)
    found = average([gone_on, replace(gone_on, network=run(0.5).network), started], rows_before=40, minutes_before=2.0)
    assert (found.rows_seen, found.minutes) == (160, 8.0)


def test_runs_of_other_areas_are_refused() -> None:
    with pytest.raises(CheckpointError, match="same start"):
        average([run(0.0), replace(run(1.0), trained_areas=AREAS[:1])])
