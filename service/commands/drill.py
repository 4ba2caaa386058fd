"""`drill`: what a continuity plan would do with what is there now, and where it has holes."""

import argparse
import asyncio
import sys

from service.commands.database import migrated
from service.crisis.plans.schemas import DRILL_MINUTES, DrillOut
from service.crisis.plans.workflow import drill
from service.db import create_engine
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("name", help="the plan, as /crisis names it")
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=DRILL_MINUTES,
        help=f"deadlines of so many minutes from now on are looked at; {DRILL_MINUTES} unless told, at most 1440",
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.set_defaults(run=_run)


def _minutes(given: str) -> int:
    minutes = int(given)
    if not 1 <= minutes <= 1440:
        raise argparse.ArgumentTypeError("from 1 to 1440")
    return minutes


def _run(settings: Settings, options: argparse.Namespace) -> None:
    found = asyncio.run(_drill(settings, options))
    print(found.model_dump_json(indent=1) if options.json else "\n".join(lines(found)))
    if found.holes:
        sys.exit(1)


async def _drill(settings: Settings, options: argparse.Namespace) -> DrillOut:
    engine = create_engine(migrated(settings), pool=1)
    try:
        return await drill(engine, options.name, minutes=options.minutes)
    finally:
        await engine.dispose()


def lines(found: DrillOut) -> list[str]:
    """What was found, to be read; each pair of numbers is without the plan and with it."""
    head = f"{'queue':<20}{'goes':<13}{'cases':>13}{'legal':>7}{'bound':>7}{'people':>11}{'an hour':>15}{'shed':>7}{'missed':>11}"
    rows = [
        f"{one.queue:<20}{one.goes:<13}{f'{one.cases} > {one.cases_with}':>13}{one.legal:>7}{one.bound:>7}"
        f"{f'{one.people} > {one.people_with}':>11}{f'{one.per_hour:.1f} > {one.per_hour_with:.1f}':>15}"
        f"{one.sheddable:>7}{f'{one.missed} > {one.missed_with}':>11}"
        for one in found.queues
    ]
    holes = [f"HOLE  {one.text}" for one in found.holes] or ["No holes."]
    helpers = [f"Meanwhile they may take more: {', '.join(found.helpers)}."] if found.helpers else []
    title = f"Plan {found.plan}, version {found.version}, deadlines of the next {found.minutes} minutes. Nothing was changed."
    return [title, "", head, *rows, "", *helpers, *holes, "", found.assumption]
