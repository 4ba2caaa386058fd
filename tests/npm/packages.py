"""What the browser tests take from npm; `make test` installs it by `npm ci`."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


class NotInstalledError(RuntimeError):
    """A package is not there; the message says how to get it."""


@cache
def package_file(path: str) -> bytes:
    """A file of an installed package, as `axe-core/axe.min.js`. Raises NotInstalledError."""
    try:
        return (FOLDER / "node_modules" / path).read_bytes()
    except FileNotFoundError:
        raise NotInstalledError(f"{path} is not installed: run `make test`, or `npm ci` in tests/npm") from None
