"""Kept questions: whose they are, who finds them, and how much is new in them."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.search.saved.schemas import ViewOut
from service.search.saved.workflow import pinned_views
from service.search.workflow import SearchRules
from service.security import Principal
from tests.service.steps import Body, assert_error, query, report, rewrite


async def keep(person: httpx.AsyncClient, name: str, said: str, **fields: object) -> Body:
    answer = await person.post("/v1/views", json={"name": name, "query": said, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def names(person: httpx.AsyncClient) -> list[str]:
    return [one["name"] for one in (await person.get("/v1/views")).json()["views"]]


async def pinned(app: FastAPI, role: str) -> list[ViewOut]:
    """What is pinned for the test account of that role."""
    async with app.state.engine.connect() as connection:
        row = (await connection.execute(text("SELECT id FROM principals WHERE role = :role"), {"role": role})).one()
        me = Principal(row.id, f"test-{role}", role)
        return await pinned_views(connection, me, SearchRules(app.state.taxonomy, app.state.covering.masking))


async def test_a_question_is_kept_changed_and_removed(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    made = await keep(reviewer, " Scams ", "refund status:open", order="risk")
    assert (made["name"], made["yours"], made["pinned"], made["looked_at"]) == ("Scams", True, False, None)
    assert await names(colleague) == []
    assert_error(await reviewer.post("/v1/views", json={"name": "Scams", "query": ""}), 409, "name_taken")
    assert_error(await reviewer.post("/v1/views", json={"name": "x", "query": "aera:x"}), 422, "unreadable_question")
    assert_error(await colleague.patch(f"/v1/views/{made['id']}", json={"name": "x"}), 404, "not_found")
    changed = (await reviewer.patch(f"/v1/views/{made['id']}", json={"pinned": True, "name": "Refunds"})).json()
    assert (changed["name"], changed["query"], changed["pinned"]) == ("Refunds", "refund status:open", True)
    await keep(reviewer, "other", "x")
    assert await names(reviewer) == ["Refunds", "other"]
    assert_error(await reviewer.patch(f"/v1/views/{made['id']}", json={"name": "other"}), 409, "name_taken")
    assert (await reviewer.delete(f"/v1/views/{made['id']}")).status_code == 204
    assert await names(reviewer) == ["other"]
    told = query(database, "SELECT kind, data FROM events WHERE kind LIKE 'view.%%' ORDER BY id")
    assert [kind for kind, _ in told] == ["view.added", "view.changed", "view.added", "view.removed"]
    assert "refund" not in str(told).lower()


async def test_those_who_lead_share_and_everybody_sees_what_is_new(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    refused = await reviewer.post("/v1/views", json={"name": "x", "query": "x", "shared": True})
    assert "shared by those who lead" in assert_error(refused, 403, "forbidden")
    shared = await keep(lead, "Posts", "kind:post", shared=True, pinned=True)
    await keep(lead, "Mine", "x", pinned=True)
    assert await names(reviewer) == ["Posts"]
    assert_error(await reviewer.patch(f"/v1/views/{shared['id']}", json={"pinned": False}), 403, "forbidden")
    assert_error(await reviewer.delete(f"/v1/views/{shared['id']}"), 403, "forbidden")
    await report(platform)
    [one] = await pinned(app, "reviewer")
    assert (one.name, one.yours, one.new) == ("Posts", False, 1)
    assert (await reviewer.post(f"/v1/views/{shared['id']}/look")).status_code == 200
    assert [one.new for one in await pinned(app, "reviewer")] == [0]
    assert [one.new for one in await pinned(app, "lead")] == [0, 1]
    await report(platform, "post-2")
    assert [one.new for one in await pinned(app, "reviewer")] == [1]
    # A queue that is gone for somebody is no reason to break their page.
    rewrite(database, "UPDATE search_views SET query = 'queue:gone' WHERE shared")
    [one] = await pinned(app, "reviewer")
    assert one.new is None
    assert "knows no 'gone'" in (one.problem or "")


@pytest.mark.parametrize("body", [{"name": " ", "query": ""}, {"name": "x" * 61, "query": ""}, {"name": "x"}])
async def test_a_view_needs_a_name_and_a_question(reviewer: httpx.AsyncClient, body: Body) -> None:
    assert_error(await reviewer.post("/v1/views", json=body), 422, "invalid_request")
