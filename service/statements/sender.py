"""Posting batches to the Transparency Database, where a platform wants that done for it: off until an address is set.

The contract is that of its API for several statements (resources/markdown/api-documentation.md in
digital-services-act/transparency-database): `POST` of `{"statements": [...]}` with a bearer token; 201 where all were taken, 422 where
none was, with `{"errors": {"statement_3": {"field": ["message"]}}}`, counted from 0, or `{"errors": {"existing_puids": [...]}}`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from service.errors.statements import StatementSettledError
from service.settings import Settings, SettingsError
from service.statements.batches.workflow import confirm, next_batch
from service.statements.schemas import MESSAGE_CHARACTERS, BatchOut, ConfirmIn, RefusedIn

log = structlog.get_logger(__name__)

SECONDS = 60.0
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Sender:
    """Where batches are posted, and the token of the platform there."""

    engine: AsyncEngine
    url: str
    token: str

    async def step(self) -> bool:
        """Post one batch and keep what was answered; False where none was settled.

        Whatever is no clear answer leaves the batch as it is, to be posted again: its `puid`s make sure that nothing counts twice.
        """
        async with self.engine.begin() as connection:
            batch = await next_batch(connection)
        if batch is None:
            return False
        told = await self._post(batch)
        if told is None:
            return False
        try:
            async with self.engine.begin() as connection:
                await confirm(connection, told, person=None)
        except StatementSettledError:
            # Somebody else posted it in the same moment, and has said so.
            return False
        return True

    async def _post(self, batch: BatchOut) -> ConfirmIn | None:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as client:
                answer = await client.post(self.url, json={"statements": batch.statements}, headers=headers)
            told = answered(batch, answer.status_code, answer.json() if answer.status_code == 422 else {})
        except (httpx.HTTPError, ValueError) as error:
            log.warning("statements.not_posted", batch=batch.batch, error=type(error).__name__)
            return None
        if told is None:
            log.warning("statements.not_posted", batch=batch.batch, status=answer.status_code)
        return told


def answered(batch: BatchOut, status: int, body: Any) -> ConfirmIn | None:
    """What an answer of the database says of a batch; None where it says nothing about its statements."""
    if status == httpx.codes.CREATED:
        return ConfirmIn(batch=batch.batch)
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if status != httpx.codes.UNPROCESSABLE_ENTITY or not isinstance(errors, Mapping):
        return None
    puids = [str(one["puid"]) for one in batch.statements]
    existing = errors.get("existing_puids")
    known = [one for one in puids if isinstance(existing, list) and one in existing]
    refused = [
        RefusedIn(puid=puid, message=_message(errors[f"statement_{place}"]))
        for place, puid in enumerate(puids)
        if errors.get(f"statement_{place}") and puid not in known
    ]
    return ConfirmIn(batch=batch.batch, refused=refused, known=known) if refused or known else None


def _message(fields: Any) -> str:
    """Every field that was refused, with why."""
    if not isinstance(fields, Mapping):
        return str(fields)[:MESSAGE_CHARACTERS]
    told = (f"{name}: {' '.join(map(str, why)) if isinstance(why, list) else why}" for name, why in fields.items())
    return "; ".join(told)[:MESSAGE_CHARACTERS]


def posting(engine: AsyncEngine, settings: Settings) -> tuple[Callable[[], Awaitable[bool]], ...]:
    """The chore of a worker that posts, where one is set up. Raises SettingsError."""
    sender = configured_sender(engine, settings)
    return (sender.step,) if sender else ()


def configured_sender(engine: AsyncEngine, settings: Settings) -> Sender | None:
    """The sender of the settings; None where there is none. Raises SettingsError."""
    if settings.statements_url is None:
        return None
    url = settings.statements_url
    if url.scheme != "https" and url.host not in THIS_MACHINE:
        raise SettingsError("TRIAGE_STATEMENTS_URL: the token leaves over https only; give an https address")
    if settings.statements_token is None:
        raise SettingsError(
            "TRIAGE_STATEMENTS_TOKEN: the database takes statements with the platform's token only; set it"
        )
    return Sender(engine, str(url), settings.statements_token.get_secret_value())
