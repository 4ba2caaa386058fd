"""One transaction for each request: what fails at the commit was never answered with success, and left nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from service.db import fetch, fetch_one, fetch_together
from tests.service.steps import assert_error, claim, decide, decided, query, report, report_body, row_counts, value


@pytest.fixture
def failing_commit(database: str) -> Iterator[None]:
    """Everything that is written down as an event fails, and only at the commit."""
    query(
        database,
        """
        CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no commit today'; END $$;
        CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_at_commit();
        ALTER TABLE events DISABLE TRIGGER fail_at_commit;
        """,
    )
    yield
    query(database, "DROP TRIGGER fail_at_commit ON events; DROP FUNCTION fail_at_commit()")


async def change(what: str, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, known: Any) -> httpx.Response:
    """One call that changes something, with what was prepared for it."""
    claimed, made = known
    lease = {"lease_token": claimed["lease"]["token"]}
    match what:
        case "report":
            return await platform.post("/v1/reports", json=report_body("new"))
        case "report with a key":
            return await platform.post("/v1/reports", json=report_body("new"), headers={"Idempotency-Key": "k"})
        case "report again":
            return await platform.post("/v1/reports", json=report_body("first"))
        case "claim":
            return await reviewer.post("/v1/queues/default/claim")
        case "release":
            return await reviewer.post(f"/v1/cases/{claimed['case']['id']}/lease/release", json=lease)
        case "decide":
            return await decide(reviewer, claimed)
        case "undo":
            return await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")
        case _:
            return await platform.post("/v1/webhooks", json={"url": "https://platform.test/"})


@pytest.mark.parametrize(
    "what", ["report", "report with a key", "report again", "claim", "release", "decide", "undo", "webhook"]
)
async def test_a_failing_commit_is_an_error_and_leaves_nothing(
    app: FastAPI,
    failing_commit: None,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    what: str,
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    await platform.post("/v1/webhooks", json={"url": "https://first.test/"})
    for subject in ("first", "second", "third"):
        await report(platform, subject)
    made = await decided(reviewer, await claim(reviewer))
    known = (await claim(reviewer), made)
    before, cases = row_counts(database), query(database, "SELECT * FROM cases ORDER BY id")
    query(database, "ALTER TABLE events ENABLE TRIGGER fail_at_commit")
    assert_error(await change(what, platform, reviewer, known), 500, "internal_error")
    assert row_counts(database) == before
    assert query(database, "SELECT * FROM cases ORDER BY id") == cases
    query(database, "ALTER TABLE events DISABLE TRIGGER fail_at_commit")
    assert (await change(what, platform, reviewer, known)).status_code < 300


async def test_a_connection_that_dies_at_the_commit_is_no_success(
    failing_commit: None, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    query(
        database,
        """
        CREATE OR REPLACE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        ALTER TABLE events ENABLE TRIGGER fail_at_commit;
        """,
    )
    assert_error(await platform.post("/v1/reports", json=report_body()), 503, "database_unavailable")
    assert row_counts(database)["reports"] == 0
    query(database, "ALTER TABLE events DISABLE TRIGGER fail_at_commit")
    assert (await platform.post("/v1/reports", json=report_body())).status_code == 201
    query(database, "ALTER TABLE events ENABLE TRIGGER fail_at_commit")
    assert_error(await reviewer.post("/v1/queues/default/claim"), 503, "database_unavailable")
    assert row_counts(database)["leases"] == 0
    query(database, "ALTER TABLE events DISABLE TRIGGER fail_at_commit")
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 200


async def test_fetch_reads_in_the_transaction_of_its_connection(app: FastAPI) -> None:
    async with app.state.engine.connect() as connection:
        await connection.execute(text("INSERT INTO sign_in_failures (username) VALUES ('ada')"))
        rows = await fetch(connection, text("SELECT username FROM sign_in_failures WHERE username = :n"), {"n": "ada"})
        assert [row.username for row in rows] == ["ada"]
        await connection.rollback()
        assert await fetch_one(connection, text("SELECT username FROM sign_in_failures")) is None


async def test_statement_by_statement_what_is_fetched_together_stands_or_falls_together(app: FastAPI) -> None:
    failed = text("INSERT INTO sign_in_failures (username) VALUES (:who) RETURNING username")
    async with app.state.statements.connect() as connection:
        with pytest.raises(IntegrityError):
            await fetch_together(connection, (failed, {"who": "ada"}), (failed, {"who": None}))
        assert await fetch_one(connection, text("SELECT username FROM sign_in_failures")) is None
        first, second = await fetch_together(connection, (failed, {"who": "ada"}), (failed, {"who": "bob"}))
        assert [*map(tuple, first), *map(tuple, second)] == [("ada",), ("bob",)]
    # The connection comes back to the pool as it was: what is not committed on it is gone.
    async with app.state.engine.connect() as connection:
        gone = await fetch(connection, text("DELETE FROM sign_in_failures RETURNING username"))
        assert [row.username for row in gone] == ["ada", "bob"]
    async with app.state.engine.connect() as connection:
        assert len(await fetch(connection, text("SELECT username FROM sign_in_failures"))) == 2


async def test_fetch_takes_casts_percent_signs_and_repeated_names(app: FastAPI) -> None:
    statement = text("SELECT :a::text || '%' || :a AS twice, 'x' LIKE '%x' AS alike, '12:30'::time::text AS noon")
    async with app.state.engine.connect() as connection:
        row = await fetch_one(connection, statement, {"a": "y"})
    assert tuple(row) == ("y%y", True, "12:30:00")  # type: ignore[arg-type]


async def test_fetch_fails_like_any_statement_without_the_values(app: FastAPI) -> None:
    async with app.state.engine.connect() as connection:
        with pytest.raises(IntegrityError):
            await fetch(connection, text("INSERT INTO reports (id) VALUES (gen_random_uuid()) RETURNING id"))
    async with app.state.engine.connect() as connection:
        with pytest.raises(DBAPIError) as failed:
            await fetch(connection, text("SELECT CAST(:text AS jsonb) ->> 1 / 0"), {"text": '"secret words"'})
        assert "secret words" not in str(failed.value.statement) + str(failed.value.params)


async def test_every_migration_is_run_once(database: str) -> None:
    assert value(database, "SELECT count(*) FROM alembic_version") == 1
