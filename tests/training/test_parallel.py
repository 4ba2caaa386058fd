"""Several processes train one network: each on its share of the rows, all to the same weights."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from tests.training.conftest import AREAS, make_rows, read_json
from tests.training.small import CONFIG, NOTHING, CountingClock, small_network
from training import train as stage
from training.config import ConfigError
from training.loss import make_loss
from training.network import load_checkpoint
from training.parallel import Team, team
from training.progress import Position
from training.train import Fit, Surroundings, encode_rows, train

pytestmark = pytest.mark.training


class DenseTeam(Team):
    """A team of CPU processes that shares gradients as one of GPUs would."""

    @property
    def sparse_table(self) -> bool:
        """Never."""
        return False


def train_in_one_process(rank: int, port: int, folder: Path) -> None:
    """Train as process `rank` of two, with either table; leaves hashes of the weights and the rows this process saw."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    with team() as members:
        for kind in (Team, DenseTeam):
            found = train_as(kind(members.rank, members.size, members.device))
            (folder / f"{kind.__name__}{rank}.json").write_text(json.dumps(found))


def train_as(members: Team) -> dict[str, Any]:
    """What a member of a team learned, and from which rows."""
    seen: list[list[int]] = []

    def watched(*of: Any) -> Any:
        loss_of = make_loss(*of)

        def noting(logits: Any, index: Any) -> torch.Tensor:
            seen.append(index.tolist())
            return loss_of(logits, index)

        return noting

    network, tokenizer = small_network()
    with torch.no_grad():
        network.head.weight += members.rank  # The leader's weights must be those that all begin with.
    config = replace(CONFIG, repeat_at_most=1)
    rows = encode_rows(make_rows(40), tokenizer, AREAS, config=config)
    before = network.wide.weight.clone()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "make_loss", watched)
        patched.setattr(stage, "_Clock", CountingClock)
        fit = Fit(network, rows, config, around=Surroundings(team=members))
        in_all = fit.run(report=lambda: NOTHING)
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in network.state_dict().values()))
    moved = not torch.equal(before, network.wide.weight)
    kind = type(fit._table).__name__
    return {"weights": digest.hexdigest(), "seen": seen, "in_all": in_all, "moved": moved, "table": kind}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes that trained together left."""
    folder = tmp_path_factory.mktemp("learned")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(train_in_one_process, args=(port, folder), nprocs=2)  # type: ignore[no-untyped-call]
    return folder


@pytest.mark.parametrize(("kind", "table"), [("Team", "SparseAdam"), ("DenseTeam", "AdamW")])
def test_two_processes_learn_the_same_from_different_rows(learned: Path, kind: str, table: str) -> None:
    first, second = (read_json(learned / f"{kind}{rank}.json") for rank in (0, 1))
    assert first["table"] == second["table"] == table
    assert first["weights"] == second["weights"]
    assert first["moved"]
    assert len(first["seen"]) == len(second["seen"]) > 10
    for mine, others in zip(first["seen"], second["seen"], strict=True):
        assert mine
        assert others
        assert not set(mine) & set(others)
    assert first["in_all"] == sum(len(mine) for one in (first, second) for mine in one["seen"])


def test_the_command_trains_with_two_processes(data: Path, tmp_path: Path) -> None:
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "training", "train", "--no-tracking"]
    arguments = ["--data", str(data), "--config", str(data / "config.toml"), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command, *arguments], check=True, env=environment, timeout=180)
    trained, state = load_checkpoint(tmp_path / "run")
    assert trained.trained_areas == AREAS
    assert state["rows_seen"] > 0
    assert np.isfinite(trained.network.head.weight.detach().numpy()).all()


def test_only_gpus_together_have_a_dense_table() -> None:
    gpu = torch.device("cuda", 1)
    assert Team().sparse_table
    assert Team(1, 2).sparse_table
    assert Team(device=gpu).sparse_table
    assert not Team(1, 2, gpu).sparse_table


def test_each_process_takes_its_own_gpu_before_it_meets_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", calls.append)
    monkeypatch.setattr(distributed, "init_process_group", calls.append)
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: None)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    with team() as members:
        assert members == Team(1, 2, torch.device("cuda", 1))
    assert calls == [torch.device("cuda", 1), "nccl"]


@pytest.mark.parametrize(("threads", "size", "expected"), [(4, 2, 2), (2, 2, 1), (2, 3, 1), (3, 1, 3)])
def test_processes_divide_the_threads(threads: int, size: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        pass

    def stop(number: int) -> None:
        raise EnoughError(number)

    monkeypatch.setattr(torch, "set_num_threads", stop)
    around = Surroundings(team=Team(0, size))
    with pytest.raises(EnoughError) as raised:
        train(replace(CONFIG, threads=threads), [], validation=[], areas=AREAS, around=around)
    assert raised.value.args == (expected,)


def fit_of(rows: int, *, batch_size: int, size: int) -> Fit:
    network, tokenizer = small_network()
    config = replace(CONFIG, batch_size=batch_size, repeat_at_most=1)
    encoded = encode_rows(make_rows(rows), tokenizer, AREAS, config=config)
    return Fit(network, encoded, config, around=Surroundings(team=Team(0, size)))


@pytest.mark.parametrize("killed_after", [1, 2, 3, 4, 5])
def test_a_batch_too_small_for_all_is_passed_over_after_a_kill_as_before(killed_after: int) -> None:
    """Of 9 rows in batches of 4 the last holds one row: two processes cannot share it."""
    order, at = follow(fit_of(9, batch_size=4, size=2), steps=killed_after)
    resumed = fit_of(9, batch_size=4, size=2)
    resumed._position = at
    again, _ = follow(resumed, steps=8 - killed_after)
    whole, _ = follow(fit_of(9, batch_size=4, size=2), steps=8)
    assert order + again == whole


def follow(fit: Fit, *, steps: int) -> tuple[list[list[int]], Position]:
    """The next batches, and where the run then stands."""
    found: list[list[int]] = []
    for batch in fit._batches():
        found.append(batch.tolist())
        fit._position.batch += 1
        if len(found) == steps:
            break
    return found, replace(fit._position)


@pytest.mark.parametrize(("rows", "batch_size"), [(9, 2), (2, 4), (0, 4)])
def test_processes_that_would_get_no_row_are_refused(rows: int, batch_size: int) -> None:
    with pytest.raises(ConfigError, match="leave some of 3 processes without a row"):
        next(fit_of(rows, batch_size=batch_size, size=3)._batches())
