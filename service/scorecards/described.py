"""The SQL views in words, from the comments in the database: what docs/sql-views.md says."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from sqlalchemy import Row

HEAD = """# SQL views

For analysts who ask the database itself. Made from the comments in the database by `python -m service views`. People are
ids alone, and what they earn is in no view. A role that may read these and nothing else needs `GRANT SELECT` on each of them.
Ready figures, with intervals, are in the [scorecards](scorecards.md).
"""


def page_of(described: Iterable[Row[Any]]) -> str:
    """The page, every view by name with its columns in their order, of rows (name, about, column, type, meaning)."""
    parts = [HEAD]
    for name, columns in groupby(described, key=lambda row: row.name):
        rows = list(columns)
        lines = [f"| `{row.column}` | {row.type} | {row.meaning or ''} |" for row in rows]
        table = "\n".join(["| column | type | meaning |", "|---|---|---|", *lines])
        parts.append(f"\n## {name}\n\n{rows[0].about or ''}\n\n{table}\n")
    return "".join(parts)
