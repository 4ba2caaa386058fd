"""What tests of the policy library do again and again."""

from typing import Any

import httpx

Body = dict[str, Any]


def draft_body(**fields: Any) -> Body:
    """A draft that the service accepts."""
    return {
        "title": "Bullying and harassment",
        "body": "## Definition\n\nAttacks on a person.\n\n## Covered\n\n- Insults.",
        "examples": [
            {"text": "you are useless", "verdict": "violating", "severity": 1, "why": "an insult at a person"}
        ],
        "digest": "Insults count from the first one.",
        "owner": "Policy",
        "reason": "Too many appeals",
        **fields,
    }


async def drafted(lead: httpx.AsyncClient, area: str = "harassment", **fields: Any) -> Body:
    """A new draft."""
    answer = await lead.post(f"/v1/policies/{area}/drafts", json=draft_body(**fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def published(lead: httpx.AsyncClient, area: str = "harassment", **fields: Any) -> Body:
    """A new version that is in force."""
    made = await drafted(lead, area, **fields)
    answer = await lead.post(f"/v1/policies/drafts/{made['id']}/publish", json={})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def library(person: httpx.AsyncClient) -> Body:
    """What the person is shown of the library."""
    answer = await person.get("/v1/policies")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
