"""SQL of the policy library: versions, who confirmed them, and what replays of drafts found."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtextextended('policies', 0))")
# A version without its text: the list of them is read at every claim, and for a menu.
_SUMMARY = """
    SELECT v.id, v.area, v.number, v.title, v.digest, v.acknowledge, v.owner, v.effective_at, v.published_at,
           CASE WHEN v.withdrawn_at IS NOT NULL THEN 'withdrawn'
                WHEN v.published_at IS NULL THEN 'draft'
                WHEN v.effective_at > now() THEN 'coming'
                WHEN EXISTS (SELECT FROM policies_in_force i WHERE i.id = v.id) THEN 'in_force'
                ELSE 'replaced' END AS state,
           EXISTS (SELECT FROM policy_acknowledgements a WHERE a.policy_id = v.id AND a.principal_id = :person)
               AS acknowledged"""
_SUMMARIES = f"{_SUMMARY} FROM policy_versions v"
# With its text, and that which readers knew before: of the published version of the next lower number; null of the first.
_COMPARED = f"""{_SUMMARY}, v.body, v.examples, v.reason,
           (SELECT count(*) FROM policy_acknowledgements a WHERE a.policy_id = v.id) AS confirmed_by,
           (SELECT b.body FROM policy_versions b
            WHERE b.area = v.area AND b.number < v.number AND b.published_at IS NOT NULL AND b.withdrawn_at IS NULL
            ORDER BY b.number DESC LIMIT 1) AS body_before
    FROM policy_versions v
"""  # noqa: S608 - put together from constants
_CURRENT = text(f"""{_SUMMARIES}
    WHERE v.withdrawn_at IS NULL AND v.published_at IS NOT NULL
      AND (v.effective_at > now() OR EXISTS (SELECT FROM policies_in_force i WHERE i.id = v.id))
    ORDER BY v.effective_at, v.area, v.number
""")
_VERSIONS = text(f"""{_COMPARED}
    WHERE v.area = :area AND (v.published_at IS NOT NULL OR :drafts)
    ORDER BY v.number DESC LIMIT :limit
""")
# What decisions can be judged by: versions that came into force, and drafts.
_JUDGED_BY = text(f"""{_SUMMARIES}
    WHERE v.withdrawn_at IS NULL AND (v.published_at IS NULL OR v.effective_at <= now())
    ORDER BY v.effective_at DESC NULLS FIRST, v.id DESC LIMIT :limit
""")
_ONE = text(f"{_COMPARED} WHERE v.id = :id")
# What is in force of each area where something is unread: a later version that asks for nothing does not hide that.
_UNREAD = text(f"""{_SUMMARIES}
    JOIN policies_in_force f ON f.id = v.id
    WHERE EXISTS (SELECT FROM unread_policies(:person) u WHERE u.area = v.area)
    ORDER BY v.effective_at, v.area
""")
_IN_FORCE = text("SELECT number, title, body, examples FROM policies_in_force WHERE area = :area")
_OPEN_DRAFTS = text(
    "SELECT count(*) FROM policy_versions WHERE area = :area AND published_at IS NULL AND withdrawn_at IS NULL"
)
_ADD_DRAFT = text("""
    INSERT INTO policy_versions (id, area, number, title, body, examples, digest, acknowledge, owner, reason, made_by)
    SELECT :id, :area, coalesce(max(number), 0) + 1, :title, :body, CAST(:examples AS jsonb), :digest, :acknowledge,
           :owner, :reason, :made_by
    FROM policy_versions WHERE area = :area
""")
_LOCK = text("SELECT FROM policy_versions WHERE id = :id FOR NO KEY UPDATE")
# What re-reviews go by, as it is and as it would be.
_IS_CHANGED = """(title, body, examples)
    IS DISTINCT FROM (coalesce(:title, title), coalesce(:body, body), coalesce(CAST(:examples AS jsonb), examples))"""
_ASKED_ABOUT = text(f"""
    SELECT p.name FROM policy_versions v JOIN qa_plans p ON p.policy_id = v.id AND p.draft AND p.closed_at IS NULL
    WHERE v.id = :id AND v.published_at IS NULL AND v.withdrawn_at IS NULL AND {_IS_CHANGED}
    ORDER BY p.made_at, p.id LIMIT 1
""")  # noqa: S608 - put together from constants
# By the clock and not by when the transaction began: whatever plan was made before is of the former text.
_CHANGE_DRAFT = text(f"""
    UPDATE policy_versions
    SET changed_at = CASE WHEN {_IS_CHANGED} THEN clock_timestamp() ELSE changed_at END,
        title = coalesce(:title, title), body = coalesce(:body, body),
        examples = coalesce(CAST(:examples AS jsonb), examples), digest = coalesce(:digest, digest),
        acknowledge = coalesce(:acknowledge, acknowledge), owner = coalesce(:owner, owner),
        reason = coalesce(:reason, reason)
    WHERE id = :id AND published_at IS NULL AND withdrawn_at IS NULL RETURNING id
""")  # noqa: S608 - put together from constants
# A moment a little in the past is one that was now when somebody pressed the button.
_PUBLISH = text("""
    UPDATE policy_versions
    SET published_at = now(), published_by = :actor,
        effective_at = greatest(now(), coalesce(CAST(:effective_at AS timestamptz), now()))
    WHERE id = :id AND published_at IS NULL AND withdrawn_at IS NULL AND digest <> ''
      AND coalesce(CAST(:effective_at AS timestamptz), now()) > now() - interval '1 minute'
    RETURNING id
""")
_WITHDRAW = text("""
    UPDATE policy_versions SET withdrawn_at = now()
    WHERE id = :id AND withdrawn_at IS NULL AND (published_at IS NULL OR effective_at > now()) RETURNING id
""")
_CLOSE_PLANS = text("SELECT * FROM close_plans(ARRAY(SELECT id FROM qa_plans WHERE policy_id = :id AND draft))")
_ACKNOWLEDGE = text("""
    WITH confirmed AS (
        INSERT INTO policy_acknowledgements (policy_id, principal_id)
        SELECT id, :person FROM policy_versions
        WHERE id = :id AND published_at IS NOT NULL AND withdrawn_at IS NULL
        ON CONFLICT DO NOTHING RETURNING policy_id
    )
    INSERT INTO events (kind, actor, data)
    SELECT 'policy.acknowledged', :person, jsonb_build_object('policy', policy_id) FROM confirmed
""")
_ADD_FIRST = text("""
    INSERT INTO policy_versions (id, area, number, title, body, examples, digest, owner, reason, made_by,
                                 effective_at, published_by, published_at)
    SELECT :id, :area, 1, :title, :body, CAST(:examples AS jsonb), :digest, :owner, :reason, :made_by,
           now(), :made_by, now()
    WHERE NOT EXISTS (SELECT FROM policy_versions WHERE area = :area) RETURNING id
""")
# The last decisions that stand and that a change of one area's policy could flip: those of the area, and those that found
# nothing. Who may not see special routes, restricted queues or samples does not see them counted either: nobody does.
_DECISIONS = text("""
    SELECT d.id, d.policy_area, d.decided_at, d.undo_until,
           btrim(e.text) <> '' OR NOT EXISTS (SELECT FROM evidence_media m WHERE m.evidence_id = e.id) AS checkable,
           coalesce(e.language, '') AS language,
           CASE WHEN :texts THEN e.text END AS text
    FROM decisions d JOIN evidence e ON e.id = d.evidence_id JOIN cases c ON c.id = d.case_id
    WHERE d.policy_area IN (:area, :benign) AND d.undo_until <= now()
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
      AND NOT c.sample AND c.special IS NULL
      AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
    ORDER BY d.decided_at DESC, d.id LIMIT :limit
""")
# Of the plans that drew re-reviews under this version while it was a draft, from decisions as above, that with most answers:
# each drew from what stood when it was made, so that two of them cannot be thrown together. One that was drawn before the text
# changed speaks of another text.
_PLAN = text("""
    SELECT p.id, p.name, p.made_at, p.population, (p.scope ->> 'since')::timestamptz AS since,
           (p.scope ->> 'until')::timestamptz AS until, narrow.er AS narrowed, p.made_at < v.changed_at AS outdated
    FROM qa_plans p JOIN policy_versions v ON v.id = p.policy_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE i.state IN ('settled', 'disputed')) AS answers FROM qa_items i
        WHERE i.plan_id = p.id AND i.decision_id IS NOT NULL
    ) AS given
    CROSS JOIN LATERAL (
        SELECT NOT (coalesce(p.scope -> 'areas', '[]') = '[]'
                    OR p.scope -> 'areas' @> to_jsonb(ARRAY[CAST(:area AS text), CAST(:benign AS text)]))
               OR coalesce(p.scope -> 'queues', '[]') <> '[]' OR coalesce(p.scope -> 'languages', '[]') <> '[]'
               OR coalesce(p.scope -> 'vendors', '[]') <> '[]'
               OR NOT coalesce(p.scope -> 'from' @> '["human", "automated", "leave_up"]', true) AS er
    ) AS narrow
    WHERE p.kind = 'policy' AND p.policy_id = :id AND p.draft AND given.answers > 0
    ORDER BY outdated, narrow.er, given.answers DESC, p.made_at DESC, p.id LIMIT 1
""")
# What holds in the end of each of its re-reviews, the last settlement of its item: null while it is disputed.
_REVIEWS = text("""
    SELECT i.decision_id, i.chance, s.answer ->> 'policy_area' AS policy_area
    FROM qa_items i LEFT JOIN qa_settlements s ON s.item_id = i.id AND i.state = 'settled'
         AND NOT EXISTS (SELECT FROM qa_settlements r WHERE r.replaces = s.id)
    WHERE i.plan_id = :plan_id AND i.state IN ('settled', 'disputed') AND i.decision_id IS NOT NULL
""")
_ADD_REPLAY = text("""
    INSERT INTO policy_replays (id, policy_id, asked_by, decisions, result)
    VALUES (:id, :policy_id, :asked_by, :decisions, CAST(:result AS jsonb)) RETURNING asked_at
""")
_REPLAYS = text("""
    SELECT id, policy_id, asked_at, decisions, result FROM policy_replays
    WHERE policy_id = ANY (CAST(:policies AS uuid[])) ORDER BY asked_at DESC LIMIT 50
""")


async def one_after_the_other(connection: AsyncConnection) -> None:
    """Wait until nobody else numbers a version, and keep others waiting until this transaction ends."""
    await connection.execute(_ONE_AFTER_THE_OTHER)


async def current(connection: AsyncConnection, person: UUID) -> Sequence[Row[Any]]:
    """What is in force, and what is published and comes; without texts."""
    return (await connection.execute(_CURRENT, {"person": person})).all()


async def judged_by(connection: AsyncConnection, person: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Drafts, then versions that came into force, the newest first; without texts."""
    return (await connection.execute(_JUDGED_BY, {"person": person, "limit": limit})).all()


async def versions(
    connection: AsyncConnection, area: str, *, person: UUID, drafts: bool, limit: int
) -> Sequence[Row[Any]]:
    """Versions of an area, the newest first, with `body_before`; with drafts and what came of them, or what was published alone."""
    values = {"area": area, "person": person, "drafts": drafts, "limit": limit}
    return (await connection.execute(_VERSIONS, values)).all()


async def one(connection: AsyncConnection, policy_id: UUID, *, person: UUID | None) -> Row[Any] | None:
    """A version by its id, with `body_before`."""
    return (await connection.execute(_ONE, {"id": policy_id, "person": person})).one_or_none()


async def unread(connection: AsyncConnection, person: UUID) -> Sequence[Row[Any]]:
    """Versions in force that this person has to confirm: for their own sake, or for that of one they took the place of.

    Without texts.
    """
    return (await connection.execute(_UNREAD, {"person": person})).all()


async def in_force(connection: AsyncConnection, area: str) -> Row[Any] | None:
    """(number, title, body, examples) of the version in force."""
    return (await connection.execute(_IN_FORCE, {"area": area})).one_or_none()


async def open_drafts(connection: AsyncConnection, area: str) -> int:
    """How many drafts of an area were neither published nor withdrawn."""
    return int((await connection.execute(_OPEN_DRAFTS, {"area": area})).scalar_one())


async def add_draft(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Add a draft under the next number of its area; `examples` is JSON."""
    await connection.execute(_ADD_DRAFT, dict(values))


async def lock(connection: AsyncConnection, policy_id: UUID) -> None:
    """Wait until nobody draws a plan under a version or changes it, and keep others waiting until this transaction ends."""
    await connection.execute(_LOCK, {"id": policy_id})


async def asked_about(connection: AsyncConnection, values: Mapping[str, Any]) -> str | None:
    """The name of an open plan whose re-reviews go by what these values would change of a draft. After `lock`."""
    given = {key: values[key] for key in ("id", "title", "body", "examples")}
    return (await connection.execute(_ASKED_ABOUT, given)).scalar_one_or_none()


async def change_draft(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Change a draft where a value is given; False when it is no draft any more."""
    return (await connection.execute(_CHANGE_DRAFT, dict(values))).one_or_none() is not None


async def publish(connection: AsyncConnection, policy_id: UUID, *, actor: UUID, effective_at: Any) -> bool:
    """Publish a draft that says what changed; False when it is none, says nothing, or the moment has passed."""
    values = {"id": policy_id, "actor": actor, "effective_at": effective_at}
    return (await connection.execute(_PUBLISH, values)).one_or_none() is not None


async def withdraw(connection: AsyncConnection, policy_id: UUID) -> bool:
    """Take back what is not in force yet; False when it is, was, or was taken back before."""
    return (await connection.execute(_WITHDRAW, {"id": policy_id})).one_or_none() is not None


async def close_plans(connection: AsyncConnection, policy_id: UUID) -> Sequence[UUID]:
    """Close the plans that ask for re-reviews under a version; those that were open."""
    return (await connection.execute(_CLOSE_PLANS, {"id": policy_id})).scalars().all()


async def acknowledge(connection: AsyncConnection, policy_id: UUID, *, person: UUID) -> None:
    """Note that a person has read a published version; once more changes nothing."""
    await connection.execute(_ACKNOWLEDGE, {"id": policy_id, "person": person})


async def add_first(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Publish a text as version 1 of an area that has none; False when it has."""
    return (await connection.execute(_ADD_FIRST, dict(values))).one_or_none() is not None


async def decisions(
    connection: AsyncConnection, *, area: str, benign: str, limit: int, texts: bool
) -> Sequence[Row[Any]]:
    """(id, policy_area, decided_at, undo_until, checkable, language, text) of the last decisions that a policy of the area could flip.

    The text is read where `texts` are wanted, else it is None.
    """
    values = {"area": area, "benign": benign, "limit": limit, "texts": texts}
    return (await connection.execute(_DECISIONS, values)).all()


async def plan(connection: AsyncConnection, policy_id: UUID, *, area: str, benign: str) -> Row[Any] | None:
    """(id, name, made_at, population, since, until, narrowed, outdated) of the plan whose re-reviews speak for a version."""
    values = {"id": policy_id, "area": area, "benign": benign}
    return (await connection.execute(_PLAN, values)).one_or_none()


async def reviews(connection: AsyncConnection, plan_id: UUID) -> Sequence[Row[Any]]:
    """(decision_id, chance, policy_area) of the answered re-reviews of a plan; the area is null while they are disputed."""
    return (await connection.execute(_REVIEWS, {"plan_id": plan_id})).all()


async def add_replay(
    connection: AsyncConnection, replay_id: UUID, policy_id: UUID, *, asked_by: UUID | None, result: Mapping[str, Any]
) -> Any:
    """Store what a replay found; returns when."""
    values = {"id": replay_id, "policy_id": policy_id, "asked_by": asked_by, "decisions": result["decisions"]}
    stored = await connection.execute(_ADD_REPLAY, values | {"result": json.dumps(dict(result), ensure_ascii=False)})
    return stored.scalar_one()


async def replays(connection: AsyncConnection, policies: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The newest replays of some versions, the newest first."""
    return (await connection.execute(_REPLAYS, {"policies": list(policies)})).all()
