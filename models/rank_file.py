"""A ranking configuration of one's own, as a TOML file: a version, who answers for it, why, since when, and constants."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from models.rank import RankConfig

# Nobody may change the order without saying who did it and why.
REQUIRED = ("version", "owner", "reason", "decided_on")


class RankFileError(ValueError):
    """A ranking configuration that cannot be used; the message names file and key."""


def read_ranking(path: Path | None) -> RankConfig:
    """The configuration of a file, other constants as shipped; without a file the shipped one. Raises RankFileError."""
    if path is None:
        return RankConfig()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RankFileError(f"{path}: cannot be read as a ranking configuration ({error})") from error
    try:
        _refuse_unknown(values)
        if missing := [name for name in REQUIRED if values.get(name) in (None, "")]:
            raise ValueError(f"{', '.join(missing)} must be given: an order needs an owner, a reason and a date")
        return config_of(values)
    except (TypeError, ValueError) as error:
        raise RankFileError(f"{path}: {error}") from error


def config_of(values: Mapping[str, Any]) -> RankConfig:
    """The configuration of values by name, others as shipped. Raises TypeError, ValueError."""
    _refuse_unknown(values)
    kinds = {field.name: field.type for field in fields(RankConfig)}
    return RankConfig(**{name: _value(name, value, kinds[name]) for name, value in values.items()})


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(RankConfig)]
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"unknown keys {', '.join(unknown)}; known: {', '.join(known)}")


def _value(name: str, value: object, kind: object) -> Any:
    # TOML tells 2 from 2.0, people do not; and a bool is an int to Python only.
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in {str, bool, int} and type(value) is kind:
        return value
    # A moment is a date to Python; a configuration is of a day.
    if kind is date and type(value) is date:
        return value
    if kind == tuple[float, ...] and isinstance(value, list) and all(type(one) in (int, float) for one in value):
        return tuple(float(one) for one in value)
    raise TypeError(f"{name} has a value of the wrong kind: {value!r}")
