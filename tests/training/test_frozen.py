"""States of frozen layers, kept: training with them is training without them, only faster."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.definition import TriageNetwork
from tests.training.conftest import AREAS, make_rows
from tests.training.small import CONFIG, NOTHING, CountingClock, small_network
from training import train as stage
from training.config import ConfigError, TrainConfig
from training.frozen import frozen_states
from training.loss import Rows
from training.train import Fit, Surroundings, encode_rows

pytestmark = pytest.mark.training

FROZEN = replace(CONFIG, frozen_layers=1, train_embeddings=False, cache_frozen=True)


def small(config: TrainConfig) -> tuple[TriageNetwork, Rows]:
    network, tokenizer = small_network(config)
    torch.manual_seed(5)
    torch.nn.init.normal_(network.wide.weight, std=0.1)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network, encode_rows(make_rows(30), tokenizer, AREAS, config=config)


def test_kept_states_give_the_logits_of_the_whole_network() -> None:
    network, rows = small(FROZEN)
    states = frozen_states(network, rows, FROZEN)
    assert states
    index = np.array([3, 0, 17, 29])
    ids, mask = stage._tensors(rows, index, torch.device("cpu"))
    network.eval()
    with torch.no_grad():
        whole = network(ids, mask)
        for _ in range(2):
            kept = network(ids, mask, None, states.of(index))
            for one, other in zip(whole, kept, strict=True):
                assert torch.allclose(one, other, atol=2e-3)


def test_a_row_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, rows = small(FROZEN)
    states = frozen_states(network, rows, FROZEN)
    assert states
    asked: list[int] = []
    below = network.states_below

    def counted(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        asked.append(len(ids))
        states: torch.Tensor = below(ids, mask)
        return states

    monkeypatch.setattr(network, "states_below", counted)
    for index in ([0, 1, 2], [1, 2, 3], [3, 0]):
        states.of(np.array(index))
    assert asked == [3, 1]


def test_what_is_frozen_stays_and_the_rest_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_Clock", CountingClock)
    network, tokenizer = small_network(FROZEN)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    rows = encode_rows(make_rows(30), tokenizer, AREAS, config=FROZEN)
    Fit(network, rows, FROZEN, around=Surroundings()).run(report=lambda: NOTHING)
    moved = {name for name, values in network.state_dict().items() if not torch.equal(values, before[name])}
    assert not {name for name in moved if name.startswith("encoder.")}
    assert {"head.weight", "wide.weight"} <= moved


@pytest.mark.parametrize(
    "wrong", [{"frozen_layers": 0}, {"train_embeddings": True}], ids=["no layer", "embeddings train"]
)
def test_states_that_change_cannot_be_kept(wrong: dict[str, object]) -> None:
    config = replace(FROZEN, **wrong)  # type: ignore[arg-type]
    network, rows = small(config)
    with pytest.raises(ConfigError, match="cache_frozen"):
        frozen_states(network, rows, config)
