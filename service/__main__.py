"""Command line of the service: `python -m service COMMAND`."""

import argparse
import sys
from importlib import import_module

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from labeling.guidelines.reading import GuidelineError
from labeling.taxonomy import TaxonomyError
from models.bundle import BundleError
from models.rank_file import RankFileError
from service.commands.memory import uncollected
from service.errors.base import TriageError
from service.exports.files import OutputError
from service.observe import configure_logs
from service.settings import Settings, SettingsError

# What each command does. Its module in service/commands has the same name and is imported when it is called for: a part
# that is started again and again does not load what it never uses.
COMMANDS = {
    "up": "Run everything on this machine: database, API, worker, sample cases",
    "serve": "Run the API",
    "work": "Run the background worker",
    "migrate": "Bring the database to the newest schema",
    "seed": "Load or remove the sample cases",
    "export": "Write every decision as a labelled row, or the decision log",
    "add-person": "Add an account and print its password and key, this once",
    "person": "Show what is known about a person; change whom they work for and what an hour of theirs costs",
    "views": "Print what the SQL views for analysts hold, from the comments in the database",
    "close-person": "Close an account with its keys and sessions",
    "policies": "Publish the guidelines of the product where an area has no policy",
    "banks": "Take hashes of a file into a bank, or write those of a bank to a file",
    "statements": "Write statements of reasons as batches for the Transparency Database, or confirm one",
    "drill": "Try a continuity plan on what is there now; changes nothing, exit code 1 where it has holes",
    "replay": "Estimate how many of the last decisions a draft of a policy would flip",
    "openapi": "Print the OpenAPI description; needs no database",
    "demo": "Walk one report through the running service",
}


def _options(arguments: list[str]) -> argparse.Namespace:
    """What was called for: `run` and its options."""
    parser = argparse.ArgumentParser(prog="python -m service", description="The content-triage service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(name, help=meaning)
        if [name] == arguments[:1]:
            with uncollected():
                import_module(f"service.commands.{name.replace('-', '_')}").add_to(command)
    return parser.parse_args(arguments)


def main() -> int:
    """Parse the command line and run one command; a usage or settings error is one line, not a traceback."""
    options = _options(sys.argv[1:])
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
