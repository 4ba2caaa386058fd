"""What tests about replies do again and again."""

from typing import Any
from uuid import UUID

import httpx

from tests.service.steps import Body, query

TEXT = "Hello Robin Reader,\n\nWe looked into what you describe and took the posts down.\n\nTrust and Safety"


async def begun(person: httpx.AsyncClient, record: UUID, purpose: str = "final", **fields: Any) -> Body:
    """A reply as it is begun."""
    answer = await person.post(f"/v1/escalations/{record}/replies", json={"purpose": purpose, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def changed(reply: Body, **fields: Any) -> Body:
    """The body of a change."""
    kept = {name: reply[name] for name in ("version", "subject", "body", "language", "recipients")}
    return kept | fields


async def act(person: httpx.AsyncClient, reply: Body, verb: str, **fields: Any) -> httpx.Response:
    """Do something to a reply in the version that is given."""
    address = f"/v1/escalations/{reply['escalation_id']}/replies/{reply['id']}"
    if verb == "change":
        return await person.put(address, json=changed(reply, **fields))
    body = {} if verb == "undo" else {"version": reply["version"], **fields}
    return await person.post(f"{address}/{verb}", json=body)


async def done(person: httpx.AsyncClient, reply: Body, verb: str, **fields: Any) -> Body:
    """As `act`, and it has to work."""
    answer = await act(person, reply, verb, **fields)
    assert answer.is_success, answer.text
    return dict(answer.json()) if answer.content else {}


async def written(person: httpx.AsyncClient, record: UUID, body: str = TEXT, **fields: Any) -> Body:
    """A reply that is ready to be sent."""
    reply = await begun(person, record)
    return await done(person, reply, "change", **{"subject": "Your question", "body": body, **fields})


def delivery(database: str) -> tuple[str, int, str | None]:
    """State, attempts and last error of the only delivery."""
    [(state, attempts, error)] = query(database, "SELECT state, attempts, last_error FROM reply_deliveries")
    return state, attempts, error


def due_now(database: str) -> None:
    """Let the pause until the next try be over, and whoever has taken a letter be gone."""
    query(database, "UPDATE reply_deliveries SET deliver_after = now(), taken_until = now() - interval '1 second'")
