"""SQL of strikes: one for each decision that enforced against a known author, never more."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_GIVE = text("""
    INSERT INTO strikes (id, author_id, decision_id, policy_area, severity, weight, expires_at)
    SELECT :id, s.author_id, d.id, d.policy_area, d.severity, :weight, now() + make_interval(days => :days)
    FROM decisions d JOIN cases c ON c.id = d.case_id JOIN subjects s ON s.id = c.subject_id
    WHERE d.id = :decision_id AND s.author_id IS NOT NULL
""")
_TAKE_BACK = text("""
    UPDATE strikes SET reversed_at = now() WHERE decision_id = :decision_id AND reversed_at IS NULL RETURNING weight
""")
# Whoever checks content blindly must not learn from the sum that its decision enforced.
_CHECKED = "is_checking_decision(k.decision_id, :viewer)"
_STANDING = text(f"""
    SELECT coalesce(sum(weight), 0) AS weight, count(*) AS number FROM strikes k
    WHERE author_id = :author AND reversed_at IS NULL AND expires_at > now() AND NOT {_CHECKED}
""")  # noqa: S608 - put together from constants
_OWN = f"""
    WITH own AS MATERIALIZED (
        SELECT k.*, {_CHECKED} AS checked, may_see_case(d.case_id, :viewer, CAST(:overseeing AS text[])) AS visible,
               is_kept_back(d.id, :viewer) AS kept_back
        FROM strikes k JOIN decisions d ON d.id = k.decision_id WHERE k.author_id = :author
    )
"""  # noqa: S608 - put together from constants
_STRIKES = text(f"""{_OWN}
    SELECT decision_id, policy_area, severity, weight, given_at, expires_at, reversed_at,
           CASE WHEN reversed_at IS NOT NULL THEN 'reversed' WHEN expires_at <= now() THEN 'expired' ELSE 'active' END
               AS state
    FROM own WHERE visible AND NOT kept_back ORDER BY given_at DESC, id DESC LIMIT :limit
""")  # noqa: S608 - put together from constants
# Reversed ones that a second opinion keeps back are not even counted, nor what is being checked blindly: that there was one
# says that it enforced.
_HIDDEN = text(f"""{_OWN}
    SELECT count(*) FROM own WHERE NOT checked AND CASE WHEN kept_back THEN reversed_at IS NULL ELSE NOT visible END
""")  # noqa: S608 - put together from constants
_KNOWN = text("SELECT EXISTS (SELECT FROM subjects WHERE author_id = :author)")


async def give(connection: AsyncConnection, *, strike: UUID, decision_id: UUID, weight: float, days: int) -> None:
    """Count a decision against its author; nothing where none is known."""
    await connection.execute(_GIVE, {"id": strike, "decision_id": decision_id, "weight": weight, "days": days})


async def take_back(connection: AsyncConnection, decision_id: UUID) -> float | None:
    """Stop counting a decision; what it weighed, or None when it did not count."""
    return (await connection.execute(_TAKE_BACK, {"decision_id": decision_id})).scalar_one_or_none()


async def standing(connection: AsyncConnection, author: str, *, viewer: UUID) -> Row[Any]:
    """(weight, number) of the strikes that count now, without those that this person must not know of."""
    return (await connection.execute(_STANDING, {"author": author, "viewer": viewer})).one()


async def strikes(
    connection: AsyncConnection, author: str, *, viewer: UUID, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """The newest strikes on cases that this person may see, newest first."""
    values = {"author": author, "viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_STRIKES, values)).all()


async def hidden(connection: AsyncConnection, author: str, *, viewer: UUID, overseeing: Sequence[str]) -> int:
    """How many strikes are not this person's to see."""
    values = {"author": author, "viewer": viewer, "overseeing": list(overseeing)}
    return int((await connection.execute(_HIDDEN, values)).scalar_one())


async def is_known(connection: AsyncConnection, author: str) -> bool:
    """Whether anything of this author was ever reported."""
    return bool((await connection.execute(_KNOWN, {"author": author})).scalar_one())
