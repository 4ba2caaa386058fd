"""Figures of statements as a file."""

import csv
import io

from fastapi import Response

from service.spreadsheets import guarded
from service.statements.schemas import CountsOut


def counts_csv(made: CountsOut) -> str:
    """One line for each field and code."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(("field", "code", "statements"))
    write.writerows((one.field, guarded(one.code), one.count) for one in made.counts)
    return out.getvalue()


def file(content: str, name: str) -> Response:
    """The content as a download that is kept nowhere."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
