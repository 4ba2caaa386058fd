"""How targets were kept, as a table that spreadsheets open."""

import csv
import io

from service.sla.schemas import AttainmentOut

COLUMNS = ("month", "source", "target", "kind", "clocks", "met", "missed", "running", "share_met")


def as_csv(made: AttainmentOut) -> str:
    """One row for each month, source, target and kind; the share is empty where nothing is met or missed yet."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for one in made.rows:
        share = f"{one.met / (one.met + one.missed):.4f}" if one.met + one.missed else ""
        table.writerow([*(getattr(one, name) for name in COLUMNS[:-1]), share])
    return written.getvalue()
