"""What tests of the service do again and again: report, claim, decide, and look into the database."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import psycopg

from service.db import libpq_url

Body = dict[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]

_kept: dict[str, Connection] = {}

# Every table that a call of the API could leave something in.
TABLES = (
    "subjects",
    "evidence",
    "evidence_media",
    "media",
    "cases",
    "reports",
    "idempotency_keys",
    "leases",
    "drafts",
    "skips",
    "skip_reasons",
    "lease_alerts",
    "decisions",
    "decision_undos",
    "exposures",
    "outbox",
    "events",
    "procrastinate_jobs",
)


def report_body(subject: str = "post-1", *, reason: str = "harassment", **subject_fields: Any) -> Body:
    """A report that the service accepts; `subject_fields` replace those of the subject."""
    return {
        "channel": "user",
        "reason": reason,
        "note": "please look",
        "reporter": {"id": "r1"},
        "subject": {
            "id": subject,
            "kind": "post",
            "text": f"what {subject} says",
            "language": "en",
            "author": {"id": "a1"},
            "created_at": "2026-11-20T08:00:00+00:00",
            "views_per_hour": 120,
            "media": [],
            **subject_fields,
        },
    }


async def report(platform: httpx.AsyncClient, subject: str = "post-1", **fields: Any) -> Body:
    """File a report and return the answer's body."""
    answer = await platform.post("/v1/reports", json=report_body(subject, **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def claim(person: httpx.AsyncClient) -> Body:
    """Claim the next case; it has to be there."""
    answer = await person.post("/v1/queues/default/claim")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def decision_body(claimed: Body, **fields: Any) -> Body:
    """A decision about a claimed case that the service accepts."""
    return {
        "lease_token": claimed["lease"]["token"],
        "actions": ["remove"],
        "policy_area": "harassment",
        "severity": 2,
        "note": "clear case",
        **fields,
    }


async def decide(person: httpx.AsyncClient, claimed: Body, **fields: Any) -> httpx.Response:
    """Send a decision about a claimed case."""
    return await person.post(f"/v1/cases/{claimed['case']['id']}/decisions", json=decision_body(claimed, **fields))


async def decided(person: httpx.AsyncClient, claimed: Body, **fields: Any) -> Body:
    """Decide a claimed case; that has to work."""
    answer = await decide(person, claimed, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@contextmanager
def kept_connection(database: str) -> Iterator[None]:
    """While this lasts, `connected` gives one and the same connection to that database.

    What a new one has to read of the catalogue before its first statement costs more than most statements.
    """
    _kept[database] = _connect(database)
    yield
    _kept.pop(database).close()


@contextmanager
def connected(database: str) -> Iterator[Connection]:
    """A connection on which every statement is a transaction of its own; what is set on it must not outlive one."""
    if database not in _kept or threading.current_thread() is not threading.main_thread():
        # A thread may have to wait for a lock that this one is about to give up.
        with _connect(database) as connection:
            yield connection
        return
    if _kept[database].closed:
        _kept[database] = _connect(database)
    yield _kept[database]


def _connect(database: str) -> Connection:
    return psycopg.connect(libpq_url(database), autocommit=True, prepare_threshold=None)


def query(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction of its own and return its rows, if it has any."""
    with connected(database) as connection:
        cursor = connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def value(database: str, statement: str, *values: Any) -> Any:
    """The single value that a statement gives."""
    [[found]] = query(database, statement, *values)
    return found


def row_counts(database: str) -> dict[str, int]:
    """How many rows each table holds."""
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
    return dict(query(database, counts))


def lapse(database: str, case_id: str | UUID) -> None:
    """Let the lease of a case run out a second ago."""
    query(database, "UPDATE cases SET lease_expires_at = now() - interval '1 second' WHERE id = %s", case_id)


def assert_error(answer: httpx.Response, status: int, code: str) -> str:
    """Check the one error shape and return the detail."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "detail"}
    assert body["error"] == code
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return str(body["detail"])


def as_json(body: Any) -> bytes:
    """A body as bytes, with what `json=` of a client would refuse: lone surrogates, NaN and Infinity."""
    return json.dumps(body, ensure_ascii=True).encode()


async def hook(platform: httpx.AsyncClient) -> None:
    """Add an endpoint to be told; nothing is sent to it while no worker runs."""
    answer = await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    assert answer.status_code == 201, answer.text


def messages(database: str, kind: str) -> list[Body]:
    """What the stored messages of a kind say."""
    rows = query(database, "SELECT payload FROM outbox WHERE kind = %s ORDER BY id", kind)
    return [json.loads(payload)["data"] for (payload,) in rows]


def seed_cases(database: str, count: int) -> None:
    """Add open cases of distinct ranks straight into the tables; enough to be claimed, not to be looked at."""
    query(
        database,
        """
        WITH made AS (SELECT number, gen_random_uuid() AS id FROM generate_series(1, %s) AS number),
        s AS (INSERT INTO subjects (id, external_id, kind) SELECT id, 'seeded-' || number, 'post' FROM made),
        e AS (INSERT INTO evidence (id, subject_id, content_hash, text) SELECT id, id, '\\x00', 'text' FROM made)
        INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank)
        SELECT id, id, id, 'default', 'open', sin(number), '{}' FROM made
        """,
        count,
    )


def rewrite(database: str, statement: str, *values: Any) -> None:
    """Change what the product itself never changes: triggers and foreign keys are off for this one statement."""
    with connected(database) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = 'replica'")
        connection.execute(statement, values)


async def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until something has happened; it has to, within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread or in the database
            await asyncio.sleep(0.01)
