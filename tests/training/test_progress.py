"""A run that is killed goes on from its last saved state and ends where it would have ended."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from eval.metrics import AreaReport
from models.definition import TriageNetwork
from models.inference import limit_tokens
from tests.training.conftest import AREAS, make_rows, read_json
from training import train as stage
from training.config import TrainConfig
from training.encoders import empty_encoder
from training.network import build_network, load_checkpoint
from training.progress import Position, ProgressError, load_progress, save_progress
from training.train import Fit, Surroundings, encode_rows

pytestmark = pytest.mark.training

WORDS = [
    "[UNK]",
    *[
        "you",
        "have",
        "won",
        "prize",
        "number",
        "call",
        "now",
        "to",
        "claim",
        "your",
        "free",
        "gift",
        "are",
        "a",
        "fool",
        "and",
        "clown",
        "go",
        "away",
        "the",
    ],
]
CONFIG = TrainConfig(
    name="small",
    encoder="none",
    minutes=0.5,
    batch_size=6,
    wide_rows=100,
    checkpoint_minutes=3.5 / 60,
    threads=1,
    warm_up=0.1,
)


NOTHING = AreaReport({}, {})


class CountingClock:
    """A clock on which each step of training takes one second."""

    def __init__(self, minutes: float, used: float) -> None:
        self._budget = minutes * 60
        self._now = used

    def share(self) -> float:
        self._now += 1
        return self._now / self._budget

    def seconds(self) -> float:
        return self._now

    def stopped(self) -> torch.no_grad:
        """Any context manager will do."""
        return torch.no_grad()


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_Clock", CountingClock)


def small_network() -> tuple[TriageNetwork, Tokenizer]:
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    limit_tokens(tokenizer, 16)
    torch.manual_seed(3)
    shape = {
        "vocab_size": len(WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-6,
    }
    network = build_network(empty_encoder(shape), CONFIG, areas=len(AREAS))
    network.wide.sparse = True
    return network, tokenizer


def run(progress: Path | None, *, kill_at: int | None = None) -> tuple[dict[str, torch.Tensor], int]:
    """Train on made-up rows; the weights at the end and the number of rows seen."""
    network, tokenizer = small_network()
    rows = encode_rows(make_rows(40), tokenizer, AREAS, config=CONFIG)
    fit = Fit(network, rows, CONFIG, around=Surroundings(progress=progress), identity="this run")
    if kill_at is not None:
        step, steps = fit._dense.step, iter(range(10_000))

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


def test_two_processes_train_one_network(data: Path, tmp_path: Path) -> None:
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "training", "train", "--no-tracking"]
    arguments = ["--data", str(data), "--config", str(data / "config.toml"), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command, *arguments], check=True, env=environment, timeout=180)
    trained, state = load_checkpoint(tmp_path / "run")
    assert trained.trained_areas == AREAS
    assert state["rows_seen"] > 0
    assert np.isfinite(trained.network.head.weight.detach().numpy()).all()


def test_a_killed_process_goes_on(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text((data / "config.toml").read_text().replace("0.05", "0.2") + "checkpoint_minutes = 0.01\n")
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
    assert not (out / "progress").exists()
