"""SQL of labels that look wrong: one row for each decision, resolved once and by somebody else than decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        SELECT g.id, d.undo_until <= now() AND u.decision_id IS NULL AS stands,
               EXISTS (SELECT FROM counted_check(g.id) s WHERE s.error IS NOT NULL) AS overturned
        FROM given g JOIN decisions d ON d.id = g.id JOIN cases c ON c.id = d.case_id
        JOIN evidence e ON e.id = d.evidence_id AND e.text <> ''
        LEFT JOIN decision_undos u ON u.decision_id = d.id
        WHERE NOT c.sample AND c.special IS NULL
          AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
    ), stored AS (
        INSERT INTO label_suspects AS s (decision_id, bundle, quality, suggested_area)
        SELECT g.id, :bundle, g.quality, g.area FROM given g JOIN known k ON k.id = g.id AND k.stands AND NOT k.overturned
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
# A check that found the decision wrong has said what the label is.
_OVERTURNED = "EXISTS (SELECT FROM counted_check(d.id) found WHERE found.error IS NOT NULL)"
# A decision of one's own is never one's own to judge. As checks are handed out: in languages that somebody reads, with pictures
# that they consent to.
_OPEN = f"""s.resolved_at IS NULL AND d.decided_by <> :person AND {_SEEN} AND NOT {_OVERTURNED}
      AND (SELECT c.scope_id FROM cases c WHERE c.id = d.case_id) IN (SELECT suited_scopes(:person))"""  # noqa: S608 - put together from constants
# What waits for a check is left to it, or whoever reads here what was decided could be handed that check next.
_WAITS = "EXISTS (SELECT FROM qa_items i WHERE i.case_id = d.case_id AND i.state IN ('waiting', 'disputed'))"
# Whoever was shown it before it was drawn may still answer: they are handed no check of it.
_SHOWN = "EXISTS (SELECT FROM qa_looks k WHERE k.case_id = d.case_id AND k.person = :person)"
# The OFFSET keeps the planner from asking all that of every decision that there is.
_OFFERED = f"""
    FROM label_suspects s CROSS JOIN LATERAL (SELECT * FROM decisions made WHERE made.id = s.decision_id OFFSET 0) AS d
    JOIN evidence e ON e.id = d.evidence_id
    WHERE {_OPEN} AND NOT {_WAITS}
      AND (SELECT c.scope_id FROM cases c WHERE c.id = d.case_id) IN (SELECT suited_scopes(:person, CAST(:mild AS boolean)))
"""  # noqa: S608 - put together from constants
_NEXT = text(f"""
    SELECT s.decision_id, d.case_id, e.text, e.language, d.policy_area, d.severity, d.actions, d.decided_at,
           s.suggested_area, s.quality, s.found_at
    {_OFFERED} AND (CAST(:after AS uuid) IS NULL OR (s.quality, s.decision_id) >
                    (SELECT left_out.quality, left_out.decision_id FROM label_suspects left_out WHERE left_out.decision_id = :after))
    ORDER BY s.quality, s.decision_id LIMIT :limit
""")  # noqa: S608 - put together from constants
# Counted up to a limit only: to know whether a label is somebody's to judge takes more than to count it.
_WAITING = text(f"SELECT count(*) FROM (SELECT {_OFFERED} ORDER BY s.quality, s.decision_id LIMIT :most) AS mine")  # noqa: S608 - put together from constants
# What is shown of the content, as checks show it: as it was when it was decided, and of reports what they say.
_CONTENT = text(f"""
    SELECT d.evidence_id, b.kind, b.author_id, e.text, e.language, e.score, NULL AS policy_title, NULL AS policy_body,
           told_reports(c.id) AS reports
    FROM label_suspects s JOIN decisions d ON d.id = s.decision_id JOIN cases c ON c.id = d.case_id
    JOIN subjects b ON b.id = c.subject_id JOIN evidence e ON e.id = d.evidence_id
    WHERE s.decision_id = :decision_id AND {_OPEN} AND (NOT {_WAITS} OR {_SHOWN})
""")  # noqa: S608 - put together from constants
_RESOLVE = text(f"""
    UPDATE label_suspects s SET resolved_at = now(), resolved_by = :person, outcome = :outcome,
           right_area = :policy_area, right_severity = :severity, note = :note, taxonomy_version = :taxonomy_version
    FROM decisions d WHERE s.decision_id = :decision_id AND d.id = s.decision_id AND {_OPEN} AND (NOT {_WAITS} OR {_SHOWN})
    RETURNING d.case_id, d.policy_area, d.severity, d.actions, s.resolved_at
""")  # noqa: S608 - put together from constants
# Why it could not be resolved.
_STATE = text(f"""
    SELECT d.decided_by = :person AS own FROM label_suspects s JOIN decisions d ON d.id = s.decision_id
    WHERE s.decision_id = :decision_id AND {_SEEN}
""")  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at labels again, the roles that see more than their queues, and whether nothing of high exposure is shown."""

    person: UUID
    overseeing: Sequence[str]
    mild: bool

    def values(self) -> dict[str, Any]:
        """As parameters."""
        return {"person": self.person, "overseeing": list(self.overseeing), "mild": self.mild}


async def add(
    connection: AsyncConnection, bundle: str, suspects: Sequence[tuple[UUID, float, str]]
) -> Sequence[Row[Any]]:
    """Keep suspects (decision, quality, suggested area): (id, became) for each of them."""
    ids, qualities, areas = zip(*suspects, strict=True)
    values = {"bundle": bundle, "ids": list(ids), "qualities": list(qualities), "areas": list(areas)}
    return (await connection.execute(_ADD, values)).all()


async def waiting(connection: AsyncConnection, reader: Reader, *, limit: int, after: UUID | None) -> Sequence[Row[Any]]:
    """The most doubtful labels that this person may judge, behind `after` in the order."""
    values = {**reader.values(), "limit": limit, "after": after}
    return (await connection.execute(_NEXT, values)).all()


async def count(connection: AsyncConnection, reader: Reader, *, most: int) -> int:
    """How many labels this person may judge, counted up to `most`."""
    values = {**reader.values(), "most": most}
    return int((await connection.execute(_WAITING, values)).scalar_one())


async def content(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """The content that a decision is about, with its reports; None when its label is not this person's to judge."""
    values = {"decision_id": decision_id, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_CONTENT, values)).one_or_none()


async def resolve(
    connection: AsyncConnection,
    decision_id: UUID,
    values: Mapping[str, Any],
    *,
    person: UUID,
    overseeing: Sequence[str],
) -> Row[Any] | None:
    """(case_id, policy_area, severity, actions, resolved_at) of the decision, or None when it is not this person's to judge.

    `values` are outcome, policy_area, severity, note and taxonomy_version.
    """
    given = {**values, "decision_id": decision_id, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_RESOLVE, given)).one_or_none()


async def is_own(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, overseeing: Sequence[str]
) -> bool | None:
    """Whether a suspect is of this person's own decision; None where there is none that they may know of."""
    values = {"decision_id": decision_id, "person": person, "overseeing": list(overseeing)}
    found: bool | None = (await connection.execute(_STATE, values)).scalar_one_or_none()
    return found
