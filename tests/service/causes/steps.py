"""What tests about causes do again and again."""

from typing import Any
from uuid import UUID

import httpx

from tests.service.steps import Body

CAUSE: dict[str, Any] = {
    "code": "process",
    "subcode": "late",
    "whys": [{"why": "Why was it late?", "because": "Nobody saw it on a Sunday"}],
    "factors": ["A holiday"],
}
ACTION: dict[str, Any] = {
    "direction": "upstream",
    "title": "Watch the inbox on Sundays",
    "team": "Operations",
    "due_on": "2026-01-31",
}


async def file_cause(caller: httpx.AsyncClient, record: UUID, **changes: Any) -> httpx.Response:
    return await caller.put(f"/v1/escalations/{record}/cause", json={**CAUSE, **changes})


async def add_action(caller: httpx.AsyncClient, record: UUID, **changes: Any) -> Body:
    answer = await caller.post(f"/v1/escalations/{record}/improvements", json={**ACTION, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def change_action(caller: httpx.AsyncClient, action: Body, **changes: Any) -> httpx.Response:
    return await caller.patch(f"/v1/improvements/{action['id']}", json={"revision": action["revision"], **changes})
