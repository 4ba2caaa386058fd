"""SQL of kept questions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = """SELECT v.id, v.name, v.query, v.sorted AS order, v.shared, v.pinned, v.owner = :person AS yours, l.at AS looked_at
    FROM search_views v LEFT JOIN search_looks l ON l.view_id = v.id AND l.principal_id = :person"""
_VIEWS = text(f"{_COLUMNS} WHERE v.owner = :person OR v.shared ORDER BY NOT v.pinned, lower(v.name), v.id LIMIT :limit")
_PINNED = text(
    f"{_COLUMNS} WHERE v.pinned AND (v.owner = :person OR v.shared) ORDER BY v.owner <> :person, lower(v.name), v.id LIMIT :limit"
)
_VIEW = text(f"{_COLUMNS} WHERE v.id = :id AND (v.owner = :person OR v.shared)")
_OWNED = text("SELECT count(*) FROM search_views WHERE owner = :person")
# The owner's row is locked first, so that two of one person's calls cannot both be the last that fits.
_LOCK = text("SELECT FROM principals WHERE id = :person FOR NO KEY UPDATE")
_ADD = text("""
    INSERT INTO search_views (id, owner, name, query, sorted, shared, pinned)
    VALUES (:id, :person, :name, :query, :order, :shared, :pinned)
""")
_CHANGE = text("""
    UPDATE search_views SET name = coalesce(:name, name), query = coalesce(:query, query), sorted = coalesce(:order, sorted),
           shared = coalesce(:shared, shared), pinned = coalesce(:pinned, pinned)
    WHERE id = :id AND owner = :person
""")
_REMOVE = text("DELETE FROM search_views WHERE id = :id AND owner = :person RETURNING id")
_LOOKED = text("""
    INSERT INTO search_looks (view_id, principal_id) VALUES (:id, :person)
    ON CONFLICT (view_id, principal_id) DO UPDATE SET at = now()
""")


async def views(connection: AsyncConnection, person: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """A person's own questions and those that are shared."""
    return (await connection.execute(_VIEWS, {"person": person, "limit": limit})).all()


async def pinned(connection: AsyncConnection, person: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Those of them that are pinned, a person's own first."""
    return (await connection.execute(_PINNED, {"person": person, "limit": limit})).all()


async def view(connection: AsyncConnection, view_id: UUID, person: UUID) -> Row[Any] | None:
    """One of them, if this person finds it."""
    return (await connection.execute(_VIEW, {"id": view_id, "person": person})).one_or_none()


async def lock(connection: AsyncConnection, person: UUID) -> int:
    """How many a person keeps, which stays true until the transaction ends."""
    await connection.execute(_LOCK, {"person": person})
    return int((await connection.execute(_OWNED, {"person": person})).scalar_one())


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Keep one; False when this person has one of that name."""
    return await _unless_taken(connection, _ADD, values)


async def change(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Change one of the person's own; False when they have another of that name."""
    return await _unless_taken(connection, _CHANGE, values)


async def remove(connection: AsyncConnection, view_id: UUID, person: UUID) -> bool:
    """Remove one of the person's own; False where there is none."""
    return (await connection.execute(_REMOVE, {"id": view_id, "person": person})).one_or_none() is not None


async def looked(connection: AsyncConnection, view_id: UUID, person: UUID) -> None:
    """Note that a person looks at it now."""
    await connection.execute(_LOOKED, {"id": view_id, "person": person})


async def _unless_taken(connection: AsyncConnection, statement: Any, values: Mapping[str, Any]) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(statement, dict(values))
    except IntegrityError:
        return False
    return True
