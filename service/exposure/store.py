"""SQL of exposure: what somebody has seen, breaks, and the wish for nothing graphic now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# An announced break is over at the latest with the next case that is opened, or when the person has gone home.
_BREAK = """
    SELECT b.id, b.started_at, least(
               b.ended_at,
               (SELECT min(coalesce(l.opened_at, l.granted_at)) FROM leases l
                WHERE l.holder = b.principal_id AND l.granted_at > b.started_at - interval '4 hours'
                  AND coalesce(l.opened_at, l.granted_at) > b.started_at AND l.working_since IS NOT NULL
                  AND NOT l.prefetched AND l.outcome IS DISTINCT FROM 'unopened'),
               (SELECT min(r.claimed_at) FROM qa_reviews r
                WHERE r.reviewer = b.principal_id AND r.claimed_at > b.started_at AND r.working_since IS NOT NULL),
               CASE WHEN b.started_at < now() - interval '4 hours' THEN b.started_at + interval '4 hours' END) AS ended_at
    FROM breaks b WHERE b.principal_id = :person AND b.started_at > now() - interval '24 hours'
"""
_STANDING = text("""
    SELECT now() AS now, w.active_at, w.working_since, w.shift_since,
           high_exposure_seconds(:person, w.working_since) AS work_seconds,
           exposed_seconds(:person, now() - interval '24 hours', now()) AS day_seconds,
           high_exposure_held_back(:person, w.working_since, :day_seconds, :stretch_seconds, :in_a_row) AS why,
           (SELECT n.until FROM not_now n WHERE n.principal_id = :person AND n.until > now()) AS not_now_until
    FROM work_of(:person, :break_seconds) w
""")
_BREAKS = text(f"{_BREAK} ORDER BY b.started_at DESC, b.id LIMIT 50")
_START = text(f"""
    INSERT INTO breaks (id, principal_id)
    SELECT :id, :person WHERE NOT EXISTS (SELECT FROM ({_BREAK}) AS known WHERE known.ended_at IS NULL)
""")  # noqa: S608 - put together from constants
_END = text(
    "UPDATE breaks SET ended_at = now() WHERE principal_id = :person AND ended_at IS NULL"
    " AND started_at > now() - interval '24 hours'"
)
_ONE_AT_A_TIME = text("SELECT id FROM principals WHERE id = :person FOR NO KEY UPDATE")
_PERIODS = text("""
    SELECT p.place, x.level, x.seconds, x.items
    FROM unnest(CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])) WITH ORDINALITY AS p (since, until, place)
    CROSS JOIN LATERAL exposure_by_level(:person, p.since, p.until) AS x ORDER BY p.place, x.level
""")
_SPANS = text("""
    SELECT lower(r) AS since, upper(r) AS until FROM (
        SELECT unnest(range_agg(tstzrange(s.since, s.until))) AS r FROM exposure_spans s
        WHERE s.person = :person AND s.since > now() - interval '28 hours'
    ) AS apart ORDER BY 1
""")
# As the claim looks for cases (service/leases), of all queues at once.
_WAITING = text("""
    SELECT least(100, coalesce(sum(w.cases) FILTER (WHERE s.high_exposure), 0))::int AS high_exposure,
           least(100, coalesce(sum(w.cases) FILTER (WHERE NOT s.high_exposure), 0))::int AS milder
    FROM principals p JOIN case_scopes s
        ON (p.languages IS NULL OR s.language = 'und' OR s.language = ANY (p.languages))
        AND (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)
    JOIN queues q ON q.name = s.queue AND may_use_queue(q.name, p.id, '{}')
    CROSS JOIN LATERAL (SELECT count(*) AS cases FROM (
        SELECT FROM cases c WHERE c.scope_id = s.id AND c.status = 'open' LIMIT 100) AS few) AS w
    WHERE p.id = :person
""")
_SET_NOT_NOW = text("""
    INSERT INTO not_now (principal_id, until)
    SELECT :person, CAST(:until AS timestamptz)
    WHERE CAST(:until AS timestamptz) BETWEEN now() AND now() + make_interval(hours => :hours)
    ON CONFLICT (principal_id) DO UPDATE SET until = excluded.until RETURNING until
""")
_FORGET_NOT_NOW = text("DELETE FROM not_now WHERE principal_id = :person")
_TELL = text("""
    INSERT INTO exposure_told (principal_id) VALUES (:person)
    ON CONFLICT (principal_id) DO UPDATE SET at = now()
""")
_EXPOSED = text("""
    SELECT p.username, x.seconds,
           EXISTS (SELECT FROM exposure_told t WHERE t.principal_id = p.id AND t.at > now() - interval '24 hours') AS told
    FROM principals p CROSS JOIN LATERAL (
        -- Or it would be worked out once for the condition below and once for the answer.
        SELECT exposed_seconds(p.id, now() - interval '24 hours', now()) AS seconds OFFSET 0) AS x
    WHERE p.role = ANY (CAST(:roles AS text[])) AND x.seconds > 0 ORDER BY p.username
""")
_FORGET_OLD = (
    text("DELETE FROM breaks WHERE started_at < now() - interval '30 days'"),
    text("DELETE FROM not_now WHERE until < now()"),
    text("DELETE FROM exposure_told WHERE at < now() - interval '7 days'"),
)


async def standing(connection: AsyncConnection, person: UUID, limits: dict[str, Any]) -> Row[Any]:
    """(now, active_at, working_since, shift_since, work_seconds, day_seconds, why, not_now_until) of one person."""
    return (await connection.execute(_STANDING, {"person": person, **limits})).one()


async def breaks(connection: AsyncConnection, person: UUID) -> Sequence[Row[Any]]:
    """(id, started_at, ended_at) of the breaks announced in the last 24 hours, the newest first."""
    return (await connection.execute(_BREAKS, {"person": person})).all()


async def start_break(connection: AsyncConnection, person: UUID, *, break_id: UUID) -> None:
    """Begin a break; while one lasts, nothing happens."""
    await connection.execute(_ONE_AT_A_TIME, {"person": person})
    await connection.execute(_START, {"person": person, "id": break_id})


async def end_break(connection: AsyncConnection, person: UUID) -> None:
    """End the break that lasts, if one does."""
    await connection.execute(_END, {"person": person})


async def periods(
    connection: AsyncConnection, person: UUID, bounds: Sequence[tuple[datetime, datetime]]
) -> Sequence[Row[Any]]:
    """(place, level, seconds, items) of each period, five levels each; the first place is 1."""
    values = {"person": person, "since": [since for since, _ in bounds], "until": [until for _, until in bounds]}
    return (await connection.execute(_PERIODS, values)).all()


async def spans(connection: AsyncConnection, person: UUID) -> list[tuple[datetime, datetime]]:
    """When anything was open in the last 28 hours: apart from each other, the newest last."""
    return [(row.since, row.until) for row in await connection.execute(_SPANS, {"person": person})]


async def waiting(connection: AsyncConnection, person: UUID) -> Row[Any]:
    """(high_exposure, milder): cases that wait for this person, up to 100 each."""
    return (await connection.execute(_WAITING, {"person": person})).one()


async def set_not_now(connection: AsyncConnection, person: UUID, *, until: datetime, hours: int) -> datetime | None:
    """Keep graphic cases away until then; None when that is past or more than `hours` ahead."""
    values = {"person": person, "until": until, "hours": hours}
    return (await connection.execute(_SET_NOT_NOW, values)).scalar_one_or_none()


async def forget_not_now(connection: AsyncConnection, person: UUID) -> None:
    """Let graphic cases come again."""
    await connection.execute(_FORGET_NOT_NOW, {"person": person})


async def tell(connection: AsyncConnection, person: UUID) -> None:
    """Note that this person knows now that leads see them."""
    await connection.execute(_TELL, {"person": person})


async def exposed(connection: AsyncConnection, roles: Sequence[str]) -> Sequence[Row[Any]]:
    """(username, seconds, told) of everybody who had anything open in the last 24 hours, by name."""
    return (await connection.execute(_EXPOSED, {"roles": list(roles)})).all()


async def forget_old(connection: AsyncConnection) -> None:
    """Remove breaks of long ago and wishes that have run out."""
    for statement in _FORGET_OLD:
        await connection.execute(statement)
