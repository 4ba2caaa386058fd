"""Rules of accounts: making them, signing in and out."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.access import NotSignedInError, TooManyAttemptsError
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.ids import new_id
from service.people import store
from service.people.schemas import (
    ConsentsIn,
    MeOut,
    PersonChangeIn,
    PersonIn,
    PersonOut,
    PersonStandingOut,
    ReviewerOut,
)
from service.security import Principal, new_api_key
from service.sessions import token_hash

Result = TypeVar("Result")

FAILURES_ALLOWED = 10
FAILURE_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Session:
    """A fresh session: its token goes to the browser and is stored only as a hash."""

    token: str
    seconds: int
    # The language in which this person uses the console, where they have chosen one.
    language: str | None


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _verify(password: str, known: str | None) -> bool:
    return _hasher().verify(password, known or _hash_of_nobody())


@lru_cache(maxsize=1)
def _hashing_threads() -> ThreadPoolExecutor:
    # One hash takes 64 MiB: whoever signs in more often waits, instead of taking the memory of everybody else.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="hash")


async def _off_loop(function: Callable[..., Result], *values: object) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_hashing_threads(), function, *values)


async def create_person(
    connection: AsyncConnection, person: PersonIn, *, actor: UUID | None, sample: bool = False, consenting: bool = True
) -> PersonOut:
    """Add an account with one key; who is not `consenting` has yet to agree to each graphic area. Raises NameTakenError."""
    principal_id, key = new_id(), new_api_key()
    # argon2 takes tens of milliseconds of pure CPU: off the event loop.
    hashed = await _off_loop(_hasher().hash, person.password) if person.password else None
    principal = store.NewPrincipal(
        id=principal_id,
        username=person.username,
        role=person.role,
        password_hash=hashed,
        sample=sample,
        consents=None if consenting else [],
    )
    made = await store.insert(connection, principal)
    if not made:
        raise NameTakenError(f"there is already an account named {person.username!r}")
    await store.insert_key(connection, key_hash=token_hash(key), principal_id=principal_id)
    await events.record(connection, "person.created", actor=actor, data=_about(principal_id, person.role))
    return PersonOut(id=principal_id, username=person.username, role=person.role, api_key=key)


async def sign_in(
    engine: AsyncEngine, username: str, password: str, *, hours: int, replaces: str | None = None
) -> Session:
    """Open a session with a new token; the one that the browser held before, `replaces`, ends whoever it was of.

    Raises NotSignedInError or TooManyAttemptsError; failures are counted even though they raise.
    """
    username = username.strip().lower()
    async with engine.begin() as connection:
        attempt = await store.begin_attempt(connection, username, allowed=FAILURES_ALLOWED, minutes=FAILURE_MINUTES)
        row = await store.by_username(connection, username)
    if attempt is None:
        raise TooManyAttemptsError(f"too many failed sign-ins for this account; wait {FAILURE_MINUTES} minutes")
    known = row.password_hash if row else None
    # An unknown name costs the same hash as a known one, so that answers do not tell which names exist.
    matches = await _off_loop(_verify, password, known)
    if row is None or known is None or not matches:
        raise NotSignedInError("user name or password is wrong")
    token = secrets.token_urlsafe(32)
    async with engine.begin() as connection:
        await store.forget_attempt(connection, attempt)
        if replaces:
            await store.end_session(connection, token_hash(replaces))
        await store.insert_session(connection, token_hash=token_hash(token), principal_id=row.id, hours=hours)
        await events.record(connection, "person.signed_in", actor=row.id)
    return Session(token, hours * 3600, row.interface_language)


async def sign_out(connection: AsyncConnection, caller: Principal, token: str | None, *, everywhere: bool) -> None:
    """End the session of that token, if there is one, or every session of the caller."""
    if everywhere:
        await store.end_sessions(connection, caller.id)
        await events.record(connection, "person.signed_out_everywhere", actor=caller.id)
    elif token:
        await store.end_session(connection, token_hash(token))


async def forget_old(connection: AsyncConnection) -> None:
    """Remove traces of sign-ins that serve nothing any more."""
    await store.forget_old(connection)


async def me(connection: AsyncConnection, caller: Principal) -> MeOut:
    """The caller as the service sees them."""
    row = await store.reviewer(connection, caller.id)
    if row is None:
        raise NotSignedInError("this account has just been closed")
    return MeOut(
        id=caller.id,
        username=caller.username,
        role=caller.role,
        capabilities=sorted(capability.value for capability in caller.capabilities),
        languages=row.languages,
        skills=row.skills,
        consents=row.consents,
        interface_language=row.interface_language,
    )


async def speak(connection: AsyncConnection, caller: Principal, language: str) -> None:
    """Keep the language in which the caller uses the console."""
    await store.set_language(connection, caller.id, language)


async def change_person(
    connection: AsyncConnection,
    username: str,
    body: PersonChangeIn | ConsentsIn,
    *,
    actor: UUID | None,
    taxonomy: Taxonomy,
) -> PersonStandingOut:
    """Change what of the person is named in the body.

    Raises NotFoundError, UnknownLabelError, and InvalidRequestError where another would agree to something for them.
    """
    given = body.model_dump(exclude_unset=True)
    if unknown := sorted(set(given.get("consents") or ()) - set(taxonomy.area_ids)):
        raise UnknownLabelError(f"{', '.join(unknown)}: no policy area; there are {', '.join(taxonomy.area_ids)}")
    row = await store.set_person(connection, username, given, actor=actor)
    if row is None:
        await standing(connection, username)
        raise InvalidRequestError(
            "consents: only the person agrees to more (PUT /v1/me/consents); others may take away, with a shorter list"
        )
    data = {"principal": str(row.id), "changed": sorted(given)}
    await events.record(connection, "person.changed", actor=actor, data=data)
    return PersonStandingOut.model_validate(row, from_attributes=True)


async def consent(
    connection: AsyncConnection, caller: Principal, body: ConsentsIn, *, taxonomy: Taxonomy
) -> ReviewerOut:
    """Change the caller's own consents; what others set about them is not part of the answer. Raises UnknownLabelError."""
    row = await change_person(connection, caller.username, body, actor=caller.id, taxonomy=taxonomy)
    return ReviewerOut.model_validate(row, from_attributes=True)


async def standing(connection: AsyncConnection, username: str) -> PersonStandingOut:
    """What is known about a person, for those who manage people. Raises NotFoundError."""
    row = await store.person(connection, username)
    if row is None:
        raise _nobody(username)
    return PersonStandingOut.model_validate(row, from_attributes=True)


async def close_person(connection: AsyncConnection, username: str, *, actor: UUID | None) -> None:
    """Close an account: its keys and sessions stop working at once. Raises NotFoundError."""
    if not await store.deactivate(connection, username):
        raise _nobody(username)
    await events.record(connection, "person.closed", actor=actor, data={"username": username})


async def close_sample_accounts(connection: AsyncConnection) -> list[str]:
    """Close the accounts that came with the sample cases; returns their names."""
    return await store.deactivate_samples(connection)


def _about(principal_id: UUID, role: str) -> dict[str, Any]:
    return {"principal": str(principal_id), "role": role}


def _nobody(username: str) -> NotFoundError:
    return NotFoundError(f"there is no open account named {username!r}")
