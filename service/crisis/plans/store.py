"""SQL of continuity plans, and of what drills look at."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_PLANS = text("""
    SELECT p.name, p.version, p.title, o.username AS owner, p.saved_at, p.plan, d.ran_at AS drilled_at,
           d.holes AS drill_holes, d.version AS drill_version
    FROM continuity_plans p JOIN principals o ON o.id = p.owner
    LEFT JOIN LATERAL (SELECT ran_at, holes, version FROM continuity_drills d WHERE d.plan = p.name
                       ORDER BY d.ran_at DESC, d.id DESC LIMIT 1) d ON true
    WHERE CAST(:name AS text) IS NULL OR p.name = :name ORDER BY p.name
""")
_SAVE = text("""
    INSERT INTO continuity_plans (name, title, owner, plan, saved_by)
    VALUES (:name, :title, :actor, CAST(:plan AS jsonb), :actor)
    ON CONFLICT (name) DO UPDATE SET title = excluded.title, plan = excluded.plan, saved_by = excluded.saved_by,
        saved_at = now(), version = continuity_plans.version + 1
    WHERE continuity_plans.version = :based_on
    RETURNING version
""")
_PEOPLE = text("""
    SELECT username, active, role = ANY (CAST(:roles AS text[])) AS reviews FROM principals
    WHERE username = ANY (CAST(:names AS text[]))
""")
# A drill puts the plan to work in a transaction that is rolled back: what follows asks the very functions of the claim.
_PRETEND = text("""
    INSERT INTO crises (id, kind, plan, name, reason, owner, spec, until, began_at, approved_at, approved_by)
    SELECT :id, 'continuity', p.name, p.title, 'drill', p.owner, p.plan, now() + interval '1 day', now(), NULL, NULL
    FROM continuity_plans p WHERE p.name = :name
""")
_QUEUES = text("""
    SELECT q.name, q.restricted, count(c.id) AS cases,
           count(c.id) FILTER (WHERE c.start_by <= now() AND c.deadline IS NOT NULL) AS legal,
           count(c.id) FILTER (WHERE c.start_by <= now() AND c.deadline IS NULL) AS bound,
           coalesce(avg((c.rank ->> 'handling_minutes')::float8), 3.0) AS minutes,
           count(c.id) FILTER (WHERE c.deadline < now()) AS overdue
    FROM queues q LEFT JOIN cases c ON c.queue = q.name AND c.status IN ('open', 'leased', 'held')
    WHERE q.closed_at IS NULL GROUP BY q.name ORDER BY q.name
""")
_TAKERS = text("""
    SELECT q.name AS queue, p.username FROM queues q, principals p
    WHERE q.closed_at IS NULL AND p.active AND p.role = ANY (CAST(:roles AS text[])) AND may_use_queue(q.name, p.id, '{}')
    ORDER BY 1, 2
""")
_DUE = text("""
    SELECT queue, deadline FROM cases
    WHERE status IN ('open', 'leased', 'held') AND deadline >= now()
      AND deadline <= now() + make_interval(mins => :minutes)
    ORDER BY deadline LIMIT :most
""")
# What may be given up under the rule, by the most likely severity of what a model has assessed; see models/shed.py.
_SHEDDABLE = text("""
    SELECT c.queue, count(*) AS cases FROM cases c
    CROSS JOIN LATERAL (SELECT s.place - 1 AS level FROM jsonb_array_elements_text(c.rank -> 'severity')
                        WITH ORDINALITY s (share, place) ORDER BY s.share::float8 DESC, s.place LIMIT 1) likely
    WHERE c.status = 'open' AND c.deadline IS NULL AND c.special IS NULL AND (c.rank ->> 'scored')::boolean
      AND NOT ('kept' = ANY (c.flags))
      AND likely.level < :below GROUP BY c.queue
""")
_KEEP = text("""
    INSERT INTO continuity_drills (plan, version, holes, found, ran_at)
    VALUES (:plan, :version, :holes, CAST(:found AS jsonb), :ran_at)
""")
_DRILLS = text("SELECT found FROM continuity_drills WHERE plan = :name ORDER BY ran_at DESC, id DESC LIMIT :most")


async def plans(connection: AsyncConnection, name: str | None = None) -> Sequence[Row[Any]]:
    """Every plan, or the one of that name, with its last drill."""
    return (await connection.execute(_PLANS, {"name": name})).all()


async def save(connection: AsyncConnection, *, plan: Mapping[str, Any], **values: Any) -> int | None:
    """Save a plan; its new version, or None where another one is there than it was based on."""
    version: int | None = (await connection.execute(_SAVE, {**values, "plan": json.dumps(plan)})).scalar_one_or_none()
    return version


async def people(connection: AsyncConnection, names: Sequence[str], roles: Sequence[str]) -> dict[str, Row[Any]]:
    """(active, reviews) by user name."""
    rows = await connection.execute(_PEOPLE, {"names": list(names), "roles": list(roles)})
    return {row.username: row for row in rows}


async def pretend(connection: AsyncConnection, plan: str, crisis_id: UUID) -> None:
    """Put the plan to work in a transaction that will be rolled back."""
    await connection.execute(_PRETEND, {"name": plan, "id": crisis_id})


async def queues(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(name, restricted, cases, legal, bound, minutes, overdue) of every open queue."""
    return (await connection.execute(_QUEUES)).all()


async def takers(connection: AsyncConnection, roles: Sequence[str]) -> Sequence[Row[Any]]:
    """(queue, username): who may take cases of which queue, as the claim sees it at this moment."""
    return (await connection.execute(_TAKERS, {"roles": list(roles)})).all()


async def due(connection: AsyncConnection, *, minutes: int, most: int) -> Sequence[Row[Any]]:
    """(queue, deadline) of undecided cases whose deadline comes within so many minutes."""
    return (await connection.execute(_DUE, {"minutes": minutes, "most": most})).all()


async def sheddable(connection: AsyncConnection, below: int) -> dict[str, int]:
    """By queue, open cases that a rule of shedding could give up."""
    return {row.queue: row.cases for row in await connection.execute(_SHEDDABLE, {"below": below})}


async def keep(connection: AsyncConnection, **values: Any) -> None:
    """Keep what a drill has found: `plan`, `version`, `holes` by number, `found` as JSON, `ran_at`."""
    await connection.execute(_KEEP, values)


async def drills(connection: AsyncConnection, name: str, *, most: int) -> list[dict[str, Any]]:
    """What the latest drills found."""
    return list((await connection.execute(_DRILLS, {"name": name, "most": most})).scalars())
