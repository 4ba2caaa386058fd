"""Questions to teams and restricted paths with everything on them, for tests that open all pages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from service.escalations.schemas import NewEscalation
from service.escalations.workflow import open_escalation
from tests.service.escalations.steps import RECORD
from tests.service.steps import report

Callers = dict[str, httpx.AsyncClient]
_NAME = text("INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-lead'")


async def consults(app: FastAPI, callers: Callers) -> list[tuple[str, str, str]]:
    """Questions in every state, and a restricted record with all that hangs on it: (template, who, address)."""
    pages = [("/consults", "adviser", "/consults"), ("/consults", "adviser", "/consults?done=true")]
    pages += [("/consults/{consult_id}", role, f"/consults/{one}") for role, one in await _questions(app, callers)]
    pages += await _restricted(app, callers)
    body = {"privileged": True, "reason": "Works with Legal"}
    await _sent(callers["admin"], "PUT", "people/test-reviewer/privileged", **body)
    return pages


async def _questions(app: FastAPI, callers: Callers) -> list[tuple[str, str]]:
    lead, adviser = callers["lead"], callers["adviser"]
    for team, title in (("legal", "Legal"), ("tax_law", "Product")):
        await _sent(lead, "PUT", f"consults/teams/{team}", title=title, minutes=240)
        await _sent(lead, "PUT", f"consults/teams/{team}/members/test-adviser")
    record = await _opened(app, fields={"outlet": "The Daily"})
    asked = []
    for number in range(3):
        body = {
            "question": f"May we answer this {number}?",
            "facts": ["title", "summary", "source"],
            "fields": ["outlet"],
        }
        made = await _sent(lead, "POST", f"escalations/{record}/consults", team="legal", **body)
        asked.append(f"consults/{made['id']}")
    waits, talked, done = asked
    await _sent(adviser, "POST", f"{talked}/take")
    await _sent(adviser, "POST", f"{talked}/ask-back", body="Which posts?")
    await _sent(lead, "POST", f"{talked}/explain", body="Those of May")
    await _sent(adviser, "POST", f"{done}/answer", answer="It depends on who reads it")
    await _sent(lead, "PUT", f"{done}/precedent", title="Answers to the press about removed posts")
    return [(role, one.partition("/")[2]) for role, one in (("adviser", waits), ("lead", talked), ("lead", done))]


async def _restricted(app: FastAPI, callers: Callers) -> list[tuple[str, str, str]]:
    lead, admin = callers["lead"], callers["admin"]
    async with app.state.engine.begin() as connection:
        await connection.execute(_NAME)
    case = (await report(callers["platform"], "restricted"))["case_id"]
    record = await _opened(app, cases=[UUID(case)], confidentiality="restricted", path="child_safety")
    path = f"escalations/{record}"
    until = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    body = {"basis": "Order 7 of a court", "until": until, "reason": "It was ordered"}
    [kept] = (await _sent(lead, "POST", f"{path}/preservations", **body))["preservations"]
    await _sent(lead, "POST", f"{path}/preservations/{kept['id']}/end", until=None, reason="The order was taken back")
    package = await _sent(lead, "POST", f"{path}/packages", kind="law_enforcement")
    filing = {"filed_on": datetime.now(UTC).date().isoformat(), "filed_with": "The police", "reference": "AZ 12/26"}
    await _sent(lead, "POST", f"{path}/packages/{package['id']}/filed", **filing)
    members = "restricted/paths/law_enforcement/members"
    await _sent(admin, "POST", members, username="test-specialist", reason="Trained for orders")
    members = "restricted/paths/child_safety/members"
    await _sent(admin, "POST", f"{members}/test-lead/remove", reason="On leave until May")
    async with app.state.engine.begin() as connection:
        await connection.execute(_NAME)
    return [
        ("/escalations/{escalation_id}", "lead", f"/{path}"),
        ("/restricted/{escalation_id}/packages/{package_id}", "lead", f"/restricted/{record}/packages/{package['id']}"),
        ("/restricted", "admin", "/restricted"),
    ]


async def _opened(app: FastAPI, **more: Any) -> UUID:
    async with app.state.engine.begin() as connection:
        found = await connection.execute(text("SELECT id FROM principals WHERE username = 'test-lead'"))
        return await open_escalation(connection, NewEscalation(**{**RECORD, **more}), opened_by=found.scalar_one())


async def _sent(caller: httpx.AsyncClient, method: str, path: str, **body: Any) -> Any:
    answer = await caller.request(method, f"/v1/{path}", json=body)
    assert answer.is_success, (path, answer.text)
    return answer.json() if answer.content else None
