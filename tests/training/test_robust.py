"""Weights against shortcuts: mentions of people, and sources that are learned badly."""

import numpy as np
import pytest
import torch

from labeling.records import LabelledText
from training.robust import LEAST, MOST, GroupDro, mention_weights, source_numbers


def make(text: str, *, hate: bool | None, source: str = "forum") -> LabelledText:
    return LabelledText(
        id=text,
        text=text,
        policy_areas=("hateful_conduct",) if hate else (),
        annotated_areas=() if hate is None else ("hateful_conduct",),
        severity=None,
        source=source,
        lang="en",
    )


def odds(rows: list[LabelledText], weights: np.ndarray, word: str) -> float:
    sums = [0.0, 0.0]
    for row, weight in zip(rows, weights, strict=True):
        if word in row.text and row.annotated_areas:
            sums[bool(row.policy_areas)] += float(weight)
    return sums[1] / sums[0]


def rows_with(word: str, *, harmless: int, hateful: int) -> list[LabelledText]:
    return [make(f"{word} {number} fine", hate=False) for number in range(harmless)] + [
        make(f"{word} {number} foul", hate=True) for number in range(hateful)
    ]


def test_a_mention_says_as_little_as_its_absence() -> None:
    rows = rows_with("weather", harmless=40, hateful=10) + rows_with("women", harmless=10, hateful=10)
    weights = mention_weights(rows)
    assert odds(rows, weights, "women") == pytest.approx(0.25)
    assert (weights[:50] == 1).all()


def test_weights_stay_in_their_bounds_and_unlabelled_rows_as_they_are() -> None:
    rows = [
        *rows_with("weather", harmless=90, hateful=10),
        *rows_with("jewish", harmless=1, hateful=60),
        make("jewish and nobody looked", hate=None),
    ]
    weights = mention_weights(rows)
    assert weights.max() == MOST
    assert weights.min() == LEAST
    assert weights[-1] == 1


def test_a_group_that_is_hated_less_than_nobody_is_left_alone() -> None:
    rows = rows_with("weather", harmless=10, hateful=10) + rows_with("women", harmless=30, hateful=3)
    assert (mention_weights(rows) == 1).all()


def test_the_source_with_the_larger_loss_gains_weight_up_to_a_limit() -> None:
    rows = [make("a", hate=True, source="x"), make("b", hate=True, source="y"), make("c", hate=True, source="y")]
    groups = source_numbers(rows)
    assert groups.tolist() == [0, 1, 1]
    dro = GroupDro(groups, 0.5)
    index = np.arange(3)
    assert dro.weights(index).tolist() == [1, 1, 1]
    dro.learn(torch.tensor([2.0, 0.1, 0.3]), index)
    first = dro.weights(index)
    assert first[0] > 1 > first[1] == first[2]
    for _ in range(200):
        dro.learn(torch.tensor([2.0, 0.1, 0.3]), index)
    assert dro.shares.min() >= 0.09
    assert dro.shares.sum() == pytest.approx(1)


def test_shares_go_on_where_they_were() -> None:
    groups, index = np.array([0, 1]), np.arange(2)
    whole, part = GroupDro(groups, 0.1), GroupDro(groups, 0.1)
    losses = torch.tensor([1.0, 0.2])
    whole.learn(losses, index)
    part.learn(losses, index)
    went_on = GroupDro(groups, 0.1, shares=part.shares.tolist())
    for one in (whole, went_on):
        one.learn(losses, index)
    assert (whole.shares == went_on.shares).all()
