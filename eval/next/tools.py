"""Packages of the training extra, loaded when a command needs them: the other commands of `eval` go without."""

import importlib
from typing import Any


class ToolMissingError(ValueError):
    """A package of the training extra is not installed."""


def tool(name: str) -> Any:
    """The module `name`. Raises ToolMissingError."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolMissingError(
            f"{name} cannot be imported ({error}); this command needs the training extra: pip install '.[train]'"
        ) from error
