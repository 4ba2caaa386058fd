"""The state of an unfinished run on disk: enough to go on after a kill as if nothing had happened."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer

from models.atomic import sync_folder

NETWORK = "network.safetensors"
STATE = "state.json"


class ProgressError(ValueError):
    """A saved state that does not fit the run that is to go on from it."""


@dataclass(slots=True)
class Position:
    """How far a run is: seconds of its budget used, steps, rows seen, epoch, batches of that epoch, reports made.

    `shares` are the weights of the sources where those are learned along the way.
    """

    seconds: float = 0.0
    step: int = 0
    seen: int = 0
    epoch: int = 0
    batch: int = 0
    reports: int = 0
    shares: list[float] = field(default_factory=list)


def save_progress(
    folder: Path, position: Position, network: nn.Module, optimizers: dict[str, Optimizer], *, run: str
) -> None:
    """Write the state in `folder`, replaced as a whole; `run` identifies data and configuration."""
    new, old = _beside(folder)
    _remove(new)
    new.mkdir(parents=True)
    save_file(network.state_dict(), new / NETWORK)
    settings: dict[str, Any] = {}
    for name, optimizer in optimizers.items():
        state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
        tensors = {
            f"{index}.{key}": value.contiguous()
            for index, values in state.items()
            for key, value in values.items()
            if isinstance(value, torch.Tensor)
        }
        save_file(tensors, new / f"{name}.safetensors")
        settings[name] = {
            f"{index}.{key}": value
            for index, values in state.items()
            for key, value in values.items()
            if not isinstance(value, torch.Tensor)
        }
    text = json.dumps({"run": run, "position": asdict(position), "optimizers": settings})
    (new / STATE).write_text(text, encoding="utf-8")
    # On disk before the state that it replaces goes, so that a loss of power leaves one of them whole.
    _sync(new)
    # Two renames: between them a kill leaves the old state beside, which `load_progress` then takes. Where only that
    # one is left, it stays until the new state is in its place.
    if folder.exists():
        _remove(old)
        folder.replace(old)
    new.replace(folder)
    sync_folder(folder.parent)
    _remove(old)


def load_progress(folder: Path, network: nn.Module, optimizers: dict[str, Optimizer], *, run: str) -> Position | None:
    """Put a saved state into network and optimizers; None where there is none. Raises ProgressError."""
    _, old = _beside(folder)
    source = folder if folder.exists() else old
    if not source.exists():
        return None
    try:
        values: dict[str, Any] = json.loads((source / STATE).read_text(encoding="utf-8"))
        if values["run"] != run:
            raise ProgressError(f"{source}: belongs to other data or another configuration; remove it to start anew")
        network.load_state_dict(load_file(source / NETWORK))
        for name, optimizer in optimizers.items():
            state = _nested({**load_file(source / f"{name}.safetensors"), **values["optimizers"][name]})
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return Position(**values["position"])
    except ProgressError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ProgressError(f"{source}: cannot be gone on from ({error}); remove it to start anew") from error


def remove_progress(folder: Path) -> None:
    """Remove the state of a finished run with everything beside it; a kill leaves it whole or takes it all."""
    new, old = _beside(folder)
    _remove(old)
    if folder.exists():
        _remove(new)
        # Out of the place where `load_progress` looks before its files go one after the other.
        folder.replace(new)
    _remove(new)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Where the next state is made, and where the last one is while the next takes its place."""
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _nested(flat: dict[str, Any]) -> dict[int, dict[str, Any]]:
    nested: dict[int, dict[str, Any]] = {}
    for name, value in flat.items():
        index, key = name.split(".", 1)
        nested.setdefault(int(index), {})[key] = value
    return nested


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
