"""SQL of holds: how a lease ends other than by a decision, and how a case comes back from it.

Each statement decides by itself; nothing is read and then written.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch

# A case that has reached its latest start is not kept from its queue: the guard serves it next.
_HOLD = text("""
    WITH held AS (
        UPDATE cases SET status = 'held', held_as = :held_as, held_for = :person, held_reason = :reason,
               held_until = now() + make_interval(mins => :minutes),
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now() AND start_by > now()
          AND :most > (SELECT count(*) FROM cases o WHERE o.status = 'held' AND o.held_for = :person
                       AND o.held_as = :held_as)
        RETURNING id, least(held_until, start_by) AS until
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = :outcome FROM held WHERE leases.token = :token
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT :event, id, :holder, jsonb_build_object('until', until) FROM held
    )
    SELECT id AS case_id, until, now() AS server_now FROM held
""")
_WHY_NOT = text("""
    SELECT status = 'leased' AND lease_token = :token AND lease_holder = :holder AND lease_expires_at > now() AS live,
           start_by <= now() AS late
    FROM cases WHERE id = :case_id
""")
# The lock holds off whoever closes the account, and others who hand something to the same person.
_RECEIVER = text("SELECT id, role, active FROM principals WHERE username = :username FOR NO KEY UPDATE")
# As the claim chooses.
_FIT = text("""
    SELECT c.queue, s.language,
           may_use_queue(c.queue, p.id, '{}') AS in_queue,
           (p.languages IS NULL OR s.language = 'und' OR s.language = ANY(p.languages)) AS reads,
           (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)
           AND NOT EXISTS (SELECT FROM skips k WHERE k.case_id = c.id AND k.principal_id = p.id AND k.until > now())
           AS willing
    FROM cases c JOIN case_scopes s ON s.id = c.scope_id CROSS JOIN principals p
    WHERE c.id = :case_id AND p.id = :person
""")
# Of the reasons only those that say something about the case are counted, and by case alone. 'upset' and 'other' leave
# the very same rows behind, so nobody can read off who was upset, not even from the database itself.
_SKIP = text("""
    WITH skipped AS (
        UPDATE cases SET status = 'open', lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL,
               skipped_by = skipped_by + CASE WHEN EXISTS (
                   SELECT FROM skips WHERE principal_id = :holder AND case_id = :case_id
               ) THEN 0 ELSE 1 END
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
        RETURNING id
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'skipped' FROM skipped WHERE leases.token = :token
    ), kept_away AS (
        INSERT INTO skips (principal_id, case_id, until)
        SELECT :holder, id, CASE WHEN :for_ever THEN 'infinity' ELSE now() + make_interval(hours => :hours) END
        FROM skipped
        ON CONFLICT (principal_id, case_id) DO UPDATE SET until = greatest(skips.until, EXCLUDED.until)
    ), counted AS (
        INSERT INTO skip_reasons (case_id, reason)
        SELECT id, CAST(:counted AS text) FROM skipped WHERE CAST(:counted AS text) IS NOT NULL
        ON CONFLICT (case_id, reason) DO UPDATE SET times = skip_reasons.times + 1
    )
    INSERT INTO events (kind, case_id, actor) SELECT 'case.skipped', id, :holder FROM skipped RETURNING case_id
""")
_BACK = """
    ), back AS (
        UPDATE cases SET status = 'open', held_until = NULL, held_for = NULL, held_reason = NULL, held_as = NULL
        FROM due WHERE cases.id = due.case_id
        RETURNING due.case_id, due.held_as, due.because
    )
    INSERT INTO events (kind, case_id, data)
    SELECT 'case.returned', case_id, jsonb_build_object('from', held_as, 'because', because) FROM back
    RETURNING case_id
"""
_RETURN_DUE = text(f"""
    WITH due AS MATERIALIZED (
        SELECT id AS case_id, held_as, CASE WHEN held_until <= now() THEN 'expired' ELSE 'start_by' END AS because
        FROM cases WHERE status = 'held' AND least(held_until, start_by) <= now()
        ORDER BY least(held_until, start_by) LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
    {_BACK}""")  # noqa: S608 - put together from constants
_RETURN_OF_OTHERS = text(f"""
    WITH due AS MATERIALIZED (
        -- The account was closed, or the case has moved to a queue that is not this person's.
        SELECT c.id AS case_id, c.held_as, 'no_longer_theirs' AS because FROM cases c
        WHERE c.status = 'held' AND c.held_for IS NOT NULL AND NOT may_use_queue(c.queue, c.held_for, '{{}}')
        ORDER BY c.held_for LIMIT 100 FOR NO KEY UPDATE OF c SKIP LOCKED
    {_BACK}""")  # noqa: S608 - put together from constants
_HOLDS_OF = text("""
    SELECT id AS case_id, queue, held_as AS kind, held_reason AS reason, least(held_until, start_by) AS until,
           false AS taken_up
    FROM cases WHERE status = 'held' AND held_for = :person AND least(held_until, start_by) > now()
    UNION ALL
    SELECT id, queue, held_as, held_reason, lease_expires_at, true
    FROM cases WHERE status = 'leased' AND lease_holder = :person AND held_for = :person AND lease_expires_at > now()
    ORDER BY until LIMIT 200
""")
_SKIP_REASONS = text("""
    SELECT c.id, coalesce((SELECT jsonb_object_agg(r.reason, r.times) FROM skip_reasons r WHERE r.case_id = c.id), '{}')
           AS reasons
    FROM cases c WHERE c.id = :case_id
""")
# Two branches, so that each reads the index of what it counts.
_COMING_BACK = """
    SELECT id AS case_id, 'lapses' AS cause FROM cases WHERE status <> 'decided' AND lapses > 0 AND lapses >= :lapses
    UNION ALL
    SELECT id, 'skips' FROM cases WHERE status <> 'decided' AND skipped_by > 0 AND skipped_by >= :skips
"""
_RAISE_ALERTS = text(f"""
    WITH raised AS (
        INSERT INTO lease_alerts (case_id, cause) SELECT case_id, cause FROM ({_COMING_BACK}) AS found
        ON CONFLICT DO NOTHING RETURNING case_id, cause
    )
    INSERT INTO events (kind, case_id, data)
    SELECT 'lease.alert', c.id,
           CASE cause WHEN 'lapses' THEN jsonb_build_object('lapses', c.lapses)
           ELSE jsonb_build_object('skipped_by', c.skipped_by) END
    FROM raised JOIN cases c ON c.id = raised.case_id RETURNING case_id
""")  # noqa: S608 - put together from constants
# Of restricted queues nobody hears who is not named there, leads and administrators neither.
_ALERTS = text(f"""
    WITH seen AS (
        SELECT * FROM cases WHERE id IN (SELECT case_id FROM ({_COMING_BACK}) AS found)
          AND may_use_queue(queue, :person, CAST(:overseeing AS text[]))
    )
    SELECT c.id AS case_id, c.queue, c.status, c.lapses,
           CASE WHEN c.skipped_by >= :skips THEN c.skipped_by END AS skipped_by,
           coalesce((SELECT jsonb_object_agg(r.reason, r.times) FROM skip_reasons r WHERE r.case_id = c.id), '{{}}')
           AS skip_reasons,
           extract(epoch FROM now() - c.opened_at)::float AS age_seconds,
           (SELECT min(a.at) FROM lease_alerts a WHERE a.case_id = c.id) AS since,
           (SELECT count(*) FROM seen) AS total
    FROM seen c
    ORDER BY c.lapses + c.skipped_by DESC, c.opened_at LIMIT :limit
""")  # noqa: S608 - put together from constants
_COUNT_ALERTS = text(f"SELECT count(DISTINCT case_id) FROM ({_COMING_BACK}) AS found")  # noqa: S608
_FORGET_OLD = (
    text("""
        DELETE FROM skips USING cases
        WHERE cases.id = skips.case_id AND skips.until < now() - interval '30 days' AND cases.status = 'decided'
    """),
    # Whoever took the case up has read the note, and nobody else is to.
    text("""
        UPDATE cases SET held_for = NULL, held_reason = NULL, held_as = NULL
        WHERE held_for IS NOT NULL AND status = 'decided'
    """),
)


async def hold(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """End a live lease by keeping its case back for `person`: (case_id, until, server_now), or None."""
    return (await connection.execute(_HOLD, values)).one_or_none()


async def why_not_held(connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID) -> Row[Any] | None:
    """(live, late): whether the lease is live, and the case at its latest start."""
    values = {"case_id": case_id, "token": token, "holder": holder}
    return (await connection.execute(_WHY_NOT, values)).one_or_none()


async def lock_receiver(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """(id, role, active) of an account, which cannot be closed until the transaction ends."""
    return (await connection.execute(_RECEIVER, {"username": username})).one_or_none()


async def fit(connection: AsyncConnection, *, case_id: UUID, person: UUID) -> Row[Any] | None:
    """(queue, language, in_queue, reads, willing): what would speak against giving that case to that person."""
    return (await connection.execute(_FIT, {"case_id": case_id, "person": person})).one_or_none()


async def skip(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """End a live lease and keep the case from its holder for a while; False when it is not live."""
    return (await connection.execute(_SKIP, values)).one_or_none() is not None


async def return_due(connection: AsyncConnection) -> int:
    """Give every held case back whose time has come, or whose person is gone; returns how many."""
    return len(await fetch(connection, _RETURN_DUE)) + len(await fetch(connection, _RETURN_OF_OTHERS))


async def holds_of(connection: AsyncConnection, person: UUID) -> Sequence[Row[Any]]:
    """What is kept back for one person, the first to return in front."""
    return (await connection.execute(_HOLDS_OF, {"person": person})).all()


async def skip_reasons(connection: AsyncConnection, case_id: UUID) -> Row[Any] | None:
    """(id, reasons) of one case; None when there is no such case."""
    return (await connection.execute(_SKIP_REASONS, {"case_id": case_id})).one_or_none()


async def raise_alerts(connection: AsyncConnection, *, lapses: int, skips: int) -> int:
    """Write down each crossing of a threshold that was not written down before; returns how many."""
    return len(await fetch(connection, _RAISE_ALERTS, {"lapses": lapses, "skips": skips}))


async def alerts(connection: AsyncConnection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Undecided cases beyond a threshold that this person may see, those that came back most often in front."""
    return (await connection.execute(_ALERTS, values)).all()


async def count_alerts(connection: AsyncConnection, *, lapses: int, skips: int) -> int:
    """How many undecided cases are beyond a threshold."""
    return int((await connection.execute(_COUNT_ALERTS, {"lapses": lapses, "skips": skips})).scalar_one())


async def forget_old(connection: AsyncConnection) -> None:
    """Remove what decided cases no longer need: notes, and skips that ended long ago."""
    for statement in _FORGET_OLD:
        await connection.execute(statement)
