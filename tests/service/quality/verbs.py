"""What tests of quality do again and again: decide, plan, claim a check, answer it, settle it, object."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.service.steps import Body, claim, decided, query, report, rewrite

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


async def gets(person: httpx.AsyncClient) -> str | None:
    """The subject whose text the check is about that this person is handed; None where there is none for them."""
    answer = await person.post("/v1/qa/claim")
    assert answer.status_code in {200, 204}, answer.text
    return str(answer.json()["subject"]["text"].split()[1]) if answer.status_code == 200 else None


async def adjudicate(person: httpx.AsyncClient, item: Body, **said: Any) -> httpx.Response:
    """Settle what answers differ on."""
    return await person.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json=said)


async def told(person: httpx.AsyncClient) -> list[Body]:
    """The feedback that this person reads."""
    answer = await person.get("/v1/qa/feedback")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["feedback"])


async def objects(person: httpx.AsyncClient, feedback: Body) -> httpx.Response:
    """Object to what one was told."""
    return await person.post(f"/v1/qa/feedback/{feedback['id']}/dispute", json={"objection": "it is no quote"})


async def make_golden(person: httpx.AsyncClient, item: Body, **fields: Any) -> httpx.Response:
    """Make a settled check a golden item."""
    return await person.post("/v1/qa/golden", json={"item_id": item["item_id"], "rationale": "beyond doubt", **fields})


def decide_together(database: str, made: list[Body]) -> UUID:
    """Have these decisions made at once, for a cluster."""
    cluster = uuid4()
    query(
        database,
        "INSERT INTO cluster_decisions (id, decided_by, seed_case, decision_id, cases, previewed, radius, skipped, undo_until)"
        " SELECT %s, decided_by, case_id, id, 2, 2, 3, '[]', undo_until FROM decisions WHERE id = %s",
        cluster,
        made[0]["decision_id"],
    )
    rewrite(database, "UPDATE decisions SET cluster_id = %s", cluster)
    return cluster


def restrict(database: str, case_id: str | None = None) -> None:
    """Move a case, or every one, to a restricted queue."""
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(database, "UPDATE cases SET queue = 'few' WHERE %s::uuid IS NULL OR id = %s", case_id, case_id)


def let_lapse(database: str, check: Body | None = None) -> None:
    """Let the time of a check, or of every one, run out."""
    token = check and check["token"]
    statement = "UPDATE qa_reviews SET expires_at = now() - interval '1 second' WHERE %s::uuid IS NULL OR token = %s"
    query(database, statement, token, token)


async def settled_otherwise(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> Body:
    """A decision of the reviewer that a check and the lead's settlement went against; the disputed item."""
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **ALLOWED, note="a quote")
    [item] = await disputed(lead)
    answer = await adjudicate(lead, item, **ALLOWED, note="it quotes")
    assert answer.status_code == 201, answer.text
    assert answer.json()["error"] == "false_positive"
    return item
