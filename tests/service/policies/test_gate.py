"""Nobody is handed a case while a policy in force waits to be confirmed; what they hold they finish."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
from fastapi import FastAPI

from service.db import libpq_url
from service.leases import store
from tests.service.policies.steps import drafted, published
from tests.service.steps import assert_error, claim, decide, decided, query, report, value


async def test_a_claim_waits_until_the_policy_is_confirmed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await report(platform, "post-1")
    await report(platform, "post-2")
    made = await published(lead, acknowledge=True)
    refused = await reviewer.post("/v1/queues/default/claim")
    assert_error(refused, 409, "policy_unread")
    assert "/policies/harassment" in refused.json()["detail"]
    assert made["title"] in refused.json()["detail"]
    [unread] = (await reviewer.get("/v1/policies/unread")).json()["unread"]
    assert unread["id"] == made["id"]
    assert (await reviewer.post(f"/v1/policies/{made['id']}/acknowledge")).json() == {"unread": []}
    await claim(reviewer)
    # What one has read is not read by another.
    assert_error(await colleague.post("/v1/queues/default/claim"), 409, "policy_unread")


async def test_every_way_to_a_case_is_closed_and_every_way_to_finish_one_is_open(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "post-1")
    waiting = (await report(platform, "post-2"))["case_id"]
    mine = await claim(reviewer)
    other = next(one for (one,) in query(database, "SELECT id::text FROM cases") if one != mine["case"]["id"])
    assert {other, mine["case"]["id"]} >= {waiting}
    await published(lead, acknowledge=True)
    prefetch = await reviewer.post("/v1/queues/default/claim", json={"prefetch": True})
    assert_error(prefetch, 409, "policy_unread")
    query(
        database,
        "UPDATE cases SET status = 'held', held_for = (SELECT lease_holder FROM cases WHERE id = %s),"
        " held_until = now() + interval '1 hour' WHERE id = %s",
        mine["case"]["id"],
        other,
    )
    assert_error(await reviewer.post(f"/v1/cases/{other}/claim"), 409, "policy_unread")
    token = {"lease_token": mine["lease"]["token"]}
    renewed = await reviewer.post(f"/v1/cases/{mine['case']['id']}/lease/renew", json=token)
    assert renewed.status_code == 200, renewed.text
    assert (await decide(reviewer, mine)).status_code == 201


async def test_the_drawn_share_is_closed_as_well(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, app: FastAPI
) -> None:
    await report(platform)
    made = await published(lead, acknowledge=True)
    app.state.rank_config = replace(app.state.rank_config, random_share=0.999999)
    assert_error(await reviewer.post("/v1/queues/default/claim"), 409, "policy_unread")
    await reviewer.post(f"/v1/policies/{made['id']}/acknowledge")
    await claim(reviewer)


async def test_only_a_version_in_force_that_asks_for_it_stops_anybody(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    for subject in ("post-1", "post-2", "post-3"):
        await report(platform, subject)
    await published(lead)
    await claim(reviewer)
    later = await drafted(lead, acknowledge=True)
    moment = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await lead.post(f"/v1/policies/drafts/{later['id']}/publish", json={"effective_at": moment})
    await claim(reviewer)


async def test_a_later_version_that_asks_for_nothing_does_not_hide_an_unread_one(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    for subject in ("post-1", "post-2"):
        await report(platform, subject)
    first = await published(lead, acknowledge=True)
    await reviewer.post(f"/v1/policies/{first['id']}/acknowledge")
    second = await published(lead, acknowledge=True)
    third = await published(lead, acknowledge=False, digest="Corrected.")
    # What is in force is what is to be read.
    assert_error(await reviewer.post("/v1/queues/default/claim"), 409, "policy_unread")
    assert [one["id"] for one in (await reviewer.get("/v1/policies/unread")).json()["unread"]] == [third["id"]]
    # A version that has not come yet settles nothing.
    coming = await drafted(lead)
    moment = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await lead.post(f"/v1/policies/drafts/{coming['id']}/publish", json={"effective_at": moment})
    await reviewer.post(f"/v1/policies/{coming['id']}/acknowledge")
    assert_error(await reviewer.post("/v1/queues/default/claim"), 409, "policy_unread")
    # That in force settles all before it; so does the one that asked.
    assert (await reviewer.post(f"/v1/policies/{third['id']}/acknowledge")).json() == {"unread": []}
    await claim(reviewer)
    assert (await colleague.post(f"/v1/policies/{second['id']}/acknowledge")).json() == {"unread": []}
    await claim(colleague)


async def test_blind_checks_and_whole_clusters_wait_for_it_too(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    for subject in ("post-1", "post-2"):
        await report(platform, subject)
    mine = await claim(lead)
    case = mine["case"]["id"]
    shown = (await lead.post(f"/v1/cases/{case}/cluster/preview", json={})).json()
    await decided(colleague, await claim(colleague))
    plan = {"name": "first", "kind": "random", "size": 10, "owner": "quality", "reason": "to know"}
    assert (await lead.post("/v1/qa/plans", json=plan)).status_code == 201
    made = await published(lead, acknowledge=True)
    body = {
        "lease_token": mine["lease"]["token"],
        "policy_area": "harassment",
        "severity": 2,
        "actions": ["remove"],
        "preview_token": shown["preview_token"],
    }
    assert_error(await lead.post(f"/v1/cases/{case}/cluster/decide", json=body), 409, "policy_unread")
    assert_error(await reviewer.post("/v1/qa/claim"), 409, "policy_unread")
    for person in (reviewer, lead):
        await person.post(f"/v1/policies/{made['id']}/acknowledge")
    check = await reviewer.post("/v1/qa/claim")
    assert check.status_code == 200, check.text
    answer = await lead.post(f"/v1/cases/{case}/cluster/decide", json=body)
    assert answer.status_code == 201, answer.text
    # What one has in hand stays in hand.
    await published(lead, "spam", acknowledge=True)
    assert (await reviewer.post("/v1/qa/claim")).json()["token"] == check.json()["token"]


async def test_who_has_nothing_to_claim_is_told_of_the_policy_and_a_foreign_queue_stays_hidden(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await published(lead, acknowledge=True)
    assert_error(await reviewer.post("/v1/queues/default/claim"), 409, "policy_unread")
    assert_error(await reviewer.post("/v1/queues/elsewhere/claim"), 404, "not_found")


async def test_decisions_keep_the_version_in_force_of_the_decided_area(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    for subject in ("post-1", "post-2", "post-3"):
        await report(platform, subject)
    before = await decided(reviewer, await claim(reviewer))
    await published(lead)
    second = await published(lead)
    await drafted(lead)
    other = await decided(reviewer, await claim(reviewer), policy_area="spam", severity=0)
    case = await claim(reviewer)
    after = await decided(reviewer, case)
    assert [one["policy"] for one in (before, other, after)] == [None, None, 2]
    kept = value(database, "SELECT policy_id::text FROM decisions WHERE id = %s", after["decision_id"])
    assert kept == second["id"]
    [shown] = (await lead.get(f"/v1/cases/{case['case']['id']}")).json()["decisions"]
    assert shown["policy"] == 2


def test_the_claim_asks_for_unread_policies_once_before_it_looks_at_any_case(database: str) -> None:
    sql = store.CLAIM_NEXT_SQL
    for name, value_ in (
        (":queue", "'default'"),
        (":holder", "'00000000-0000-7000-8000-000000000000'::uuid"),
        (":token", "'00000000-0000-7000-8000-000000000001'::uuid"),
        (":seconds", "600"),
        (":day_seconds", "3600"),
        (":stretch_seconds", "7200"),
        (":break_seconds", "600"),
        (":in_a_row", "5"),
        (":random_share", "0.05"),
    ):
        sql = sql.replace(name, value_)
    with psycopg.connect(libpq_url(database)) as connection:
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {sql}"))
    # Which index answers hangs on the statistics of the day; that it is asked once, and where, does not.
    asked, _, looked_at = plan.partition("CTE best")
    assert "One-Time Filter" in asked
    assert "NOT (InitPlan" in asked
    assert "policy_versions" in asked
    assert looked_at
    assert "policy_versions" not in looked_at
