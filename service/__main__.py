"""Command line of the service: `python -m service COMMAND`."""

import argparse
import asyncio
import gc
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, get_args
from uuid import UUID

import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.guidelines.reading import GuidelineError, load_guidelines
from labeling.taxonomy import TaxonomyError, load_taxonomy
from models.bundle import BundleError
from models.rank_file import RankFileError
from service.app import create_app
from service.banks.exchange import lines_of
from service.banks.schemas import Format, Written
from service.banks.workflow import File, named
from service.banks.workflow import export as export_bank
from service.banks.workflow import import_file as import_into_bank
from service.db import create_engine
from service.demo import walk_through
from service.embedded import database_url
from service.errors.base import TriageError
from service.errors.media import BankFileError
from service.exports.files import OutputError, replacing
from service.exports.workflow import decision_log, labelled_texts
from service.local import end_with_parent, run_everything
from service.media.storage import open_storage
from service.migrate import migrate
from service.observe import configure_logs
from service.people.schemas import PersonChangeIn, PersonIn, PersonOut, PersonStandingOut
from service.people.workflow import change_person, close_person, create_person, standing
from service.policies.replay import Asked, judge_of
from service.policies.schemas import MOST_DECISIONS_COMMAND, ReplayOut
from service.policies.workflow import area_of, import_guidelines
from service.policies.workflow import replay as replay_policy
from service.ranking.choosing.workflow import choose_configured
from service.ranking.workflow import configured, register
from service.samples.load import load_samples, remove_samples
from service.scorecards.workflow import views_page
from service.security import ROLES
from service.settings import Settings, SettingsError
from service.worker import work

Result = TypeVar("Result")

# What `person` can change.
WORK = {
    "vendor": ("NAME", "the company they work for"),
    "site": ("NAME", "where they work"),
    "started_on": ("DATE", "their first day at work, YYYY-MM-DD"),
    "hourly_cost": ("AMOUNT", "what an hour of theirs costs"),
}


def serve(settings: Settings, options: argparse.Namespace) -> None:
    """Run the API."""
    if options.with_parent:
        end_with_parent()
    app = create_app(settings, database_url=_ready(settings))
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


def worker(settings: Settings, options: argparse.Namespace) -> None:
    """Run the background worker."""
    if options.with_parent:
        end_with_parent()
    asyncio.run(work(settings, _ready(settings)))


def migrate_database(settings: Settings, _options: argparse.Namespace) -> None:
    """Bring the database to the newest schema."""
    migrate(database_url(settings))


def seed(settings: Settings, options: argparse.Namespace) -> None:
    """Load or remove the sample cases."""
    url = _migrated(settings)
    command = remove_samples if options.remove else load_samples
    print(asyncio.run(command(settings, url)))


def export(settings: Settings, options: argparse.Namespace) -> None:
    """Write every decision as a labelled row, or the decision log."""
    if options.log:
        print(f"{asyncio.run(_export_log(settings, options.log))} cases written to {options.log}")
        return
    print(f"{asyncio.run(_export(settings, options.out))} rows written to {options.out}")


def openapi(settings: Settings, _options: argparse.Namespace) -> None:
    """Print the OpenAPI description; needs no database."""
    app = create_app(settings, database_url="postgresql://unused/unused")
    print(json.dumps(app.openapi(), indent=2))


def up(settings: Settings, _options: argparse.Namespace) -> None:
    """Run everything on this machine: database, API, worker, sample cases."""
    run_everything(settings)


def demo(settings: Settings, _options: argparse.Namespace) -> None:
    """Walk one report through the running service."""
    walk_through(settings)


def add_person(settings: Settings, options: argparse.Namespace) -> None:
    """Add an account and print its password and key, this once."""
    password = secrets.token_urlsafe(12)
    person = PersonIn(username=options.username, role=options.role, password=password)
    consenting = not settings.exposure_consent

    async def run(connection: AsyncConnection) -> PersonOut:
        return await create_person(connection, person, actor=None, consenting=consenting)

    made = asyncio.run(_with_connection(settings, run))
    print(f"user name {made.username}\npassword  {password}\nAPI key   {made.api_key}")


def known_person(settings: Settings, options: argparse.Namespace) -> None:
    """Show what is known about a person; change whom they work for and what an hour of theirs costs."""
    given = {name: getattr(options, name) for name in WORK if getattr(options, name) is not None}
    body = PersonChangeIn.model_validate({name: value or None for name, value in given.items()})

    async def run(connection: AsyncConnection) -> PersonStandingOut:
        if not given:
            return await standing(connection, options.username)
        taxonomy = load_taxonomy(settings.taxonomy)
        return await change_person(connection, options.username, body, actor=None, taxonomy=taxonomy)

    print(asyncio.run(_with_connection(settings, run)).model_dump_json(indent=2))


def views(settings: Settings, _options: argparse.Namespace) -> None:
    """Print what the SQL views for analysts hold, from the comments in the database."""
    print(asyncio.run(_with_connection(settings, views_page)), end="")


def remove_person(settings: Settings, options: argparse.Namespace) -> None:
    """Close an account with its keys and sessions."""
    name = options.username
    asyncio.run(_with_connection(settings, lambda connection: close_person(connection, name, actor=None)))
    print(f"{name} is closed")


def policies(settings: Settings, _options: argparse.Namespace) -> None:
    """Publish the guidelines of the product where an area has no policy."""
    guidelines = load_guidelines(load_taxonomy(settings.taxonomy))
    done = asyncio.run(
        _with_connection(settings, lambda connection: import_guidelines(connection, guidelines, actor=None))
    )
    print(f"{done.imported} of {len(guidelines)} guidelines are in force now; the others' areas have a policy")


def banks(settings: Settings, options: argparse.Namespace) -> None:
    """Take hashes of a file into a bank, or write those of a bank to a file."""
    print(asyncio.run(_import_bank(settings, options) if options.what == "import" else _export_bank(settings, options)))


def replay(settings: Settings, options: argparse.Namespace) -> None:
    """Estimate how many of the last decisions a draft of a policy would flip."""

    async def run(connection: AsyncConnection) -> ReplayOut:
        judge = None
        if options.bundle:
            judge = judge_of(options.bundle, await area_of(connection, options.draft))
        asked = Asked(options.decisions, judge)
        taxonomy = load_taxonomy(settings.taxonomy)
        return await replay_policy(connection, options.draft, asked, taxonomy=taxonomy, asked_by=None)

    result = asyncio.run(_with_connection(settings, run)).result
    print(result.model_dump_json(indent=2))
    print(result.sentence, file=sys.stderr)


async def _with_connection(settings: Settings, run: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    engine = create_engine(_migrated(settings), pool=1)
    try:
        async with engine.begin() as connection:
            return await run(connection)
    finally:
        await engine.dispose()


def _migrated(settings: Settings) -> str:
    url = database_url(settings)
    migrate(url)
    return url


def _ready(settings: Settings) -> str:
    """The address of the migrated database, which knows by which rules this process puts cases in order.

    Raises SettingsError as well when media cannot be stored: better now than with the first upload.
    """
    asyncio.run(open_storage(settings).check())
    config = configured(settings)

    async def keep(connection: AsyncConnection) -> None:
        await register(connection, config)
        await choose_configured(connection, config, from_file=settings.ranking is not None)

    asyncio.run(_with_connection(settings, keep))
    return database_url(settings)


async def _export(settings: Settings, out: Path) -> int:
    taxonomy = load_taxonomy(settings.taxonomy)

    async def lines(connection: AsyncConnection) -> AsyncIterator[str]:
        async for record in labelled_texts(connection, taxonomy, secret=settings.signing_key):
            yield record.to_line()

    return await _written(settings, out, lines)


async def _export_log(settings: Settings, out: Path) -> int:
    taxonomy = load_taxonomy(settings.taxonomy)
    return await _written(settings, out, lambda connection: decision_log(connection, taxonomy))


async def _written(settings: Settings, out: Path, lines: Callable[[AsyncConnection], AsyncIterator[str]]) -> int:
    """Write lines to a file and return how many. Raises OutputError."""
    engine = create_engine(_migrated(settings), pool=1)
    count = 0
    try:
        async with engine.connect() as connection:
            with replacing(out) as write:
                async for line in lines(connection):
                    write(line)
                    count += 1
    finally:
        await engine.dispose()
    return count


async def _import_bank(settings: Settings, options: argparse.Namespace) -> str:
    async def run(connection: AsyncConnection) -> str:
        with options.file.open(encoding="utf-8-sig", newline="") as opened:
            file = File(lines_of(opened), options.format, options.file.name)
            bank_id = await named(connection, options.bank)
            return (await import_into_bank(connection, bank_id, file, actor=None)).model_dump_json(indent=2)

    try:
        return await _with_connection(settings, run)
    except (OSError, UnicodeDecodeError) as error:
        raise BankFileError(f"{options.file}: {error}") from error


async def _export_bank(settings: Settings, options: argparse.Namespace) -> str:
    if options.format not in get_args(Written):
        raise BankFileError(f"--format: banks are written as {' or '.join(get_args(Written))}")

    async def lines(connection: AsyncConnection) -> AsyncIterator[str]:
        async for line in export_bank(connection, await named(connection, options.bank), options.format):
            yield line

    count = await _written(settings, options.file, lines)
    return f"{count - (options.format == 'csv')} hashes written to {options.file}"


def _decisions(said: str) -> int:
    number = int(said)
    if not 1 <= number <= MOST_DECISIONS_COMMAND:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_DECISIONS_COMMAND:,}, not {said}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description="The content-triage service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Settings, argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=(run.__doc__ or "").rstrip("."))
        command.set_defaults(run=run)
        return command

    add("up", up)
    for name, run in (("serve", serve), ("work", worker)):
        add(name, run).add_argument(
            "--with-parent", action="store_true", help="end when standard input closes: the starting process is gone"
        )
    add("migrate", migrate_database)
    add("seed", seed).add_argument("--remove", action="store_true", help="remove sample cases and close sample log-ins")
    exports = add("export", export)
    exports.add_argument("--out", type=Path, default=Path("labels.jsonl"), help="file to write labels to")
    exports.add_argument("--log", type=Path, metavar="FILE", help="write the decision log to this file instead")
    person = add("add-person", add_person)
    person.add_argument("username", help="lower case, 2 to 64 characters")
    person.add_argument("--role", required=True, choices=sorted(ROLES), help="what the account may do")
    known = add("person", known_person)
    known.add_argument("username", help="whose account")
    for name, (kind, meaning) in WORK.items():
        known.add_argument(f"--{name.replace('_', '-')}", metavar=kind, help=f"{meaning}; an empty value takes it away")
    add("views", views)
    add("close-person", remove_person).add_argument("username", help="whose account to close")
    add("policies", policies).add_argument("what", choices=["import"], help="import: publish them as version 1")
    known_pictures = add("banks", banks)
    known_pictures.add_argument("what", choices=["import", "export"], help="which way")
    known_pictures.add_argument("file", type=Path, metavar="FILE", help="to read, or to write")
    known_pictures.add_argument("--bank", required=True, metavar="NAME", help="of which bank")
    known_pictures.add_argument("--format", choices=get_args(Format), default="csv", help="see docs/banks.md")
    again = add("replay", replay)
    again.add_argument("--draft", type=UUID, required=True, metavar="ID", help="the draft, or any version")
    again.add_argument("--bundle", type=Path, metavar="PATH", help="a model that was trained under the draft")
    again.add_argument(
        "--decisions", type=_decisions, default=5_000, metavar="N", help="how many of the last ones to look at"
    )
    add("openapi", openapi)
    add("demo", demo)
    return parser


def main() -> int:
    """Parse the command line and run one command; a usage or settings error is one line, not a traceback."""
    options = _parser().parse_args()
    configure_logs()
    try:
        settings = Settings()
        options.run(settings, options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        print(f"settings: {problems}", file=sys.stderr)
        return 2
    except (BundleError, GuidelineError, OutputError) as error:
        print(error, file=sys.stderr)
        return 2
    except (SettingsError, TaxonomyError, RankFileError) as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    except TriageError as error:
        print(error.detail, file=sys.stderr)
        return 1
    except OperationalError as error:
        # Only the kind: the driver's message repeats the address.
        kind = type(error.orig).__name__
        print(f"TRIAGE_DATABASE_URL: the database cannot be reached ({kind}); is it running?", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
