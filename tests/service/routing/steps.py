"""What tests of routing do again and again: make queues, save rules, preview them."""

from typing import Any

import httpx

from tests.service.steps import Body, report_body

OWNER = {"owner": "lead", "reason": "a test", "decided_on": "2026-11-29"}


async def make_queue(manager: httpx.AsyncClient, name: str, **fields: Any) -> Body:
    """Make a queue; that has to work."""
    answer = await manager.post("/v1/queues", json={"name": name, "title": name.title(), **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def rule(name: str, queue: str, **when: Any) -> Body:
    return {"name": name, "queue": queue, "when": when}


async def try_save(manager: httpx.AsyncClient, *rules: Body, based_on: int, **fields: Any) -> httpx.Response:
    """Ask to put rules to work."""
    return await manager.post("/v1/routing", json={"rules": rules, "based_on": based_on, **OWNER, **fields})


async def save(manager: httpx.AsyncClient, *rules: Body, **fields: Any) -> Body:
    """Put rules to work, on top of whatever is; that has to work."""
    based_on = (await manager.get("/v1/routing")).json()["version"]
    answer = await try_save(manager, *rules, based_on=based_on, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def preview(manager: httpx.AsyncClient, *rules: Body, **fields: Any) -> Body:
    """Try rules; that has to work."""
    answer = await manager.post("/v1/routing/preview", json={"rules": rules, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def send(platform: httpx.AsyncClient, subject: str, *, report: Body | None = None, **fields: Any) -> Body:
    """File a report whose own fields are replaced by `report`, and those of its subject by `fields`."""
    answer = await platform.post("/v1/reports", json=report_body(subject, **fields) | (report or {}))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
