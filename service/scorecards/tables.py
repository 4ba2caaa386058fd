"""A scorecard as a table: the same figures as CSV and as an Excel file, with their definitions."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from xlsxwriter import Workbook

from service.scorecards.figures import NOTES
from service.scorecards.schemas import GroupOut, ScorecardOut
from service.spreadsheets import Cell, guarded

SHARES = ("accuracy", "ceiling", "sla", "overturned", "escalations")
TIMES = ("wait", "touch", "total")
AMOUNTS = ("exposure_hours", "cost_per_correct")
# The same scorecard is the same file, whenever it is made.
MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - the library takes times without a zone alone


def _notes(group: GroupOut) -> str:
    said = [(name, getattr(group, name).note) for name in (*SHARES, *TIMES, *AMOUNTS)]
    return "; ".join(f"{name}: {note}" for name, note in said if note)


def _columns() -> dict[str, Callable[[GroupOut], Cell]]:
    columns: dict[str, Callable[[GroupOut], Cell]] = {"group": lambda group: group.name or ""}
    columns |= {name: attrgetter(name) for name in ("people", "decisions", "checks", "open_overdue")}
    for name in SHARES:
        columns[name] = attrgetter(f"{name}.value")
        columns |= {f"{name}_{part}": attrgetter(f"{name}.{part}") for part in ("low", "high", "n")}
    for name in TIMES:
        columns |= {f"{name}_{part}": attrgetter(f"{name}.{part}") for part in ("median", "p90", "n")}
    columns |= {name: attrgetter(f"{name}.value") for name in AMOUNTS}
    return {**columns, "notes": _notes}


COLUMNS = _columns()


def rows(card: ScorecardOut) -> list[list[Cell]]:
    """The head and one line for each group, in the order of the scorecard; all together come last, as no group."""
    lines: list[list[Cell]] = [["row", *COLUMNS]]
    lines += [["group", *(cell(group) for cell in COLUMNS.values())] for group in card.groups]
    return [*lines, ["all", *(cell(card.all) for cell in COLUMNS.values())]]


def as_csv(card: ScorecardOut) -> str:
    """Comma-separated values (RFC 4180), empty where there is no figure."""
    out = io.StringIO()
    csv.writer(out).writerows([guarded(cell) for cell in line] for line in rows(card))
    return out.getvalue()


def as_xlsx(card: ScorecardOut) -> bytes:
    """An Excel file: the figures, then what each means."""
    out = io.BytesIO()
    # In memory, its strings are not on disk for a moment either.
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(out, options) as book:
        book.set_properties({"title": name_of(card), "created": MADE})
        figures = book.add_worksheet("Scorecard")
        figures.freeze_panes(1, 2)
        for place, line in enumerate(rows(card)):
            _write(figures, place, line)
        meaning = book.add_worksheet("Definitions")
        meaning.set_column(0, 1, 24)
        meaning.set_column(2, 2, 110)
        for place, line in enumerate(definitions(card)):
            _write(meaning, place, line)
    return out.getvalue()


def definitions(card: ScorecardOut) -> list[list[Cell]]:
    """What every figure means, which view it is from, and what the whole was asked for."""
    lines: list[list[Cell]] = [["figure", "view", "definition"]]
    lines += [[name, one.view, f"{one.title}. {one.definition}"] for name, one in card.definitions.items()]
    asked = {"by": card.by, "since": str(card.since), "until": str(card.until), **card.filters.model_dump()}
    lines += [[f"asked: {name}", "", value] for name, value in asked.items() if value]
    lines += [["accuracy rests on", "", name] for name in card.plans]
    return lines + [["note", "", note] for note in NOTES]


def name_of(card: ScorecardOut) -> str:
    """The name of the file, without its ending."""
    return f"scorecard-{card.by}-{card.since}-{card.until}"


def _write(sheet: Any, place: int, line: list[Cell]) -> None:
    for column, cell in enumerate(line):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell)
        elif cell is not None:
            sheet.write_number(place, column, cell)
