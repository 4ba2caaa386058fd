"""A scratch PostgreSQL with durable commits: a migrated template, and fresh copies of it."""

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from service.db import libpq_url
from service.embedded import start_embedded
from service.migrate import migrate
from service.settings import REPOSITORY

TEMPLATE = "bench_template"
_numbers = itertools.count(1)

# Rows on each side of a comparison must be safe on disk when a call returns.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@cache
def server_url() -> str:
    """Address of a scratch server, started at the first call and removed when the process ends."""
    home = REPOSITORY / "var"
    home.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=home))
    # Registered before the server registers its own stop: the last one registered runs first.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = start_embedded(folder)
    with connect(url) as connection:
        off = [name for name in DURABLE if setting(connection, name) != "on"]
    if off:
        raise RuntimeError(f"the scratch server does not commit durably: {', '.join(off)}")
    return url


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection whose every statement commits by itself."""
    return psycopg.connect(libpq_url(url), autocommit=True)


def setting(connection: psycopg.Connection[Any], name: str) -> str:
    """A setting of the server, as text."""
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else ""


@contextmanager
def empty_database() -> Iterator[str]:
    """Address of a migrated, empty database; dropped afterwards."""
    with copy_of(_migrated()) as url:
        yield url


@cache
def _migrated() -> str:
    _on_server("CREATE DATABASE {}", TEMPLATE)
    migrate(_address(TEMPLATE))
    return _address(TEMPLATE)


@contextmanager
def copy_of(template: str) -> Iterator[str]:
    """Address of a copy of the database at address `template`; dropped afterwards."""
    name = f"bench_{next(_numbers)}"
    source = str(conninfo_to_dict(libpq_url(template))["dbname"])
    _on_server("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, source)
    # What the copy left to be written must not be written while something is measured.
    with connect(server_url()) as connection:
        connection.execute("CHECKPOINT")
    try:
        yield _address(name)
    finally:
        _on_server("DROP DATABASE {} WITH (FORCE)", name)


def _address(name: str) -> str:
    return server_url().replace("/postgres?", f"/{name}?", 1)


def _on_server(statement: LiteralString, *names: str) -> None:
    with connect(server_url()) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
