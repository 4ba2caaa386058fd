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
from service.errors.access import (
    ForbiddenError,
    LastAdminError,
    NewPasswordNeededError,
    NotSignedInError,
    TooManyAttemptsError,
)
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.ids import new_id
from service.leases.taking.workflow import take_back
from service.people import store
from service.people.keys import workflow as keys
from service.people.schemas import (
    AccountIn,
    AccountOut,
    AccountsOut,
    ConsentsIn,
    MeOut,
    OneTimePasswordOut,
    PeopleQuery,
    PersonAddedOut,
    PersonChangeIn,
    PersonOut,
    PersonStandingOut,
    PrivilegedIn,
    ReviewerOut,
    RoleName,
    SignInIn,
)
from service.routing import workflow as routing
from service.security import ROLES, Capability, Principal, require_whole
from service.sessions import token_hash

Result = TypeVar("Result")

FAILURES_ALLOWED = 10
FAILURE_MINUTES = 15
# A one-time password is told by hand: long enough for a weekend, and not for ever.
ONE_TIME_HOURS = 72

MANAGING = tuple(role for role, may in ROLES.items() if Capability.PEOPLE_MANAGE in may)


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
    connection: AsyncConnection, person: AccountIn, *, actor: UUID | None, sample: bool = False, consenting: bool = True
) -> PersonOut:
    """Add an account with one key; who is not `consenting` has yet to agree to each graphic area. Raises NameTakenError."""
    # argon2 takes tens of milliseconds of pure CPU: off the event loop.
    hashed = await _off_loop(_hasher().hash, person.password) if person.password else None
    principal = store.NewPrincipal(
        id=new_id(),
        username=person.username,
        role=person.role,
        password_hash=hashed,
        sample=sample,
        consents=None if consenting else [],
    )
    await _insert(connection, principal, actor=actor)
    key = await keys.first_key(connection, principal.id, made_by=actor)
    return PersonOut(id=principal.id, username=person.username, role=person.role, api_key=key)


async def add_person(
    connection: AsyncConnection, person: AccountIn, *, caller: Principal, consenting: bool
) -> PersonAddedOut:
    """As `create_person`, or with a password for one sign-in and no key.

    Raises ForbiddenError, NameTakenError, InvalidRequestError.
    """
    require_whole(caller, person.role)
    if not person.one_time_password:
        made = await create_person(connection, person, actor=caller.id, consenting=consenting)
        return PersonAddedOut(**made.model_dump())
    if person.password is not None:
        raise InvalidRequestError("password: a one-time password is made here; send one of the two")
    password = _new_password()
    principal = store.NewPrincipal(
        id=new_id(),
        username=person.username,
        role=person.role,
        password_hash=await _off_loop(_hasher().hash, password),
        sample=False,
        consents=None if consenting else [],
        password_hours=ONE_TIME_HOURS,
    )
    await _insert(connection, principal, actor=caller.id)
    return PersonAddedOut(id=principal.id, username=person.username, role=person.role, one_time_password=password)


async def _insert(connection: AsyncConnection, principal: store.NewPrincipal, *, actor: UUID | None) -> None:
    if not await store.insert(connection, principal):
        raise NameTakenError(f"there is already an account named {principal.username!r}, open or closed")
    await events.record(connection, "person.created", actor=actor, data=_about(principal.id, principal.role))


def _new_password() -> str:
    # Read out and typed by people: without letters and digits that look alike, 20 of 54 characters are 115 bits.
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2346789") for _ in range(20))
    return "-".join(letters[at : at + 5] for at in range(0, 20, 5))


async def sign_in(engine: AsyncEngine, body: SignInIn, *, hours: int, replaces: str | None = None) -> Session:
    """Open a session with a new token; the one that the browser held before, `replaces`, ends whoever it was of.

    Raises NotSignedInError or TooManyAttemptsError; failures are counted even though they raise. A one-time password opens one only together with the password that takes its place: NewPasswordNeededError.
    """
    username = body.username.strip().lower()
    async with engine.begin() as connection:
        attempt = await store.begin_attempt(connection, username, allowed=FAILURES_ALLOWED, minutes=FAILURE_MINUTES)
        row = await store.by_username(connection, username)
    if attempt is None:
        raise TooManyAttemptsError(f"too many failed sign-ins for this account; wait {FAILURE_MINUTES} minutes")
    known = row.password_hash if row else None
    # An unknown name costs the same hash as a known one, so that answers do not tell which names exist.
    matches = await _off_loop(_verify, body.password, known)
    if row is None or known is None or not matches or row.expired:
        raise NotSignedInError("user name or password is wrong")
    if body.new_password is not None and not row.once:
        raise InvalidRequestError("new_password: only a one-time password is replaced at sign-in; leave it out")
    replaced = await _replacement(engine, body, attempt) if row.once else None
    token = secrets.token_urlsafe(32)
    async with engine.begin() as connection:
        await store.forget_attempt(connection, attempt)
        if replaces:
            await store.end_session(connection, token_hash(replaces))
        if replaced is not None:
            if not await store.replace_once(connection, row.id, old=known, new=replaced):
                raise NotSignedInError("this one-time password was used already")
            await events.record(connection, "person.password_changed", actor=row.id, data={"principal": str(row.id)})
        if not await store.note_sign_in(connection, row.id, known=replaced or known):
            raise NotSignedInError("user name or password is wrong")
        await store.insert_session(connection, token_hash=token_hash(token), principal_id=row.id, hours=hours)
        await events.record(connection, "person.signed_in", actor=row.id)
    return Session(token, hours * 3600, row.interface_language)


async def _replacement(engine: AsyncEngine, body: SignInIn, attempt: int) -> str:
    """The hash of the password that takes the place of a one-time one."""
    if body.new_password is None:
        async with engine.begin() as connection:
            await store.forget_attempt(connection, attempt)
        raise NewPasswordNeededError("this password is for one sign-in: send a `new_password` of your own with it")
    if body.new_password == body.password:
        raise InvalidRequestError("new_password: choose another one than the one-time password")
    return await _off_loop(_hasher().hash, body.new_password)


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


async def people(connection: AsyncConnection, asked: PeopleQuery) -> AccountsOut:
    """Accounts by name, a page at a time."""
    values = {**asked.model_dump(), "search": asked.search.strip().lower() or None, "limit": asked.limit + 1}
    rows = await store.people(connection, values)
    found = [AccountOut(**row._mapping) for row in rows[: asked.limit]]
    return AccountsOut(people=found, next=found[-1].username if len(rows) > asked.limit else None)


async def account(connection: AsyncConnection, username: str) -> AccountOut:
    """One account, open or closed, as in a list of them. Raises NotFoundError."""
    rows = await store.people(connection, {"username": username, "limit": 1})
    if not rows:
        raise _nobody(username)
    return AccountOut(**rows[0]._mapping)


async def change_role(
    connection: AsyncConnection, username: str, role: RoleName, *, caller: Principal
) -> PersonStandingOut:
    """Give a person another role: they sign in anew, and what the new role may not hold goes back to its queues.

    Raises ForbiddenError, NotFoundError, LastAdminError, InvalidRequestError where they have that role already.
    """
    require_whole(caller, role)
    await _require_another_manager(connection, username, unless=role)
    changed = await store.set_role(connection, username, role)
    if changed is None:
        await standing(connection, username)
        raise InvalidRequestError(f"role: {username!r} has the role {role!r} already")
    left: list[str] = []
    if role not in routing.REVIEWING:
        await take_back(connection, changed.id, actor=caller.id)
        left = await routing.leave_queues(connection, changed.id)
    data = {"principal": str(changed.id), "before": changed.before, "role": role, "left_queues": left}
    await events.record(connection, "person.role_changed", actor=caller.id, data=data)
    return await standing(connection, username)


async def set_privileged(connection: AsyncConnection, username: str, body: PrivilegedIn, *, caller: Principal) -> None:
    """Let a person read what is privileged, or no longer: by name, whatever their role.

    Raises NotFoundError, ForbiddenError for oneself, InvalidRequestError where it is so already.
    """
    if username == caller.username:
        raise ForbiddenError("nobody names themself for what is privileged: ask another administrator")
    person = await store.set_privileged(connection, username, privileged=body.privileged, reason=body.reason)
    if person is None:
        await standing(connection, username)
        raise InvalidRequestError(f"privileged: for {username!r} it is {body.privileged} already")
    data = {"principal": str(person), "right": body.privileged}
    await events.record(connection, "person.privileged", actor=caller.id, data=data)


async def reset_password(connection: AsyncConnection, username: str, *, caller: Principal) -> OneTimePasswordOut:
    """Give a person a password for one sign-in; they are signed out everywhere.

    Raises ForbiddenError, NotFoundError, InvalidRequestError.
    """
    password = _new_password()
    hashed = await _off_loop(_hasher().hash, password)
    row = await store.reset_password(connection, username, password_hash=hashed, hours=ONE_TIME_HOURS)
    if row is None:
        await standing(connection, username)
        raise InvalidRequestError(f"{username!r} is a machine account: it has keys and no password")
    require_whole(caller, row.role)
    await events.record(connection, "person.password_reset", actor=caller.id, data={"principal": str(row.id)})
    return OneTimePasswordOut(username=username, one_time_password=password, expires_at=row.password_expires_at)


async def close_person(connection: AsyncConnection, username: str, *, actor: UUID | None) -> None:
    """Close an account: its keys and sessions stop working, and what it holds goes back to its queues, at once.

    Raises NotFoundError, LastAdminError.
    """
    await _require_another_manager(connection, username)
    closed = await store.deactivate(connection, username)
    if closed is None:
        raise _nobody(username)
    await store.revoke_keys(connection, closed, actor=actor)
    returned = await take_back(connection, closed, actor=actor)
    data = {"username": username, "principal": str(closed), "returned_cases": returned}
    await events.record(connection, "person.closed", actor=actor, data=data)


async def _require_another_manager(
    connection: AsyncConnection, username: str, *, unless: RoleName | None = None
) -> None:
    if unless in MANAGING or await store.other_managers(connection, username, roles=MANAGING):
        return
    # Without anybody else only the one that is left is meant; whoever else is named is theirs to change.
    row = await store.person(connection, username)
    if row is not None and row.role in MANAGING:
        raise LastAdminError(
            f"{username!r} is the last account that can manage people; give somebody else the role "
            f"{' or '.join(MANAGING)} first"
        )


async def close_sample_accounts(connection: AsyncConnection) -> list[str]:
    """Close the accounts that came with the sample cases; returns their names."""
    return await store.deactivate_samples(connection)


def _about(principal_id: UUID, role: str) -> dict[str, Any]:
    return {"principal": str(principal_id), "role": role}


def _nobody(username: str) -> NotFoundError:
    return NotFoundError(f"there is no open account named {username!r}")
