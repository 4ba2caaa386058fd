"""SQL of accounts, keys and sessions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text(
    "INSERT INTO principals (id, username, role, password_hash, sample, consents)"
    " VALUES (:id, :username, :role, :password_hash, :sample, CAST(:consents AS text[])) ON CONFLICT (username) DO NOTHING RETURNING id"
)
_INSERT_KEY = text("INSERT INTO api_keys (key_hash, principal_id) VALUES (:key_hash, :principal_id)")
_BY_USERNAME = text(
    "SELECT id, role, password_hash, interface_language FROM principals WHERE username = :username AND active"
)
_INSERT_SESSION = text(
    "INSERT INTO sessions (token_hash, principal_id, expires_at)"
    " VALUES (:token_hash, :principal_id, now() + make_interval(hours => :hours)) RETURNING expires_at"
)
_END_SESSION = text("UPDATE sessions SET revoked_at = now() WHERE token_hash = :token_hash AND revoked_at IS NULL")
_END_SESSIONS = text("UPDATE sessions SET revoked_at = now() WHERE principal_id = :principal_id AND revoked_at IS NULL")
# An attempt counts as failed until it has succeeded, and attempts for one name come one after the other: else guesses
# made at the same moment would all find the limit not reached yet.
_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtextextended(:username, 0))")
_BEGIN_ATTEMPT = text("""
    INSERT INTO sign_in_failures (username)
    SELECT :username WHERE :allowed > (
        SELECT count(*) FROM sign_in_failures
        WHERE username = :username AND at > now() - make_interval(mins => :minutes)
    )
    RETURNING id
""")
_FORGET_ATTEMPT = text("DELETE FROM sign_in_failures WHERE id = :id")
_FORGET_OLD = (
    text("DELETE FROM sign_in_failures WHERE at < now() - interval '1 day'"),
    text("DELETE FROM sessions WHERE expires_at < now() - interval '7 days'"),
)
_REVIEWER = text("""
    SELECT languages, skills, consents, interface_language FROM principals WHERE id = :id AND active
""")
_SET_LANGUAGE = text("UPDATE principals SET interface_language = :language WHERE id = :id")
# What can be set of a person, with the type of each.
SETTABLE = {
    "languages": "text[]",
    "skills": "text[]",
    "consents": "text[]",
    "vendor": "text",
    "site": "text",
    "started_on": "date",
    "hourly_cost": "numeric",
}
_STANDING = f"id, username, role, {', '.join(SETTABLE)}"
# To agree is one's own affair: of others, consents are only taken away.
_SET_PERSON = text(f"""
    UPDATE principals
    SET {
    ", ".join(
        f"{name} = CASE WHEN '{name}' = ANY (:given) THEN CAST(:{name} AS {kind}) ELSE {name} END"
        for name, kind in SETTABLE.items()
    )
}
    WHERE username = :username AND active
      AND (NOT 'consents' = ANY (:given) OR id = :actor OR consents IS NULL OR CAST(:consents AS text[]) <@ consents)
    RETURNING {_STANDING}
""")  # noqa: S608 - put together from constants
_PERSON = text(f"SELECT {_STANDING} FROM principals WHERE username = :username AND active")  # noqa: S608 - constants
_DEACTIVATE = text("UPDATE principals SET active = false WHERE username = :username AND active RETURNING id")
_REMOVE_SAMPLE = text("UPDATE principals SET active = false WHERE sample AND active RETURNING username")


@dataclass(frozen=True, slots=True)
class NewPrincipal:
    """An account to be added; without a password hash it can only use keys."""

    id: UUID
    username: str
    role: str
    password_hash: str | None
    sample: bool
    # Areas whose pictures this person agreed to see; None is no limit.
    consents: list[str] | None


async def insert(connection: AsyncConnection, principal: NewPrincipal) -> bool:
    """Add an account; False when the name is taken."""
    return (await connection.execute(_INSERT, asdict(principal))).one_or_none() is not None


async def insert_key(connection: AsyncConnection, *, key_hash: bytes, principal_id: UUID) -> None:
    """Add a key to an account."""
    await connection.execute(_INSERT_KEY, {"key_hash": key_hash, "principal_id": principal_id})


async def by_username(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """The active account of that name: (id, role, password_hash, interface_language)."""
    return (await connection.execute(_BY_USERNAME, {"username": username})).one_or_none()


async def reviewer(connection: AsyncConnection, person: UUID) -> Row[Any] | None:
    """What an active person may be given, and how they want to be spoken to: (languages, skills, consents, interface_language)."""
    return (await connection.execute(_REVIEWER, {"id": person})).one_or_none()


async def set_language(connection: AsyncConnection, person: UUID, language: str) -> None:
    """Keep the language in which a person uses the console."""
    await connection.execute(_SET_LANGUAGE, {"id": person, "language": language})


async def set_person(
    connection: AsyncConnection, username: str, given: dict[str, Any], *, actor: UUID | None
) -> Row[Any] | None:
    """Set those of SETTABLE that are given; returns all as they stand.

    None for nobody active, and where another than the person would agree to something for them.
    """
    values = {**dict.fromkeys(SETTABLE), **given, "username": username, "given": list(given), "actor": actor}
    return (await connection.execute(_SET_PERSON, values)).one_or_none()


async def person(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """What is known about an active person: (id, username, role) and SETTABLE."""
    return (await connection.execute(_PERSON, {"username": username})).one_or_none()


async def insert_session(connection: AsyncConnection, *, token_hash: bytes, principal_id: UUID, hours: int) -> datetime:
    """Open a session; returns its end."""
    values = {"token_hash": token_hash, "principal_id": principal_id, "hours": hours}
    ends: datetime = (await connection.execute(_INSERT_SESSION, values)).scalar_one()
    return ends


async def end_session(connection: AsyncConnection, token_hash: bytes) -> None:
    """Revoke a session, if there is one."""
    await connection.execute(_END_SESSION, {"token_hash": token_hash})


async def end_sessions(connection: AsyncConnection, principal_id: UUID) -> None:
    """Revoke every session of a person."""
    await connection.execute(_END_SESSIONS, {"principal_id": principal_id})


async def begin_attempt(connection: AsyncConnection, username: str, *, allowed: int, minutes: int) -> int | None:
    """Count a sign-in as failed before it is tried; None when `allowed` have failed in the last minutes."""
    await connection.execute(_ONE_AFTER_THE_OTHER, {"username": username})
    values = {"username": username, "allowed": allowed, "minutes": minutes}
    return (await connection.execute(_BEGIN_ATTEMPT, values)).scalar_one_or_none()


async def forget_attempt(connection: AsyncConnection, attempt: int) -> None:
    """Take an attempt that succeeded off the failures."""
    await connection.execute(_FORGET_ATTEMPT, {"id": attempt})


async def forget_old(connection: AsyncConnection) -> None:
    """Remove failed sign-ins that no longer count and sessions that ended long ago."""
    for statement in _FORGET_OLD:
        await connection.execute(statement)


async def deactivate(connection: AsyncConnection, username: str) -> bool:
    """Close an account; its keys and sessions stop working at once. False when there is no such active one."""
    return (await connection.execute(_DEACTIVATE, {"username": username})).one_or_none() is not None


async def deactivate_samples(connection: AsyncConnection) -> list[str]:
    """Close every sample account; their keys and sessions stop working at once."""
    return list((await connection.execute(_REMOVE_SAMPLE)).scalars())
