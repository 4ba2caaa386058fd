"""The untrained network around a base encoder, and checkpoints: what a training run leaves behind for the export."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertModel

from models.definition import TriageNetwork, WideConfig
from models.inference import limit_tokens
from training.config import ConfigError, TrainConfig, read_config
from training.encoders import empty_encoder, encoder_shape

WEIGHTS = "network.safetensors"
TOKENIZER = "tokenizer.json"
RUN = "run.json"


class CheckpointError(ValueError):
    """A run folder that cannot be used; the message says what is wrong with it."""


@dataclass(slots=True)
class Trained:
    """What a run leaves: network, tokenizer, column order, which columns were learned, on how many rows, in what time.

    `rows_seen` and `minutes` count all runs where one was started from another; `config` is that of the last.
    """

    network: TriageNetwork
    tokenizer: Tokenizer
    config: TrainConfig
    areas: tuple[str, ...]
    trained_areas: tuple[str, ...]
    rows_selected: int
    rows_seen: int
    minutes: float


def build_network(encoder: BertModel, config: TrainConfig, *, areas: int) -> TriageNetwork:
    """The untrained network around `encoder`. Raises ConfigError for a table with no room for pairs of tokens."""
    size = encoder.config.vocab_size
    if config.wide_rows <= size:
        raise ConfigError(f"wide_rows must be above the vocabulary of {size} tokens, not {config.wide_rows}")
    encoder.embeddings.requires_grad_(config.train_embeddings)
    for layer in encoder.encoder.layer[: config.frozen_layers]:
        layer.requires_grad_(False)
    wide = WideConfig(config.wide_rows, size)
    return TriageNetwork(
        encoder, hidden=encoder.config.hidden_size, areas=areas, wide=wide, frozen_layers=config.frozen_layers
    )


def save_checkpoint(trained: Trained, folder: Path, *, data: dict[str, Any]) -> None:
    """Write network, tokenizer and what else the export needs; nothing is pickled. `data` describes the rows.

    A kill on the way leaves a folder without run.json, never one that describes other weights than its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).unlink(missing_ok=True)
    save_file(trained.network.state_dict(), folder / WEIGHTS)
    trained.tokenizer.save(str(folder / TOKENIZER))
    state = {
        "config": asdict(trained.config),
        "encoder_shape": encoder_shape(trained.network.encoder.config),
        "areas": trained.areas,
        "trained_areas": trained.trained_areas,
        "rows_selected": trained.rows_selected,
        "rows_seen": trained.rows_seen,
        "minutes": trained.minutes,
        "data": data,
    }
    (folder / RUN).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def load_checkpoint(folder: Path, *, config: TrainConfig | None = None) -> tuple[Trained, dict[str, Any]]:
    """What `save_checkpoint` wrote, with run.json as it stands; `config` replaces the run's own, to train on.

    Raises CheckpointError, also where the network is not of the kind that `config` describes.
    """
    try:
        state: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
        config = config or read_config(state["config"])
        tokenizer = Tokenizer.from_buffer((folder / TOKENIZER).read_bytes())
        areas = tuple(state["areas"])
        network = build_network(empty_encoder(state["encoder_shape"]), config, areas=len(areas))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{folder}: not the folder of a finished training run ({reason})") from error
    limit_tokens(tokenizer, config.max_tokens)
    network.eval()
    trained = Trained(
        network=network,
        tokenizer=tokenizer,
        config=config,
        areas=areas,
        trained_areas=tuple(state["trained_areas"]),
        rows_selected=state["rows_selected"],
        rows_seen=state["rows_seen"],
        minutes=state["minutes"],
    )
    return trained, state
