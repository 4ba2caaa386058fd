"""Crises in every state and a continuity plan, for tests that open all pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

Callers = dict[str, httpx.AsyncClient]


async def crises(callers: Callers) -> list[str]:
    """A draft, one at work with a note at the desk, one that one person began alone, and one with its review."""
    lead, admin = callers["lead"], callers["admin"]
    draft = await _drafted(lead, "Riots in Aville")
    change = {**_body("Riots in Aville and Beville"), "revision": 1}
    draft = await _sent(lead, "PUT", f"/v1/crises/{draft['id']}", **change)
    at_work = await _drafted(lead, "Election week")
    await _sent(admin, "POST", f"/v1/crises/{at_work['id']}/approve", revision=1)
    await _sent(lead, "POST", f"/v1/crises/{at_work['id']}/extend", until=_until(200), reason="Counting goes on")
    alone = await _drafted(lead, "Outage of the app")
    await _sent(lead, "POST", f"/v1/crises/{alone['id']}/begin-alone", revision=1, reason="Nobody answers at night")
    over = await _drafted(lead, "Storm")
    await _sent(admin, "POST", f"/v1/crises/{over['id']}/approve", revision=1)
    await _sent(lead, "POST", f"/v1/crises/{over['id']}/end", reason="The wind has died down")
    action = {"title": "A queue for storms", "owner": "test-lead", "due_on": "2036-01-31"}
    said = {"happened": "Rumours of floods", "worked": "The queue of its own", "decisions": "Leave up pictures"}
    await _sent(lead, "POST", f"/v1/crises/{over['id']}/reviews", **said, actions=[action])
    plan = {
        "severity_only": ["default"],
        "stopped": [{"queue": "partners", "into": "default"}],
        "reskilled": [{"person": "test-reviewer", "queues": ["press"], "valid_until": "2036-01-31"}],
        "shed": {"below_severity": 2},
        "contacts": [{"role": "Duty lead", "reach": "extension 100"}],
        "guidance": "Only what cannot wait",
        "statements": [{"text": "We answer <b onclick=pwned()>later</b> than usual"}],
    }
    await _sent(lead, "PUT", "/v1/continuity/few", title="Few people", based_on=0, plan=plan)
    planned = await _sent(
        lead, "POST", "/v1/continuity/few/activate", until=_until(20), reason="Half of the floor is ill"
    )
    return [str(one["id"]) for one in (draft, at_work, alone, over, planned)]


async def _drafted(lead: httpx.AsyncClient, name: str) -> Any:
    return await _sent(lead, "POST", "/v1/crises", **_body(name))


def _body(name: str) -> dict[str, Any]:
    spec = {
        "areas": [{"area": "misinformation", "factor": 1.5}],
        # One note stands beside every case: its page is to be no heavier than it has to.
        "guidance": "" if name == "Outage of the app" else f"Rumours about {name} are to be checked first",
        "statements": [{"language": "en", "text": f"We look into <img src=x onerror=pwned()> {name}"}],
        "rules": [{"name": f"{name} first", "queue": "press", "when": {"reasons": ["storm talk"]}}],
    }
    return {"name": name, "reason": f"{name} is in the news", "until": _until(20), "spec": spec}


def _until(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def _sent(caller: httpx.AsyncClient, method: str, address: str, **body: Any) -> Any:
    answer = await caller.request(method, address, json=body)
    assert answer.is_success, (address, answer.text)
    return answer.json()
