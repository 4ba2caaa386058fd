"""A log run anew: its own arrivals, handling times and busy times; the same order gives the same result."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.decision_log import CLUSTER, RANDOM, Claim, Decided, LogError, LoggedCase
from eval.simulate.engine import Outcome, Rules, simulate
from eval.simulate.figures import measure_policies
from eval.simulate.replay import load_of, replay_scene, sessions_of
from eval.simulate.scene import Scene, SimulationError
from eval.simulate.world import World, scene_of
from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig
from tests.eval.logs import START, write

TAXONOMY = load_taxonomy()
CONFIG = RankConfig()
HALF_LIFE = 10.0
WORLD = World(days=1.5, load=1.3, shifts=((0.0, 24.0), (6.0, 18.0)), half_life=(HALF_LIFE, HALF_LIFE), views_noise=0.0)


def logged(scene: Scene, outcome: Outcome) -> list[LoggedCase]:
    """What the service would have written down of a simulated queue, up to the end of the simulation."""
    found = []
    for index, one in enumerate(scene.ranks):
        begin, end = (outcome.start[index], outcome.start[index] + scene.arrivals.minutes[index] / 60)
        severity = int(scene.arrivals.severity[index])
        taken, decided = np.isfinite(begin), end <= scene.team.end
        propensity = float(outcome.propensity[index])
        lane = RANDOM if propensity else "ranked"
        claim = (
            Claim(hour(begin), hour(end) if decided else None, "decided", lane, propensity or 1.0) if taken else None
        )
        area = str(one.parts["areas"][0]["area"])
        found.append(
            LoggedCase(
                where="",
                case_id=f"case-{index}",
                queue="default",
                opened_at=hour(scene.arrivals.at[index]),
                shed_at=None,
                parts={**one.parts, "received_at": hour(scene.arrivals.at[index]).isoformat()},
                areas={area: float(one.parts["areas"][0]["probability"])},
                views_per_hour=float(scene.arrivals.views[index]),
                deadline=hour(scene.arrivals.legal[index]) if np.isfinite(scene.arrivals.legal[index]) else None,
                claims=(claim,) if claim else (),
                decision=Decided(area, severity, severity > 0, hour(end)) if taken and decided else None,
            )
        )
    return found


def hour(number: float) -> datetime:
    return START.replace(hour=0) + timedelta(hours=float(number))


@pytest.fixture(scope="module")
def played() -> tuple[Scene, Outcome]:
    scene = scene_of(WORLD, TAXONOMY, CONFIG, 1)
    return scene, simulate(scene, Rules(TAXONOMY, replace(CONFIG, random_share=0.0)), seed=1)


def test_the_order_that_wrote_a_log_does_the_same_again(played: tuple[Scene, Outcome], tmp_path: Path) -> None:
    scene, outcome = played
    log = write(tmp_path / "log.jsonl", logged(scene, outcome))
    again = replay_scene(log, TAXONOMY, CONFIG, half_life=HALF_LIFE)
    decided = scene.arrivals.severity == again.arrivals.severity
    assert 0.6 < decided.mean() < 0.9
    assert again.arrivals.minutes[decided] == pytest.approx(scene.arrivals.minutes[decided], rel=1e-3)
    assert again.team.capacity == pytest.approx(scene.team.capacity, rel=0.03)
    assert load_of(again) == pytest.approx(WORLD.load, rel=0.1)
    second = simulate(again, Rules(TAXONOMY, replace(CONFIG, random_share=0.0)), seed=1)
    both = decided & np.isfinite(second.start)
    assert both.sum() > 0.97 * decided.sum()
    assert np.median(np.abs(second.start[both] - outcome.start[both])) < 0.1


def test_other_orders_meet_the_same_log_and_what_nobody_knows_is_in_no_leak(
    played: tuple[Scene, Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = logged(*played)
    log = write(tmp_path / "log.jsonl", cases)
    unknown = sum(one.decision is None for one in cases)
    arguments = ["simulate", "--replay", str(log), "--policy", "fifo", "--policy", "harm-rate+guard", "--json"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    fifo, guarded = (json.loads(line) for line in said.out.splitlines())
    assert f"{unknown:,} nobody knows the truth" in said.err
    assert "those of each case's first claim" in said.err
    assert fifo["unknown"] == guarded["unknown"] == unknown
    assert fifo["cases"] == len(cases)
    assert guarded["oracle_leak"] <= guarded["leak"] < fifo["leak"]
    # A case of enormous reach that nobody decided changes the queue, and no figure of harm.
    open_one = next(index for index, one in enumerate(cases) if one.decision is None)
    cases[open_one] = replace(cases[open_one], views_per_hour=1e9)
    scene = replay_scene(write(log, cases), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    (found,) = measure_policies([scene], Rules(TAXONOMY, CONFIG), policies=["harm-rate"], load=1.0, seeds=[1])
    assert found.leak < 0.5


def test_reviewers_are_put_together_from_claims() -> None:
    minute = 1 / 60
    claims = [(0.0, 1.0), (0.5, 0.9), (1.0 + minute, 2.0), (1.0 + 2 * minute, 1.5), (3.0, 3.5)]
    assert sessions_of(claims) == (
        ((0.0, 2.0), (3.0, 3.5)),
        ((0.5, 0.9), (1.0 + 2 * minute, 1.5)),
    )


def test_a_lapsed_lease_is_nobodys_work(played: tuple[Scene, Outcome], tmp_path: Path) -> None:
    cases = [one for one in logged(*played) if one.claims and one.decision][:50]
    before = replay_scene(write(tmp_path / "a", cases), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    (claim,) = cases[0].claims
    lapsed = Claim(cases[0].opened_at, claim.at, "lapsed", "ranked", 1.0)
    cases[0] = replace(cases[0], claims=(lapsed, claim))
    after = replay_scene(write(tmp_path / "b", cases), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    assert after.team.sessions == before.team.sessions
    assert after.arrivals.minutes.tolist() == before.arrivals.minutes.tolist()


def test_what_was_decided_with_a_cluster_takes_the_expected_minutes(
    played: tuple[Scene, Outcome], tmp_path: Path
) -> None:
    cases = [one for one in logged(*played) if one.claims and one.decision][:50]
    before = replay_scene(write(tmp_path / "a", cases), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    decision, (claim,) = cases[7].decision, cases[7].claims
    assert decision is not None
    at_once = replace(claim, at=decision.decided_at, ended_at=decision.decided_at)
    cases[7] = replace(cases[7], claims=(at_once,), decision=replace(decision, basis=CLUSTER))
    scene = replay_scene(write(tmp_path / "b", cases), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    ratios = np.delete(scene.arrivals.minutes, 7) / [
        float(one.parts["handling_minutes"]) for one in scene.ranks[:7] + scene.ranks[8:]
    ]
    expected = float(scene.ranks[7].parts["handling_minutes"])
    assert scene.arrivals.minutes[7] == pytest.approx(np.median(ratios) * expected)
    assert np.delete(scene.arrivals.minutes, 7).tolist() == np.delete(before.arrivals.minutes, 7).tolist()
    assert all(end > begin for mine in scene.team.sessions for begin, end in mine)


def test_a_log_without_parts_or_without_work_is_refused(played: tuple[Scene, Outcome], tmp_path: Path) -> None:
    cases = logged(*played)[:5]
    worked = [replace(one, parts=one.parts if number else None) for number, one in enumerate(cases)]
    with pytest.raises(LogError, match=r"log:1: parts give no rank"):
        replay_scene(write(tmp_path / "log", worked), TAXONOMY, CONFIG, half_life=HALF_LIFE)
    idle = [replace(one, claims=(), decision=None) for one in cases]
    with pytest.raises(SimulationError, match="no work to replay"):
        replay_scene(write(tmp_path / "log", idle), TAXONOMY, CONFIG, half_life=HALF_LIFE)


def test_a_log_takes_no_parameters_of_a_made_up_world(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["simulate", "--replay", str(tmp_path / "none"), "--load", "1.2", "--days", "3"]) == 2
    assert "leave out --load, --days" in capsys.readouterr().err
    assert main(["simulate", "--replay", str(tmp_path / "none")]) == 2
