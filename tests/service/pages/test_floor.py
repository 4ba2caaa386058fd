"""The lead's floor: who sees it, what it says with nothing to say, under overload and of what was given up."""

from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.outbox.workflow import Message, publish
from service.pages.floor import standing_words
from service.security import ROLES, Capability
from service.shedding.schemas import ForecastOut, SheddingRuleOut
from tests.conftest import bearer
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.steps import Body, query, report

ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
RULE = SheddingRuleOut(
    version="1",
    owner="o",
    reason="r",
    decided_on=date(2026, 11, 29),
    at_work=True,
    above_load=1.0,
    window_hours=24.0,
    below_severity=3,
)
CALM = ForecastOut(
    queue="default",
    arrived_minutes=60,
    done_minutes=90,
    decided=40,
    hours=24,
    load=0.67,
    overloaded=False,
    waiting=3,
    waiting_minutes=6,
    hours_to_clear=4.8,
    late=False,
    graphic_late=0,
    shed=0,
)


async def shown(person: httpx.AsyncClient, **options: Any) -> str:
    answer = await person.get("/floor", **options)
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_the_floor_is_for_those_who_lead(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for role, key in keys.items():
        may = Capability.FLOOR_READ in ROLES[role]
        answer = await client.get("/floor", headers=bearer(key))
        assert answer.status_code == (200 if may else 403), role
        console = (await client.get("/console", headers=bearer(key))).text
        assert ('href="/floor"' in console) == may, role
    assert (await client.get("/floor")).headers["location"] == "/sign-in?next=%2Ffloor"


async def test_an_empty_floor_is_calm(lead: httpx.AsyncClient) -> None:
    page = await shown(lead)
    assert "Nothing waits." in page
    assert "Nothing is given up." in page
    assert "No case runs out or is skipped again and again." in page
    assert "No queue serves the special routes child safety, threat to life and legal order." in page
    assert 'data-testid="unserved"' not in page
    assert 'data-testid="letters"' not in page


async def test_what_was_given_up_is_listed_with_the_rule_and_can_be_taken_back(
    app: FastAPI,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    database: str,
) -> None:
    app.state.rank_config = replace(app.state.rank_config, owner=HOSTILE[0], reason=HOSTILE[0])
    cases = [str((await report(platform, f"post-{number}"))["case_id"]) for number in range(22)]
    query(database, "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'old rule'")
    page = await shown(lead)
    assert "Given up: 22 cases" in page
    assert page.count('class="button button-small restore"') == 20
    assert "The latest 20 are shown" in page
    assert "under rule old rule" in page
    assert page.count(ESCAPED) == 2
    assert 'data-shed="22"' in page
    # Administrators see it, and neither read cases nor take any back.
    page = await shown(client, headers=bearer(keys["admin"]))
    assert "Given up: 22 cases" in page
    assert "restore-queue" not in page.replace("restore-queue-", "")
    assert not any(f'href="/cases/{case_id}"' in page for case_id in cases)


async def test_cases_that_keep_coming_back_are_listed_without_any_person(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    case_id = str((await report(platform))["case_id"])
    query(database, "UPDATE cases SET lapses = 7")
    query(database, "INSERT INTO skip_reasons (case_id, reason, times) VALUES (%s, 'language', 3)", case_id)
    page = await shown(lead)
    assert f'href="/cases/{case_id}"' in page
    assert "7 times" in page
    assert 'language <span class="soft">3</span>' in page


async def test_a_special_route_with_cases_and_nobody_is_loud(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    body = {
        "channel": "user",
        "reason": "harassment",
        "flags": ["threat_to_life"],
        "subject": {"id": "p", "kind": "post", "text": "words"},
    }
    answer = await platform.post("/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    page = await shown(lead)
    assert "Threat to life: nobody serves this special route." in page
    assert "1 flagged case waits in the default queue." in page
    assert "No queue serves the special routes child safety and legal order." in page


async def test_messages_that_did_not_arrive_are_for_administrators(
    app: FastAPI,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    database: str,
) -> None:
    made: Body = (await platform.post("/v1/webhooks", json={"url": "http://localhost:9/<b>"})).json()
    async with app.state.engine.begin() as connection:
        await publish(connection, app.state.jobs, Message("webhook.test", data={}))
    query(database, "UPDATE outbox SET state = 'failed', last_error = %s", HOSTILE[0])
    page = await client.get("/floor", headers=bearer(keys["admin"]))
    assert ESCAPED in page.text
    assert "Send again" in page.text
    assert "<b>" not in page.text.partition('data-testid="letters"')[2]
    assert made["id"]
    assert 'data-testid="letters"' not in await shown(lead)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Kept up with in the last 24 h."),
        ({"overloaded": True, "load": 1.31}, "More came than could be done in the last 24 h: load 1.31."),
        (
            {"overloaded": True, "load": 1.31, "late": True},
            "More came than could be done in the last 24 h: load 1.31. Cases wait beyond their latest start.",
        ),
        ({"late": True}, "A case waits beyond its latest start."),
        ({"load": 1.1}, "Load 1.1 in the last 24 h: not more than chance explains."),
        ({"decided": 0, "load": None, "hours": 2.5}, "Nobody decided anything here in the last 2 h 30 min."),
        ({"decided": 0, "load": None, "waiting": 0}, "Nothing waits."),
    ],
)
def test_the_numbers_of_a_queue_in_words(change: dict[str, object], words: str) -> None:
    assert standing_words(CALM.model_copy(update=change), RULE) == words
