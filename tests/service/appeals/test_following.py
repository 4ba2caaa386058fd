"""What follows from an appeal: once, whole or not at all, and everywhere that counts."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.appeals.following import workflow
from service.errors.requests import NotFoundError
from service.outbox import workflow as outbox
from service.scorecards.figures import LEAST_PEOPLE
from service.strikes import workflow as strikes
from tests.service.appeals.steps import OVERTURNED, UPHELD, carry_out, events_of, filed, judge, restricted, taken
from tests.service.escalations.steps import opened
from tests.service.steps import Body, assert_error, hook, messages, query, rewrite, value

NOTHING: Body = {"actions": ["no_violation"], "policy_area": "benign", "severity": 0}
STRIKES = "SELECT count(*) FILTER (WHERE reversed_at IS NULL) FROM strikes"


async def decided(
    platform: httpx.AsyncClient, judging: httpx.AsyncClient, made: Body, said: Body, **changes: object
) -> Body:
    """An appeal against a decision, with that outcome; it is not carried out yet."""
    receipt = await filed(platform, made["decision_id"], **changes)
    answer = await judge(judging, await taken(judging), said)
    assert answer.status_code == 201, answer.text
    return {**receipt, **answer.json()}


async def rows_of(ml: httpx.AsyncClient) -> list[Body]:
    answer = await ml.get("/v1/labels")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_overturn_takes_back_the_strike_and_corrects_what_others_learn_from(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    await hook(platform)
    made = await restricted(platform, reviewer)
    outcome = "SELECT upheld FROM reporter_outcomes"
    assert (value(database, STRIKES), value(database, outcome)) == (1, True)
    appeal = await decided(platform, judging, made, {**OVERTURNED, "note": "It quotes"})
    assert value(database, STRIKES) == 1, "nothing follows before it is carried out"
    assert await carry_out(app) == 1
    assert await carry_out(app) == 0
    assert (value(database, STRIKES), value(database, outcome)) == (0, False)
    assert query(database, "SELECT upheld, dismissed FROM reporters") == [(0, 1)]
    [told] = messages(database, "appeal.decided")
    assert (told["appeal_id"], told["reversed"], told["standing"]) == (appeal["appeal_id"], ["remove"], [])
    assert told["redress"] == ["out_of_court_dispute_settlement", "court"]
    assert "It quotes" not in str(told)
    assert "jordan" not in str(told)
    [row] = await rows_of(ml)
    assert (row["policy_areas"], row["severity"], row["basis"]) == ([], 0, "appeal")
    [seen] = (await reviewer.get("/v1/appeals/feedback")).json()["feedback"]
    assert (seen["outcome"], seen["reversed"], seen["right_area"]) == ("overturned", ["remove"], "benign")
    assert "jordan" not in str(seen)
    assert (await judging.get("/v1/appeals/feedback")).json()["feedback"] == []


async def test_in_part_the_strike_stays_while_something_is_enforced(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer, actions=["remove", "suspend_account"])
    said = {**OVERTURNED, "outcome": "partly", "reason_code": "disproportionate", "standing": ["remove"]}
    said = {name: said[name] for name in said if name not in {"policy_area", "severity"}}
    appeal = await decided(platform, judging, made, said)
    assert (appeal["reversed"], appeal["standing"]) == (["suspend_account"], ["remove"])
    await carry_out(app)
    assert value(database, STRIKES) == 1
    body = {"decision_id": made["decision_id"], "reasons": "Once more"}
    assert_error(await platform.post("/v1/appeals", json=body), 409, "appeal_filed")


async def test_a_reporter_who_was_right_changes_what_is_done_and_then_the_author_can_appeal(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = await restricted(platform, reviewer, **NOTHING)
    said = {
        **OVERTURNED,
        "reason_code": "policy_misapplied",
        "policy_area": "harassment",
        "severity": 3,
        "actions": ["remove"],
        "explanation": "It targets a person.",
    }
    of = {"side": "reporter", "report_id": made["case"]["reports"][0]["id"]}
    appeal = await decided(platform, judging, made, said, **of)
    assert appeal["taken"] == ["remove"]
    body = {"decision_id": made["decision_id"], "reasons": "I meant my cat"}
    assert_error(await platform.post("/v1/appeals", json=body), 409, "not_appealable")
    await carry_out(app)
    assert value(database, STRIKES) == 1
    assert value(database, "SELECT upheld FROM reporter_outcomes")
    second = await platform.post("/v1/appeals", json=body)
    assert second.status_code == 201, second.text
    assert (await judging.post("/v1/appeals/claim")).status_code == 204, "who judged the first judges no second"
    assert (await lead.post("/v1/appeals/claim")).json()["actions"] == ["remove"]


async def test_what_breaks_off_has_done_nothing_and_is_done_once_by_whoever_comes_next(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await hook(platform)
    for number in range(2):
        made = await restricted(platform, reviewer, f"post-{number}", fields={"author": {"id": f"a{number}"}})
        await decided(platform, judging, made, OVERTURNED)
    publish = outbox.publish

    async def dies(connection: AsyncConnection, *values: object) -> int:
        await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return 0

    # In the last thing that it does the worker is gone, as the database sees it; everything before is in the same transaction.
    monkeypatch.setattr(outbox, "publish", dies)
    with pytest.raises(DBAPIError):
        await carry_out(app)
    assert value(database, STRIKES) == 2
    assert value(database, "SELECT count(*) FROM appeals WHERE carried_out_at IS NOT NULL") == 0
    monkeypatch.setattr(outbox, "publish", publish)
    assert sum(await asyncio.gather(*(carry_out(app) for _ in range(3)))) == 2
    assert value(database, STRIKES) == 0
    assert len({one["appeal_id"] for one in messages(database, "appeal.decided")}) == 2
    assert len(messages(database, "appeal.decided")) == 2
    assert len(events_of(database, "appeal.carried_out")) == 2


async def test_one_that_cannot_be_carried_out_keeps_no_other_waiting(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = [await restricted(platform, reviewer, f"post-{number}") for number in range(2)]
    for made in (first, second):
        await decided(platform, judging, made, OVERTURNED)
    take_back = strikes.take_back

    async def refuses(connection: AsyncConnection, decision: UUID) -> float | None:
        if str(decision) == first["decision_id"]:
            raise NotFoundError("there is no such strike")
        return await take_back(connection, decision)

    monkeypatch.setattr(strikes, "take_back", refuses)
    assert await carry_out(app) == 1
    assert value(database, "SELECT decision_id FROM appeals WHERE carried_out_at IS NULL") == UUID(first["decision_id"])
    monkeypatch.setattr(strikes, "take_back", take_back)
    assert await carry_out(app) == 1


async def test_whoever_is_right_does_not_wait_for_a_statement(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    words = {"incompatible_content_explanation": "Rule seven forbids it."}
    made = await restricted(platform, reviewer, actions=["remove", "suspend_account"], statement=words)
    said = {"outcome": "partly", "reason_code": "disproportionate", "explanation": "Too hard.", "standing": ["remove"]}
    await decided(platform, judging, made, said)
    # From now on somebody has to say when content was made, where the platform did not.
    app.state.statement_rules = replace(app.state.statement_rules, content_date="ask")
    rewrite(database, "UPDATE subjects SET created_at = NULL")
    assert await carry_out(app) == 1
    assert query(database, "SELECT state FROM statements") == [("withdrawn",)], "it told of what no longer holds"
    [missing] = events_of(database, "statement.missing")
    assert missing["decision"] == made["decision_id"]
    # Until a person has made up for it, who says what it lacked; then it is handed out as any other, marked.
    [gap] = (await lead.get("/v1/statements/missing")).json()["missing"]
    assert (gap["decision_id"], gap["actions"]) == (made["decision_id"], ["remove"])
    assert "content_date" in gap["lacks"]
    path = f"/v1/decisions/{made['decision_id']}/statement"
    assert_error(await platform.post(path, json={}), 403, "forbidden")
    assert "content_date" in assert_error(await lead.post(path, json={}), 422, "statement_incomplete")
    named = {"content_date": "2026-11-01", "decision_facts": "Ask ana@mail.example."}
    assert_error(await lead.post(path, json=named), 422, "personal_data")
    page = await lead.get(f"/statements/missing/{made['decision_id']}")
    assert "content_date" in page.text
    assert "Rule seven forbids it." in page.text, "what was written earlier is told again"
    assert f"/statements/missing/{made['decision_id']}" in (await lead.get("/statements")).text
    await hook(platform)
    law = {"illegal_content_legal_ground": "Section 185", "illegal_content_explanation": "It insults."}
    named = {"content_date": "2026-11-01", "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT", **law}
    stated = await lead.post(path, json=named)
    assert stated.status_code == 201, stated.text
    assert "incompatible_content_explanation" not in stated.json()["statement"], "of another ground nothing is kept"
    assert (stated.json()["afterwards"], stated.json()["statement"]["content_date"]) == (True, "2026-11-01")
    assert stated.json()["replaces"], "it names the one that was taken back"
    assert (await lead.get("/v1/statements/missing")).json()["missing"] == []
    assert_error(await lead.post(path, json={"content_date": "2026-11-01"}), 404, "not_found")
    [told] = messages(database, "statement.made")
    assert told["statement"]["puid"] == stated.json()["puid"]
    assert "test-lead" not in str(told)
    batch = (await platform.get("/v1/statements/export")).json()
    assert [one["puid"] for one in batch["afterwards"]] == [stated.json()["puid"]]
    assert batch["afterwards"][0]["decided_at"] < batch["afterwards"][0]["made_at"]


async def test_figures_begin_at_thirty_and_tell_of_no_single_person(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = await restricted(platform, reviewer)
    await decided(platform, judging, made, {**UPHELD, "reason_code": "manifestly_unfounded"})
    await carry_out(app)
    [area] = (await lead.get("/v1/appeals/outcomes")).json()["groups"]
    assert (area["name"], area["n"], area["few_people"], area["share"]) == ("harassment", 1, True, None)
    [vain] = (await lead.get("/v1/appeals/appellants")).json()["appellants"]
    assert (vain["appellant"], vain["filed"], vain["manifestly_unfounded"]) == ("a1", 1, 1)


def test_a_share_has_an_interval_from_thirty_appeals_on() -> None:
    def share(n: int, people: int) -> tuple[float | None, ...]:
        found = workflow._group(SimpleNamespace(name="x", n=n, overturned=n // 2, in_time=n, people=people))  # type: ignore[arg-type]
        return found.share, found.low, found.high

    assert share(29, 9) == (None, None, None)
    assert share(30, LEAST_PEOPLE - 1) == (None, None, None)
    # Wilson's interval for 15 of 30, by hand: 0.5 and 1.96 sqrt(7.5 + 0.9604) / 33.8416 to each side.
    assert share(30, LEAST_PEOPLE) == (0.5, pytest.approx(0.3315, abs=1e-3), pytest.approx(0.6685, abs=1e-3))


async def test_an_appeal_goes_on_as_an_escalation_and_out_of_court(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    receipt = await filed(platform, made["decision_id"])
    path = f"/v1/appeals/{receipt['appeal_id']}"
    hidden = await opened(app, database, confidentiality="restricted", path="child_safety")
    assert_error(await judging.post(f"{path}/escalation", json={"escalation_id": str(hidden)}), 404, "not_found")
    made_record = await judging.post(f"{path}/escalation", json={})
    assert made_record.status_code == 201, made_record.text
    assert_error(await judging.post(f"{path}/escalation", json={}), 409, "appeal_closed")
    record = made_record.json()["escalation_id"]
    clocks = (await judging.get(f"/v1/escalations/{record}/clocks")).json()["clocks"]
    assert {one["target"]: one["state"] for one in clocks} == {"first_response": "met", "decision": "running"}
    filed_at = value(database, "SELECT filed_at FROM appeals")
    assert value(database, "SELECT received_at FROM escalations WHERE trigger = 'appeal'") == filed_at
    events = (await judging.get(f"/v1/escalations/{record}/timeline")).json()["events"]
    assert "appeal.escalated" in [one["kind"] for one in events]
    page = await judging.get(f"/escalations/{record}")
    assert f"A-{receipt['number']}" in page.text
    dispute = await judging.post(f"{path}/disputes", json={"body": "Certified Body", "reference": "ODS-7"})
    assert dispute.status_code == 201, dispute.text
    again = await judging.post(f"{path}/disputes", json={"body": "Certified Body", "reference": "ODS-7"})
    assert_error(again, 409, "name_taken")
    settle = f"{path}/disputes/{dispute.json()['id']}/outcome"
    assert (await judging.post(settle, json={"outcome": "for_appellant"})).status_code == 204
    assert_error(await judging.post(settle, json={"outcome": "settled"}), 404, "not_found")
