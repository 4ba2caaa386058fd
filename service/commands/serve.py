"""`serve`: the API."""

import argparse
import gc
import sys
from contextlib import suppress

import uvicorn

from service.app import create_app
from service.commands.memory import uncollected
from service.commands.part import add_parent, ready
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    add_parent(parser)
    parser.set_defaults(run=_serve)


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    url = ready(settings, options)
    with uncollected():
        app = create_app(settings, database_url=url)
        # What is loaded now stays to the end: the garbage collector need not walk through it again under load.
        gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_level="warning", access_log=False, loop="uvloop"
    )
    server = uvicorn.Server(config)
    # Streams that last would otherwise keep the server from ending.
    app.state.watch.ending = lambda: server.should_exit
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)
