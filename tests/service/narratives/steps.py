"""Records that narratives are made of, and what a file of one says."""

import io
import re
import zipfile
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from service import events
from service.escalations.workflow import Said, say
from tests.papers import text_of
from tests.service.causes.steps import add_action, file_cause
from tests.service.escalations.steps import opened
from tests.service.steps import Body, query

# Each stands for what must reach some audiences and no others.
MARKS = {
    "title": "Mtitle",
    "summary": "Msummary",
    "requester name": "Mrobin Mreader",
    "requester mail": "mmail@daily.example",
    "requester organisation": "Mdaily",
    "requester reference": "Mticket77",
    "field": "Mfield",
    "asset": "Masset",
    "internal message": "Minternal",
    "inbound message": "Minbound",
    "outbound message": "Moutbound",
    "why": "Mbecause",
    "factor": "Mfactor",
    "action": "Maction",
    "team": "Mteam",
    "staff": "test-lead",
    "author": "test-specialist",
    "telephone": "+353 1 555 0123",
    "privileged": "Mprivileged",
}


async def marked(app: FastAPI, database: str, specialist: httpx.AsyncClient) -> UUID:
    """A record with a mark in everything that it has, seen by somebody who may read what is privileged."""
    query(database, "UPDATE principals SET privileged = true WHERE username = 'test-specialist'")
    about = "Mrobin Mreader (mmail@daily.example, +353 1 555 0123) of Mdaily wrote to test-lead"
    record = await opened(
        app,
        database,
        title=f"Mtitle {about}",
        summary=f"Msummary {about}",
        policy_area="harassment",
        severity=3,
        fields={"order": "Mfield"},
        assets=[{"kind": "account", "id": "Masset"}],
        requester={
            "name": MARKS["requester name"],
            "organisation": MARKS["requester organisation"],
            "email": MARKS["requester mail"],
            "reference": MARKS["requester reference"],
        },
    )
    await file_cause(
        specialist, record, whys=[{"why": "Why?", "because": f"Mbecause {about}"}], factors=[f"Mfactor {about}"]
    )
    await add_action(specialist, record, title=f"Maction {about}", team="Mteam", owner="test-lead")
    [(person,)] = query(database, "SELECT id FROM principals WHERE username = 'test-specialist'")
    async with app.state.engine.begin() as connection:
        for direction in ("internal", "inbound", "outbound"):
            await say(connection, record, Said(direction, "note", f"M{direction}", "en", person))
        await events.record_on(
            connection, "consult.answered", record, actor=person, data={"privileged": True, "team": "Mprivileged"}
        )
    return record


async def made(caller: httpx.AsyncClient, record: UUID, **asked: Any) -> Body:
    """A narrative that was kept."""
    answer = await caller.post(f"/v1/escalations/{record}/narratives", json=asked)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def taken(caller: httpx.AsyncClient, record: UUID, narrative: Body, **asked: str) -> bytes:
    """A file of it."""
    answer = await caller.get(f"/v1/escalations/{record}/narratives/{narrative['id']}/file", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.content


def said(content: bytes, kind: str, folder: Path) -> str:
    """Everything that a file says, what is not to be seen at first included, on one line."""
    if kind == "pdf":
        place = folder / "said.pdf"
        place.write_bytes(content)
        text = text_of(place)
    elif kind == "docx":
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            text = " ".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml"))
        text = unescape(re.sub(r"<[^>]+>", " ", text))
    else:
        text = unescape(content.decode())
    return " ".join(text.replace("\u200b", "").split())
