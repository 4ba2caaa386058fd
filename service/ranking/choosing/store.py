"""SQL of the choices which version of the rules of the order is at work."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_CHOOSE = text("""
    INSERT INTO rank_choices (version, chosen_by, reason) VALUES (:version, CAST(:actor AS uuid), :reason)
""")
_NEWEST_CHOICE = text("""
    SELECT c.version, c.owner, c.reason, c.decided_on, c.policy, c.constants, h.chosen_by
    FROM rank_choices h JOIN rank_configs c ON c.version = h.version ORDER BY h.id DESC LIMIT 1
""")
_WAS_CHOSEN = text("SELECT EXISTS (SELECT FROM rank_choices WHERE version = :version)")
_CHOICES = text("""
    SELECT h.version, h.chosen_at, h.reason, h.chosen_by IS NULL AS by_settings FROM rank_choices h
    ORDER BY h.id DESC LIMIT :most
""")
_LOCK_CHOICES = text("LOCK TABLE rank_choices IN SHARE ROW EXCLUSIVE MODE")
_KEPT = text("""
    SELECT version, owner, reason, decided_on, policy, constants FROM rank_configs WHERE version = :version
""")


async def choose(connection: AsyncConnection, version: str, *, actor: UUID | None, reason: str) -> None:
    """Put that version to work."""
    await connection.execute(_CHOOSE, {"version": version, "actor": actor, "reason": reason})


async def newest_choice(connection: AsyncConnection) -> Row[Any] | None:
    """The configuration that was chosen last, with whoever chose it."""
    return (await connection.execute(_NEWEST_CHOICE)).one_or_none()


async def was_chosen(connection: AsyncConnection, version: str) -> bool:
    """Whether that version was ever at work."""
    return bool((await connection.execute(_WAS_CHOSEN, {"version": version})).scalar_one())


async def choices(connection: AsyncConnection, *, most: int) -> Sequence[Row[Any]]:
    """(version, chosen_at, reason, by_settings) of the latest choices, the newest first."""
    return (await connection.execute(_CHOICES, {"most": most})).all()


async def lock_choices(connection: AsyncConnection) -> None:
    """Hold off everybody else who chooses until this transaction ends."""
    await connection.execute(_LOCK_CHOICES)


async def kept(connection: AsyncConnection, version: str) -> Row[Any] | None:
    """The configuration of that version, chosen or not."""
    return (await connection.execute(_KEPT, {"version": version})).one_or_none()
