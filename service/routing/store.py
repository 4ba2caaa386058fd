"""SQL of routing: versions of the rules, queues and who may use them, facts of cases, and what waits to be routed anew."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import Question, fetch, fetch_one

# Saving rules and changing queues come one after the other: each is checked against what the other has made.
_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtextextended('routing', 0))")
# A special route is served by an open queue that somebody active may take from. Such queues are restricted, so only
# their members have to be looked at.
_AT_WORK = text("""
    SELECT v.version, v.made_at,
           (SELECT jsonb_object_agg(q.special, q.name) FROM queues q
            WHERE q.special IS NOT NULL AND q.closed_at IS NULL AND EXISTS (
                SELECT FROM queue_members m JOIN principals p ON p.id = m.principal_id
                WHERE m.queue = q.name AND p.role = ANY (CAST(:reviewing AS text[]))
                  AND may_use_queue(q.name, p.id, '{}')
            )) AS special,
           -- Whether a crisis is at work is a matter of the clock of this very statement.
           -- What people read of it is left out: this is asked with every report.
           crises_key() AS crises_key, (
               SELECT jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'until', crisis_end(c),
                                                   'spec', c.spec - '{guidance,statements,contacts}'::text[]) ORDER BY c.began_at DESC, c.id DESC)
               FROM crises_at_work() c
           ) AS crises
    FROM (SELECT 1) AS always
    LEFT JOIN LATERAL (SELECT version, made_at FROM routing_versions ORDER BY version DESC LIMIT 1) AS v ON true
""")
_RULES = text("SELECT rules FROM routing_versions WHERE version = :version")
_NEWEST_VERSION = text("SELECT coalesce(max(version), 0) FROM routing_versions")
_VERSIONS = text("""
    SELECT version, rules, owner, reason, decided_on, made_at, apply_to_open FROM routing_versions
    ORDER BY version DESC LIMIT :limit
""")
_ADD_VERSION = text("""
    INSERT INTO routing_versions (rules, owner, reason, decided_on, apply_to_open, made_by)
    VALUES (CAST(:rules AS jsonb), :owner, :reason, :decided_on, :apply_to_open, :made_by) RETURNING version
""")
_LAST_APPLIED = text("SELECT max(version) FROM routing_versions WHERE apply_to_open")

# What a queue asks for, beside who could give it: nobody active who reviews may be left.
_QUEUES = text("""
    SELECT q.name, q.title, q.description, q.skills, q.roles, q.restricted, q.special, q.hidden_actions,
           q.closed_at IS NOT NULL AS closed,
           ARRAY(SELECT p.username FROM queue_members m JOIN principals p ON p.id = m.principal_id
                 WHERE m.queue = q.name AND p.active ORDER BY p.username) AS members,
           EXISTS (SELECT FROM principals p WHERE p.active AND p.role = ANY (CAST(:reviewing AS text[]))
                     AND may_use_queue(q.name, p.id, '{}')) AS taken
    FROM queues q WHERE CAST(:name AS text) IS NULL OR q.name = :name
    ORDER BY q.closed_at IS NOT NULL, q.name <> 'default', q.name
""")
# A closed queue takes no new cases; should one have slipped in while it was closed, it can still be taken out.
_USABLE = text("""
    SELECT name, title, description, skills, special, restricted, hidden_actions,
           may_use_queue(name, :person, '{}') AS claimable
    FROM queues q
    WHERE (CAST(:name AS text) IS NULL OR name = :name) AND may_use_queue(name, :person, CAST(:overseeing AS text[]))
      AND (closed_at IS NULL OR EXISTS (SELECT FROM cases c WHERE c.queue = q.name AND c.status <> 'decided'))
    ORDER BY name <> 'default', name
""")
_ALLOWED = text("""
    SELECT (SELECT hidden_actions FROM queues WHERE name = :queue)
        || ARRAY(SELECT action FROM role_actions_denied WHERE role = :role) AS refused
""")

# The columns that `facts_of` reads, of cases opened in the last hours, the newest first.
_FACTS = text("""
    SELECT c.id, c.status, c.flags, c.special, s.kind, s.market, e.language, e.score,
           ARRAY(SELECT DISTINCT r.channel FROM reports r WHERE r.case_id = c.id) AS channels,
           ARRAY(SELECT DISTINCT r.reason FROM reports r WHERE r.case_id = c.id) AS reasons
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    WHERE c.opened_at > now() - make_interval(hours => :hours)
    ORDER BY c.opened_at DESC LIMIT :limit
""")
# Flagged cases outside of the queue that serves their route, however many routes share that fate.
_WAITING_SPECIAL = text("""
    SELECT special, count(*) AS cases FROM cases
    WHERE status <> 'decided' AND special IS NOT NULL AND queue = 'default' GROUP BY special
""")
# As the claim looks for cases (service/leases), from the other side: the scopes are few, and who fits each is looked for
# once, not for each of its cases. Exposure is left aside: it is there again the next day.
_FITS = """EXISTS (SELECT FROM principals p WHERE p.active AND p.role = ANY (CAST(:reviewing AS text[]))
                  AND may_use_queue(s.queue, p.id, '{{}}') {more})"""
_READS = "AND (p.languages IS NULL OR s.language = 'und' OR s.language = ANY (p.languages))"
_CONSENTS = "AND (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)"
_PASSED_OVER = "FROM skips k WHERE k.case_id = c.id AND k.until = 'infinity'"
_NOT_PASSED_OVER = f"AND NOT EXISTS (SELECT {_PASSED_OVER} AND k.principal_id = p.id)"
_UNTAKEN = text(f"""
    WITH waiting AS MATERIALIZED (
        SELECT scope_id, count(*) AS cases FROM cases WHERE status = 'open' GROUP BY scope_id
    ), scopes AS MATERIALIZED (
        SELECT s.queue, s.language, s.consent_area, w.cases, CASE
            WHEN {_FITS.format(more=f"{_READS} {_CONSENTS}")} THEN NULL
            WHEN NOT {_FITS.format(more="")} THEN 'queue'
            WHEN NOT {_FITS.format(more=_READS)} THEN 'language'
            WHEN NOT {_FITS.format(more=_CONSENTS)} THEN 'consent'
            ELSE 'both' END AS missing
        FROM waiting w JOIN case_scopes s ON s.id = w.scope_id
    ), passed_over AS (
        SELECT s.queue, '' AS language, '' AS consent_area, 1 AS cases, 'passed_over' AS missing
        FROM cases c JOIN case_scopes s ON s.id = c.scope_id
        WHERE c.id IN (SELECT k.case_id FROM skips k WHERE k.until = 'infinity')
          AND c.status = 'open' AND c.start_by <= now()
          AND {_FITS.format(more=f"{_READS} {_CONSENTS}")}
          AND NOT {_FITS.format(more=f"{_READS} {_CONSENTS} {_NOT_PASSED_OVER}")}
    )
    SELECT found.queue, coalesce(q.restricted, false) AS restricted, missing,
           CASE WHEN missing IN ('language', 'both') THEN language ELSE '' END AS lacks_language,
           CASE WHEN missing IN ('consent', 'both') THEN consent_area ELSE '' END AS lacks_consent,
           sum(cases)::bigint AS cases
    FROM (SELECT * FROM scopes WHERE missing IS NOT NULL UNION ALL SELECT * FROM passed_over) AS found
    LEFT JOIN queues q ON q.name = found.queue
    GROUP BY 1, 2, 3, 4, 5 ORDER BY cases DESC, 1, 3, 4, 5
""")  # noqa: S608 - put together from constants
_MISROUTED = text("""
    SELECT id FROM cases
    WHERE status = 'open' AND special IS NOT NULL
      AND queue <> coalesce(CAST(:served AS jsonb) ->> special, 'default')
    LIMIT :limit
""")
# Also what is in somebody's hands, held or given up at this moment: it comes back to a queue, and to the right one.
_ROUTED_BEFORE = text("""
    SELECT id FROM cases WHERE status <> 'decided' AND (routed_by IS NULL OR routed_by < :version)
    ORDER BY id LIMIT :limit
""")
_LOCK = text(
    "SELECT id FROM cases WHERE id = ANY (CAST(:cases AS uuid[])) AND status <> 'decided' ORDER BY id FOR NO KEY UPDATE"
)
_OPEN_QUEUES = text("SELECT name, restricted FROM queues WHERE closed_at IS NULL")
_LEAVE_QUEUES = text("DELETE FROM queue_members WHERE principal_id = :person RETURNING queue")


async def one_after_the_other(connection: AsyncConnection) -> None:
    """Wait until nobody else changes rules or queues, and keep others waiting until this transaction ends."""
    await connection.execute(_ONE_AFTER_THE_OTHER)


def question(*, reviewing: Sequence[str]) -> Question:
    """What `at_work` asks."""
    return _AT_WORK, {"reviewing": list(reviewing)}


async def at_work(connection: AsyncConnection, *, reviewing: Sequence[str]) -> Any:
    """(version, made_at, special, crises_key, crises) of what is at work; the version is None before any were saved."""
    return await fetch_one(connection, *question(reviewing=reviewing))


async def open_queues(connection: AsyncConnection) -> dict[str, bool]:
    """By name of every queue that takes cases, whether it is restricted."""
    return {row.name: row.restricted for row in await connection.execute(_OPEN_QUEUES)}


async def rules(connection: AsyncConnection, version: int) -> list[dict[str, Any]]:
    """The rules of a version as they were stored."""
    stored: list[dict[str, Any]] = (await connection.execute(_RULES, {"version": version})).scalar_one()
    return stored


async def newest_version(connection: AsyncConnection) -> int:
    """The newest version; 0 before there is any."""
    return int((await connection.execute(_NEWEST_VERSION)).scalar_one())


async def versions(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """The newest versions, the newest first."""
    return (await connection.execute(_VERSIONS, {"limit": limit})).all()


async def add_version(connection: AsyncConnection, **values: Any) -> int:
    """Add a version and return its number; `rules` is JSON."""
    return int((await connection.execute(_ADD_VERSION, values)).scalar_one())


async def last_applied(connection: AsyncConnection) -> int | None:
    """The newest version that was to move what waits already."""
    found: int | None = (await connection.execute(_LAST_APPLIED)).scalar_one()
    return found


async def queues(
    connection: AsyncConnection, *, reviewing: Sequence[str], name: str | None = None
) -> Sequence[Row[Any]]:
    """Every queue, or the one of that name, with members and whether anybody active may take from it."""
    return (await connection.execute(_QUEUES, {"reviewing": list(reviewing), "name": name})).all()


async def usable(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], name: str | None = None
) -> list[Any]:
    """Queues that a person may see: take from, or oversee when their role is one of those."""
    return await fetch(connection, _USABLE, {"person": person, "overseeing": list(overseeing), "name": name})


async def leave_queues(connection: AsyncConnection, person: UUID) -> list[str]:
    """Take somebody out of every restricted queue; returns their names."""
    return sorted((await connection.execute(_LEAVE_QUEUES, {"person": person})).scalars())


async def refused_actions(connection: AsyncConnection, *, queue: str, role: str) -> set[str]:
    """Actions that this role may not take in this queue."""
    row = await fetch_one(connection, _ALLOWED, {"queue": queue, "role": role})
    return set(row.refused or ()) if row else set()


async def facts(
    connection: AsyncConnection, *, hours: int, limit: int, batch: int
) -> AsyncGenerator[Sequence[Row[Any]]]:
    """Batches of rows that `facts_of` reads, of cases opened in the last hours, the newest first."""
    result = await connection.stream(_FACTS, {"hours": hours, "limit": limit}, execution_options={"yield_per": batch})
    # Not by the result's own context: that leaves the cursor open where the caller stops early.
    try:
        async for rows in result.partitions(batch):
            yield rows
    finally:
        await result.close()


async def waiting_special(connection: AsyncConnection) -> dict[str, int]:
    """How many flagged cases wait in the default queue, by special route."""
    return {row.special: row.cases for row in await connection.execute(_WAITING_SPECIAL)}


async def untaken(connection: AsyncConnection, *, reviewing: Sequence[str]) -> Sequence[Row[Any]]:
    """(queue, restricted, missing, lacks_language, lacks_consent, cases) of waiting cases that nobody active would be given."""
    return (await connection.execute(_UNTAKEN, {"reviewing": list(reviewing)})).all()


async def misrouted(connection: AsyncConnection, *, served: str, limit: int) -> list[UUID]:
    """Open cases of special routes outside of the queue that serves theirs now; `served` is JSON."""
    return list((await connection.execute(_MISROUTED, {"served": served, "limit": limit})).scalars())


async def routed_before(connection: AsyncConnection, version: int, *, limit: int) -> list[UUID]:
    """Undecided cases that an older version has routed, or none."""
    return list((await connection.execute(_ROUTED_BEFORE, {"version": version, "limit": limit})).scalars())


async def lock(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Lock those of the cases that are not decided, in one order for all callers."""
    return list((await connection.execute(_LOCK, {"cases": list(cases)})).scalars())
