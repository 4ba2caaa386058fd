"""Results, repetitions that alternate between both sides of a comparison, and the hardware they ran on."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class BenchError(RuntimeError):
    """A benchmark that cannot give a figure; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `value` is None where it could not be measured; `detail` then says why."""

    name: str
    value: float | None
    unit: str
    detail: dict[str, Any]

    def line(self) -> str:
        """The result as one JSON line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def alternate(first: Callable[[], float], second: Callable[[], float], *, rounds: int) -> list[tuple[float, float]]:
    """Call both sides in turn, `rounds` times each; noise of the machine then falls on both."""
    return [(first(), second()) for _ in range(rounds)]


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of the first side over median of the second."""
    return statistics.median(one for one, _ in pairs) / statistics.median(one for _, one in pairs)


def sides(pairs: Sequence[tuple[float, float]], *, first: str, second: str, unit: str) -> dict[str, Any]:
    """Both sides' absolute figures for a result's detail, and how far the rounds lie apart."""
    each = [one / other for one, other in pairs]
    return {
        f"{first}_{unit}": _rounded(statistics.median(one for one, _ in pairs)),
        f"{second}_{unit}": _rounded(statistics.median(one for _, one in pairs)),
        "rounds": len(pairs),
        "lowest_round": _rounded(min(each)),
        "highest_round": _rounded(max(each)),
    }


def hardware() -> dict[str, Any]:
    """Processor, usable cores and load at this moment."""
    return {
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def say(text: str) -> None:
    """Report progress, away from the results."""
    print(text, file=sys.stderr, flush=True)


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
