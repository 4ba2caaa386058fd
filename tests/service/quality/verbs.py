"""What tests of quality do again and again: decide, plan, claim a check, answer it."""

from typing import Any

import httpx

from tests.service.steps import Body, claim, decided, report

RIGHT: Body = {"policy_area": "harassment", "severity": 2, "actions": ["remove"]}
OTHER: Body = {"policy_area": "spam", "severity": 1, "actions": ["remove"]}
ALLOWED: Body = {"policy_area": "benign", "severity": 0, "actions": ["no_violation"]}


async def decided_case(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, subject: str, **said: Any) -> Body:
    """Report something and decide it; the claimed case with its decision."""
    fields = {name: said.pop(name) for name in ("language", "author", "text") if name in said}
    await report(platform, subject, **fields)
    claimed = await claim(reviewer)
    return {**claimed, **await decided(reviewer, claimed, **{**RIGHT, **said})}


def plan_body(name: str = "first", **fields: Any) -> Body:
    return {"name": name, "kind": "random", "size": 100, "owner": "quality", "reason": "to know", "seed": 7, **fields}


async def plan(lead: httpx.AsyncClient, name: str = "first", **fields: Any) -> Body:
    """Draw a plan; that has to work."""
    answer = await lead.post("/v1/qa/plans", json=plan_body(name, **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def take(person: httpx.AsyncClient) -> Body:
    """Claim a check; there has to be one."""
    answer = await person.post("/v1/qa/claim")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def say(person: httpx.AsyncClient, check: Body, **said: Any) -> httpx.Response:
    """Answer a check."""
    return await person.post(f"/v1/qa/reviews/{check['token']}", json={**RIGHT, "confidence": 3, **said})


async def checked(person: httpx.AsyncClient, **said: Any) -> None:
    """Claim a check and answer it; that has to work."""
    answer = await say(person, await take(person), **said)
    assert answer.status_code == 200, answer.text


async def disputed(person: httpx.AsyncClient) -> list[Body]:
    """The disputed items that this person may settle."""
    answer = await person.get("/v1/qa/disputed")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def settled_otherwise(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> Body:
    """A decision of the reviewer that a check and the lead's settlement went against; the disputed item."""
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **ALLOWED, note="a quote")
    [item] = await disputed(lead)
    answer = await lead.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json={**ALLOWED, "note": "it quotes"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["error"] == "false_positive"
    return item
