"""`policies`: the guidelines of the product, in force where an area has no policy."""

import argparse
import asyncio

from labeling.guidelines.reading import load_guidelines
from labeling.taxonomy import load_taxonomy
from service.commands.database import with_connection
from service.policies.workflow import import_guidelines
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("what", choices=["import"], help="import: publish them as version 1")
    parser.set_defaults(run=_publish)


def _publish(settings: Settings, _options: argparse.Namespace) -> None:
    guidelines = load_guidelines(load_taxonomy(settings.taxonomy))
    done = asyncio.run(
        with_connection(settings, lambda connection: import_guidelines(connection, guidelines, actor=None))
    )
    print(f"{done.imported} of {len(guidelines)} guidelines are in force now; the others' areas have a policy")
