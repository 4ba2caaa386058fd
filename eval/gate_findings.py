"""What the release gate looks at, and what one of its rules found there."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.bundle import Bundle

Json = Mapping[str, Any]
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged: a report of `bundle`, and that of the bundle before it where there is one.

    `first` says that somebody stated that there is none.
    """

    report: Json
    bundle: Bundle
    previous: Json | None = None
    first: bool = False


@dataclass(slots=True)
class Findings:
    """What one rule found: anything `wrong` fails the rule; `fine` is what was within its limit, with its margin.

    `excused` says that somebody stated that there is nothing for the rule to judge; else finding nothing is wrong.
    """

    wrong: list[str] = field(default_factory=list)
    fine: list[tuple[float, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    excused: bool = False

    def reason(self) -> str:
        """All that is wrong, or how close it was."""
        if self.wrong:
            return "; ".join(self.wrong)
        closest = f"closest: {min(self.fine)[1]}" if self.fine else ""
        said = [f"{len(self.fine)} within limits"] if len(self.fine) > 1 else []
        return "; ".join([*said, *([closest] if closest else []), *self.notes])

    def number(self, values: Any, *path: str) -> float | None:
        """The number at `path`; where there is none, that is wrong."""
        found = lookup(values, *path)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            self.wrong.append(f"{'.'.join(path)}: no figure in the report")
            return None
        return float(found)

    def at_least(self, label: str, value: float | None, limit: float) -> None:
        """Wrong where `value` is below `limit`."""
        self._limit(label, value, limit, sign=1, word="at least")

    def at_most(self, label: str, value: float | None, limit: float) -> None:
        """Wrong where `value` is above `limit`."""
        self._limit(label, value, limit, sign=-1, word="at most")

    def enough(self, label: str, count: float | None, least: float) -> bool:
        """Wrong, and False, where there are fewer than `least`."""
        if count is not None and count < least:
            self.wrong.append(f"{label}: {count:.0f}, too few to judge (at least {least:.0f})")
        return count is not None and count >= least

    def _limit(self, label: str, value: float | None, limit: float, *, sign: int, word: str) -> None:
        if value is None:
            return
        said = f"{label} {value:.4g} ({word} {limit:.4g})"
        margin = sign * (value - limit)
        if margin < 0:
            self.wrong.append(said)
        else:
            self.fine.append((margin, said))


def lookup(values: Any, *path: str) -> Any:
    """What lies at `path` in nested objects; None where the path ends early."""
    for key in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)
    return values


def data_hashes(report: Json) -> list[str]:
    """sha256 of the files that a report was measured on, in order; empty where it does not say."""
    files = report.get("data")
    if not isinstance(files, list):
        return []
    return sorted(str(lookup(one, "sha256")) for one in files)


def sha256s_in(values: Any) -> Iterator[str]:
    """Every text in nested lists and objects that is a sha256 in hex."""
    if isinstance(values, str) and SHA256.fullmatch(values):
        yield values
    elif isinstance(values, Mapping | list):
        for one in values.values() if isinstance(values, Mapping) else values:
            yield from sha256s_in(one)


def numbers(values: Any, *names: str) -> list[float]:
    """The numbers under `names`, shorter where one is none."""
    found = [lookup(values, name) for name in names]
    return [
        float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
    ]
