"""`openapi`: the description of the API; needs no database."""

import argparse
import json

from service.app import create_app
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """What it does."""
    parser.set_defaults(run=_describe)


def _describe(settings: Settings, _options: argparse.Namespace) -> None:
    app = create_app(settings, database_url="postgresql://unused/unused")
    print(json.dumps(app.openapi(), indent=1))
