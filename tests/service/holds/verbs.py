"""Calls and looks that the tests of holds share."""

from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI

from service.holds.workflow import return_due
from tests.service.steps import Body, claim, query

COLLEAGUE = "test-specialist"


async def hold(person: httpx.AsyncClient, claimed: Body, **fields: Any) -> httpx.Response:
    """Ask to keep a claimed case back."""
    body = {"lease_token": claimed["lease"]["token"], "reason": "waiting for a translation", "minutes": 30, **fields}
    return await person.post(f"/v1/cases/{claimed['case']['id']}/hold", json=body)


async def hand_over(person: httpx.AsyncClient, claimed: Body, **fields: Any) -> httpx.Response:
    """Ask to give a claimed case to a colleague."""
    body = {"lease_token": claimed["lease"]["token"], "to": COLLEAGUE, "note": "you know this area", **fields}
    return await person.post(f"/v1/cases/{claimed['case']['id']}/hand-over", json=body)


async def skip(person: httpx.AsyncClient, claimed: Body, reason: str = "language") -> httpx.Response:
    """Ask to pass a claimed case over."""
    body = {"lease_token": claimed["lease"]["token"], "reason": reason}
    return await person.post(f"/v1/cases/{claimed['case']['id']}/skip", json=body)


async def take(person: httpx.AsyncClient, claimed: Body) -> httpx.Response:
    """Ask for one case by name."""
    return await person.post(f"/v1/cases/{claimed['case']['id']}/claim")


async def save_draft(person: httpx.AsyncClient, claimed: Body, words: str) -> None:
    """Keep an unfinished decision."""
    body = {"lease_token": claimed["lease"]["token"], "body": {"note": words}}
    assert (await person.put(f"/v1/cases/{claimed['case']['id']}/draft", json=body)).status_code == 204


async def again(person: httpx.AsyncClient, app: FastAPI, database: str) -> Body:
    """Let every hold run out, and claim what comes next."""
    run_out(database)
    assert await give_back(app) == 1
    return await claim(person)


async def give_back(app: FastAPI) -> int:
    """What the worker does every few seconds."""
    async with app.state.engine.begin() as connection:
        return await return_due(connection)


def run_out(database: str) -> None:
    """Let every hold end a second ago."""
    query(database, "UPDATE cases SET held_until = now() - interval '1 second' WHERE status = 'held'")


def at(moment: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(moment)
