"""Results speak of the population: weights undo the draw, disputes are not left out, few checks give no figure."""

from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from labeling.taxonomy import Taxonomy
from service.quality.drawing import draw_by_doubt
from service.quality.plans.results import accuracy, agreement
from tests.service.quality.verbs import ALLOWED, checked, decided_case, plan


def check(chance: float, *, error: str | None = None, state: str = "settled") -> Any:
    return SimpleNamespace(chance=chance, error=error, state=state)


def test_fewer_than_thirty_give_no_figure() -> None:
    found = accuracy("all", [check(0.5)] * 29)
    assert (found.value, found.low, found.high, found.words) == (None, None, None, "not enough checks: 29 of 30")
    assert accuracy("all", [check(0.5)] * 30).value == 1.0


def test_weights_undo_the_draw() -> None:
    # 30 of 300 were right and are few among those drawn; each counts for ten.
    found = accuracy("all", [*[check(0.1)] * 30, *[check(1.0, error="wrong_area")] * 100])
    assert found.value == pytest.approx(300 / 400)


def test_over_many_draws_by_doubt_the_mean_is_the_truth() -> None:
    rng = np.random.default_rng(11)
    doubts = rng.random(1_000)
    # Mostly the doubted ones are wrong, which is why the plain share misleads.
    right = rng.random(1_000) > doubts * 0.8
    weighted, plain = [], []
    for seed in range(300):
        drawn = draw_by_doubt(doubts.tolist(), 200, np.random.default_rng(seed))
        rows = [
            check(chance, error=None if right[place] else "wrong_area")
            for place, chance in zip(drawn.places, drawn.chances, strict=True)
        ]
        figure = accuracy("all", rows).value
        assert figure is not None
        weighted.append(figure)
        plain.append(right[drawn.places].mean())
    assert np.mean(weighted) == pytest.approx(right.mean(), abs=0.01)
    assert abs(np.mean(plain) - right.mean()) > 0.05


def test_what_is_disputed_is_neither_right_nor_left_out() -> None:
    rows = [*[check(1.0)] * 30, *[check(1.0, state="disputed")] * 10]
    found = accuracy("all", rows)
    assert found.value is None
    assert found.disputed == 10
    assert found.low is not None
    assert found.high is not None
    assert found.low < 30 / 40 < found.high <= 1
    assert "until 10 disputed checks are settled" in found.words


def test_agreement_of_people_who_guess_is_none_beyond_chance(taxonomy: Taxonomy) -> None:
    rng = np.random.default_rng(2)
    pairs = [
        ("spam" if one else "benign", "spam" if other else "benign") for one, other in rng.random((2_000, 2)) > 0.5
    ]
    found = agreement(pairs, taxonomy)
    assert found.raw.value == pytest.approx(0.5, abs=0.05)
    assert found.kappa.value == pytest.approx(0, abs=0.08)
    same = agreement([("spam", "spam"), ("benign", "benign")] * 20, taxonomy)
    assert (same.raw.value, same.kappa.value) == (1.0, 1.0)
    assert agreement([("spam", "spam")] * 29, taxonomy).raw.words == "not enough checks: 29 of 30"


async def test_of_a_plan_by_area_vendor_and_language(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await decided_case(platform, reviewer, "post-2", **ALLOWED, language="de")
    made = await plan(lead)
    for _ in range(2):
        await checked(checker)
    found = (await lead.get(f"/v1/qa/plans/{made['id']}/results")).json()
    assert (found["settled"], found["disputed"]) == (1, 1)
    assert found["accuracy"]["words"] == "not enough checks: 2 of 30"
    assert {one["group"] for one in found["by_area"]} == {"harassment", "benign"}
    assert {one["group"] for one in found["by_language"]} == {"en", "de"}
    assert [one["group"] for one in found["by_vendor"]] == ["in house"]
    assert found["decision_against_check"]["pairs"] == 2
    assert found["between_checks"]["pairs"] == 0
