"""`replay`: an estimate of how many of the last decisions a draft of a policy would flip."""

import argparse
import asyncio
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import load_taxonomy
from service.commands.database import with_connection
from service.policies.replay import Asked, judge_of
from service.policies.schemas import MOST_DECISIONS_COMMAND, ReplayOut
from service.policies.workflow import area_of, replay
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("--draft", type=UUID, required=True, metavar="ID", help="the draft, or any version")
    parser.add_argument("--bundle", type=Path, metavar="PATH", help="a model that was trained under the draft")
    parser.add_argument(
        "--decisions", type=_decisions, default=5_000, metavar="N", help="how many of the last ones to look at"
    )
    parser.set_defaults(run=_replay)


def _replay(settings: Settings, options: argparse.Namespace) -> None:
    async def run(connection: AsyncConnection) -> ReplayOut:
        judge = None
        if options.bundle:
            judge = judge_of(options.bundle, await area_of(connection, options.draft))
        asked = Asked(options.decisions, judge)
        taxonomy = load_taxonomy(settings.taxonomy)
        return await replay(connection, options.draft, asked, taxonomy=taxonomy, asked_by=None)

    result = asyncio.run(with_connection(settings, run)).result
    print(result.model_dump_json(indent=2))
    print(result.sentence, file=sys.stderr)


def _decisions(said: str) -> int:
    number = int(said)
    if not 1 <= number <= MOST_DECISIONS_COMMAND:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_DECISIONS_COMMAND:,}, not {said}")
    return number
