"""What tests about appeals do again and again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from service.appeals.following.workflow import Effects, carry_out_due
from tests.conftest import bearer, client_of
from tests.service.steps import Body, claim, decided, query, report, rewrite

PASSWORD = "long enough to be one"
UPHELD = {"outcome": "upheld", "reason_code": "correct", "explanation": "The post breaks the rule on harassment."}
OVERTURNED = {
    "outcome": "overturned",
    "reason_code": "context_missed",
    "explanation": "The post quotes somebody and criticises it.",
    "policy_area": "benign",
    "severity": 0,
}


async def restricted(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    subject: str = "post-1",
    *,
    fields: Body | None = None,
    **said: Any,
) -> Body:
    """A case that the reviewer has decided, with `decision_id`; its content is removed unless `said` says otherwise."""
    await report(platform, subject, **(fields or {}))
    claimed = await claim(reviewer)
    return {**claimed, **await decided(reviewer, claimed, **said)}


async def filed(platform: httpx.AsyncClient, decision: str, **changes: Any) -> Body:
    """An appeal of the author that the platform passes on."""
    body = {"decision_id": decision, "reasons": "It was a joke between friends", "language": "en", **changes}
    answer = await platform.post("/v1/appeals", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@asynccontextmanager
async def signed_in(
    app: FastAPI, keys: dict[str, str], name: str, role: str = "specialist"
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of that role, signed in as in a browser."""
    async with client_of(app) as caller:
        person = {"username": name, "role": role, "password": PASSWORD}
        made = await caller.post("/v1/people", json=person, headers=bearer(keys["admin"]))
        assert made.status_code == 201, made.text
        await sign_in(caller, name)
        yield caller


async def sign_in(caller: httpx.AsyncClient, name: str) -> None:
    """Sign somebody in who has the password of these tests."""
    answer = await caller.post("/v1/session", json={"username": name, "password": PASSWORD})
    assert answer.is_success, answer.text


async def taken(person: httpx.AsyncClient) -> Body:
    """The next appeal, in this person's hands."""
    answer = await person.post("/v1/appeals/claim")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def judge(person: httpx.AsyncClient, held: Body, said: Body) -> httpx.Response:
    """Decide an appeal; `held` is as `taken` gives it."""
    body = {"lease_token": held.get("token", str(uuid4())), **said}
    return await person.post(f"/v1/appeals/{held['appeal_id']}/decision", json=body)


async def carry_out(app: FastAPI) -> int:
    """Do the chore of the worker once."""
    state = app.state
    return await carry_out_due(
        state.engine, Effects(state.taxonomy, state.jobs, state.strike_rules, state.statement_rules)
    )


def decision_days_ago(database: str, decision: str, interval: str) -> None:
    """Have a decision been made so long ago."""
    back = "UPDATE decisions SET decided_at = now() - CAST(%s AS interval), undo_until = now() - CAST(%s AS interval) WHERE id = %s"
    rewrite(database, back, interval, interval, decision)


def events_of(database: str, kind: str) -> list[Body]:
    """What the events of a kind say."""
    return [data for (data,) in query(database, "SELECT data FROM events WHERE kind = %s ORDER BY id", kind)]
