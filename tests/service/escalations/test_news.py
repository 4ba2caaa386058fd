"""News: who follows a record is told what happened to it since they last looked, and nothing that they may not know."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.service.escalations.steps import opened
from tests.service.steps import assert_error, query, value

Client = httpx.AsyncClient


@pytest.fixture
async def record(app: FastAPI, database: str, colleague: Client, lead: Client) -> str:
    """A record that the lead follows."""
    record = str(await opened(app, database, title="Followed", by="test-lead"))
    assert (await lead.post(f"/v1/escalations/{record}/watchers", json={})).status_code == 200
    return record


async def news(caller: Client) -> list[tuple[str, int, str]]:
    """Of each record with news: its title, how much, and the kind of the newest."""
    answer = await caller.get("/v1/escalations/news")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total"] == len(found["records"])
    return [(one["title"], one["news"], one["newest"]["kind"]) for one in found["records"]]


async def told(database: str, record: str, kind: str, **data: Any) -> None:
    """An event as a worker or another part of the product leaves it."""
    said = ", ".join(f"'{name}', {str(one).lower()}" for name, one in data.items())
    query(
        database,
        f"INSERT INTO events (kind, escalation_id, data) VALUES (%s, %s, jsonb_build_object({said}))",
        kind,
        record,
    )


async def test_what_others_do_is_news_until_one_has_looked(
    colleague: Client, lead: Client, database: str, record: str
) -> None:
    path = f"/v1/escalations/{record}"
    # What one does oneself is none, nor is what changes nothing for those who follow it.
    await lead.post(f"{path}/messages", json={"body": "Mine"})
    await colleague.patch(path, json={"grey_area": True})
    assert await news(lead) == []
    # A reason comes with what it is a reason of.
    await colleague.post(f"{path}/moves", json={"verb": "take", "note": "Mine now"})
    await colleague.post(f"{path}/messages", json={"body": "They print at five"})
    await told(database, record, "sla.breached")
    await told(database, record, "sla.warned")
    assert await news(lead) == [("Followed", 3, "sla.breached")]
    assert await news(colleague) == []
    listed = (await lead.get("/v1/escalations?who=watching")).json()["escalations"]
    assert [one["news"] for one in listed] == [3]
    assert "3 new" in (await lead.get("/escalations")).text
    work = (await lead.get("/work")).text
    assert work.index("What you follow") < work.index("3 new")
    page = (await lead.get(f"/escalations/{record}")).text
    assert "3 things happened since you last looked." in page
    events = [int(one) for one in page.split('data-news="')[1].split('"')[0].split()]
    # What happens after the page was made stays news.
    await colleague.post(f"{path}/messages", json={"body": "At four"})
    assert (await lead.post(f"{path}/looked", json={"events": events})).status_code == 204
    assert await news(lead) == [("Followed", 1, "escalation.said")]
    # Whoever follows it no longer has none, nor does whoever begins to of what was before.
    await lead.delete(f"{path}/watchers/test-lead")
    await lead.post(f"{path}/watchers", json={})
    assert await news(lead) == []


async def test_news_tells_nothing_that_one_may_not_know(
    app: FastAPI, colleague: Client, lead: Client, database: str, record: str
) -> None:
    await told(database, record, "consult.answered", privileged=True)
    assert await news(lead) == []
    page = (await lead.get(f"/escalations/{record}")).text
    assert 'data-news=""' in page
    query(database, "UPDATE principals SET privileged = true WHERE username = 'test-lead'")
    assert await news(lead) == [("Followed", 1, "consult.answered")]
    assert "Escalations <span" in (await lead.get("/console")).text
    # A record that took a path of named people since is not there for others, whoever follows it.
    query(
        database, f"UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety' WHERE id = '{record}'"
    )
    await told(database, record, "sla.breached")
    assert await news(lead) == []
    assert "Escalations <span" not in (await lead.get("/console")).text
    assert_error(await lead.post(f"/v1/escalations/{record}/looked", json={"events": [1]}), 404, "not_found")
    assert value(database, "SELECT count(*) FROM escalation_news") == 2
