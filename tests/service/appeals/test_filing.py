"""Filing appeals: by whom, against what, until when, and once."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.service.appeals.steps import UPHELD, decision_days_ago, events_of, filed, judge, restricted, taken
from tests.service.steps import assert_error, hook, messages, query, report_body, rewrite, value

NOTHING: dict[str, Any] = {"actions": ["no_violation"], "policy_area": "benign", "severity": 0}


async def test_an_appeal_of_the_author_is_acknowledged_and_due(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await hook(platform)
    post = await restricted(platform, reviewer)
    account = await restricted(
        platform, reviewer, "post-2", fields={"author": {"id": "a2"}}, actions=["remove", "suspend_account"]
    )
    for made, hours in ((post, 168), (account, 72)):
        receipt = await filed(platform, made["decision_id"], reference="T-1", contact="ana@mail.example")
        assert receipt["status"] == "open"
        waits = "SELECT extract(epoch FROM due_at - filed_at) / 3600 FROM appeals WHERE id = %s"
        assert value(database, waits, receipt["appeal_id"]) == hours
        got = (await platform.get(f"/v1/appeals/{receipt['appeal_id']}")).json()
        assert (got["number"], got["reference"], got["outcome"]) == (receipt["number"], "T-1", None)
        assert got["contact"] == "ana@mail.example"
    [first, second] = messages(database, "appeal.filed")
    assert first["appeal_id"] != second["appeal_id"]
    assert "joke" not in str(first)
    assert "mail.example" not in str(first)
    assert [one["side"] for one in events_of(database, "appeal.filed")] == ["author", "author"]


async def test_a_reporter_whose_report_was_not_acted_on_can_appeal_and_nobody_else(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    left = await restricted(platform, reviewer, **NOTHING)
    report_id = left["case"]["reports"][0]["id"]
    body = {"decision_id": left["decision_id"], "reasons": "It names me"}
    assert_error(await platform.post("/v1/appeals", json=body), 409, "not_appealable")
    assert_error(await platform.post("/v1/appeals", json=body | {"side": "reporter"}), 422, "invalid_request")
    other = body | {"side": "reporter", "report_id": str(uuid4())}
    assert_error(await platform.post("/v1/appeals", json=other), 404, "not_found")
    await filed(platform, left["decision_id"], side="reporter", report_id=report_id)
    removed = await restricted(platform, reviewer, "post-2")
    late = {"side": "reporter", "report_id": removed["case"]["reports"][0]["id"]}
    answer = await platform.post("/v1/appeals", json=body | late | {"decision_id": removed["decision_id"]})
    assert_error(answer, 409, "not_appealable")
    assert_error(await platform.post("/v1/appeals", json=body | {"decision_id": str(uuid4())}), 404, "not_found")


async def test_only_one_is_open_for_each_side_however_many_come_at_once(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    body = {"decision_id": made["decision_id"], "reasons": "It was a joke"}
    same = {"Idempotency-Key": "k-1"}
    several = [platform.post("/v1/appeals", json=body, headers=same) for _ in range(4)]
    others = [platform.post("/v1/appeals", json=body) for _ in range(4)]
    answers = await asyncio.gather(*several, *others)
    assert value(database, "SELECT count(*) FROM appeals") == 1
    # Either the key won, and every call with it has the same receipt, or another call did.
    assert {answer.status_code for answer in answers} == {201, 409}
    assert len({answer.json()["appeal_id"] for answer in answers if answer.status_code == 201}) == 1
    again = await platform.post("/v1/appeals", json=body | {"reasons": "Other"}, headers=same)
    assert_error(again, 409, "idempotency_conflict" if answers[0].status_code == 201 else "appeal_filed")


async def test_a_withdrawn_appeal_may_be_filed_again_and_a_decided_one_stays(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    first = await filed(platform, made["decision_id"])
    path = f"/v1/appeals/{first['appeal_id']}/withdraw"
    assert (await platform.post(path)).status_code == 204
    assert_error(await platform.post(path), 409, "appeal_closed")
    await filed(platform, made["decision_id"])
    assert query(database, "SELECT status FROM appeals ORDER BY number") == [("withdrawn",), ("open",)]


@pytest.mark.parametrize(("ago", "in_time"), [("6 months", True), ("6 months 1 day", False)])
async def test_the_last_day_of_six_months_counts_to_its_end(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, ago: str, in_time: bool
) -> None:
    made = await restricted(platform, reviewer)
    decision_days_ago(database, made["decision_id"], ago)
    link = await platform.post(f"/v1/decisions/{made['decision_id']}/appeal-link", json={})
    body = {"decision_id": made["decision_id"], "reasons": "It was a joke"}
    answer = await platform.post("/v1/appeals", json=body)
    if in_time:
        assert (link.status_code, answer.status_code) == (201, 201)
    else:
        assert_error(link, 409, "appeal_window_closed")
        assert_error(answer, 409, "appeal_window_closed")


async def test_the_period_ends_with_the_day_and_runs_from_when_it_could_be_known(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    # Hand-computed: 31 August and six months is the last day of February, and that day counts (Regulation 1182/71, Art. 3).
    edges = (("2026-08-31 23:59:59+00", "2027-03-01 00:00:00+00"), ("2026-05-15 00:00:00+00", "2026-11-16 00:00:00+00"))
    for informed, until in edges:
        rewrite(database, "UPDATE decisions SET undo_until = %s", informed)
        assert value(database, "SELECT appeal_until(%s, 6) = CAST(%s AS timestamptz)", made["decision_id"], until)


async def test_what_can_still_be_taken_back_is_open(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient
) -> None:
    other = await platform.post("/v1/reports", json=report_body() | {"reporter": {"id": "r2"}})
    assert other.status_code == 201, other.text
    left = await restricted(platform, reviewer, **NOTHING)
    first, second = [{"side": "reporter", "report_id": one["id"]} for one in left["case"]["reports"]]
    receipt = await filed(platform, left["decision_id"], **first)
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    assert (await judge(judging, await taken(judging), UPHELD)).status_code == 201
    body = {"decision_id": left["decision_id"], "reasons": "It names me as well", **second}
    assert_error(await platform.post("/v1/appeals", json=body), 409, "appeal_filed")
    assert (await judging.post(f"/v1/appeals/{receipt['appeal_id']}/undo")).status_code == 204


async def test_it_runs_from_the_delivery_of_the_message_and_a_setting_only_lengthens_it(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await hook(platform)
    made = await restricted(platform, reviewer)
    decision_days_ago(database, made["decision_id"], "7 months")
    path = f"/v1/decisions/{made['decision_id']}/appeal-link"
    assert_error(await platform.post(path, json={}), 409, "appeal_window_closed")
    query(database, "UPDATE outbox SET state = 'delivered', delivered_at = now() - interval '1 month'")
    link = await platform.post(path, json={})
    assert link.status_code == 201, link.text
    until = "SELECT appeal_until(%s, 8) > appeal_until(%s, 6)"
    assert value(database, until, made["decision_id"], made["decision_id"])
    with pytest.raises(ValueError, match="appeal_months"):
        type(app.state.settings)(appeal_months=5)


async def test_what_was_undone_or_can_be_is_not_appealed(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    made = await restricted(platform, reviewer)
    body = {"decision_id": made["decision_id"], "reasons": "It was a joke"}
    assert_error(await platform.post("/v1/appeals", json=body), 409, "not_appealable")
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    assert_error(await platform.post("/v1/appeals", json=body), 409, "not_appealable")


async def test_what_was_decided_on_is_kept_while_it_can_be_appealed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    clear = "UPDATE evidence SET text = ''"
    with pytest.raises(Exception, match="is kept while it can be appealed"):
        query(database, clear)
    receipt = await filed(platform, made["decision_id"])
    decision_days_ago(database, made["decision_id"], "8 months")
    with pytest.raises(Exception, match="is kept while it can be appealed"):
        query(database, clear)
    assert (await platform.post(f"/v1/appeals/{receipt['appeal_id']}/withdraw")).status_code == 204
    query(database, clear)
    with pytest.raises(Exception, match="does not change"):
        query(database, "UPDATE appeals SET reasons = 'other words'")
