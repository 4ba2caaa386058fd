"""The log of events: who may read what of it, page by page or as a file."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.audit import store
from service.audit.schemas import LogEventOut, LogFilter, LogOut
from service.routing.workflow import OVERSEEING
from service.security import ESCALATION_OVERSEERS, Capability, Principal
from service.spreadsheets import guarded

Format = Literal["csv", "jsonl"]
EXPORTED = "audit.exported"
# Of one file; what is older follows with `before`.
EXPORT_ROWS = 100_000
EXPORT_BATCH = 1_000
COLUMNS = ("id", "at", "kind", "actor", "case_id", "escalation_id", "data")

# Nobody is told who did these: whoever passes a case over, checks blindly, objects, or asks somebody else has our word.
UNNAMED = (
    "case.skipped",
    "opinion.answered",
    "opinion.asked",
    "opinion.reopened",
    "opinion.withdrawn",
    "qa.answered",
    "qa.claimed",
    "qa.objected",
    "qa.released",
)
# What each person had open is theirs, and of those who run the service alone: leads see how it is spread.
UNNAMED_TO_LEADS = (*UNNAMED, "media.revealed")
# Accounts, keys, endpoints and this log are the business of those who run the service.
HIDDEN_FROM_LEADS = ("audit", "key", "person", "webhook")


async def page(connection: AsyncConnection, wanted: LogFilter, *, viewer: Principal, limit: int) -> LogOut:
    """Events that fulfil the filter and that the viewer may see, newest first."""
    rows = await store.events(connection, {**_values(wanted, viewer), "limit": limit + 1})
    shown = [_shown(row) for row in rows[:limit]]
    return LogOut(events=shown, next=shown[-1].id if len(rows) > limit else None)


async def note_export(connection: AsyncConnection, wanted: LogFilter, *, kind: Format, viewer: Principal) -> None:
    """Record, before the first byte leaves, who takes which part of the log out."""
    asked = wanted.model_dump(mode="json", exclude_none=True)
    await events.record(connection, EXPORTED, actor=viewer.id, data={"format": kind, "asked": asked})


async def export(
    connection: AsyncConnection, wanted: LogFilter, *, kind: Format, viewer: Principal
) -> AsyncIterator[str]:
    """The events of the filter as text, newest first, at most EXPORT_ROWS."""
    values = _values(wanted, viewer)
    left = EXPORT_ROWS
    if kind == "csv":
        yield _csv_line(COLUMNS)
    while left:
        limit = min(EXPORT_BATCH, left)
        rows = await store.events(connection, {**values, "limit": limit})
        yield "".join(_line(_shown(row), kind) for row in rows)
        if len(rows) < limit:
            return
        left -= limit
        values["before"] = rows[-1].id


def _values(wanted: LogFilter, viewer: Principal) -> dict[str, Any]:
    values = wanted.model_dump()
    kind = values.pop("kind")
    if kind is not None:
        values |= {"kind": kind} if "." in kind else {"group": f"{kind}.%"}
    everything = Capability.AUDIT_ALL in viewer.capabilities
    return values | {
        "viewer": viewer.id,
        "seer": viewer.id,
        "overseers": list(ESCALATION_OVERSEERS),
        "unnamed": list(UNNAMED if everything else UNNAMED_TO_LEADS),
        "overseeing": None if everything else list(OVERSEEING),
        "hidden": None if everything else list(HIDDEN_FROM_LEADS),
    }


def _shown(row: Row[Any]) -> LogEventOut:
    return LogEventOut(**row._mapping)


def _line(event: LogEventOut, kind: Format) -> str:
    if kind == "jsonl":
        return event.model_dump_json() + "\n"
    data = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    about = (str(event.case_id or ""), str(event.escalation_id or ""))
    cells = (event.id, event.at.isoformat(), event.kind, event.actor or "", *about, data)
    return _csv_line([guarded(cell) for cell in cells])


def _csv_line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
