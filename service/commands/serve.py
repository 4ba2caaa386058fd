"""`serve`: the API."""

import argparse
import gc

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
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False, loop="uvloop")
