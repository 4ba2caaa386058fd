"""SQL of stored files: the lock of each, and those that no row may name any more or yet.

What lets a file go makes the database add it to the list.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# One lock for each file. Whoever names it shares the lock, whoever removes it has it alone.
_SHARE = text("""
    SELECT pg_advisory_xact_lock_shared(hashtextextended('stored ' || one, 0)) FROM unnest(CAST(:names AS text[])) one
""")
_HAVE_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('stored ' || CAST(:name AS text), 0))")


def _named(name: str) -> str:
    places = (
        *(("media", "stored_as"), ("media", "uploaded_as"), ("media_derivatives", "stored_as")),
        # What is preserved stays, whatever becomes of the medium.
        ("preserved_files", "stored_as"),
    )
    # By the hash first: that is what there are indexes on.
    found = (
        f"EXISTS (SELECT FROM {table} WHERE hashtextextended({column}, 0) = hashtextextended({name}, 0) AND {column} = {name})"
        for table, column in places
    )
    return f"({' OR '.join(found)})"


_NAMED = text(f"SELECT {_named('CAST(:name AS text)')}")
_EXPECT = text("""
    INSERT INTO media_leftovers (stored_as, due_at)
    SELECT one, now() + make_interval(secs => :seconds) FROM unnest(CAST(:names AS text[])) one
""")
# Without the locks of the files: whatever lets one of these go after this has looked makes a row of its own.
# The limit counts what is looked at: where very many files are to go, each sweep would otherwise look at all of them.
_FORGET_NAMED = text(f"""
    WITH waiting AS MATERIALIZED (
        SELECT id AS waits, stored_as AS name FROM media_leftovers WHERE due_at <= now()
        ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM media_leftovers USING waiting WHERE id = waits AND {_named("name")}
""")  # noqa: S608 - put together from constants
_DUE = text("SELECT id, stored_as FROM media_leftovers WHERE due_at <= now() ORDER BY due_at, id LIMIT :limit")
_FORGET = text("DELETE FROM media_leftovers WHERE id = :id")
_PUT_OFF = text("UPDATE media_leftovers SET due_at = now() + make_interval(secs => :seconds) WHERE id = :id")


async def share(connection: AsyncConnection, names: Sequence[str]) -> None:
    """Wait for removals of these files to end, and let none begin before this transaction ends."""
    await connection.execute(_SHARE, {"names": list(names)})


async def have_alone(connection: AsyncConnection, name: str) -> bool:
    """Keep everybody else from naming this file before this transaction ends; False while somebody is about to."""
    return bool((await connection.execute(_HAVE_ALONE, {"name": name})).scalar_one())


async def named(connection: AsyncConnection, name: str) -> bool:
    """True when a row names the file."""
    return bool((await connection.execute(_NAMED, {"name": name})).scalar_one())


async def expect(connection: AsyncConnection, names: Sequence[str], *, seconds: float) -> None:
    """Look at these files after that time: by then a row names each, or none ever will."""
    await connection.execute(_EXPECT, {"names": list(names), "seconds": seconds})


async def forget_named(connection: AsyncConnection, limit: int) -> None:
    """Of so many rows that it is time to look at, those that wait longest, take away those about files that are named."""
    await connection.execute(_FORGET_NAMED, {"limit": limit})


async def due(connection: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Files to look at, those that wait longest first: (id, stored_as)."""
    return (await connection.execute(_DUE, {"limit": limit})).all()


async def forget(connection: AsyncConnection, leftover: int) -> None:
    """Take a row away that is dealt with. Others about the same file stay."""
    await connection.execute(_FORGET, {"id": leftover})


async def put_off(connection: AsyncConnection, leftover: int, *, seconds: float) -> None:
    """Look at a file again after that time."""
    await connection.execute(_PUT_OFF, {"id": leftover, "seconds": seconds})
