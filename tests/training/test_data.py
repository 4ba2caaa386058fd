from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eval.truth import Truth, make_truth
from labeling.records import LabelledText, RecordError
from training.config import TrainConfig
from training.data import (
    UNKNOWN_GRAPHIC,
    Targets,
    describe_rows,
    kept_sources,
    make_targets,
    permitted,
    repeat_rare,
    row_weights,
    select_rows,
    shuffled_batches,
)

CONFIG = TrainConfig(name="t", encoder="e", cap_per_source=10, cap_per_source_other=4, licences=("MIT",))


def row(number: int, source: str = "s", *areas: str, licence: str = "MIT", lang: str = "en") -> LabelledText:
    return LabelledText(f"{source}:{number}", f"text {number}", areas, ("spam",), None, source, lang, licence)


def test_only_permitted_licences_train() -> None:
    rows = [row(1), row(2, licence="CC-BY-NC-4.0")]
    assert permitted(rows, CONFIG) == rows[:1]
    assert permitted(rows, TrainConfig(name="t", encoder="e")) == rows


def test_positives_come_first_and_negatives_keep_half_the_room() -> None:
    rows = [row(n, "s", "spam") for n in range(20)] + [row(n) for n in range(20, 50)]
    chosen = select_rows(rows, CONFIG)
    assert Counter(bool(one.policy_areas) for one in chosen) == {True: 10, False: 5}


def test_room_that_positives_leave_goes_to_negatives() -> None:
    rows = [row(n, "s", "spam") for n in range(3)] + [row(n) for n in range(3, 50)]
    assert Counter(bool(one.policy_areas) for one in select_rows(rows, CONFIG)) == {True: 3, False: 7}


def test_other_languages_have_their_own_cap() -> None:
    assert len(select_rows([row(n, lang="de") for n in range(50)], CONFIG)) == 4


def test_selection_is_the_same_whatever_other_sources_are_there() -> None:
    rows = [row(n) for n in range(50)]
    alone = select_rows(rows, CONFIG)
    assert alone == select_rows(rows, CONFIG)
    assert alone == [one for one in select_rows([row(n, "a") for n in range(9)] + rows, CONFIG) if one.source == "s"]


def test_rows_of_rare_areas_are_repeated() -> None:
    labels = np.zeros((100, 2), np.float32)
    labels[:2, 0] = 1
    labels[:50, 1] = 1
    truth = Truth(labels, np.ones_like(labels), np.full(100, -1))
    times = repeat_rare(truth, below=100, at_most=4)
    assert [times[0], times[2], times[99]] == [4, 2, 1]


def test_weight_is_trust_times_own_weight() -> None:
    rows = [
        LabelledText("a", "", (), (), None, "s", "en", label_quality=quality, weight=2.0)
        for quality in ("gold", "weak", "unheard of")
    ]
    assert row_weights(rows).tolist() == [3.0, 1.0, 2.0]


def test_batches_of_an_epoch_hold_every_row_once_in_like_lengths() -> None:
    lengths = np.random.default_rng(1).integers(1, 100, 1_000)
    batches = list(shuffled_batches(lengths, 32, generator=np.random.default_rng(2)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(1_000))
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 10
    means = [lengths[batch].mean() for batch in batches]
    assert means != sorted(means)


def test_description_counts_sources_languages_and_positives() -> None:
    described = describe_rows([row(1, "a", "spam"), row(2, "b", licence="CC0-1.0", lang="de"), row(3, "a")])
    assert described == {
        "sources": {"a": {"rows": 2, "licence": "MIT"}, "b": {"rows": 1, "licence": "CC0-1.0"}},
        "languages": {"en": 2, "de": 1},
        "positives": {"spam": 1},
    }


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -3.0])
def test_a_weight_that_would_spoil_the_network_is_refused(weight: float) -> None:
    with pytest.raises(RecordError, match="row s:2: weight must be"):
        row_weights([row(1), replace(row(2), weight=weight)])


def targets(**extra: Any) -> Targets:
    rows = [replace(row(1), extra=extra)]
    return make_targets(rows, make_truth(rows, ("spam", "privacy")), ("spam", "privacy"))


def test_optional_fields_become_targets() -> None:
    found = targets(graphic=3, soft={"spam": 0.5, "unheard of": 1})
    assert (found.graphic.tolist(), found.areas.tolist()) == ([3], [[0.5, 0.0]])
    assert targets(graphic=None, soft=None).graphic.tolist() == targets().graphic.tolist() == [UNKNOWN_GRAPHIC]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"graphic": 9}, "graphic must be 0-3 or null, not 9"),
        ({"graphic": -1}, "graphic must be"),
        ({"graphic": True}, "graphic must be"),
        ({"graphic": "1"}, "graphic must be"),
        ({"soft": [1]}, "soft must be an object"),
        ({"soft": {"spam": 7}}, r"soft\.spam must be a probability, not 7"),
        ({"soft": {"spam": float("nan")}}, r"soft\.spam must be"),
        ({"soft": {"spam": None}}, r"soft\.spam must be"),
    ],
)
def test_values_that_are_no_targets_are_refused(extra: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=f"row s:1: {message}"):
        targets(**extra)


def test_a_text_that_an_excluded_source_holds_too_is_excluded() -> None:
    config = replace(CONFIG, exclude_sources=("judging",))
    rows = [row(1), replace(row(2), extra={"also_in": ["judging"]}), row(3, "judging")]
    assert kept_sources(rows, config) == rows[:1]
    assert kept_sources(rows, CONFIG) == rows


@pytest.mark.parametrize(("english", "expected"), [(30, 10), (20, 4)])
def test_the_language_of_most_rows_decides_the_cap_whatever_the_seed(english: int, expected: int) -> None:
    rows = [row(n, lang="en" if n < english else "de") for n in range(50)]
    found = {len(select_rows(rows, replace(CONFIG, seed=seed))) for seed in range(12)}
    assert found == {expected}


def test_uncapped_sources_give_all_their_rows() -> None:
    rows = [row(n, "s", "spam") for n in range(30)] + [row(n, "t", "spam") for n in range(30)]
    chosen = select_rows(rows, replace(CONFIG, uncapped_sources=("t",)))
    assert Counter(one.source for one in chosen) == {"s": 10, "t": 30}
