"""What the parts that keep running, API and worker, share."""

import argparse
import asyncio
import os
import signal
import sys
import threading

from sqlalchemy.ext.asyncio import AsyncConnection

from service.commands.database import with_connection
from service.embedded import database_url
from service.media.storage import open_storage
from service.ranking.choosing.workflow import choose_configured
from service.ranking.workflow import configured, register
from service.settings import Settings


def add_parent(parser: argparse.ArgumentParser) -> None:
    """Let another process, as `up` is one, take the part with it when it ends."""
    parser.add_argument(
        "--with-parent", action="store_true", help="end when standard input closes: the starting process is gone"
    )


def ready(settings: Settings, options: argparse.Namespace) -> str:
    """The address of the migrated database, which knows by which rules this process puts cases in order.

    Raises SettingsError as well when media cannot be stored: better now than with the first upload.
    """
    if options.with_parent:
        _end_with_parent()
    asyncio.run(open_storage(settings).check())
    config = configured(settings)

    async def keep(connection: AsyncConnection) -> None:
        await register(connection, config)
        await choose_configured(connection, config, from_file=settings.ranking is not None)

    asyncio.run(with_connection(settings, keep))
    return database_url(settings)


def _end_with_parent() -> None:
    """End this process as by SIGTERM once its standard input closes: whoever started it is gone, however that ended."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
