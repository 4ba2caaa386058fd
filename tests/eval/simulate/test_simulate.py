"""The simulated queue: nothing is taken twice, early or by two people, and no order beats the bound."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.__main__ import main
from eval.simulate.bound import least_leak
from eval.simulate.engine import Outcome, Rules, simulate
from eval.simulate.figures import Figures, measure_policies
from eval.simulate.scene import Scene, SimulationError
from eval.simulate.world import World, read_world, scene_of
from labeling.taxonomy import load_taxonomy
from models.rank import POLICIES, RankConfig, value_of, with_views

TAXONOMY = load_taxonomy()
SMALL = World(days=0.5, load=1.3, shifts=((0.0, 24.0), (6.0, 18.0)))
CONFIG = RankConfig()


def run(world: World, policy: str, *, seed: int = 1, share: float = 0.05) -> tuple[Scene, Outcome]:
    scene = scene_of(world, TAXONOMY, CONFIG, seed)
    rules = Rules(TAXONOMY, replace(CONFIG, policy=policy, random_share=share))
    return scene, simulate(scene, rules, seed=seed)


def measured(
    world: World, policies: Sequence[str], *, config: RankConfig = CONFIG, seeds: Sequence[int] = (1,)
) -> list[Figures]:
    scenes = [scene_of(world, TAXONOMY, config, seed) for seed in seeds]
    return list(measure_policies(scenes, Rules(TAXONOMY, config), policies=policies, load=world.load, seeds=seeds))


def turns(scene: Scene, outcome: Outcome, who: int) -> Iterator[tuple[float, float]]:
    mine = np.flatnonzero(outcome.reviewer == who)
    for index in mine[np.argsort(outcome.start[mine])]:
        yield float(outcome.start[index]), float(outcome.start[index] + scene.arrivals.minutes[index] / 60)


@settings(max_examples=12)
@given(policy=st.sampled_from(list(POLICIES)), seed=st.integers(1, 10_000), load=st.floats(0.5, 2.5))
def test_each_case_is_taken_at_most_once_by_somebody_at_work(policy: str, seed: int, load: float) -> None:
    world = replace(SMALL, load=load)
    scene, outcome = run(world, policy, seed=seed)
    taken = np.isfinite(outcome.start)
    assert (outcome.start[taken] >= scene.arrivals.at[taken]).all()
    assert (taken == (outcome.reviewer >= 0)).all()
    assert not (taken & np.isfinite(outcome.shed)).any()
    for who, (start, end) in enumerate(world.shifts):
        ended = 0.0
        for begin, finish in turns(scene, outcome, who):
            assert begin >= ended
            assert start <= begin % 24 < end
            ended = finish


def test_first_in_first_out_takes_them_as_they_come() -> None:
    _, outcome = run(SMALL, "fifo", share=0.0)
    taken = outcome.start[np.isfinite(outcome.start)]
    assert (np.diff(taken) >= 0).all()
    assert np.isinf(outcome.start[len(taken) :]).all()


def test_nobody_waits_while_a_reviewer_is_idle() -> None:
    world = replace(SMALL, load=0.2, shifts=((0.0, 24.0),) * 4)
    scene, outcome = run(world, "harm-rate")
    waited = outcome.start - scene.arrivals.at
    assert np.median(waited) < 1e-9


def test_all_policies_meet_the_same_arrivals_and_a_seed_repeats_itself() -> None:
    one, two = (scene_of(SMALL, TAXONOMY, CONFIG, 3) for _ in range(2))
    assert one.ranks == two.ranks
    assert (one.arrivals.at == two.arrivals.at).all()
    assert len(scene_of(SMALL, TAXONOMY, CONFIG, 4).arrivals) != len(one.arrivals)
    starts = [run(SMALL, "harm-rate+guard", seed=3)[1].start for _ in range(2)]
    assert (starts[0] == starts[1]).all()


@pytest.mark.parametrize("policy", list(POLICIES))
def test_ranks_under_another_policy_are_those_of_the_ranking_code(policy: str) -> None:
    scene = scene_of(SMALL, TAXONOMY, CONFIG, 1)
    direct = scene_of(SMALL, TAXONOMY, replace(CONFIG, policy=policy), 1)
    assert [one.value for one in scene.ranked_by(policy)] == [one.value for one in direct.ranks]


def test_live_views_move_a_case_by_what_the_ranking_code_says() -> None:
    one = scene_of(SMALL, TAXONOMY, CONFIG, 1).ranks[7]
    for views in (0.0, 3.0, 1e6):
        assert value_of(one.parts["base"], views, CONFIG) == with_views(one, views).value


def test_the_random_share_is_drawn_with_a_known_chance() -> None:
    scene, outcome = run(replace(SMALL, days=1.5), "harm-rate", share=0.3)
    drawn = outcome.propensity > 0
    assert 0.2 < drawn[np.isfinite(outcome.start)].mean() < 0.4
    for index in np.flatnonzero(drawn):
        now = outcome.start[index]
        waiting = (scene.arrivals.at <= now) & (outcome.start >= now) & (outcome.shed > now)
        # Whoever takes one at the very same moment is not among them any more.
        assert abs(1 / outcome.propensity[index] - waiting.sum()) <= len(SMALL.shifts) - 1
    assert not (run(SMALL, "harm-rate", share=0.0)[1].propensity > 0).any()


def test_the_guard_keeps_deadlines_that_harm_alone_would_miss() -> None:
    world = replace(SMALL, days=1.5, load=1.6, shifts=((0.0, 24.0), (0.0, 24.0)))
    plain, guarded = measured(world, ["harm-rate", "harm-rate+guard"], seeds=[1, 2])
    assert plain.legal_breach > 0.05
    assert guarded.legal_breach == guarded.legal_infeasible == 0
    assert guarded.leak < plain.leak + 0.003


def test_deadlines_that_nobody_could_keep_are_told_apart() -> None:
    # Nobody comes for twelve hours, and half of the deadlines are shorter.
    away = replace(SMALL, days=2.0, load=0.5, shifts=((12.0, 24.0),), legal_hours=(1.0, 12.0))
    (found,) = measured(away, ["harm-rate+guard"])
    assert 0.1 < found.legal_infeasible <= found.legal_breach


def test_what_exceeds_its_latest_start_is_reviewed_or_openly_shed() -> None:
    world = replace(SMALL, days=2.0, load=1.6, shifts=((0.0, 24.0),))
    config = replace(CONFIG, latest_start_hours=12.0, random_share=0.0)
    plain, guarded = measured(world, ["harm-rate", "harm-rate+guard"], config=config)
    assert plain.max_age_over_bound > 1
    assert plain.shed_share == 0
    assert guarded.max_age_over_bound == 0
    assert guarded.shed_share > 0.05
    (kept,) = measured(replace(world, load=0.7), ["harm-rate+guard"], config=config)
    assert (kept.shed_share, kept.max_age_over_bound) == (0, 0)


def test_what_is_likely_severe_is_never_shed_and_switched_off_the_rule_sheds_nothing() -> None:
    world = replace(SMALL, days=2.0, load=2.0, shifts=((0.0, 24.0),))
    config = replace(CONFIG, latest_start_hours=8.0)
    scene = scene_of(world, TAXONOMY, config, 1)
    given_up = np.isfinite(simulate(scene, Rules(TAXONOMY, config), seed=1).shed)
    likely = np.array([int(np.argmax(one.parts["severity"])) for one in scene.ranks])
    assert given_up.sum() > 20
    assert (likely[given_up] < CONFIG.shed_below_severity).all()
    assert np.isinf(scene.arrivals.legal[given_up]).all()
    kept = simulate(scene, Rules(TAXONOMY, replace(config, shed=False)), seed=1)
    assert np.isinf(kept.shed).all()


def test_the_shipped_order_leaks_least_of_all_and_keeps_what_it_promises() -> None:
    world = replace(SMALL, days=4.0, load=1.6, shifts=((0.0, 24.0),), logit_noise=2.0)
    config = replace(CONFIG, latest_start_hours=48.0)
    every = {one.policy: one for one in measured(world, list(POLICIES), config=config, seeds=[1, 2])}
    shipped = every[CONFIG.policy]
    assert shipped.leak <= 0.05 * every["fifo"].leak
    assert all(shipped.leak <= one.leak + 0.003 for name, one in every.items() if name != CONFIG.policy)
    assert shipped.legal_breach == 0
    assert shipped.max_age_over_bound == 0


@pytest.mark.parametrize("load", [0.7, 1.6, 4.0])
def test_no_order_beats_the_bound_and_harm_comes_near_it(load: float) -> None:
    every = measured(replace(SMALL, load=load), list(POLICIES), seeds=[1, 2])
    leaks = {one.policy: one.leak for one in every}
    assert all(0 < every[0].oracle_leak <= leak for leak in leaks.values())
    assert leaks["harm-rate"] < leaks["tier"] < leaks["fifo"] or load < 1


def test_with_too_few_hands_the_bound_counts_what_they_cannot_do() -> None:
    arrivals = scene_of(SMALL, TAXONOMY, CONFIG, 1).arrivals
    # Nobody comes before the last hour: what was seen until then is lost to every order.
    late = replace(SMALL, shifts=((11.0, 12.0),))
    missed = arrivals.harm(arrivals.at, np.maximum(arrivals.at, 11.0)).sum()
    whole = arrivals.harm(arrivals.at, np.full(len(arrivals.at), 12.0)).sum()
    assert least_leak(arrivals, SMALL.team) < missed / whole < least_leak(arrivals, late.team)


def test_a_night_shift_ends_on_the_next_day_and_rest_days_have_none() -> None:
    team = replace(SMALL, days=4.0, shifts=((20.0, 28.0),), rest_days=(1, 2)).team
    assert team.sessions == (((20.0, 28.0), (92.0, 100.0)),)
    assert [team.at_work(0, hour) for hour in (0.0, 27.9, 28.0, 95.0, 100.0)] == [20.0, 27.9, 92.0, 95.0, np.inf]
    assert team.capacity == 60 * (8 + 4)


def test_areas_come_by_their_shares() -> None:
    world = replace(SMALL, area_mix={TAXONOMY.area_ids[3]: 1.0})
    leading = {one.parts["areas"][0]["minutes"] for one in scene_of(world, TAXONOMY, CONFIG, 1).ranks}
    assert leading == {TAXONOMY.areas[3].handling_minutes}
    with pytest.raises(SimulationError, match="areas that the taxonomy does not have: no such area"):
        scene_of(replace(SMALL, area_mix={"no such area": 0.5}), TAXONOMY, CONFIG, 1)


def test_the_command_prints_an_object_for_each_policy_and_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = tmp_path / "world.toml"
    world.write_text("days = 0.3\nshifts = [[0.0, 24.0]]\n")
    arguments = ["simulate", "--world", str(world), "--seeds", "1", "--load", "0.9", "--load", "1.4"]
    assert main([*arguments, "--policy", "fifo", "--policy", "harm-rate+guard", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["policy"], one["load"]) for one in found] == [
        ("fifo", 0.9),
        ("harm-rate+guard", 0.9),
        ("fifo", 1.4),
        ("harm-rate+guard", 1.4),
    ]
    assert {"leak", "legal_breach", "max_age_over_bound", "shed_share", "oracle_leak"} <= found[0].keys()
    out = tmp_path / "page.html"
    assert main([*arguments, "--policy", "fifo", "--out", str(out)]) == 0
    assert "<svg" in out.read_text()
    assert "fifo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dayz = 2", "unknown parameters dayz"),
        ("severity_mix = [0.5, 0.6]", "five shares"),
        ("shifts = [[20.0, 4.0]]", "within 0 to 24"),
        ("shifts = [1.0]", "wrong kind of value"),
        ("load = 0.0", "load must be from"),
        ("rest_days = [7]", "rest_days must be days"),
        ("area_mix = {spam = 1.5}", "sum to 1 at most"),
        ("half_life = [3.0]", "half_life must be two numbers"),
        ("views_sigma = 'wide'", "wrong kind of value"),
        ("days = ", "cannot be read as TOML"),
    ],
)
def test_a_world_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "world.toml"
    path.write_text(text)
    with pytest.raises(SimulationError, match=said):
        read_world(path)
