"""`export`: every decision as a labelled row, or the decision log."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import load_taxonomy
from service.commands.database import written
from service.exports.workflow import decision_log, labelled_texts
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("--out", type=Path, default=Path("labels.jsonl"), help="file to write labels to")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the decision log to this file instead")
    parser.set_defaults(run=_export)


def _export(settings: Settings, options: argparse.Namespace) -> None:
    if options.log:
        print(f"{asyncio.run(write_log(settings, options.log))} cases written to {options.log}")
        return
    print(f"{asyncio.run(write_labels(settings, options.out))} rows written to {options.out}")


async def write_labels(settings: Settings, out: Path) -> int:
    """Write labelled rows to a file and return how many. Raises OutputError."""
    taxonomy = load_taxonomy(settings.taxonomy)

    async def lines(connection: AsyncConnection) -> AsyncIterator[str]:
        async for record in labelled_texts(connection, taxonomy, secret=settings.signing_key):
            yield record.to_line()

    return await written(settings, out, lines)


async def write_log(settings: Settings, out: Path) -> int:
    """Write the decision log to a file and return of how many cases. Raises OutputError."""
    taxonomy = load_taxonomy(settings.taxonomy)
    return await written(settings, out, lambda connection: decision_log(connection, taxonomy))
