"""The page of routing: what it says with nothing to say, with rules and with routes that nobody serves; who may see it."""

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.routing.steps import make_queue, rule, save


async def shown(client: httpx.AsyncClient, keys: dict[str, str]) -> str:
    answer = await client.get("/routing", headers=bearer(keys["lead"]))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_without_rules_it_says_where_everything_goes(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    text = await shown(client, keys)
    assert "everything goes to the default queue" in text
    assert text.count("No open queue is set up for it.") == 3


async def test_versions_read_as_sentences(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    client.headers.update(bearer(keys["lead"]))
    await make_queue(client, "press", description="<b>who</b> calls")
    await save(client, rule("Press", "press", channels=["press"], languages=["pt"]), reason="they <wait> for answers")
    text = await shown(client, keys)
    assert "Cases where the channel is press, and the language is pt." in text
    assert "they &lt;wait&gt; for answers" in text
    assert "&lt;b&gt;who&lt;/b&gt; calls" in text
    assert "<wait>" not in text


@pytest.mark.parametrize(("role", "status"), [("lead", 200), ("admin", 200), ("ml", 403), ("reviewer", 403)])
async def test_it_is_for_those_who_manage_queues(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    assert (await client.get("/routing", headers=bearer(keys[role]))).status_code == status
    console = (await client.get("/console", headers=bearer(keys[role]))).text
    assert ('href="/routing"' in console) == (status == 200)


async def test_signing_in_leads_back_to_it(client: httpx.AsyncClient, app: FastAPI) -> None:
    asked = await client.get("/routing")
    assert asked.headers["location"] == "/sign-in?next=%2Frouting"
    assert 'data-next="/routing"' in (await client.get(asked.headers["location"])).text
