"""SQL of statements as they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SHOWN = """
    SELECT s.*, d.severity, r.puid AS replaces_puid, s.afterwards_by IS NOT NULL AS afterwards,
           CASE WHEN s.state = 'made' AND s.ready_at > now() THEN 'waiting' WHEN s.state = 'made' THEN 'ready' ELSE s.state END
               AS stands
    FROM statements s JOIN decisions d ON d.id = s.decision_id LEFT JOIN statements r ON r.id = s.replaces
"""
_ONE = text(_SHOWN + " WHERE s.id = :id AND NOT is_kept_back(s.decision_id, :viewer)")
_OF_CASE = text(
    _SHOWN + " WHERE s.case_id = :case_id AND NOT is_kept_back(s.decision_id, :viewer) ORDER BY s.number LIMIT 200"
)
_OF_DECISION = text(_SHOWN + " WHERE s.decision_id = :decision_id ORDER BY s.number DESC LIMIT 1")
# A state as people see it, in terms of what is stored.
_IN_STATE = {
    "waiting": "s.state = 'made' AND s.ready_at > now()",
    "ready": "s.state = 'made' AND s.ready_at <= now()",
    **{one: f"s.state = '{one}'" for one in ("batched", "published", "refused", "withdrawn", "exempt")},
}
_VISIBLE = "may_see_case(s.case_id, :viewer, CAST(:overseeing AS text[])) AND NOT is_kept_back(s.decision_id, :viewer)"
_COUNTED = ("category", "ground", "source_type", "automated_detection", "automated_decision")
# Those that are alike in all of it are counted first: there are few kinds of statements, however many statements there are.
_COUNTS = text("""
    SELECT figure.field, figure.code, CAST(sum(alike.count) AS bigint) AS count
    FROM (
        SELECT CASE WHEN s.state = 'made' AND s.ready_at > now() THEN 'waiting' WHEN s.state = 'made' THEN 'ready'
                    ELSE s.state END AS stands,
               s.category, s.ground, s.source_type, s.automated_detection, s.automated_decision, count(*) AS count
        FROM statements s
        WHERE (:samples OR s.case_id NOT IN (SELECT id FROM cases WHERE sample))
          AND (CAST(:since AS timestamptz) IS NULL OR s.made_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR s.made_at < :until)
        GROUP BY 1, 2, 3, 4, 5, 6
    ) alike,
    LATERAL (VALUES
        ('state', alike.stands), ('category', alike.category), ('ground', alike.ground), ('source_type', alike.source_type),
        ('automated_detection', alike.automated_detection), ('automated_decision', alike.automated_decision)
    ) AS figure (field, code)
    WHERE figure.code IS NOT NULL AND (figure.field = 'state' OR alike.stands <> 'withdrawn')
    GROUP BY figure.field, figure.code ORDER BY figure.field, count DESC, figure.code
""")
_HAS_SAMPLES = text("SELECT EXISTS (SELECT FROM statements s JOIN cases c ON c.id = s.case_id WHERE c.sample)")


async def one(connection: AsyncConnection, statement: UUID, *, viewer: UUID) -> Row[Any] | None:
    """A statement, unless its decision is kept back from this person, who is checking it blindly."""
    return (await connection.execute(_ONE, {"id": statement, "viewer": viewer})).one_or_none()


async def of_case(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """The statements of a case, oldest first."""
    return (await connection.execute(_OF_CASE, {"case_id": case_id, "viewer": viewer})).all()


async def of_decision(connection: AsyncConnection, decision_id: UUID) -> Row[Any] | None:
    """The newest statement of a decision."""
    return (await connection.execute(_OF_DECISION, {"decision_id": decision_id})).one_or_none()


async def listed(connection: AsyncConnection, asked: Mapping[str, Any], *, limit: int) -> Sequence[Row[Any]]:
    """Statements, newest first; `asked` may hold state, category, ground, source_type, since, until and before (a number).

    With a `viewer` and the roles that are `overseeing`, only those of cases that this person may see, and is not checking blindly.
    """
    where = [_VISIBLE] if asked.get("viewer") else []
    where += [_IN_STATE[asked["state"]]] if asked.get("state") else []
    where += [f"s.{name} = :{name}" for name in _COUNTED if asked.get(name)]
    where += ["s.made_at >= :since"] if asked.get("since") else []
    where += ["s.made_at < :until"] if asked.get("until") else []
    where += ["s.number < :before"] if asked.get("before") else []
    statement = text(f"{_SHOWN} WHERE {' AND '.join(where) or 'true'} ORDER BY s.number DESC LIMIT :limit")
    return (await connection.execute(statement, {**asked, "limit": limit})).all()


async def counts(
    connection: AsyncConnection, *, since: datetime | None, until: datetime | None, samples: bool
) -> Sequence[Row[Any]]:
    """(field, code, count), over those of samples as well or not."""
    return (await connection.execute(_COUNTS, {"since": since, "until": until, "samples": samples})).all()


async def has_samples(connection: AsyncConnection) -> bool:
    """Whether a statement of a sample is among them."""
    return bool((await connection.execute(_HAS_SAMPLES)).scalar_one())
