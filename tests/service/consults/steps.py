"""What tests about questions to teams do again and again."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from tests.conftest import bearer, client_of
from tests.service.steps import Body


async def caller_of(app: FastAPI, keys: dict[str, str], role: str) -> AsyncIterator[httpx.AsyncClient]:
    """The account of a role."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys[role]))
        yield caller


async def staffed(lead: httpx.AsyncClient, team: str = "legal", person: str = "test-adviser") -> None:
    """Put somebody into a team."""
    answer = await lead.put(f"/v1/consults/teams/{team}/members/{person}")
    assert answer.status_code == 200, answer.text


async def asked(person: httpx.AsyncClient, record: UUID, **fields: Any) -> Body:
    """Ask Legal about a record; it has to work."""
    body = {"team": "legal", "question": "May we answer this?", **fields}
    answer = await person.post(f"/v1/escalations/{record}/consults", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def answered(person: httpx.AsyncClient, consult: Body, words: str = "You may.") -> Body:
    """Answer a question; it has to work."""
    answer = await person.post(f"/v1/consults/{consult['id']}/answer", json={"answer": words})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
