"""Rules of service keys: made for a purpose, shown once, ended by hand or by their date."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.people.keys import store
from service.people.keys.schemas import KeyIn, KeyMadeOut, KeyOut, KeysOut
from service.security import API_KEY_PREFIX, ROLES, Capability, Principal, new_api_key, require_whole
from service.sessions import token_hash

KEYS = 20
LISTED = 500
# So many characters of a key tell it from others; the rest keeps more than 200 random bits.
SHOWN = len(API_KEY_PREFIX) + 6


async def first_key(connection: AsyncConnection, principal_id: UUID, *, made_by: UUID | None) -> str:
    """The key that a machine account starts with: it has all that the role may do, and no end."""
    key = new_api_key()
    await store.insert(connection, _row(key, principal_id, made_by, name="first key", scopes=None, days=None))
    return key


async def make_key(connection: AsyncConnection, username: str, body: KeyIn, *, caller: Principal) -> KeyMadeOut:
    """Make a key for an account. Raises NotFoundError, ForbiddenError, InvalidRequestError."""
    account = await store.account(connection, username)
    if account is None:
        raise _nobody(username)
    require_whole(caller, account.role)
    if beyond := sorted(set(body.scopes) - ROLES.get(account.role, frozenset())):
        raise InvalidRequestError(
            f"scopes: the role {account.role!r} of {username!r} lacks {', '.join(beyond)}; leave that out"
        )
    if account.signs_in and account.id != caller.id and Capability.SELF in body.scopes:
        raise InvalidRequestError(
            f"scopes: {Capability.SELF.value!r} lets a key agree to things in the name of a person; only they can make such a key"
        )
    if await store.live_keys(connection, account.id) >= KEYS:
        raise InvalidRequestError(f"{username!r} has {KEYS} keys that work; revoke one that is no longer used")
    key = new_api_key()
    row = _row(key, account.id, caller.id, name=body.name, scopes=list(body.scopes), days=body.days)
    await store.insert(connection, row)
    data = {"key": str(row["id"]), "principal": str(account.id), "scopes": list(body.scopes), "days": body.days}
    await events.record(connection, "key.made", actor=caller.id, data=data)
    made = await store.key(connection, row["id"])
    return KeyMadeOut(**made._mapping, key=key)


async def keys_of(connection: AsyncConnection, username: str) -> KeysOut:
    """The keys of an open account. Raises NotFoundError."""
    if not await store.is_open(connection, username):
        raise _nobody(username)
    return KeysOut(keys=await all_keys(connection, username=username, limit=LISTED))


async def all_keys(connection: AsyncConnection, *, username: str | None, limit: int) -> list[KeyOut]:
    """The keys of every account or of one, open or closed, those that work in front."""
    return [KeyOut(**row._mapping) for row in await store.keys(connection, username=username, limit=limit)]


async def revoke_key(connection: AsyncConnection, username: str, key_id: UUID, *, actor: UUID) -> None:
    """End a key at once. Raises NotFoundError."""
    owner = await store.revoke(connection, username, key_id, actor=actor)
    if owner is None:
        raise NotFoundError(f"{username!r} has no key {key_id} that could be revoked")
    await events.record(connection, "key.revoked", actor=actor, data={"key": str(key_id), "principal": str(owner)})


def _nobody(username: str) -> NotFoundError:
    return NotFoundError(f"there is no open account named {username!r}")


def _row(
    key: str, principal_id: UUID, made_by: UUID | None, *, name: str, scopes: list[Capability] | None, days: int | None
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "key_hash": token_hash(key),
        "principal_id": principal_id,
        "name": name,
        "prefix": key[:SHOWN],
        "scopes": scopes,
        "days": days,
        "made_by": made_by,
    }
