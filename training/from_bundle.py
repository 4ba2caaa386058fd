"""A network to train on from a bundle alone: no base encoder, no run folder, only the files that also serve.

Weights come back from 8 bits (and tables of 4-bit blocks without loss); the small error is trained away in minutes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper
from tokenizers import Tokenizer

from models.bundle import MODEL, TOKENIZER, BundleError, load_bundle
from models.definition import TriageNetwork
from models.inference import limit_tokens
from training.config import TrainConfig
from training.encoders import empty_encoder
from training.network import Trained, build_network
from training.onnx_graph import TRANSPOSED

# What of a manifest's `training` is needed to train on.
_FACTS = frozenset({"encoder_shape", "rows_selected", "rows_seen", "minutes"})
# What of its graph has a row, or of the table a column, for each area.
_PARTS = frozenset({"head.weight", "head.bias", "wide.weight"})


def read_bundle(folder: Path, config: TrainConfig, *, areas: tuple[str, ...]) -> Trained:
    """The network of a bundle, to be trained on under `config` for `areas`.

    Areas that the bundle does not know start untrained, those that `areas` leaves out are dropped. Raises BundleError
    for a bundle that is damaged or was made before its graph named its weights.
    """
    bundle = load_bundle(folder)
    facts = bundle.manifest.get("training")
    try:
        weights = _weights(bundle.read(MODEL))
    except (DecodeError, KeyError, ValueError) as error:
        raise BundleError(f"{folder / MODEL}: cannot be read as a graph ({error}); export the bundle anew") from error
    if not isinstance(facts, dict) or not facts.keys() >= _FACTS or not weights.keys() >= _PARTS:
        raise BundleError(f"{folder}: was exported by a version whose bundles cannot be trained on; train a new one")
    outputs = weights["head.weight"].shape[0]
    for name in _PARTS:
        weights[name] = _for_areas(weights[name], bundle.areas, areas, outputs=outputs)
    network = build_network(empty_encoder(facts["encoder_shape"]), config, areas=len(areas))
    _load(network, weights, folder)
    tokenizer = Tokenizer.from_buffer(bundle.read(TOKENIZER))
    limit_tokens(tokenizer, config.max_tokens)
    return Trained(
        network=network,
        tokenizer=tokenizer,
        config=config,
        areas=areas,
        trained_areas=tuple(area for area in bundle.trained_areas if area in areas),
        rows_selected=facts["rows_selected"],
        rows_seen=facts["rows_seen"],
        minutes=facts["minutes"],
    )


def _weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """Every parameter in the graph of a bundle, as floats, by its name in the network."""
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load_from_string(model).graph.initializer}
    weights: dict[str, NDArray[np.float32]] = {}
    for name, values in stored.items():
        if name.endswith("_packed"):
            plain = name.removesuffix("_packed")
            halves = np.concatenate([values % 16, values // 16], -1).astype(np.float32) - 8
            scales = stored[f"{plain}_scales"].astype(np.float32)
            weights[plain] = (halves * scales).reshape(len(values), -1)
        elif name.endswith("_int"):
            plain = name.removesuffix("_int")
            weights[plain] = values.astype(np.float32) * stored[f"{plain}_scale"].astype(np.float32)
        elif values.dtype == np.float32:
            weights[name] = values
    return {
        name.removesuffix(TRANSPOSED): np.array(values.T if name.endswith(TRANSPOSED) else values, order="C")
        for name, values in weights.items()
    }


def _for_areas(
    values: NDArray[np.float32], old: tuple[str, ...], new: tuple[str, ...], *, outputs: int
) -> NDArray[np.float32]:
    """The rows (or, of the table, columns) of `new` areas, zero where there is no old one, the ordinal ones behind."""
    axis = list(values.shape).index(outputs)
    ordinal = np.take(values, range(len(old), outputs), axis)
    nothing = np.zeros_like(np.take(values, [0], axis))
    columns = [np.take(values, [old.index(area)], axis) if area in old else nothing for area in new]
    return np.concatenate([*columns, ordinal], axis)


def _load(network: TriageNetwork, weights: dict[str, NDArray[np.float32]], folder: Path) -> None:
    state: dict[str, Any] = network.state_dict()
    missing = [name for name in state if name not in weights and not name.endswith("position_ids")]
    wrong = [name for name in state if name in weights and weights[name].shape != tuple(state[name].shape)]
    if missing or wrong:
        raise BundleError(
            f"{folder}: does not fit the configuration (missing {missing[:3]}, other shape {wrong[:3]}); "
            "keep `wide_rows` and `layers` as the bundle has them"
        )
    network.load_state_dict(
        {name: torch.from_numpy(weights[name]) if name in weights else state[name] for name in state}
    )
