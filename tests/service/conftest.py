"""One database that is emptied between tests, logs as the product writes them, and callers with credentials."""

import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache

import httpx
import psycopg
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI
from psycopg import sql
from psycopg.types.json import Jsonb
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from service.db import libpq_url
from service.observe import configure_logs
from service.people import workflow
from tests.conftest import bearer, client_of, make_keys, other_database
from tests.service.steps import Body, claim, connected, kept_connection, query, report, value

SHARED = "triage_shared"
# Every table that making an account writes to, and a row of it without what the database adds by itself.
ACCOUNT_ROWS = {
    "principals": "to_jsonb(made) - 'created_at'",
    "api_keys": "to_jsonb(made) - 'created_at'",
    "events": "to_jsonb(made) - 'id' - 'at'",
}


@dataclass(frozen=True)
class Accounts:
    """An account for every role: their keys by role, and their rows by table."""

    keys: dict[str, str]
    rows: dict[str, list[Body]]

    def copied(self, database: str) -> dict[str, str]:
        """Add them to a database; returns their keys."""
        with connected(database) as connection, connection.transaction():
            for table, rows in self.rows.items():
                columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
                copy = (
                    "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)"
                )
                statement = sql.SQL(copy).format(table=sql.Identifier(table), columns=columns)
                connection.execute(statement, [Jsonb(rows)])
        return self.keys


@pytest.fixture(autouse=True)
def _logs() -> None:
    # For each test anew: one before it may have left the log on a standard error that is closed by now.
    configure_logs()


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Password hashes that cost next to nothing, so that tests do not wait for them."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    monkeypatch.setattr(workflow, "_hasher", lambda: cheap)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service writes to its log during the test."""
    before = structlog.get_config()
    written = io.StringIO()
    structlog.configure(**{**before, "logger_factory": structlog.WriteLoggerFactory(file=written)})
    yield written
    structlog.configure(**before)


@pytest.fixture(scope="session")
def shared_database(server_url: str, template: str) -> Iterator[str]:
    """Address of a migrated database for many tests: emptying one is far quicker than copying one."""
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(SHARED), sql.Identifier(template))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(SHARED))
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        connection.execute(copy)
        address = other_database(server_url, SHARED)
        with kept_connection(address):
            yield address
        connection.execute(drop)


@pytest.fixture
def database(shared_database: str) -> Iterator[str]:
    """Address of a migrated, empty database."""
    yield shared_database
    empty(shared_database)


def empty(database: str) -> None:
    """Delete every row of every table; triggers and foreign keys do not stop it."""
    with connected(database) as connection, connection.transaction():
        # A test that left a lock behind fails at once instead of waiting for ever.
        connection.execute("SET LOCAL session_replication_role = 'replica'; SET LOCAL lock_timeout = '5s'")
        filled = connection.execute(_filled(database), prepare=True).fetchall()
        deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for (table,) in filled]
        deletes.append(sql.SQL("DELETE FROM {} WHERE name <> 'default'").format(sql.Identifier("queues")))
        connection.execute(sql.SQL("; ").join(deletes))


@cache
def _filled(database: str) -> sql.Composed:
    """A statement that gives the names of all tables with rows that a test has left."""
    tables = query(
        database,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename NOT IN ('alembic_version', 'case_scopes', 'queues')",
    )
    looks = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(table), sql.Identifier(table))
        for (table,) in tables
    ]
    return sql.SQL(" UNION ALL ").join(looks)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def accounts(shared_database: str) -> Accounts:
    """Accounts as the product makes them."""
    keys = await make_keys(shared_database)
    looks = {table: f"SELECT jsonb_agg({row}) FROM {table} AS made" for table, row in ACCOUNT_ROWS.items()}
    made = Accounts(keys, {table: value(shared_database, look) for table, look in looks.items()})
    with connected(shared_database) as connection:
        filled = {table for (table,) in connection.execute(_filled(shared_database))}
    assert filled == set(ACCOUNT_ROWS), "tests would miss rows that an account has"
    empty(shared_database)
    return made


@pytest.fixture
def keys(database: str, accounts: Accounts) -> dict[str, str]:
    """An API key for every role: the product has made the accounts once, and each test gets the same rows again."""
    return accounts.copied(database)


@pytest.fixture
async def platform(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The platform that sends reports."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["platform"]))
        yield caller


@pytest.fixture
async def reviewer(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A person who reviews."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["reviewer"]))
        yield caller


@pytest.fixture
async def colleague(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another person who reviews."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["specialist"]))
        yield caller


@pytest.fixture
async def lead(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A person who leads: queues, policies, quality, the floor."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["lead"]))
        yield caller


@pytest.fixture
async def claimed(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A case in the reviewer's hands."""
    await report(platform)
    return await claim(reviewer)


@pytest.fixture
async def ml(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who exports labels and hands in what models doubt."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["ml"]))
        yield caller


@pytest.fixture
async def checker(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A reviewer who decided nothing."""
    async for caller in another(app, keys, "checker"):
        yield caller


async def another(
    app: FastAPI, keys: dict[str, str], name: str, *, role: str = "reviewer"
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else of a role."""
    async with client_of(app) as caller:
        body = {"username": name, "role": role}
        made = await caller.post("/v1/people", json=body, headers=bearer(keys["admin"]))
        caller.headers.update(bearer(made.json()["api_key"]))
        yield caller
