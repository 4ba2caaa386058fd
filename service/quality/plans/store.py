"""SQL of plans: the frame they draw from, what they drew, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch

# Standing decisions alone: not undone, and not to be undone any more. Sample cases are for sample accounts. Special routes and
# restricted queues stay with the people who may see them: counts, areas and results would tell everybody who manages quality.
# Pictures without text cannot be judged in a check, which shows them blurred alone. A draft is asked about the decisions that its
# replay reads, whenever they were made. In one order, so that a seed gives the same draw.
_FRAME = text("""
    SELECT d.id AS decision_id, d.case_id, d.evidence_id, d.policy_area AS area, coalesce(p.vendor, CAST(:in_house AS text)) AS vendor,
           s.language,
           CASE WHEN p.started_on IS NULL THEN 'unknown'
                WHEN d.decided_at - p.started_on < interval '90 days' THEN 'up to 90 days'
                WHEN d.decided_at - p.started_on < interval '365 days' THEN 'up to a year' ELSE 'more than a year' END
               AS tenure,
           CASE WHEN NOT CAST(:doubt AS boolean) THEN 0.0
                WHEN d.actions <@ CAST(:harmless AS text[])
                    THEN (SELECT max(value::float8) FROM jsonb_each_text(e.score -> 'areas'))
                ELSE 1 - (e.score -> 'areas' ->> d.policy_area)::float8 END AS doubt
    FROM decisions d JOIN cases c ON c.id = d.case_id JOIN case_scopes s ON s.id = c.scope_id
    JOIN principals p ON p.id = d.decided_by JOIN evidence e ON e.id = d.evidence_id
    LEFT JOIN policy_versions v ON v.id = CAST(:policy_id AS uuid)
    -- Until another version of the area came into force, or comes.
    LEFT JOIN LATERAL (
        SELECT min(later.effective_at) AS at FROM policy_versions later
        WHERE later.area = v.area AND later.withdrawn_at IS NULL
          AND (later.effective_at, later.number) > (v.effective_at, v.number)
    ) AS next ON true
    WHERE d.undo_until <= now() AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
      AND (NOT c.sample OR (SELECT me.sample FROM principals me WHERE me.id = :viewer))
      AND c.special IS NULL
      AND c.queue IN (SELECT q.name FROM queues q
                      WHERE NOT q.restricted AND may_use_queue(q.name, :viewer, CAST(:overseeing AS text[])))
      AND (btrim(e.text) <> '' OR NOT EXISTS (SELECT FROM evidence_media m WHERE m.evidence_id = e.id))
      AND (CAST(:since AS timestamptz) IS NULL OR d.decided_at >= CAST(:since AS timestamptz))
      AND (CAST(:until AS timestamptz) IS NULL OR d.decided_at < CAST(:until AS timestamptz))
      AND (CAST(:areas AS text[]) = '{}' OR d.policy_area = ANY (CAST(:areas AS text[])))
      AND (CAST(:queues AS text[]) = '{}' OR c.queue = ANY (CAST(:queues AS text[])))
      AND (CAST(:languages AS text[]) = '{}' OR s.language = ANY (CAST(:languages AS text[])))
      AND (CAST(:vendors AS text[]) = '{}' OR coalesce(p.vendor, CAST(:in_house AS text)) = ANY (CAST(:vendors AS text[])))
      AND CASE WHEN d.actions <@ CAST(:harmless AS text[]) THEN 'leave_up' WHEN d.basis = 'cluster' THEN 'automated'
               ELSE 'human' END = ANY (CAST(:origins AS text[]))
      AND (CAST(:policy_id AS uuid) IS NULL
           OR CASE WHEN v.published_at IS NULL THEN d.policy_area IN (v.area, :benign)
                   ELSE d.decided_at >= v.effective_at AND d.decided_at < coalesce(next.at, 'infinity')
                        AND v.area IN (d.policy_area, e.score ->> 'primary_area') END)
    ORDER BY d.id LIMIT :most
""")
_POLICY = text("""
    SELECT published_at IS NULL AS draft, coalesce(effective_at <= now(), false) AS effective FROM policy_versions
    WHERE id = :id AND withdrawn_at IS NULL FOR SHARE
""")
# Golden items that the planner may see: where nobody else may either, nobody would be handed them. Of the plan's areas (as decided
# or as is right) and languages alone: others would be known among what the plan draws.
_GOLDEN = text("""
    SELECT g.id, g.case_id, g.evidence_id
    FROM golden_items g JOIN cases c ON c.id = g.case_id JOIN case_scopes s ON s.id = c.scope_id
    CROSS JOIN LATERAL (
        SELECT array_agg(d.policy_area) || (g.answer ->> 'policy_area') AS areas FROM decisions d WHERE d.case_id = g.case_id
    ) AS own
    WHERE g.retired_at IS NULL
      AND (CAST(:areas AS text[]) = '{}' OR own.areas && CAST(:areas AS text[]))
      AND (CAST(:policy_id AS uuid) IS NULL
           OR (SELECT v.area FROM policy_versions v WHERE v.id = CAST(:policy_id AS uuid)) = ANY (own.areas))
      AND (CAST(:languages AS text[]) = '{}' OR s.language = ANY (CAST(:languages AS text[])))
      AND c.special IS NULL AND may_see_case(g.case_id, :viewer, CAST(:overseeing AS text[]))
      AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
      AND (NOT c.sample OR (SELECT me.sample FROM principals me WHERE me.id = :viewer))
    ORDER BY g.id
""")
_ADD = text("""
    INSERT INTO qa_plans (id, name, kind, strata, scope, size, reviews, allocation, least, golden_share, policy_id, draft,
                          seed, population, owner, reason, made_by)
    VALUES (:id, :name, :kind, :strata, CAST(:scope AS jsonb), :size, :reviews, :allocation, :least, :golden_share,
            :policy_id, :draft, :seed, :population, :owner, :reason, :made_by)
    ON CONFLICT (name) DO NOTHING RETURNING id
""")
_ADD_ITEMS = text("""
    INSERT INTO qa_items (id, plan_id, place, case_id, evidence_id, decision_id, golden_id, stratum, chance)
    SELECT new.id, :plan_id, new.place, new.case_id, new.evidence_id, new.decision_id, new.golden_id, new.stratum, new.chance
    FROM unnest(CAST(:id AS uuid[]), CAST(:place AS float8[]), CAST(:case_id AS uuid[]), CAST(:evidence_id AS uuid[]),
                CAST(:decision_id AS uuid[]), CAST(:golden_id AS uuid[]), CAST(:stratum AS text[]), CAST(:chance AS float8[]))
         AS new (id, place, case_id, evidence_id, decision_id, golden_id, stratum, chance)
""")
_PLANS = """
    SELECT p.id, p.name, p.kind, p.strata, p.allocation, p.least, p.scope, p.size, p.reviews, p.golden_share, p.policy_id,
           p.draft, p.seed, p.population, p.owner, p.reason, p.made_at, p.closed_at, n.items, n.waiting, n.disputed, n.settled
    FROM qa_plans p CROSS JOIN LATERAL (
        SELECT count(*) AS items, count(*) FILTER (WHERE i.state = 'waiting') AS waiting,
               count(*) FILTER (WHERE i.state = 'disputed') AS disputed,
               count(*) FILTER (WHERE i.state = 'settled') AS settled
        FROM qa_items i WHERE i.plan_id = p.id
    ) AS n
"""
_LIST = text(f"{_PLANS} ORDER BY p.made_at DESC, p.id DESC LIMIT :limit")
_ONE = text(f"{_PLANS} WHERE p.id = :id")
# First the locks, so that no answer is on its way; what is asked after them sees every answer there is.
_LOCK_WAITING = text("""
    SELECT i.id FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id
    WHERE p.id = :id AND p.closed_at IS NULL AND i.state = 'waiting' ORDER BY i.id FOR NO KEY UPDATE OF p, i
""")
_BEGUN = text("""
    SELECT i.id FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id
    WHERE p.id = :id AND p.closed_at IS NULL AND i.state = 'waiting'
      AND EXISTS (SELECT FROM qa_reviews r WHERE r.item_id = i.id AND r.answered_at IS NOT NULL) ORDER BY i.id
""")
_CLOSE = text("SELECT * FROM close_plans(ARRAY[CAST(:id AS uuid)])")
# What is answered of a stratum stands for all of it that was drawn.
_RESULTS = text("""
    SELECT i.id, i.state, i.chance * t.answered / t.drawn AS chance, d.policy_area AS area, coalesce(p.vendor, CAST(:in_house AS text)) AS vendor, s.language, k.error,
           CASE WHEN d.id IS NOT NULL THEN jsonb_build_object('policy_area', d.policy_area, 'severity', d.severity,
                'actions', d.actions) END AS decided,
           (SELECT jsonb_agg(r.answer ORDER BY r.claimed_at, r.token) FROM qa_reviews r
            WHERE r.item_id = i.id AND r.answered_at IS NOT NULL) AS answers
    FROM qa_items i JOIN cases c ON c.id = i.case_id JOIN case_scopes s ON s.id = c.scope_id
    LEFT JOIN plan_strata t ON t.plan_id = i.plan_id AND t.stratum = i.stratum AND i.decision_id IS NOT NULL
    LEFT JOIN decisions d ON d.id = i.decision_id LEFT JOIN principals p ON p.id = d.decided_by
    LEFT JOIN qa_settlements k ON k.item_id = i.id
         AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)
    WHERE i.plan_id = :plan_id AND i.state IN ('settled', 'disputed') ORDER BY i.id
""")
_STRATA = text("SELECT stratum, drawn, answered FROM plan_strata WHERE plan_id = :plan_id ORDER BY stratum")


async def frame(connection: AsyncConnection, values: Mapping[str, Any]) -> list[Any]:
    """The decisions to draw from, `most` at most: (decision_id, case_id, evidence_id, area, vendor, language, tenure, doubt)."""
    return await fetch(connection, _FRAME, values)


async def policy(connection: AsyncConnection, policy_id: UUID) -> Row[Any] | None:
    """(draft, effective) of a policy version: whether it is a draft, or in force by now; None where there is none."""
    return (await connection.execute(_POLICY, {"id": policy_id})).one_or_none()


async def golden(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """(id, case_id, evidence_id) of the golden items that can be mixed in."""
    return (await connection.execute(_GOLDEN, values)).all()


async def add(connection: AsyncConnection, values: Mapping[str, Any], *, scope: Mapping[str, Any]) -> bool:
    """Store a plan; False when the name is taken."""
    given = {**values, "scope": json.dumps(dict(scope))}
    return (await connection.execute(_ADD, given)).one_or_none() is not None


async def add_items(connection: AsyncConnection, plan: UUID, columns: Mapping[str, Sequence[Any]]) -> None:
    """Store what a plan drew, column by column."""
    await connection.execute(_ADD_ITEMS, {"plan_id": plan, **{name: list(column) for name, column in columns.items()}})


async def plans(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """The newest plans with their progress."""
    return (await connection.execute(_LIST, {"limit": limit})).all()


async def plan(connection: AsyncConnection, plan_id: UUID) -> Row[Any] | None:
    """One plan with its progress."""
    return (await connection.execute(_ONE, {"id": plan_id})).one_or_none()


async def begun(connection: AsyncConnection, plan_id: UUID) -> Sequence[UUID]:
    """The items of an open plan that have some answers and not all; no more come before the transaction ends."""
    await connection.execute(_LOCK_WAITING, {"id": plan_id})
    return (await connection.execute(_BEGUN, {"id": plan_id})).scalars().all()


async def close(connection: AsyncConnection, plan_id: UUID) -> bool:
    """Close a plan; False where there is none that is open."""
    return (await connection.execute(_CLOSE, {"id": plan_id})).one_or_none() is not None


async def results(connection: AsyncConnection, plan_id: UUID, *, in_house: str) -> Sequence[Row[Any]]:
    """Every item that is answered, with its chance to be drawn and answered, what holds in the end, the decision and the answers.

    `in_house` is the vendor of those who have none.
    """
    return (await connection.execute(_RESULTS, {"plan_id": plan_id, "in_house": in_house})).all()


async def strata(connection: AsyncConnection, plan_id: UUID) -> Sequence[Row[Any]]:
    """(stratum, drawn, answered), by name."""
    return (await connection.execute(_STRATA, {"plan_id": plan_id})).all()
