"""The figures as a document."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from bench.measure import Result, hardware
from bench.targets import TARGETS

_HEAD = """# Benchmarks

Made by `python -m bench --markdown docs/benchmarks.md`; `make bench` prints the same figures as JSON lines, `make bench
ONLY=name` one of them, `python -m bench --check` fails when one misses its target. Measured on {on}: {cpu}, {cores} cores,
Python {python}; client, service and database share these cores.

Every figure in other units than milliseconds is a ratio of two sides measured in turn in the same run, so that what disturbs the machine falls on
both, and it means much the same on another machine. Medians over the rounds. PostgreSQL is the embedded one with durable
commits (`fsync` and `synchronous_commit` on) on both sides of every comparison.

| figure | measured | target | met | what it compares |
|---|---|---|---|---|
"""
_NOTES = """
## Reading the HTTP figures

The bare side is one prepared statement over eight open connections. A claim over HTTP also checks the key on every call
(a revoked one stops at once), runs in a transaction of its own, reads the whole case and sends it as JSON; a report also
takes its idempotency key and is validated and ranked. Client, API and PostgreSQL share the cores, so the ratio is about
that of the processor time all of them spend on one call. A plain claim is two round trips (who calls; the claim with the
case it hands out, which commits by itself), a plain report four, and both go past the framework's solver of dependencies.
The API is one process; where there are more cores than it and the database can use, several API processes on one database
serve more.
"""
_SIDES = """
## Both sides, in absolute figures

These depend on the machine. `lowest_round` and `highest_round` are the ratio of the single rounds furthest apart;
`load` is the number of processes that wanted a core when the figure was done: above the number of cores, other work ran
beside it.

| figure | details |
|---|---|
"""


def markdown(results: Sequence[Result], *, on: date) -> str:
    """The whole document."""
    machine = {key: value for key, value in hardware().items() if key != "load"}
    head = _HEAD.format(on=on.isoformat(), **machine)
    rows = "".join(map(_row, results))
    return (
        head + rows + _missed(results) + _NOTES + _SIDES + "".join(_detail(one, leave_out=machine) for one in results)
    )


def _row(result: Result) -> str:
    target = TARGETS[result.name]
    if result.value is None:
        measured, met = "not measured", "-"
    else:
        measured, met = f"{result.value:.3g} {result.unit}", "yes" if target.met(result.value) else "**no**"
    return f"| `{result.name}` | {measured} | {target} | {met} | {target.meaning} |\n"


def _missed(results: Sequence[Result]) -> str:
    missed = [one.name for one in results if one.value is not None and not TARGETS[one.name].met(one.value)]
    if not missed:
        return "\nNo figure misses its target.\n"
    return "\nBelow target in this run: " + ", ".join(f"`{name}`" for name in missed) + ".\n"


def _detail(result: Result, *, leave_out: dict[str, Any]) -> str:
    parts = [f"{key} {_plain(value)}" for key, value in result.detail.items() if key not in leave_out]
    return f"| `{result.name}` | {'; '.join(parts)} |\n"


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value).replace("|", "/")
