"""SQL of accounts, keys and sessions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text(
    "INSERT INTO principals (id, username, role, password_hash, sample, consents, password_expires_at)"
    " VALUES (:id, :username, :role, :password_hash, :sample, CAST(:consents AS text[]),"
    " now() + make_interval(hours => CAST(:password_hours AS integer))) ON CONFLICT (username) DO NOTHING RETURNING id"
)
_BY_USERNAME = text(
    "SELECT id, role, password_hash, interface_language, password_expires_at IS NOT NULL AS once,"
    " coalesce(password_expires_at <= now(), false) AS expired"
    " FROM principals WHERE username = :username AND active"
)
# Only with the password that was given: it may have been reset while it was checked. The row stays locked, so a reset
# that comes later ends the session as well.
_SIGNED_IN = text("""
    UPDATE principals SET signed_in_at = now() WHERE id = :id AND active AND password_hash = :known RETURNING id
""")
# Only in place of the very password that was given: of two who hold it, one chooses the next.
_REPLACE_ONCE = text("""
    UPDATE principals SET password_hash = :new, password_expires_at = NULL
    WHERE id = :id AND active AND password_hash = :old AND password_expires_at > now() RETURNING id
""")
_RESET_PASSWORD = text("""
    UPDATE principals SET password_hash = :password_hash,
           password_expires_at = now() + make_interval(hours => CAST(:hours AS integer))
    WHERE username = :username AND active AND password_hash IS NOT NULL RETURNING id, role, password_expires_at
""")
_END_SESSIONS = text("UPDATE sessions SET revoked_at = now() WHERE principal_id = :id AND revoked_at IS NULL")
_REVOKE_KEYS = text("""
    UPDATE api_keys SET revoked_at = now(), revoked_by = :actor WHERE principal_id = :id AND revoked_at IS NULL
""")
# Whoever manages people is counted by one at a time: two who close each other's accounts would leave nobody.
_MANAGERS_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('people who manage people', 0))")
_OTHER_MANAGERS = text(
    "SELECT count(*) FROM principals WHERE active AND role = ANY (CAST(:roles AS text[])) AND username <> :username"
)
_SET_ROLE = text("""
    UPDATE principals p SET role = :role
    FROM (SELECT id, role FROM principals WHERE username = :username AND active FOR NO KEY UPDATE) AS was
    WHERE p.id = was.id AND was.role <> :role RETURNING p.id, was.role AS before
""")
_SET_PRIVILEGED = text("""
    UPDATE principals p SET privileged = :privileged, privileged_reason = :reason
    FROM (SELECT id, privileged FROM principals WHERE username = :username AND active FOR NO KEY UPDATE) AS was
    WHERE p.id = was.id AND was.privileged <> :privileged RETURNING p.id
""")
_LIST = text("""
    SELECT p.username, p.role, p.active, p.privileged, p.privileged_reason, p.vendor, p.site, p.languages, p.created_at,
           p.closed_at, p.sample,
           p.password_hash IS NOT NULL AS signs_in, p.password_expires_at IS NOT NULL AS password_once,
           greatest(p.signed_in_at, (SELECT max(k.last_used_at) FROM api_keys k WHERE k.principal_id = p.id)) AS last_seen_at,
           (SELECT count(*) FROM api_keys k WHERE k.principal_id = p.id AND p.active AND k.revoked_at IS NULL
              AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys
    FROM principals p
    WHERE (CAST(:search AS text) IS NULL OR strpos(p.username, :search) > 0 OR strpos(lower(p.vendor), :search) > 0
           OR strpos(lower(p.site), :search) > 0)
      AND (CAST(:role AS text) IS NULL OR p.role = :role)
      AND (CAST(:active AS boolean) IS NULL OR p.active = :active)
      AND (CAST(:after AS text) IS NULL OR p.username > :after)
      AND (CAST(:username AS text) IS NULL OR p.username = :username)
    ORDER BY p.username LIMIT :limit
""")
_INSERT_SESSION = text(
    "INSERT INTO sessions (token_hash, principal_id, expires_at)"
    " VALUES (:token_hash, :principal_id, now() + make_interval(hours => :hours)) RETURNING expires_at"
)
_END_SESSION = text("UPDATE sessions SET revoked_at = now() WHERE token_hash = :token_hash AND revoked_at IS NULL")
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
_DEACTIVATE = text(
    "UPDATE principals SET active = false, closed_at = now() WHERE username = :username AND active RETURNING id"
)
_REMOVE_SAMPLE = text(
    "UPDATE principals SET active = false, closed_at = now() WHERE sample AND active RETURNING username"
)


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
    # For so long the password is good for one sign-in; None for a password that stays.
    password_hours: int | None = None


async def insert(connection: AsyncConnection, principal: NewPrincipal) -> bool:
    """Add an account; False when the name is taken."""
    return (await connection.execute(_INSERT, asdict(principal))).one_or_none() is not None


async def by_username(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """The active account of that name: (id, role, password_hash, interface_language, once, expired).

    The last two are of a one-time password.
    """
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
    await connection.execute(_END_SESSIONS, {"id": principal_id})


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


async def deactivate(connection: AsyncConnection, username: str) -> UUID | None:
    """Close an account; its keys and sessions stop working at once. None when there is no such active one."""
    return (await connection.execute(_DEACTIVATE, {"username": username})).scalar_one_or_none()


async def people(connection: AsyncConnection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Accounts by name from `after` on, at most `limit`; `search`, `role`, `active` and `username` narrow them where given."""
    unasked = dict.fromkeys(("search", "role", "active", "after", "username"))
    return (await connection.execute(_LIST, {**unasked, **values})).all()


async def other_managers(connection: AsyncConnection, username: str, *, roles: Sequence[str]) -> int:
    """How many active accounts of those roles there are beside this one; others who ask wait for this transaction."""
    await connection.execute(_MANAGERS_IN_TURN)
    return int((await connection.execute(_OTHER_MANAGERS, {"username": username, "roles": list(roles)})).scalar_one())


async def set_role(connection: AsyncConnection, username: str, role: str) -> Row[Any] | None:
    """Give an active account another role: (id, before). None when there is none of that name, or it has that role."""
    return (await connection.execute(_SET_ROLE, {"username": username, "role": role})).one_or_none()


async def set_privileged(connection: AsyncConnection, username: str, *, privileged: bool, reason: str) -> UUID | None:
    """Let an active person read what is privileged, or no longer; None when there is none of that name, or it is so already."""
    values = {"username": username, "privileged": privileged, "reason": reason}
    return (await connection.execute(_SET_PRIVILEGED, values)).scalar_one_or_none()


async def reset_password(
    connection: AsyncConnection, username: str, *, password_hash: str, hours: int
) -> Row[Any] | None:
    """Replace the password by one for a single sign-in: (id, role, password_expires_at). None where nobody signs in so."""
    values = {"username": username, "password_hash": password_hash, "hours": hours}
    return (await connection.execute(_RESET_PASSWORD, values)).one_or_none()


async def replace_once(connection: AsyncConnection, person: UUID, *, old: str, new: str) -> bool:
    """Put a password in place of the one-time one with that hash; False when it was used or has ended meanwhile."""
    return (await connection.execute(_REPLACE_ONCE, {"id": person, "old": old, "new": new})).one_or_none() is not None


async def revoke_keys(connection: AsyncConnection, person: UUID, *, actor: UUID | None) -> None:
    """End every key of an account."""
    await connection.execute(_REVOKE_KEYS, {"id": person, "actor": actor})


async def note_sign_in(connection: AsyncConnection, person: UUID, *, known: str) -> bool:
    """Note that somebody signs in with the password of that hash; False when it is theirs no longer."""
    return (await connection.execute(_SIGNED_IN, {"id": person, "known": known})).one_or_none() is not None


async def deactivate_samples(connection: AsyncConnection) -> list[str]:
    """Close every sample account; their keys and sessions stop working at once."""
    return list((await connection.execute(_REMOVE_SAMPLE)).scalars())
