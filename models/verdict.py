"""What the gate said of a bundle: a verdict holds for the one hash that it names and for nothing else."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bundle import BundleError, parse_object

FORMAT = 1
VERDICT_SUFFIX = ".verdict.json"
# A verdict names a few dozen rules with a sentence each.
MAX_VERDICT_BYTES = 1_000_000

_HASH = re.compile(r"[0-9a-f]{64}")
_MEND = "make it anew with `python -m eval gate`"


class RegistryError(BundleError):
    """A release that must not be made or used; the message names the file, what is wrong with it and how to mend it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict as it was read. `failed` names the rules that did not pass; `raw` are the bytes.

    `compared_with` is the hash of the bundle before it, None where it was judged alone; `rules_sha256` is that of the
    rules file, None where the verdict does not say.
    """

    path: Path
    bundle: str
    passed: bool
    failed: tuple[str, ...]
    rules: int
    compared_with: str | None
    rules_sha256: str | None
    raw: bytes

    def check(self, bundle: str) -> None:
        """Refuse any but a passing verdict for the bundle with that hash. Raises RegistryError."""
        if self.bundle != bundle:
            raise RegistryError(f"{self.path}: is a verdict for bundle {self.bundle}, not for {bundle}; {_MEND}")
        if not self.passed or self.failed:
            names = ", ".join(self.failed) or "it says so itself"
            raise RegistryError(f"{self.path}: bundle {bundle} did not pass ({names}); the reasons stand there")
        if not self.rules:
            raise RegistryError(f"{self.path}: names no rule, so nothing was judged; {_MEND}")


def read_verdict(path: Path) -> Verdict:
    """Read a verdict file. Raises RegistryError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RegistryError(f"{path}: there is no verdict that can be read ({error.strerror}); {_MEND}") from error
    if len(raw) > MAX_VERDICT_BYTES:
        raise RegistryError(f"{path}: larger than {MAX_VERDICT_BYTES} bytes, so it is no verdict; {_MEND}")
    try:
        return _from_json(path, raw)
    except (BundleError, KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"{path}: is no verdict ({error}); {_MEND}") from error


def bundle_hash(value: Any) -> str:
    """`value` where it is the hash of a bundle. Raises RegistryError: anything else must not become part of a path."""
    if isinstance(value, str) and _HASH.fullmatch(value):
        return value
    raise RegistryError(f"{value!r} is not the hash of a bundle (64 digits 0-9a-f)")


def _from_json(path: Path, raw: bytes) -> Verdict:
    values: dict[str, Any] = parse_object(raw, path)
    if values["format"] != FORMAT:
        raise ValueError(f"format {values['format']!r}, but this version reads format {FORMAT}")
    rules = values["rules"]
    if not isinstance(rules, list):
        raise TypeError("rules: a list is needed")
    return Verdict(
        path=path,
        bundle=bundle_hash(values["bundle"]),
        passed=values["passed"] is True,
        failed=tuple(str(rule["rule"]) for rule in rules if rule["passed"] is not True),
        rules=len(rules),
        compared_with=None if values.get("previous") is None else bundle_hash(values["previous"]),
        rules_sha256=None if values.get("rules_sha256") is None else str(values["rules_sha256"]),
        raw=raw,
    )
