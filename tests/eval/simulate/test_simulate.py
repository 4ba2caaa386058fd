"""The simulated queue: nothing is taken twice, early or by two people, and no order beats the bound."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.__main__ import main
from eval.simulate.bound import least_leak
from eval.simulate.engine import Outcome, Rules, simulate
from eval.simulate.report import measure_policies
from eval.simulate.world import Arrivals, SimulationError, World, arrivals_of, read_world
from labeling.taxonomy import load_taxonomy
from models.rank import POLICIES, RankConfig

TAXONOMY = load_taxonomy()
SMALL = World(days=0.5, load=1.3, shifts=((0.0, 24.0), (6.0, 18.0)))
CONFIG = RankConfig()


def run(world: World, policy: str, *, seed: int = 1, share: float = 0.05) -> tuple[Arrivals, Outcome]:
    arrivals = arrivals_of(world, TAXONOMY, seed)
    rules = Rules(TAXONOMY, replace(CONFIG, policy=policy), share)
    return arrivals, simulate(arrivals, world, rules, seed=seed)


def turns(arrivals: Arrivals, outcome: Outcome, who: int) -> Iterator[tuple[float, float]]:
    mine = np.flatnonzero(outcome.reviewer == who)
    for index in mine[np.argsort(outcome.start[mine])]:
        yield float(outcome.start[index]), float(outcome.start[index] + arrivals.minutes[index] / 60)


@settings(max_examples=12, deadline=None)
@given(policy=st.sampled_from(list(POLICIES)), seed=st.integers(1, 10_000), load=st.floats(0.5, 2.5))
def test_each_case_is_taken_at_most_once_by_somebody_at_work(policy: str, seed: int, load: float) -> None:
    world = replace(SMALL, load=load)
    arrivals, outcome = run(world, policy, seed=seed)
    taken = np.isfinite(outcome.start)
    assert (outcome.start[taken] >= arrivals.at[taken]).all()
    assert (taken == (outcome.reviewer >= 0)).all()
    assert not (taken & np.isfinite(outcome.shed)).any()
    for who, (start, end) in enumerate(world.shifts):
        ended = 0.0
        for begin, finish in turns(arrivals, outcome, who):
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
    arrivals, outcome = run(world, "harm-rate")
    waited = outcome.start - arrivals.at
    assert np.median(waited) < 1e-9


def test_all_policies_meet_the_same_arrivals_and_a_seed_repeats_itself() -> None:
    one, two = (arrivals_of(SMALL, TAXONOMY, 3) for _ in range(2))
    assert one.inputs == two.inputs
    assert (one.at == two.at).all()
    assert len(arrivals_of(SMALL, TAXONOMY, 4).at) != len(one.at)
    starts = [run(SMALL, "harm-rate+guard", seed=3)[1].start for _ in range(2)]
    assert (starts[0] == starts[1]).all()


def test_the_random_share_is_drawn() -> None:
    _, outcome = run(replace(SMALL, days=1.5), "harm-rate", share=0.3)
    assert 0.2 < outcome.drawn[np.isfinite(outcome.start)].mean() < 0.4
    assert not run(SMALL, "harm-rate", share=0.0)[1].drawn.any()


def test_the_guard_keeps_deadlines_that_harm_alone_would_miss() -> None:
    world = replace(SMALL, days=1.5, load=1.6, shifts=((0.0, 24.0), (0.0, 24.0)))
    plain, guarded = measure_policies(
        world, Rules(TAXONOMY, CONFIG), policies=["harm-rate", "harm-rate+guard"], loads=[1.6], seeds=[1, 2]
    )
    assert plain.legal_breach > 0.05
    assert guarded.legal_breach == 0
    assert guarded.leak < plain.leak + 0.003


def test_what_exceeds_its_latest_start_is_reviewed_or_openly_shed() -> None:
    world = replace(SMALL, days=2.0, load=1.6, shifts=((0.0, 24.0),))
    config = replace(CONFIG, latest_start_hours=12.0)
    plain, guarded = measure_policies(
        world, Rules(TAXONOMY, config, 0.0), policies=["harm-rate", "harm-rate+guard"], loads=[1.6], seeds=[1]
    )
    assert plain.max_age_over_bound > 1
    assert plain.shed_share == 0
    assert guarded.max_age_over_bound == 0
    assert guarded.shed_share > 0.05
    calm = replace(world, load=0.7)
    (kept,) = measure_policies(calm, Rules(TAXONOMY, config, 0.0), policies=["harm-rate+guard"], loads=[0.7], seeds=[1])
    assert (kept.shed_share, kept.max_age_over_bound) == (0, 0)


@pytest.mark.parametrize("load", [0.7, 1.6, 4.0])
def test_no_order_beats_the_bound_and_harm_comes_near_it(load: float) -> None:
    every = list(measure_policies(SMALL, Rules(TAXONOMY, CONFIG), policies=list(POLICIES), loads=[load], seeds=[1, 2]))
    leaks = {one.policy: one.leak for one in every}
    assert all(0 < every[0].oracle_leak <= leak for leak in leaks.values())
    assert leaks["harm-rate"] < leaks["tier"] < leaks["fifo"] or load < 1


def test_with_too_few_hands_the_bound_counts_what_they_cannot_do() -> None:
    arrivals = arrivals_of(SMALL, TAXONOMY, 1)
    # Nobody comes before the last hour: what was seen until then is lost to every order.
    late = replace(SMALL, shifts=((11.0, 12.0),))
    missed = arrivals.harm(arrivals.at, np.maximum(arrivals.at, 11.0)).sum()
    whole = arrivals.harm(arrivals.at, np.full(len(arrivals.at), 12.0)).sum()
    assert least_leak(arrivals, SMALL) < missed / whole < least_leak(arrivals, late)


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
        ("load = 0.0", "load must be above 0"),
        ("days = ", "cannot be read as TOML"),
    ],
)
def test_a_world_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "world.toml"
    path.write_text(text)
    with pytest.raises(SimulationError, match=said):
        read_world(path)
