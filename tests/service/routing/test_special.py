"""Special routes: before every rule, without a score, to named people; and loud where they do nothing."""

from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.cases.workflow import rerank
from service.routing.workflow import Rerouting
from tests.service.routing.steps import make_queue, preview, rule, save, send
from tests.service.steps import assert_error, query

CHANNELS = {"quiet": "press", "hushed": "partner", "press": "trusted_flagger"}
DEADLINE = {"kind": "legal", "basis": "court order", "due_at": "2027-01-01T00:00:00Z"}


async def serve(lead: httpx.AsyncClient, special: str, *members: str) -> None:
    await make_queue(lead, "special", restricted=True, special=special)
    for member in members:
        assert (await lead.put(f"/v1/queues/special/members/{member}")).status_code == 200


def case(database: str, case_id: str) -> tuple[Any, ...]:
    [row] = query(
        database,
        "SELECT c.queue, c.special, e.score_state FROM cases c JOIN evidence e ON e.id = c.evidence_id WHERE c.id = %s",
        case_id,
    )
    return row


async def ready(client: httpx.AsyncClient) -> dict[str, str]:
    return dict((await client.get("/readyz")).json())


@pytest.mark.parametrize(
    ("special", "fields"),
    [
        ("child_safety", {"flags": ["child_safety"]}),
        ("threat_to_life", {"flags": ["threat_to_life"]}),
        ("legal_order", {"flags": ["legal_order"]}),
        ("legal_order", {"channel": "law_enforcement", "deadline": DEADLINE}),
    ],
)
async def test_a_special_route_goes_before_rules_and_scores(
    *,
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    special: str,
    fields: dict[str, Any],
) -> None:
    await serve(lead, special, "test-reviewer")
    await make_queue(lead, "elsewhere")
    await save(lead, rule("All", "elsewhere"))
    made = await send(platform, "flagged", report=fields)
    assert case(database, made["case_id"]) == ("special", special, "bypassed")
    assert_error(await lead.get(f"/v1/cases/{made['case_id']}"), 404, "not_found")
    assert (await reviewer.post("/v1/queues/special/claim")).json()["case"]["special"] == special
    told = await preview(lead)
    assert (told["special"], told["default"], told["moves"]) == (1, 0, [])


async def test_another_report_can_bring_a_case_onto_its_special_route(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    await serve(lead, "child_safety", "test-reviewer")
    made = await send(platform, "post")
    await send(platform, "post", report={"flags": ["threat_to_life"]})
    assert case(database, made["case_id"])[:2] == ("default", "threat_to_life")
    await send(platform, "post", report={"flags": ["child_safety"]})
    assert case(database, made["case_id"]) == ("special", "child_safety", "bypassed")
    await send(platform, "post", report={"flags": ["threat_to_life"]})
    assert case(database, made["case_id"])[:2] == ("special", "child_safety")


async def test_a_route_that_nobody_serves_is_loud_and_loses_nothing(
    *, lead: httpx.AsyncClient, platform: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    assert "special_routes" not in await ready(client)
    made = await send(platform, "flagged", report={"flags": ["child_safety"]})
    assert case(database, made["case_id"]) == ("default", "child_safety", "bypassed")
    [(kind, data)] = query(
        database, "SELECT kind, data FROM events WHERE case_id = %s AND kind LIKE 'route.%%'", made["case_id"]
    )
    assert (kind, data) == ("route.special_unserved", {"special": "child_safety"})
    words = (await lead.get(f"/v1/cases/{made['case_id']}/why")).json()["words"]
    assert "nobody serves" in words[-1]
    for page in ("/console", f"/cases/{made['case_id']}"):
        assert "child safety" in (await lead.get(page)).text.lower(), page
    assert await ready(client) | {"special_routes": "unserved", "status": "degraded"} == await ready(client)
    metrics = (await client.get("/metrics")).text
    assert 'triage_special_unserved{route="child_safety"} 1.0' in metrics
    assert 'triage_special_waiting{route="child_safety"} 1.0' in metrics
    told = {one["special"]: one for one in (await lead.get("/v1/routing")).json()["special"]}
    assert told["child_safety"] == {
        "special": "child_safety", "queue": None, "problem": "no open queue is set up for it", "waiting": 1,
    }  # fmt: skip


async def test_a_route_whose_last_member_leaves_is_loud_and_comes_back(
    *,
    lead: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    client: httpx.AsyncClient,
    app: FastAPI,
    taxonomy: Taxonomy,
    database: str,
) -> None:
    await serve(lead, "child_safety", "test-reviewer")
    assert "special_routes" not in await ready(client)
    assert (await admin.delete("/v1/people/test-reviewer")).status_code == 204
    assert (await ready(client))["special_routes"] == "unserved"
    made = await send(platform, "flagged", report={"flags": ["child_safety"]})
    assert case(database, made["case_id"])[0] == "default"
    await lead.put("/v1/queues/special/members/test-specialist")
    moving = Rerouting(app.state.engine, partial(rerank, taxonomy=taxonomy, config=RankConfig()))
    assert await moving.step() == 1
    assert case(database, made["case_id"])[0] == "special"
    assert await moving.step() == 0
    assert "special_routes" not in await ready(client)


async def test_one_queue_serves_a_route(lead: httpx.AsyncClient) -> None:
    await serve(lead, "child_safety")
    other = {"name": "other", "title": "Other", "restricted": True, "special": "child_safety"}
    assert_error(await lead.post("/v1/queues", json=other), 409, "name_taken")
    await make_queue(lead, "other", restricted=True)
    assert_error(await lead.patch("/v1/queues/other", json={"special": "child_safety"}), 409, "name_taken")
    assert_error(await lead.patch("/v1/queues/special", json={"restricted": False}), 422, "invalid_request")
    assert (await lead.patch("/v1/queues/special", json={"special": None, "restricted": False})).status_code == 200
    assert (await lead.patch("/v1/queues/other", json={"special": "child_safety"})).status_code == 200


async def test_cases_where_nobody_may_take_them_are_counted(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    await make_queue(lead, "quiet", restricted=True)
    await lead.put("/v1/queues/quiet/members/test-lead")
    await save(lead, rule("Press", "quiet", channels=["press"]))
    await send(platform, "post", report={"channel": "press"})
    assert "triage_untaken_cases{" not in (await client.get("/metrics")).text
    await lead.delete("/v1/queues/quiet/members/test-lead")
    told = (await client.get("/metrics")).text
    assert 'triage_untaken_cases{queue="restricted"} 1.0' in told


async def test_restricted_queues_have_no_name_where_no_key_is_asked_for(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    for name in ("quiet", "hushed", "press"):
        await make_queue(lead, name, restricted=name != "press")
        await lead.put(f"/v1/queues/{name}/members/test-lead")
    await save(lead, *(rule(name, name, channels=[channel]) for name, channel in CHANNELS.items()))
    for channel in (*CHANNELS.values(), "user"):
        await send(platform, f"post-{channel}", report={"channel": channel})
    told = (await client.get("/metrics")).text
    assert "quiet" not in told
    assert "hushed" not in told
    assert 'triage_open_cases{queue="restricted"} 2.0' in told
    assert told.count('triage_oldest_case_seconds{queue="restricted"}') == 1
    assert {'triage_open_cases{queue="press"} 1.0', 'triage_open_cases{queue="default"} 1.0'} <= set(told.splitlines())
