"""Training settings: frozen dataclasses read from TOML; an unknown key is refused, so a typo cannot pass silently."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A training configuration that cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run. Times are minutes of wall clock, rates are per optimiser step.

    `layers` and `vocabulary` say how much of the base encoder is kept, 0 for all of it (only e5 can be cut);
    `cache_frozen` keeps what frozen layers make of each row (`training/frozen.py`),
    `batch_size` is that of all processes together; `disguise` is the share of texts that are trained on in a
    disguised spelling. `teacher_share` is how far what teachers say replaces a label, `teacher_unlabelled` how much it
    counts where there is none. `balance_mentions` weighs rows that name groups of people, `group_dro` is the step
    size with which badly learned sources gain weight (both: `training/robust.py`). `pair_loss` weighs how far the two
    texts of a minimal pair are from being told apart (`training/pairs.py`).
    """

    name: str
    encoder: str
    seed: int = 20261123
    max_tokens: int = 128
    windows: int = 8
    batch_size: int = 32
    minutes: float = 60.0
    wide_rows: int = 2**19
    wide_epochs: int = 3
    wide_batch_size: int = 256
    wide_warm_rate: float = 2e-2
    wide_rate: float = 1e-3
    wide_dropout: float = 0.5
    encoder_rate: float = 1e-4
    head_rate: float = 5e-4
    warm_up: float = 0.04
    weight_decay: float = 0.01
    severity_loss: float = 0.25
    rated_severity: float = 1.0
    graphic_loss: float = 0.1
    layers: int = 0
    vocabulary: int = 0
    frozen_layers: int = 0
    cache_frozen: bool = False
    train_embeddings: bool = True
    threads: int = 2
    checkpoint_minutes: float = 5.0
    disguise: float = 0.0
    cap_per_source: int = 9_000
    cap_per_source_other: int = 5_000
    uncapped_sources: tuple[str, ...] = ()
    teacher_share: float = 0.0
    teacher_unlabelled: float = 0.3
    balance_mentions: bool = False
    group_dro: float = 0.0
    pair_loss: float = 0.0
    repeat_rare_below: int = 2_500
    repeat_at_most: int = 4
    repeat_sources: tuple[str, ...] = ()
    repeat_times: int = 1
    min_character_count: int = 20
    licences: tuple[str, ...] = ()
    exclude_sources: tuple[str, ...] = ()


_ABOVE_ZERO = ("max_tokens", "windows", "batch_size", "minutes", "wide_rows", "wide_batch_size", "warm_up", "threads")


def load_config(path: Path) -> TrainConfig:
    """Read a TOML file. Raises ConfigError on an unknown key, a missing one or a value of the wrong type."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a training configuration ({error})") from error
    kinds = {field.name: field.type for field in fields(TrainConfig)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise ConfigError(f"{path}: unknown keys {', '.join(unknown)}; known: {', '.join(kinds)}")
    for key, value in values.items():
        _check_kind(path, key, value, kinds[key])
    try:
        return read_config(values)
    except TypeError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_config(values: dict[str, Any]) -> TrainConfig:
    """A configuration from plain values, lists becoming tuples. Raises TypeError for a missing or unknown key."""
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return TrainConfig(**{**values, **lists})


def _check_kind(path: Path, key: str, value: object, kind: object) -> None:
    if kind == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ConfigError(f"{path}: {key} must be a list of texts, not {value!r}")
        return
    # TOML tells 2 from 2.0, people do not; and a bool is an int to Python only.
    accepted = (float, int) if kind is float else kind
    if (
        not isinstance(accepted, type | tuple)
        or not isinstance(value, accepted)
        or isinstance(value, bool) != (kind is bool)
    ):
        raise ConfigError(f"{path}: {key} must be {getattr(kind, '__name__', kind)}, not {value!r}")
    if key in _ABOVE_ZERO and isinstance(value, int | float) and value <= 0:
        raise ConfigError(f"{path}: {key} must be above 0, not {value!r}")
