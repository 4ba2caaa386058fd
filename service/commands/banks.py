"""`banks`: hashes of a file into a bank, or those of a bank into a file."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from service.banks.exchange import lines_of
from service.banks.schemas import Format, Written
from service.banks.workflow import File, import_file, named
from service.banks.workflow import export as lines_of_bank
from service.commands.database import with_connection, written
from service.errors.media import BankFileError
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("what", choices=["import", "export"], help="which way")
    parser.add_argument("file", type=Path, metavar="FILE", help="to read, or to write")
    parser.add_argument("--bank", required=True, metavar="NAME", help="of which bank")
    parser.add_argument("--format", choices=get_args(Format), default="csv", help="see docs/banks.md")
    parser.set_defaults(run=_exchange)


def _exchange(settings: Settings, options: argparse.Namespace) -> None:
    print(asyncio.run(import_bank(settings, options) if options.what == "import" else export_bank(settings, options)))


async def import_bank(settings: Settings, options: argparse.Namespace) -> str:
    """Take the hashes of a file; returns what became of them. Raises BankFileError."""

    async def run(connection: AsyncConnection) -> str:
        with options.file.open(encoding="utf-8-sig", newline="") as opened:
            file = File(lines_of(opened), options.format, options.file.name)
            bank_id = await named(connection, options.bank)
            return (await import_file(connection, bank_id, file, actor=None)).model_dump_json(indent=2)

    try:
        return await with_connection(settings, run)
    except (OSError, UnicodeDecodeError) as error:
        raise BankFileError(f"{options.file}: {error}") from error


async def export_bank(settings: Settings, options: argparse.Namespace) -> str:
    """Write a bank's hashes; returns how many and where. Raises BankFileError and OutputError."""
    if options.format not in get_args(Written):
        raise BankFileError(f"--format: banks are written as {' or '.join(get_args(Written))}")

    async def lines(connection: AsyncConnection) -> AsyncIterator[str]:
        async for line in lines_of_bank(connection, await named(connection, options.bank), options.format):
            yield line

    count = await written(settings, options.file, lines)
    return f"{count - (options.format == 'csv')} hashes written to {options.file}"
