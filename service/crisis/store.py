"""SQL of crises. Whether one is at work is asked of `crises_at_work` and `crisis_end`, which ask the clock."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What was ended by hand is over even to a transaction that began before that and had to wait for it.
_STATE = """
    CASE WHEN EXISTS (SELECT FROM crisis_reviews w WHERE w.crisis_id = c.id) THEN 'reviewed'
         WHEN c.began_at IS NULL THEN 'draft'
         WHEN c.ended_at IS NULL AND now() < crisis_end(c) THEN 'at_work' ELSE 'ended' END
"""
_FIELDS = f"""
    SELECT c.id, c.kind, c.plan, c.name, c.reason, o.username AS owner, c.owner AS owner_id, {_STATE} AS state, c.revision,
           c.until, c.began_at, crisis_end(c) AS ends_at, c.approved_at IS NOT NULL AS approved,
           a.username AS approved_by, {{spec}} AS spec,
           (SELECT count(*) FROM crisis_reviews w WHERE w.crisis_id = c.id) AS reviews
    FROM crises c JOIN principals o ON o.id = c.owner LEFT JOIN principals a ON a.id = c.approved_by
"""  # noqa: S608 - put together from constants
# Without the texts, of which two hundred would be a book; drafts that nobody approved in time come last.
_ALL = text(f"""
    SELECT * FROM ({_FIELDS.format(spec="c.spec - '{guidance,statements}'::text[]")}) AS one
    ORDER BY state = 'draft' AND until <= now(), array_position(ARRAY['at_work', 'draft', 'ended', 'reviewed'], state), coalesce(began_at, until) DESC, id
    LIMIT :most
""")  # noqa: S608 - put together from constants
_ONE = text(f"{_FIELDS.format(spec='c.spec')} WHERE c.id = :id")
_LOCK = text("SELECT id FROM crises WHERE id = :id FOR NO KEY UPDATE")
_ADD = text("""
    INSERT INTO crises (id, kind, plan, name, reason, owner, spec, until)
    VALUES (:id, :kind, :plan, :name, :reason, :owner, CAST(:spec AS jsonb), :until)
""")
_CHANGE = text("""
    UPDATE crises SET name = :name, reason = :reason, spec = CAST(:spec AS jsonb), until = :until, drafted_at = now(),
           revision = revision + 1 WHERE id = :id
""")
_APPROVE = text("""
    UPDATE crises SET began_at = coalesce(began_at, now()), approved_at = now(), approved_by = :actor WHERE id = :id
""")
_BEGIN = text("UPDATE crises SET began_at = now() WHERE id = :id")
_EXTEND = text("UPDATE crises SET until = :until, extended_at = now() WHERE id = :id")
_END = text("UPDATE crises SET ended_at = now(), noted_at = now() WHERE id = :id")
_MOMENT = text("""
    INSERT INTO crisis_moments (crisis_id, kind, reason, until, spec, actor, told)
    SELECT id, :kind, :reason, crisis_end(crises), CASE WHEN :kind IN ('drafted', 'changed') THEN spec END, :actor, :told
    FROM crises WHERE id = :id
""")
_MOMENTS = text("""
    SELECT m.kind, m.at, p.username AS actor, m.reason, m.until FROM crisis_moments m
    LEFT JOIN principals p ON p.id = m.actor WHERE m.crisis_id = :id ORDER BY m.id
""")
_ADD_REVIEW = text("""
    INSERT INTO crisis_reviews (crisis_id, happened, worked, decisions, actions, written_by)
    VALUES (:id, :happened, :worked, :decisions, CAST(:actions AS jsonb), :actor)
""")
_REVIEWS = text("""
    SELECT r.happened, r.worked, r.decisions, r.actions, r.written_at, p.username AS written_by
    FROM crisis_reviews r JOIN principals p ON p.id = r.written_by WHERE r.crisis_id = :id ORDER BY r.id
""")
_KNOWN = text("SELECT username FROM principals WHERE active AND username = ANY (CAST(:names AS text[]))")
# The statement that the page shows: anybody with the database at hand gets the same numbers.
VOLUME = "SELECT area, before, during, hours FROM crisis_volume('{id}')"
_VOLUME = text("SELECT area, before, during, hours FROM crisis_volume(:id) LIMIT 100")
_GUIDANCE = text("""
    SELECT c.id AS crisis, c.revision, c.name, crisis_end(c) AS until, c.spec, r.read_at IS NOT NULL AS read
    FROM crises_at_work() c
    LEFT JOIN crisis_reads r ON r.crisis_id = c.id AND r.revision = c.revision AND r.principal_id = :person
    WHERE coalesce(c.spec ->> 'guidance', '') <> '' OR jsonb_array_length(coalesce(c.spec -> 'statements', '[]')) > 0
    ORDER BY c.began_at DESC, c.id DESC
""")
_READ = text("""
    INSERT INTO crisis_reads (crisis_id, revision, principal_id)
    SELECT c.id, c.revision, :person FROM crises_at_work() c WHERE c.id = :id ON CONFLICT DO NOTHING RETURNING crisis_id
""")
# Those that the clock has ended are told of once; it makes no difference to their end whether anybody does.
_EXPIRED = text("""
    UPDATE crises c SET noted_at = now()
    WHERE c.began_at IS NOT NULL AND c.noted_at IS NULL AND crisis_end(c) <= now() RETURNING c.id
""")
_UNREVIEWED = text("""
    UPDATE crises c SET asked_at = now()
    WHERE c.began_at IS NOT NULL AND crisis_end(c) <= now()
      AND coalesce(c.asked_at, crisis_end(c)) <= now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM crisis_reviews w WHERE w.crisis_id = c.id) RETURNING c.id
""")


_NOW = text("""
    SELECT c.id, c.kind, c.name, crisis_end(c) AS ends_at, c.approved_at IS NOT NULL AS approved, now() < crisis_end(c) AS at_work
    FROM crises c
    WHERE c.began_at <= now()
      AND (now() < crisis_end(c) OR (:reviews AND NOT EXISTS (SELECT FROM crisis_reviews w WHERE w.crisis_id = c.id)))
    ORDER BY at_work DESC, ends_at LIMIT :most
""")


async def now(connection: AsyncConnection, *, reviews: bool, most: int) -> Sequence[Row[Any]]:
    """(id, kind, name, ends_at, approved, at_work) of what is at work and, with `reviews`, of what waits for its review."""
    return (await connection.execute(_NOW, {"reviews": reviews, "most": most})).all()


async def crises(connection: AsyncConnection, *, most: int) -> Sequence[Row[Any]]:
    """All of them: at work, drafts, without a review, reviewed."""
    return (await connection.execute(_ALL, {"most": most})).all()


async def crisis(connection: AsyncConnection, crisis_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """One of them, locked if it is to be changed."""
    if lock:
        await connection.execute(_LOCK, {"id": crisis_id})
    return (await connection.execute(_ONE, {"id": crisis_id})).one_or_none()


async def add(connection: AsyncConnection, *, spec: Mapping[str, Any], **values: Any) -> None:
    """Keep a draft."""
    await connection.execute(_ADD, {**values, "spec": json.dumps(spec)})


async def change(connection: AsyncConnection, *, spec: Mapping[str, Any], **values: Any) -> None:
    """Another text of a draft."""
    await connection.execute(_CHANGE, {**values, "spec": json.dumps(spec)})


async def approve(connection: AsyncConnection, crisis_id: UUID, *, actor: UUID) -> None:
    """Put it to work, or let it stay at work until its own end."""
    await connection.execute(_APPROVE, {"id": crisis_id, "actor": actor})


async def begin(connection: AsyncConnection, crisis_id: UUID) -> None:
    """Put it to work without a second person."""
    await connection.execute(_BEGIN, {"id": crisis_id})


async def extend(connection: AsyncConnection, crisis_id: UUID, until: datetime) -> None:
    """Another end."""
    await connection.execute(_EXTEND, {"id": crisis_id, "until": until})


async def end(connection: AsyncConnection, crisis_id: UUID) -> None:
    """End it now."""
    await connection.execute(_END, {"id": crisis_id})


async def add_moment(connection: AsyncConnection, crisis_id: UUID, **values: Any) -> None:
    """Append to its timeline, with the end that it has at that moment: `kind`, `actor`, `reason`, and whether it is `told`."""
    await connection.execute(_MOMENT, {"id": crisis_id, **values})


async def moments(connection: AsyncConnection, crisis_id: UUID) -> Sequence[Row[Any]]:
    """(kind, at, actor, reason, until) of everything that was done with it."""
    return (await connection.execute(_MOMENTS, {"id": crisis_id})).all()


async def add_review(
    connection: AsyncConnection, crisis_id: UUID, *, actor: UUID, actions: Sequence[Mapping[str, Any]], **texts: str
) -> None:
    """Append a review."""
    await connection.execute(_ADD_REVIEW, {"id": crisis_id, "actor": actor, "actions": json.dumps(actions), **texts})


async def reviews(connection: AsyncConnection, crisis_id: UUID) -> Sequence[Row[Any]]:
    """What was said of it afterwards."""
    return (await connection.execute(_REVIEWS, {"id": crisis_id})).all()


async def known(connection: AsyncConnection, names: Sequence[str]) -> set[str]:
    """Those of the user names that active people have."""
    return set((await connection.execute(_KNOWN, {"names": list(names)})).scalars())


async def volume(connection: AsyncConnection, crisis_id: UUID) -> Sequence[Row[Any]]:
    """(area, before, during, hours) of reports."""
    return (await connection.execute(_VOLUME, {"id": crisis_id})).all()


async def guidance(connection: AsyncConnection, person: UUID) -> Sequence[Row[Any]]:
    """Notes and holding statements of crises at work."""
    return (await connection.execute(_GUIDANCE, {"person": person})).all()


async def confirm_read(connection: AsyncConnection, crisis_id: UUID, person: UUID) -> bool:
    """Whether it was there to be read, and not confirmed before."""
    return (await connection.execute(_READ, {"id": crisis_id, "person": person})).one_or_none() is not None


async def expired(connection: AsyncConnection) -> list[UUID]:
    """Those that the clock has ended since somebody looked."""
    return list((await connection.execute(_EXPIRED)).scalars())


async def unreviewed(connection: AsyncConnection) -> list[UUID]:
    """Those that have waited another day for their review."""
    return list((await connection.execute(_UNREVIEWED)).scalars())
