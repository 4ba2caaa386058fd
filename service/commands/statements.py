"""`statements`: batches for the Transparency Database as files, and what became of them."""

import argparse
import asyncio
import json
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from service.commands.database import with_connection
from service.exports.files import replacing
from service.settings import Settings
from service.statements.batches.workflow import confirm, next_batch
from service.statements.schemas import BatchOut, ConfirmIn


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="DIR", help="write every batch that waits as a file to this folder")
    what.add_argument("--confirm", type=int, metavar="BATCH", help="say that the database has taken this batch whole")
    parser.set_defaults(run=_run)


def _run(settings: Settings, options: argparse.Namespace) -> None:
    if options.confirm is not None:
        told = ConfirmIn(batch=options.confirm)
        done = asyncio.run(with_connection(settings, lambda connection: confirm(connection, told, person=None)))
        print(f"{done.published} statements of batch {done.batch} are published")
        return
    batches = asyncio.run(with_connection(settings, _all))
    options.out.mkdir(parents=True, exist_ok=True)
    for one in batches:
        with replacing(options.out / f"batch-{one.batch:06}.json") as write:
            write(json.dumps({"statements": one.statements}, ensure_ascii=False, indent=1) + "\n")
    count = sum(one.count for one in batches)
    print(f"{count} statements in {len(batches)} batches written to {options.out}; confirm each once it was taken")


async def _all(connection: AsyncConnection) -> list[BatchOut]:
    """Every batch that waits for an answer: the same ones again until they are confirmed."""
    found: list[BatchOut] = []
    while (batch := await next_batch(connection, after=found[-1].batch if found else 0)) is not None:
        found.append(batch)
    return found
