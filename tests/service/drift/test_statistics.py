"""Distances between windows, against numbers worked out by hand, and how rarely chance alone alerts."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from service.drift.statistics import (
    DecisionWindow,
    Limits,
    TextWindow,
    chance_stability,
    compare_decisions,
    compare_texts,
    stability,
    text_window,
)

LIMITS = Limits(stability=0.25, change=0.1)


def window(chance: np.random.Generator, *, count: int = 500, length: float = 100, spam: float = 0.05) -> TextWindow:
    lengths = chance.lognormal(math.log(length), 1, count).astype(int).tolist()
    languages = chance.choice(["en", "de", "ms"], count, p=[0.7, 0.2, 0.1]).tolist()
    values = chance.beta(20 * spam, 20 * (1 - spam), count)
    return text_window(lengths, languages, [{"spam": float(one), "privacy": 0.01} for one in values])


def alerts(reference: TextWindow, recent: TextWindow, limits: Limits = LIMITS) -> set[str]:
    return {one.monitor for one in compare_texts(reference, recent, limits) if one.alerts}


def test_the_stability_index_by_hand() -> None:
    # (.5 - .25) ln(.5 / .25) + (.5 - .75) ln(.5 / .75).
    assert stability((25, 75), (50, 50)) == pytest.approx(0.25 * math.log(2) - 0.25 * math.log(2 / 3))
    assert stability((10, 20, 30), (100, 200, 300)) == 0
    assert math.isfinite(stability((100, 0), (0, 100)))


def test_what_chance_alone_reaches_is_the_quantile_of_chi_square() -> None:
    # The .999 quantile of chi-square with 9 degrees of freedom is 27.88.
    assert chance_stability(10, 500, 500) == pytest.approx(27.88 * 2 / 500, rel=0.01)
    assert chance_stability(1, 500, 500) == 0


def test_the_same_distribution_hardly_ever_alerts() -> None:
    strict = Limits(stability=1e-9, change=1e-9)
    found = [
        monitor
        for seed in range(200)
        for monitor in alerts(window(np.random.default_rng(seed)), window(np.random.default_rng(seed + 1000)), strict)
    ]
    # 4 monitors that can move x 200 comparisons, one in a thousand of each side by chance: about one.
    assert len(found) <= 8


def test_shifts_alert_where_they_are() -> None:
    before = window(np.random.default_rng(1))
    chance = np.random.default_rng(2)
    assert alerts(before, window(chance, length=300)) == {"input.length"}
    assert alerts(before, window(chance, spam=0.4)) == {"score.spam", "score_mean.spam"}
    foreign = window(chance)
    spoken = {"en": 100, "zh": 400}
    assert alerts(before, TextWindow(500, foreign.lengths, spoken, foreign.areas)) == {"input.language"}


def test_rare_languages_count_as_one() -> None:
    chance = np.random.default_rng(3)
    one, other = window(chance, count=1000), window(chance, count=1000)
    many = {f"x{number}": 1 for number in range(50)}
    before = TextWindow(1000, one.lengths, {"en": 950, **many}, one.areas)
    now = TextWindow(1000, one.lengths, {"en": 950, **{name.upper(): 1 for name in many}}, other.areas)
    assert "input.language" not in alerts(before, now, Limits(stability=0.001, change=0.1))


def test_a_mean_that_moves_is_read_with_its_sign() -> None:
    before, now = text_window([1], ["en"], [{"spam": 0.5}]), text_window([1], ["en"], [{"spam": 0.2}])
    [reading] = [one for one in compare_texts(before, now, LIMITS) if one.monitor == "score_mean.spam"]
    assert reading.value == pytest.approx(-0.3)
    assert reading.alerts


def test_decisions_by_hand() -> None:
    reference, recent = DecisionWindow(1000, agreed=800, no_action=300), DecisionWindow(500, agreed=320, no_action=170)
    agreement, idle = compare_decisions(reference, recent, LIMITS)
    assert (agreement.monitor, agreement.value, agreement.alerts) == ("decision.agreement", pytest.approx(-0.16), True)
    assert (idle.monitor, idle.value, idle.alerts) == ("decision.no_action", pytest.approx(0.04), False)
    few = compare_decisions(DecisionWindow(10, 8, 3), DecisionWindow(10, 6, 3), LIMITS)
    assert not any(one.alerts for one in few), "twenty decisions say nothing"


def test_a_window_survives_being_stored() -> None:
    made = window(np.random.default_rng(4))
    assert TextWindow.from_json(json.loads(json.dumps(asdict(made)))) == made
