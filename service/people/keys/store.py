"""SQL of service keys."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SHOWN = """
    k.id, p.username, k.name, k.prefix, k.scopes, k.created_at AS made_at, m.username AS made_by, k.expires_at,
    k.last_used_at,
    CASE WHEN k.revoked_at IS NOT NULL OR NOT p.active THEN 'revoked'
         WHEN k.expires_at <= now() THEN 'expired' ELSE 'live' END AS state
"""
_FROM = "FROM api_keys k JOIN principals p ON p.id = k.principal_id LEFT JOIN principals m ON m.id = k.made_by"
_LIST = text(f"""
    SELECT {_SHOWN} {_FROM}
    WHERE (CAST(:username AS text) IS NULL OR p.username = :username)
    ORDER BY k.revoked_at IS NOT NULL OR NOT p.active, k.expires_at IS NOT NULL AND k.expires_at <= now(),
             p.username, k.created_at DESC, k.id
    LIMIT :limit
""")
# First the lock, then, in a statement of its own, the counting: so two keys made at once are both counted.
_ACCOUNT = text("""
    SELECT id, role, password_hash IS NOT NULL AS signs_in FROM principals
    WHERE username = :username AND active FOR NO KEY UPDATE
""")
_IS_OPEN = text("SELECT EXISTS (SELECT FROM principals WHERE username = :username AND active)")
_LIVE = text("""
    SELECT count(*) FROM api_keys
    WHERE principal_id = :id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
""")
_INSERT = text("""
    INSERT INTO api_keys (id, key_hash, principal_id, name, prefix, scopes, expires_at, made_by)
    VALUES (:id, :key_hash, :principal_id, :name, :prefix, CAST(:scopes AS text[]),
            now() + make_interval(days => CAST(:days AS integer)), :made_by)
""")
_ONE = text(f"SELECT {_SHOWN} {_FROM} WHERE k.id = :id")
_REVOKE = text("""
    UPDATE api_keys k SET revoked_at = now(), revoked_by = :actor
    FROM principals p
    WHERE p.id = k.principal_id AND p.username = :username AND k.id = :id AND k.revoked_at IS NULL
    RETURNING k.principal_id
""")


async def keys(connection: AsyncConnection, *, username: str | None, limit: int) -> Sequence[Row[Any]]:
    """Keys of one account or of all, those that work in front."""
    return (await connection.execute(_LIST, {"username": username, "limit": limit})).all()


async def account(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """(id, role, signs_in) of an active account, the last for one with a password; it is locked."""
    return (await connection.execute(_ACCOUNT, {"username": username})).one_or_none()


async def is_open(connection: AsyncConnection, username: str) -> bool:
    """Whether there is an active account of that name."""
    return bool((await connection.execute(_IS_OPEN, {"username": username})).scalar_one())


async def live_keys(connection: AsyncConnection, account_id: UUID) -> int:
    """How many keys of an account work."""
    return int((await connection.execute(_LIVE, {"id": account_id})).scalar_one())


async def insert(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a key; `days` is None for one without an end, `scopes` for all that the role may do."""
    await connection.execute(_INSERT, values)


async def key(connection: AsyncConnection, key_id: UUID) -> Row[Any]:
    """One key, as in a list of them."""
    return (await connection.execute(_ONE, {"id": key_id})).one()


async def revoke(connection: AsyncConnection, username: str, key_id: UUID, *, actor: UUID) -> UUID | None:
    """End a key; returns whose it was, None when there is no such key of that account that is not revoked."""
    values = {"username": username, "id": key_id, "actor": actor}
    return (await connection.execute(_REVOKE, values)).scalar_one_or_none()
