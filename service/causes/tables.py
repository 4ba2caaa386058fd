"""The register and the Pareto table as comma-separated values (RFC 4180). A file names no member of staff: teams only."""

import csv
import io
from collections.abc import Iterable, Sequence

from service.causes.schemas import ImprovementOut, ParetoOut
from service.spreadsheets import Cell, guarded

REGISTER = (
    *("improvement", "record", "direction", "title", "team", "due_on", "overdue", "state", "done_on", "note"),
    *("cause", "part", "measure", "alike_before_30", "alike_after_30", "alike_before_90", "alike_after_90"),
)


def register_csv(improvements: Sequence[ImprovementOut]) -> str:
    """One line for each action; counts are empty until they were looked at."""
    return _csv([REGISTER, *map(_line, improvements)])


def pareto_csv(found: ParetoOut) -> str:
    """One line for each thing that records have in common."""
    head = (found.by, "records", "share", "cumulated")
    return _csv([head, *((one.name, one.records, round(one.share, 4), round(one.cumulated, 4)) for one in found.rows)])


def _line(one: ImprovementOut) -> Sequence[Cell]:
    checks = {check.days: check for check in one.checks}
    counts: list[Cell] = []
    for days in (30, 90):
        check = checks.get(days)
        counts += [check.alike_before, check.alike_after] if check else [None, None]
    due, done = one.due_on.isoformat(), one.done_on.isoformat() if one.done_on else None
    return (
        *(f"I-{one.number}", f"E-{one.record}", one.direction, one.title, one.team, due),
        *("yes" if one.overdue else "no", one.state, done, one.note, one.code, one.subcode, one.measure),
        *counts,
    )


def _csv(lines: Iterable[Sequence[Cell]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([guarded(cell) for cell in line] for line in lines)
    return out.getvalue()
