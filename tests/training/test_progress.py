"""A run that is killed goes on from its last saved state and ends where it would have ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.conftest import AREAS, make_rows, read_json
from tests.training.small import CONFIG, NOTHING, CountingClock, small_network
from training import progress as states
from training import train as stage
from training.network import Trained
from training.progress import Position, ProgressError, load_progress, remove_progress, save_progress
from training.train import Fit, Surroundings, encode_rows

pytestmark = pytest.mark.training


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_Clock", CountingClock)


def run(progress: Path | None, *, kill_at: int | None = None) -> tuple[dict[str, torch.Tensor], int]:
    """Train on made-up rows; the weights at the end and the number of rows seen."""
    network, tokenizer = small_network()
    rows = encode_rows(make_rows(40), tokenizer, AREAS, config=CONFIG)
    fit = Fit(network, rows, CONFIG, around=Surroundings(progress=progress), identity="this run")
    if kill_at is not None:
        step: Callable[..., object] = fit._dense.step
        steps = iter(range(10_000))

        def step_or_die(*args: object) -> object:
            if next(steps) == kill_at:
                raise KilledError
            return step(*args)

        fit._dense.step = step_or_die  # type: ignore[method-assign,assignment]
        with pytest.raises(KilledError):
            fit.run(report=lambda: NOTHING)
        return {}, 0
    seen = fit.run(report=lambda: NOTHING)
    return {name: value.clone() for name, value in network.state_dict().items()}, seen


@pytest.mark.parametrize("kill_at", [2, 9, 28])
def test_killed_at_any_step_it_ends_with_the_very_same_weights(tmp_path: Path, kill_at: int) -> None:
    whole, seen = run(None)
    run(tmp_path / "progress", kill_at=kill_at)
    resumed, seen_in_all = run(tmp_path / "progress")
    assert seen == seen_in_all
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_second_kill_between_the_renames_leaves_the_old_state(tmp_path: Path) -> None:
    run(tmp_path / "progress", kill_at=12)
    (tmp_path / "progress").rename(tmp_path / ".progress.old")
    (tmp_path / ".progress.new").mkdir()
    whole, _ = run(None)
    resumed, _ = run(tmp_path / "progress")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_state_of_other_data_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "progress", kill_at=12)
    network, _ = small_network()
    with pytest.raises(ProgressError, match="other data or another configuration; remove it"):
        load_progress(tmp_path / "progress", network, {}, run="another run")


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "progress", kill_at=12)
    weights = tmp_path / "progress" / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    network, _ = small_network()
    with pytest.raises(ProgressError, match="cannot be gone on from"):
        load_progress(tmp_path / "progress", network, {}, run="this run")


def test_nothing_saved_nothing_loaded(tmp_path: Path) -> None:
    network, _ = small_network()
    assert load_progress(tmp_path / "none", network, {}, run="") is None
    save_progress(tmp_path / "some", Position(step=3), network, {}, run="r")
    assert load_progress(tmp_path / "some", network, {}, run="r") == Position(step=3)


def test_changed_rates_change_what_is_learned() -> None:
    """The equalities above compare something: another configuration ends elsewhere."""
    network, tokenizer = small_network()
    config = replace(CONFIG, encoder_rate=CONFIG.encoder_rate * 2)
    rows = encode_rows(make_rows(40), tokenizer, AREAS, config=config)
    Fit(network, rows, config, around=Surroundings()).run(report=lambda: NOTHING)
    whole, _ = run(None)
    assert not torch.equal(network.state_dict()["head.weight"], whole["head.weight"])


def test_a_killed_process_goes_on(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text((data / "config.toml").read_text().replace("0.05", "0.1") + "checkpoint_minutes = 0.01\n")
    command = [
        sys.executable,
        "-m",
        "training",
        "train",
        "--no-tracking",
        "--data",
        str(data),
        "--config",
        str(config),
        "--out",
    ]
    out = tmp_path / "run"
    started = subprocess.Popen([*command, str(out)])
    deadline = time.monotonic() + 120
    while not (out / "progress" / "state.json").exists() and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGKILL)
    started.wait()
    saved = read_json(out / "progress" / "state.json")["position"]["seen"]
    ended = subprocess.run([*command, str(out)], check=True, capture_output=True, text=True, timeout=180)
    assert f"going on after {saved} rows" in ended.stderr
    assert read_json(out / "run.json")["rows_seen"] > saved > 0
    assert not [path.name for path in out.iterdir() if "progress" in path.name]


@pytest.mark.parametrize("changes", range(5))
def test_kills_in_two_saves_in_turn_leave_a_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """The first between its renames, the second after so many changes to what lies there."""
    place = tmp_path / "progress"
    network, _ = small_network()
    save_progress(place, Position(step=2), network, {}, run="r")
    place.rename(tmp_path / ".progress.old")
    left = iter(range(changes))

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def change_or_die(*of: object) -> object:
            if next(left, None) is None:
                raise KilledError
            return change(*of)

        return change_or_die

    with monkeypatch.context() as patched, suppress(KilledError):
        patched.setattr(states, "_remove", counted(states._remove))
        patched.setattr(Path, "replace", counted(Path.replace))
        save_progress(place, Position(step=3), network, {}, run="r")
    found = load_progress(place, network, {}, run="r")
    assert found
    assert found.step == (2 if changes < 2 else 3)


def test_a_state_is_on_disk_before_it_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    replace_path, sync = Path.replace, os.fsync

    def record_sync(handle: int) -> None:
        synced.append(Path(f"/dev/fd/{handle}").resolve().name)
        sync(handle)

    def record_rename(path: Path, target: Path) -> Path:
        synced.append(f"to {target.name}")
        return replace_path(path, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(Path, "replace", record_rename)
    network, _ = small_network()
    save_progress(tmp_path / "progress", Position(), network, {}, run="r")
    assert set(synced[:3]) == {"network.safetensors", "state.json", ".progress.new"}
    assert synced[3:] == ["to progress", tmp_path.name]


def test_nothing_of_a_finished_run_stays(tmp_path: Path) -> None:
    network, _ = small_network()
    for name in (".progress.old", ".progress.new", "progress"):
        save_progress(tmp_path / name, Position(), network, {}, run="r")
    remove_progress(tmp_path / "progress")
    assert not list(tmp_path.iterdir())
    remove_progress(tmp_path / "progress")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"not json", b"[]", b"{}"])
def test_a_state_that_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    network, _ = small_network()
    save_progress(tmp_path / "progress", Position(), network, {}, run="r")
    (tmp_path / "progress" / "state.json").write_bytes(content)
    with pytest.raises(ProgressError, match="cannot be gone on from"):
        load_progress(tmp_path / "progress", network, {}, run="r")


def trained_before(*, change: float = 0.0) -> Trained:
    network, tokenizer = small_network()
    with torch.no_grad():
        network.head.weight[0, 0] += change
    return Trained(network, tokenizer, CONFIG, AREAS, AREAS, rows_selected=9, rows_seen=9, minutes=1.0)


def test_a_run_is_known_by_all_that_moves_its_weights() -> None:
    rows = make_rows(6)
    relabelled = [*rows[:-1], replace(rows[-1], policy_areas=AREAS)]
    reworded = [*rows[:-1], replace(rows[-1], text="something else")]
    here = stage._identity(CONFIG, rows, AREAS, None)
    others = [
        stage._identity(CONFIG, relabelled, AREAS, None),
        stage._identity(CONFIG, reworded, AREAS, None),
        stage._identity(CONFIG, rows, AREAS[::-1], None),
        stage._identity(replace(CONFIG, batch_size=7), rows, AREAS, None),
        stage._identity(CONFIG, rows, AREAS, trained_before()),
        stage._identity(CONFIG, rows, AREAS, trained_before(change=0.5)),
    ]
    assert len({here, *others}) == 7
    assert others[4] == stage._identity(CONFIG, rows, AREAS, trained_before())


def test_another_machine_may_go_on() -> None:
    moved = replace(CONFIG, threads=16, checkpoint_minutes=1.0)
    rows = make_rows(6)
    assert stage._identity(moved, rows, AREAS, None) == stage._identity(CONFIG, rows, AREAS, None)
