"""SQL of labels that look wrong: one row for each decision, resolved once and by somebody else than decided."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Of decisions that are never exported nobody can have found anything: to the caller they are unknown.
_ADD = text("""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:qualities AS float8[]), CAST(:areas AS text[]))
            AS one (id, quality, area)
    ), known AS MATERIALIZED (
        SELECT g.id, d.undo_until <= now() AND u.decision_id IS NULL AS stands
        FROM given g JOIN decisions d ON d.id = g.id JOIN cases c ON c.id = d.case_id
        LEFT JOIN decision_undos u ON u.decision_id = d.id
        WHERE NOT c.sample AND c.special IS NULL
          AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
    ), stored AS (
        INSERT INTO label_suspects AS s (decision_id, bundle, quality, suggested_area)
        SELECT g.id, :bundle, g.quality, g.area FROM given g JOIN known k ON k.id = g.id AND k.stands
        -- In one order for all who upload: two who send the same wait for each other in turn.
        ORDER BY g.id
        ON CONFLICT (decision_id) DO UPDATE
            SET bundle = EXCLUDED.bundle, quality = EXCLUDED.quality, suggested_area = EXCLUDED.suggested_area, found_at = now()
            WHERE s.resolved_at IS NULL
        RETURNING decision_id
    )
    SELECT g.id, CASE WHEN k.id IS NULL THEN 'unknown' WHEN NOT k.stands THEN 'not_standing'
                      WHEN s.decision_id IS NULL THEN 'settled' ELSE 'stored' END AS became
    FROM given g LEFT JOIN known k ON k.id = g.id LEFT JOIN stored s ON s.decision_id = g.id ORDER BY g.id
""")
# What a person may know of: a standing decision on a case that they may see, which no second opinion keeps back from them.
_SEEN = """NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
      AND may_see_case(d.case_id, :person, CAST(:overseeing AS text[])) AND NOT is_kept_back(d.id, :person)"""
# A decision of one's own is never one's own to judge.
_OPEN = f"""s.resolved_at IS NULL AND d.decided_by <> :person AND {_SEEN}"""
_NEXT = text(f"""
    SELECT s.decision_id, d.case_id, e.text, e.language, d.policy_area, d.severity, d.actions, d.decided_at,
           s.suggested_area, s.quality, s.found_at
    FROM label_suspects s JOIN decisions d ON d.id = s.decision_id JOIN evidence e ON e.id = d.evidence_id
    WHERE {_OPEN} ORDER BY s.quality, s.decision_id LIMIT :limit
""")  # noqa: S608 - put together from constants
_WAITING = text(f"""
    SELECT count(*) FROM label_suspects s JOIN decisions d ON d.id = s.decision_id WHERE {_OPEN}
""")  # noqa: S608 - put together from constants
_RESOLVE = text(f"""
    UPDATE label_suspects s SET resolved_at = now(), resolved_by = :person, outcome = :outcome
    FROM decisions d WHERE s.decision_id = :decision_id AND d.id = s.decision_id AND {_OPEN}
    RETURNING d.case_id, s.resolved_at
""")  # noqa: S608 - put together from constants
# Why it could not be resolved.
_STATE = text(f"""
    SELECT d.decided_by = :person AS own, s.resolved_at FROM label_suspects s JOIN decisions d ON d.id = s.decision_id
    WHERE s.decision_id = :decision_id AND {_SEEN}
""")  # noqa: S608 - put together from constants


async def add(
    connection: AsyncConnection, bundle: str, suspects: Sequence[tuple[UUID, float, str]]
) -> Sequence[Row[Any]]:
    """Keep suspects (decision, quality, suggested area): (id, became) for each of them."""
    ids, qualities, areas = zip(*suspects, strict=True)
    values = {"bundle": bundle, "ids": list(ids), "qualities": list(qualities), "areas": list(areas)}
    return (await connection.execute(_ADD, values)).all()


async def waiting(
    connection: AsyncConnection, *, person: UUID, overseeing: Sequence[str], limit: int
) -> tuple[Sequence[Row[Any]], int]:
    """The most doubtful labels that this person may judge, and how many there are."""
    values = {"person": person, "overseeing": list(overseeing)}
    rows = (await connection.execute(_NEXT, {**values, "limit": limit})).all()
    return rows, int((await connection.execute(_WAITING, values)).scalar_one())


async def resolve(
    connection: AsyncConnection, decision_id: UUID, *, outcome: str, person: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """(case_id, resolved_at), or None when it does not wait or is not this person's to judge."""
    values = {"decision_id": decision_id, "outcome": outcome, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_RESOLVE, values)).one_or_none()


async def state(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """(own, resolved_at) of a suspect that this person may know of."""
    values = {"decision_id": decision_id, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_STATE, values)).one_or_none()
