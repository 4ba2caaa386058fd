"""The two texts of a minimal pair come side by side and are pulled apart where only one of them violates."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labeling.records import LabelledText
from tests.training.conftest import AREAS, make_rows
from tests.training.small import CONFIG, NOTHING, CountingClock, small_network
from training import train as stage
from training.pairs import MARGIN, NOBODY, find_twins, pair_loss, with_twins
from training.train import Fit, Surroundings, encode_rows

ROW = LabelledText("a", "we fix the door", (), AREAS, None, "corpus:w01", "en")
TWINS = np.array([1, 0, NOBODY, 4, 3])


def member(name: str, pair: str | None, source: str = "corpus:w01") -> LabelledText:
    return replace(ROW, id=name, source=source, extra={"pair": pair})


def test_twins_are_two_of_one_source() -> None:
    rows = [
        member("a", "1"),
        member("b", None),
        member("c", "1"),
        member("d", "1", source="corpus:w02"),
        *(member(name, "three") for name in "efg"),
    ]
    assert find_twins(rows).tolist() == [2, NOBODY, 0, NOBODY, NOBODY, NOBODY, NOBODY]


def test_a_batch_gets_each_missing_twin_once() -> None:
    assert with_twins(np.array([0, 2, 0]), TWINS).tolist() == [0, 2, 0, 1]
    assert with_twins(np.array([3, 4, 1]), TWINS).tolist() == [3, 4, 1, 0]
    assert with_twins(np.array([2]), TWINS).tolist() == [2]


def test_the_loss_falls_as_the_violating_one_rises_and_looks_at_the_differing_areas_only() -> None:
    violating = np.array([[True, True], [False, True], [False, False], [False, False], [False, False]])
    index = np.array([1, 2, 0])

    def loss(first: list[float], second: list[float]) -> float:
        return float(pair_loss(torch.tensor([second, [9.0, 9.0], first]), index, TWINS, violating))

    assert loss([MARGIN, 0.0], [0.0, 0.0]) == pytest.approx(np.log(2))
    assert loss([9.0, 0.0], [0.0, 0.0]) < 0.01 < loss([0.0, 0.0], [0.0, 0.0]) < loss([0.0, 0.0], [1.0, 0.0])
    # The area that both violate moves nothing.
    assert loss([0.0, 5.0], [0.0, -5.0]) == loss([0.0, 0.0], [0.0, 0.0])


def test_without_a_pair_in_the_batch_there_is_no_loss_and_no_gradient_lost() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = pair_loss(logits, np.array([2, 0]), TWINS, np.ones((5, 2), bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0


@pytest.mark.training
def test_training_with_pairs_tells_them_apart_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts alike but for a word, in a run with and in one without the loss of pairs, all else equal."""

    def distance(weight: float) -> float:
        config = replace(CONFIG, pair_loss=weight, minutes=1.0, wide_rate=0.05, head_rate=0.05)
        monkeypatch.setattr(stage, "_Clock", CountingClock)
        network, tokenizer = small_network(config)
        first, second, *others = make_rows(30)
        foul = replace(first, text="call now to claim your prize", policy_areas=AREAS[:1], annotated_areas=AREAS)
        fine = replace(second, text="call now to claim your gift", policy_areas=(), annotated_areas=AREAS)
        pair = [replace(one, extra={**one.extra, "pair": "1"}, source="corpus:w01") for one in (foul, fine)]
        rows = encode_rows([*pair, *others], tokenizer, AREAS, config=config)
        torch.manual_seed(3)
        Fit(network, rows, config, around=Surroundings()).run(report=lambda: NOTHING)
        logits = stage.predict(network, rows.ids[:2]).areas[:, 0]
        return float(logits[0] - logits[1])

    assert distance(2.0) > distance(0.0) + 0.2
