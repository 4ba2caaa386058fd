"""SQL of the exports: labelled rows, and the decision log."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Cases of special routes and of restricted queues stay with the people who may see them; sample cases are nobody's.
_EXPORTED = """NOT c.sample AND c.special IS NULL
      AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)"""
# What holds of a label: what an appeal came to once it was carried out; else the answer of the check that counts where that found the decision wrong; else what somebody corrected it
# to who looked at it again, unless a check confirmed the decision after that; else the decision.
_LABELS = text(f"""
    SELECT d.id, d.policy_area, d.severity, d.actions, d.taxonomy_version, d.decided_at, d.decided_by, d.basis, d.policy_id,
           c.subject_id, e.text, e.language, l.lane, l.propensity, l.random_share,
           qa.by AS qa_by, qa.answer, qa.error, qa.settled_at, qa.plan_id, qa.kind, qa.reviews, qa.confidence, qa.objected,
           coalesce(drawn.checks, '[]') AS checks,
           EXISTS (SELECT FROM label_suspects s WHERE s.decision_id = d.id AND s.outcome = 'label_stands') AS kept,
           w.right_area, w.right_severity, w.taxonomy_version AS corrected_by_taxonomy, w.resolved_by AS corrected_by,
           w.resolved_at AS corrected_at, w.bundle AS doubted_by,
           ap.outcome AS appeal_outcome, ap.right_area AS appeal_area, ap.right_severity AS appeal_severity,
           ap.decided_by AS appeal_by, ap.decided_at AS appeal_at, ap.taxonomy_version AS appeal_taxonomy
    FROM decisions d JOIN evidence e ON e.id = d.evidence_id JOIN cases c ON c.id = d.case_id
    JOIN leases l ON l.token = d.lease_token LEFT JOIN decision_undos u ON u.decision_id = d.id
    LEFT JOIN LATERAL (
        SELECT s.by, s.answer, s.error, s.settled_at, p.id AS plan_id, p.kind, given.reviews, given.confidence,
               EXISTS (SELECT FROM qa_feedback f WHERE f.settlement_id = s.id
                       AND f.disputed_at IS NOT NULL AND f.resolved_at IS NULL) AS objected
        FROM counted_check(d.id) s JOIN qa_items i ON i.id = s.item_id JOIN qa_plans p ON p.id = i.plan_id
        LEFT JOIN LATERAL (
            SELECT count(*) AS reviews, min((r.answer ->> 'confidence')::int) AS confidence
            FROM qa_reviews r WHERE r.item_id = i.id AND r.answered_at IS NOT NULL
        ) AS given ON true
    ) AS qa ON true
    LEFT JOIN LATERAL (
        -- Of every plan: an estimate by one of them needs all that it drew, whichever was settled last.
        SELECT jsonb_agg(jsonb_build_object('plan', p.id, 'kind', p.kind, 'chance', i.chance, 'state', i.state, 'error', s.error)
                         ORDER BY p.made_at, p.id) AS checks
        FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id
        LEFT JOIN qa_settlements s ON s.item_id = i.id
            AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = s.id)
        WHERE i.decision_id = d.id AND i.state <> 'void' AND NOT p.draft
    ) AS drawn ON true
    LEFT JOIN label_suspects w ON w.decision_id = d.id AND w.outcome = 'label_wrong' AND qa.error IS NULL
        AND (qa.settled_at IS NULL OR qa.settled_at <= w.resolved_at)
    LEFT JOIN LATERAL (
        SELECT a.* FROM appeals a WHERE a.decision_id = d.id AND a.carried_out_at IS NOT NULL
        ORDER BY a.carried_out_at DESC LIMIT 1
    ) AS ap ON true
    WHERE u.decision_id IS NULL AND d.undo_until <= now() AND e.text <> '' AND {_EXPORTED}
    ORDER BY d.decided_at, d.id
""")  # noqa: S608 - put together from constants
# The score is that of what was judged, or of what waits. Numbers and times alone: no text, no person, no reporter.
# Parts and views are the first that the log knows: those of the first lease, or of now where there was none.
_LOG = text(f"""
    SELECT c.id AS case_id, c.queue, c.opened_at, c.status, c.shed_at, e.score, c.deadline,
           CASE WHEN first.granted_at IS NULL THEN c.rank ELSE first.rank END AS parts,
           coalesce((first.rank ->> 'views_per_hour')::float8, c.views_per_hour) AS views_per_hour,
           first.granted_at AS parts_at,
           s.id AS scope_id, s.language, s.high_exposure, s.consent_area, d.basis, d.policy_area, d.severity, d.actions, d.decided_at,
           (SELECT count(*) FROM evidence_media m WHERE m.evidence_id = e.id) AS pictures,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                         'at', l.granted_at, 'ended_at', l.ended_at, 'outcome', l.outcome,
                         'lane', l.lane, 'propensity', l.propensity, 'pool', l.pool) ORDER BY l.granted_at, l.token)
                     FROM leases l WHERE l.case_id = c.id), '[]') AS claims
    FROM cases c LEFT JOIN LATERAL (
        SELECT made.* FROM decisions made LEFT JOIN decision_undos u ON u.decision_id = made.id
        WHERE made.case_id = c.id AND u.decision_id IS NULL AND made.undo_until <= now()
        ORDER BY made.decided_at DESC, made.id DESC LIMIT 1
    ) AS d ON true
    JOIN evidence e ON e.id = coalesce(d.evidence_id, c.evidence_id)
    JOIN case_scopes s ON s.id = c.scope_id
    LEFT JOIN LATERAL (
        SELECT l.granted_at, l.rank FROM leases l WHERE l.case_id = c.id ORDER BY l.granted_at, l.token LIMIT 1
    ) AS first ON true
    WHERE {_EXPORTED} ORDER BY c.opened_at, c.id
""")  # noqa: S608 - put together from constants


# What was withdrawn before it took effect never held.
_POLICIES = text("""
    SELECT id, area, number, effective_at, withdrawn_at FROM policy_versions
    WHERE published_at IS NOT NULL AND (withdrawn_at IS NULL OR withdrawn_at > effective_at)
""")
_NOW = text("SELECT now()")
_AREAS = text(
    "SELECT taxonomy_version, array_agg(DISTINCT policy_area) AS areas FROM decisions GROUP BY taxonomy_version"
)


async def policies(connection: AsyncConnection) -> tuple[datetime, list[Row[Any]]]:
    """The time of the database, and every published policy version without its text."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now, list(await connection.execute(_POLICIES))


async def areas_by_taxonomy(connection: AsyncConnection) -> dict[str, list[str]]:
    """What decisions named under each version of the taxonomy."""
    return {row.taxonomy_version: row.areas for row in await connection.execute(_AREAS)}


async def labels(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """Every decision that stands, with its text and how its case was handed out, oldest first, streamed."""
    result = await connection.stream(_LABELS)
    async for row in result:
        yield row


async def log(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """Every case with its claims and the decision that stands, oldest first, streamed."""
    result = await connection.stream(_LOG)
    async for row in result:
        yield row
