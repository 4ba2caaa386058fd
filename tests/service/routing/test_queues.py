"""Queues: made, changed and closed; each seen by those alone who may; out of scope is not there, everywhere."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from service.routing.workflow import allowed_actions
from tests.service.routing.steps import make_queue, rule, save, send, try_save
from tests.service.steps import Body, assert_error, query, value


async def names(person: httpx.AsyncClient) -> list[str]:
    answer = await person.get("/v1/queues")
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["queues"]]


async def arrived(platform: httpx.AsyncClient, lead: httpx.AsyncClient, queue: str) -> str:
    """A case in that queue; its id."""
    await save(lead, rule("All", queue, channels=["press"]))
    return str((await send(platform, f"post-{uuid4()}", report={"channel": "press"}))["case_id"])


async def skilled(admin: httpx.AsyncClient, username: str, **fields: Any) -> Body:
    answer = await admin.patch(f"/v1/people/{username}", json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_default_queue_is_there_for_everybody(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    [only] = (await reviewer.get("/v1/queues")).json()["queues"]
    assert (only["name"], only["open"], only["oldest_seconds"], only["claimable"]) == ("default", 0, None, True)
    for change in ({"restricted": True}, {"roles": ["lead"]}, {"skills": ["arabic"]}):
        assert_error(await lead.patch("/v1/queues/default", json=change), 422, "invalid_request")
    assert_error(await lead.post("/v1/queues/default/close"), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM queues") == 1


async def test_a_queue_is_made_changed_and_closed_with_events(lead: httpx.AsyncClient, database: str) -> None:
    made = await make_queue(lead, "ads", description="paid content", roles=["specialist"])
    assert (made["title"], made["roles"], made["untaken"]) == ("Ads", ["specialist"], None)
    changed = (await lead.patch("/v1/queues/ads", json={"title": "Advertising", "roles": None})).json()
    assert (changed["title"], changed["description"], changed["roles"]) == ("Advertising", "paid content", None)
    assert (await lead.post("/v1/queues/ads/close")).status_code == 204
    assert_error(await lead.post("/v1/queues/ads/close"), 404, "not_found")
    assert_error(await lead.patch("/v1/queues/ads", json={"title": "x"}), 404, "not_found")
    assert "ads" not in await names(lead)
    assert_error(await lead.post("/v1/queues", json={"name": "ads", "title": "Ads"}), 409, "name_taken")
    kinds = query(database, "SELECT kind FROM events WHERE kind LIKE 'queue.%%' ORDER BY id")
    assert kinds == [("queue.created",), ("queue.changed",), ("queue.closed",)]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Ads"}, "invalid_request"),
        ({"title": ""}, "invalid_request"),
        ({"roles": []}, "invalid_request"),
        ({"roles": ["platform"]}, "invalid_request"),
        ({"skills": ["No Such"]}, "invalid_request"),
        ({"special": "child_safety"}, "invalid_request"),
        ({"hidden_actions": ["explode"]}, "unknown_label"),
        ({"hidden_actions": ["no_violation"]}, "invalid_request"),
        ({"colour": "red"}, "invalid_request"),
    ],
)
async def test_a_queue_that_makes_no_sense_is_refused(
    lead: httpx.AsyncClient, fields: dict[str, Any], code: str
) -> None:
    assert_error(await lead.post("/v1/queues", json={"name": "ads", "title": "Ads", **fields}), 422, code)


async def test_a_queue_in_use_is_not_closed(lead: httpx.AsyncClient, platform: httpx.AsyncClient) -> None:
    await make_queue(lead, "press")
    await arrived(platform, lead, "press")
    assert "“All”" in assert_error(await lead.post("/v1/queues/press/close"), 409, "queue_in_use")
    await save(lead)
    assert "undecided" in assert_error(await lead.post("/v1/queues/press/close"), 409, "queue_in_use")


async def test_a_rule_and_a_close_at_once_never_leave_a_rule_to_a_closed_queue(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, database: str
) -> None:
    for number in range(6):
        queue = f"queue-{number}"
        await make_queue(lead, queue)
        version = (await lead.get("/v1/routing")).json()["version"]
        saved, closed = await asyncio.gather(
            try_save(lead, rule("x", queue), based_on=version), admin.post(f"/v1/queues/{queue}/close")
        )
        assert sorted([saved.status_code, closed.status_code]) in ([201, 409], [204, 422])
        await save(lead)


async def test_who_lacks_a_skill_or_the_role_does_not_see_the_queue_or_its_cases(
    *,
    lead: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
) -> None:
    await skilled(admin, "test-specialist", skills=["arabic"])
    await make_queue(lead, "arabic", skills=["arabic"], roles=["reviewer", "specialist"])
    case = await arrived(platform, lead, "arabic")
    assert await names(reviewer) == ["default"]
    assert await names(colleague) == await names(lead) == ["default", "arabic"]
    for path in (f"/v1/cases/{case}", f"/v1/cases/{case}/why", f"/v1/cases/{case}/hints"):
        assert_error(await reviewer.get(path), 404, "not_found")
    for path in (f"/v1/cases/{case}/claim", "/v1/queues/arabic/claim", "/v1/queues/no-such/claim"):
        assert_error(await reviewer.post(path), 404, "not_found")
    # A lead oversees it, but does not have what it takes to decide.
    assert (await lead.get(f"/v1/cases/{case}")).status_code == 200
    assert_error(await lead.post("/v1/queues/arabic/claim"), 404, "not_found")
    assert_error(await lead.post(f"/v1/cases/{case}/claim"), 409, "case_not_open")
    taken = await colleague.post("/v1/queues/arabic/claim")
    assert taken.json()["case"]["id"] == case
    # Whoever holds a case goes on seeing it, whatever becomes of the queue.
    await skilled(admin, "test-specialist", skills=[])
    assert (await colleague.get(f"/v1/cases/{case}")).status_code == 200


async def test_a_restricted_queue_is_there_for_its_members_alone(
    *, lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "quiet", restricted=True)
    assert (await lead.put("/v1/queues/quiet/members/test-reviewer")).json()["members"] == ["test-reviewer"]
    assert (await lead.put("/v1/queues/quiet/members/test-reviewer")).status_code == 200
    case = await arrived(platform, lead, "quiet")
    assert await names(lead) == ["default"]
    assert_error(await lead.get(f"/v1/cases/{case}"), 404, "not_found")
    assert_error(await lead.post(f"/v1/cases/{case}/claim"), 404, "not_found")
    assert await names(reviewer) == ["default", "quiet"]
    assert (await reviewer.get(f"/v1/cases/{case}")).status_code == 200
    assert (await lead.delete("/v1/queues/quiet/members/test-reviewer")).json()["members"] == []
    assert_error(await reviewer.get(f"/v1/cases/{case}"), 404, "not_found")
    assert_error(await lead.delete("/v1/queues/quiet/members/test-reviewer"), 404, "not_found")
    assert_error(await lead.put("/v1/queues/quiet/members/test-platform"), 404, "not_found")
    assert_error(await lead.put("/v1/queues/default/members/test-reviewer"), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'queue.member_removed'") == 1


async def test_pictures_are_as_hidden_as_their_cases(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, picture: str
) -> None:
    await make_queue(lead, "quiet", restricted=True)
    await lead.put("/v1/queues/quiet/members/test-lead")
    await save(lead, rule("All", "quiet", channels=["press"]))
    path = f"/v1/media/{picture}/preview"
    assert (await reviewer.get(path)).status_code == 200
    await send(platform, "hidden", report={"channel": "press"}, media=[picture])
    assert_error(await reviewer.get(path), 404, "not_found")
    assert (await lead.get(path)).status_code == 200


async def test_what_a_queue_hides_and_a_role_is_denied_is_not_offered(
    lead: httpx.AsyncClient, app: FastAPI, taxonomy: Taxonomy, database: str
) -> None:
    await make_queue(lead, "ads", hidden_actions=["disable_account"])
    answer = await lead.put("/v1/actions/denied", json={"denied": {"reviewer": ["suspend_account"]}})
    assert answer.json() == {"denied": {"reviewer": ["suspend_account"]}}
    async with app.state.engine.begin() as connection:
        offered = {
            (queue, role): await allowed_actions(connection, queue, role, taxonomy)
            for queue in ("ads", "default")
            for role in ("reviewer", "lead")
        }
    every = [action.id for action in taxonomy.actions]
    assert offered["default", "lead"] == every
    assert set(every) - set(offered["default", "reviewer"]) == {"suspend_account"}
    assert set(every) - set(offered["ads", "lead"]) == {"disable_account"}
    assert set(every) - set(offered["ads", "reviewer"]) == {"disable_account", "suspend_account"}
    for denied, code in ((["explode"], "unknown_label"), (["no_violation"], "invalid_request")):
        assert_error(await lead.put("/v1/actions/denied", json={"denied": {"reviewer": denied}}), 422, code)
    assert (await lead.put("/v1/actions/denied", json={"denied": {}})).json() == {"denied": {}}
    assert (await lead.get("/v1/actions/denied")).json() == {"denied": {}}
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'role.actions_denied'") == 2
