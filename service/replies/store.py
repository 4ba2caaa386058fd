"""SQL of the templates of replies."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_FIELDS = """
    id, source, area, language, purpose, version, subject, body, offered, owner, reason, effective_at,
    withdrawn_at IS NOT NULL AS withdrawn, effective_at > now() AS coming
"""
_ALL = text(f"SELECT {_FIELDS} FROM reply_templates ORDER BY version DESC LIMIT :limit")  # noqa: S608 - constants
_LAST = text("""
    SELECT max(version) FROM reply_templates
    WHERE source = :source AND area = :area AND language = :language AND purpose = :purpose
""")
# Two versions that are made at once get numbers one after the other.
_LOCK = text("LOCK TABLE reply_templates IN SHARE ROW EXCLUSIVE MODE")
_ADD = text("""
    INSERT INTO reply_templates (id, source, area, language, purpose, version, subject, body, offered, owner, reason,
                                 effective_at, made_by)
    VALUES (:id, :source, :area, :language, :purpose, :version, :subject, :body, :offered, :owner, :reason,
            coalesce(CAST(:effective_at AS timestamptz), now()), :made_by)
""")
_PASSED = text("SELECT CAST(:moment AS timestamptz) < now() - interval '1 minute'")
_WITHDRAW = text("""
    UPDATE reply_templates SET withdrawn_at = now(), withdrawn_by = :person
    WHERE id = :id AND withdrawn_at IS NULL RETURNING id
""")


async def templates(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """The newest versions of every template of this installation, withdrawn ones as well."""
    return (await connection.execute(_ALL, {"limit": limit})).all()


async def lock(connection: AsyncConnection) -> None:
    """Let nobody else add a version until the transaction ends."""
    await connection.execute(_LOCK)


async def last_version(connection: AsyncConnection, key: Mapping[str, str]) -> int | None:
    """The highest version there is of this source, area, language and purpose; None without one."""
    last: int | None = (await connection.execute(_LAST, dict(key))).scalar_one()
    return last


async def has_passed(connection: AsyncConnection, moment: Any) -> bool:
    """Whether a moment lies more than a minute back."""
    return bool((await connection.execute(_PASSED, {"moment": moment})).scalar_one())


async def add(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a version."""
    await connection.execute(_ADD, values)


async def withdraw(connection: AsyncConnection, template: UUID, *, person: UUID) -> bool:
    """Take a version back; False where there is none or it was taken back before."""
    return (await connection.execute(_WITHDRAW, {"id": template, "person": person})).one_or_none() is not None
