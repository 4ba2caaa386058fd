"""The database: engine, and one transaction per request that commits before the response leaves."""

import re
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Request
from psycopg.rows import namedtuple_row
from pydantic_core import from_json
from sqlalchemy import TextClause
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.settings import SettingsError


def sqlalchemy_url(url: str) -> str:
    """A PostgreSQL address with the psycopg driver named. Raises SettingsError for any other database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("TRIAGE_DATABASE_URL: not a database address; use postgresql://user@host/name") from error
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError(f"TRIAGE_DATABASE_URL: only PostgreSQL is supported, not {parsed.get_backend_name()}")
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same address in the form that psycopg itself takes."""
    return sqlalchemy_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


def create_engine(url: str, *, pool: int) -> AsyncEngine:
    """An engine with at most `pool` connections; callers wait for one rather than fail.

    Its errors, and so the log, never hold the values of a statement: they are content.
    """
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=30,
        # The connection used last has its plans and its memory at hand.
        pool_use_lifo=True,
        hide_parameters=True,
        # Ranks and scores are read with every case; the standard library takes three times as long to parse them.
        json_deserializer=from_json,
    )


async def unit_of_work(request: Request) -> AsyncIterator[AsyncConnection]:
    """One transaction for one request: committed when the handler returned, rolled back when it raised."""
    engine: AsyncEngine = request.app.state.engine
    async with engine.begin() as connection:
        yield connection


def statement_by_statement(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, on whose connections every `fetch` and `fetch_together` is a transaction of its own.

    It is committed when they return. For the path that all reviewers wait for: it spares the round trips of BEGIN and COMMIT.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT")


# "function" makes FastAPI leave the transaction before the response is sent: a failing commit is then a 500, never a
# success that was not stored.
UnitOfWork = Annotated[AsyncConnection, Depends(unit_of_work, scope="function")]


def driver_connection(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection below, for those who write in the caller's transaction without SQLAlchemy."""
    sync = connection.sync_connection
    driver = sync.connection.driver_connection if sync is not None else None
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"psycopg connection expected, not {type(driver).__name__}")
    return driver


async def fetch(
    connection: AsyncConnection, statement: TextClause, values: Mapping[str, Any] | None = None
) -> list[Any]:
    """All rows of a statement, columns as attributes; for the paths that every report and every claim takes.

    Runs on the driver, in the connection's transaction: SQLAlchemy's compiler, execution context and result cost three
    times what the statement itself does. Errors are those of `connection.execute`. Raises DBAPIError.
    """
    cursor = driver_connection(connection).cursor(row_factory=namedtuple_row)
    try:
        await cursor.execute(driver_sql(statement.text), values or {})
        return await cursor.fetchall()
    except psycopg.Error as error:
        raise DBAPIError.instance(statement.text, None, error, psycopg.Error, hide_parameters=True) from error


# A statement with its parameters.
Question = tuple[TextClause, Mapping[str, Any]]


async def fetch_together(connection: AsyncConnection, *questions: Question) -> list[list[Any]]:
    """The rows of several statements, one after the other, in a single round trip; a later one sees what an earlier did.

    As `fetch`, in the driver's pipeline. Raises DBAPIError for the first that fails; then none of them happened.
    """
    driver = driver_connection(connection)
    if driver.autocommit and len(questions) == 1:
        return [await fetch(connection, *questions[0])]
    cursors = [driver.cursor(row_factory=namedtuple_row) for _ in questions]
    try:
        async with driver.pipeline():
            for cursor, (statement, values) in zip(cursors, questions, strict=True):
                await cursor.execute(driver_sql(statement.text), values)
        return [await cursor.fetchall() for cursor in cursors]
    except psycopg.Error as error:
        asked = "; ".join(statement.text for statement, _ in questions)
        reason: BaseException = error
        if driver.pgconn.pipeline_status:
            # Statement by statement, the commit itself failed. The driver cannot leave such a pipeline, and says only that.
            await connection.invalidate(error)
            reason = error.__context__ or error
        raise DBAPIError.instance(asked, None, reason, psycopg.Error, hide_parameters=True) from reason


async def fetch_one(
    connection: AsyncConnection, statement: TextClause, values: Mapping[str, Any] | None = None
) -> Any | None:
    """The first row of `fetch`, or None where there is none."""
    rows = await fetch(connection, statement, values)
    return rows[0] if rows else None


@cache
def driver_sql(statement: str) -> str:
    """`:name` as `%(name)s`, which is what psycopg takes; the statements are constants of the stores."""
    return re.sub(r"(?<![:\w]):([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))
