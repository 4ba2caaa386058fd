"""Escalations with everything on them, for tests that open all pages."""

from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from service.escalations.schemas import NewEscalation
from service.escalations.workflow import open_escalation
from tests.service.banks.conftest import upload
from tests.service.escalations.steps import RECORD
from tests.service.media.pictures import jpeg, scene
from tests.service.pages.furnishing_replies import reply
from tests.service.sla.steps import furnish_clocks
from tests.service.steps import report

Callers = dict[str, httpx.AsyncClient]


async def escalations(app: FastAPI, callers: Callers) -> list[tuple[str, str]]:
    """One that is worked on, with a hand-over note that its owner has to read, and one that ended: who sees which."""
    lead, specialist = callers["lead"], callers["specialist"]
    case = (await report(callers["platform"], "escalated"))["case_id"]
    open_one, ended, other = [await _opened(app, number, cases=[UUID(case)]) for number in range(3)]
    await _sent(lead, "POST", f"{ended}/moves", verb="resolve", resolution="answered", note="It was told to them")
    await _sent(lead, "POST", f"{other}/moves", verb="resolve", resolution="answered", note="The same again")
    await _sent(lead, "POST", f"{other}/moves", verb="take_up", note="They asked again")
    change = {"title": "A newspaper asks", "reason": "Said on the telephone", "severity": 3, "grey_area": True}
    await _sent(lead, "PATCH", open_one, **change)
    for body in ({"asset": {"kind": "account", "id": "act-1"}}, {"other_id": other}):
        await _sent(lead, "POST", f"{open_one}/links", **body)
    media = await upload(specialist, jpeg(scene()))
    await _sent(specialist, "POST", f"{open_one}/attachments", media_id=media, name="scene.jpg")
    await _sent(lead, "POST", f"{open_one}/watchers")
    for kind in ("note", "handover"):
        await _sent(lead, "POST", f"{open_one}/messages", body=f"A {kind}", kind=kind)
    await _sent(lead, "POST", f"{open_one}/messages", body="Could we have a number?", direction="inbound")
    await _sent(specialist, "POST", f"{open_one}/moves", verb="take")
    await furnish_clocks(specialist, open_one)
    await reply(specialist, lead, open_one, submitted=False)
    await _sent(specialist, "POST", f"{open_one}/moves", verb="wait", waiting_for="consult", note="Legal reads it")
    return [("specialist", open_one), ("lead", ended), ("lead", open_one)]


async def _opened(app: FastAPI, number: int, **more: Any) -> str:
    async with app.state.engine.begin() as connection:
        found = await connection.execute(text("SELECT id FROM principals WHERE username = 'test-lead'"))
        new = NewEscalation(**{**RECORD, "title": f"A newspaper asks about posts {number}", **more})
        return str(await open_escalation(connection, new, opened_by=found.scalar_one()))


async def _sent(caller: httpx.AsyncClient, method: str, path: str, **body: Any) -> None:
    answer = await caller.request(method, f"/v1/escalations/{path}", json=body)
    assert answer.is_success, (path, answer.text)
