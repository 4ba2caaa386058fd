"""The improvement register: what is done about escalations, whether they came back, and what they have in common."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from service.causes.workflow import check_recurrence
from service.worker import recurrence
from tests.service.causes.steps import add_action, change_action, file_cause
from tests.service.escalations.steps import opened
from tests.service.steps import assert_error, query

TODAY = datetime.now(UTC).date()


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def day(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@pytest.fixture
async def specialist(colleague: httpx.AsyncClient) -> httpx.AsyncClient:
    return colleague


async def test_an_action_goes_its_way_and_nobody_overwrites_another(
    app: FastAPI, database: str, specialist: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    action = await add_action(specialist, await opened(app, database), owner="test-lead")
    assert (action["state"], action["overdue"], action["owner"]) == ("proposed", True, "test-lead")
    assert_error(await change_action(lead, action, state="done", done_on=day(-1)), 422, "invalid_request")
    assert_error(await change_action(lead, action, state="dropped"), 422, "invalid_request")
    done = (await change_action(lead, action, state="done")).json()
    assert (done["done_on"], done["overdue"]) == (TODAY.isoformat(), False)
    assert_error(await change_action(specialist, action, state="doing"), 409, "finding_changed")
    again = (await change_action(specialist, done, state="doing")).json()
    assert (again["state"], again["done_on"]) == ("doing", None)
    # Weeks before it are counted, and the calendar has none before its first year.
    assert_error(await change_action(lead, again, state="done", done_on="0001-01-01"), 422, "invalid_request")


async def test_what_somebody_has_who_left_is_changed_like_any_other(
    app: FastAPI, database: str, specialist: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    action = await add_action(lead, await opened(app, database), owner="test-lead")
    query(database, "UPDATE principals SET active = false WHERE username = 'test-lead'")
    done = (await change_action(specialist, action, state="done", owner="test-lead")).json()
    assert (done["state"], done["owner"]) == ("done", "test-lead")
    assert_error(await change_action(specialist, done, owner="nobody-here"), 422, "invalid_request")


async def test_somebody_has_to_see_to_it(app: FastAPI, database: str, specialist: httpx.AsyncClient) -> None:
    record = await opened(app, database)
    for changes in ({"team": "", "owner": None}, {"owner": "nobody-here"}):
        body = {"direction": "upstream", "title": "x", "due_on": day(0), "team": "T", **changes}
        assert_error(await specialist.post(f"/v1/escalations/{record}/improvements", json=body), 422, "invalid_request")


async def test_the_register_is_filtered_and_a_file_of_it_names_no_staff(
    app: FastAPI, database: str, specialist: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    await file_cause(specialist, record)
    await add_action(specialist, record, title="=cmd()", owner="test-lead", team="Legal")
    await add_action(specialist, record, direction="downstream", due_on=day(-5))
    hidden = await opened(app, database, by="test-reviewer", confidentiality="confidential")
    await add_action(lead, hidden, title="Not for everybody")
    for asked, found in (
        ({}, 2),
        ({"overdue": True}, 1),
        ({"direction": "downstream", "state": "", "owner": ""}, 1),
        ({"team": "Legal"}, 1),
        ({"owner": "test-lead"}, 1),
        ({"code": "abuse"}, 0),
        ({"code": "process", "state": "open"}, 2),
        ({"state": "done"}, 0),
    ):
        assert (await specialist.get("/v1/improvements", params=asked)).json()["found"] == found, asked
    assert (await lead.get("/v1/improvements")).json()["found"] == 3
    file = (await specialist.get("/v1/improvements.csv")).text
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [row["title"] for row in rows] == ["'=cmd()", "Watch the inbox on Sundays"]
    assert "test-" not in file


async def _done(specialist: httpx.AsyncClient, record: object, days: int) -> dict[str, object]:
    action = await add_action(specialist, record)  # type: ignore[arg-type]
    return dict((await change_action(specialist, action, state="done", done_on=day(days))).json())


async def test_whether_it_came_back_is_looked_at_once_after_30_and_once_after_90_days(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    record = await opened(app, database, policy_area="spam", received_at=days_ago(60))
    await file_cause(specialist, record)
    action = await _done(specialist, record, 40)
    # Before the action, after it, of another area, and one that not everybody may know of.
    for days, changes in (
        (45, {}),
        (50, {}),
        (35, {}),
        (35, {"policy_area": "privacy"}),
        (30, {"confidentiality": "confidential"}),
    ):
        await opened(app, database, **{"policy_area": "spam", "received_at": days_ago(days), **changes})
    # The worker looks every minute.
    made = [await recurrence(app.state.engine) for _ in range(2)]
    assert made == [1, 0]
    [shown] = (await specialist.get(f"/v1/escalations/{record}/improvements")).json()["improvements"]
    [check] = shown["checks"]
    assert {name: check[name] for name in ("days", "alike_before", "alike_after", "same_cause_after")} == {
        "days": 30, "alike_before": 2, "alike_after": 1, "same_cause_after": 0,
    }  # fmt: skip
    assert await _check(app, TODAY + timedelta(days=49)) == 0
    assert await _check(app, TODAY + timedelta(days=50)) == 1
    events = [one["kind"] for one in (await specialist.get(f"/v1/escalations/{record}/timeline")).json()["events"]]
    assert events.count("improvement.recurred") == 2
    messages = (await specialist.get(f"/v1/escalations/{record}/messages")).json()["messages"]
    assert [one["direction"] for one in messages] == ["internal", "internal"]
    assert f"I-{action['number']}" in messages[0]["body"]


async def _check(app: FastAPI, today: date) -> int:
    async with app.state.engine.begin() as connection:
        return await check_recurrence(connection, today=today)


async def test_an_effect_is_counted_and_claimed_only_of_enough(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    record = await opened(app, database, policy_area="spam", received_at=days_ago(200))
    action = await _done(specialist, record, 90)
    address = f"/v1/improvements/{action['id']}/effect"
    for number in range(8):
        await opened(app, database, policy_area="spam", received_at=days_ago(95 + number))
    few = (await specialist.get(address)).json()
    assert (few["verdict"], few["ratio"], few["before"]["events"]) == ("too_few", None, 8)
    for number in range(12):
        await opened(app, database, policy_area="spam", received_at=days_ago(110 + number))
    await opened(app, database, policy_area="spam", received_at=days_ago(80))
    found = (await specialist.get(address)).json()
    assert (found["before"]["events"], found["after"]["events"], found["verdict"]) == (20, 1, "fewer")
    assert found["ratio"] == pytest.approx(1 / 20)
    assert found["low"] < found["ratio"] < found["high"] < 1
    fresh = await _done(specialist, record, 0)
    assert_error(await specialist.get(f"/v1/improvements/{fresh['id']}/effect"), 404, "not_found")


async def test_pareto_counts_what_one_may_see_and_its_shares_add_up(
    app: FastAPI, database: str, specialist: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    for source, count in (("press", 3), ("regulator", 1)):
        for _ in range(count):
            await opened(app, database, source=source)
    await opened(app, database, source="court", by="test-reviewer", confidentiality="confidential")
    await opened(app, database, source="user", received_at=days_ago(200))
    found = (await specialist.get("/v1/improvements/pareto", params={"by": "source"})).json()
    assert [(one["name"], one["records"], one["cumulated"]) for one in found["rows"]] == [
        ("press", 3, 0.75),
        ("regulator", 1, 1.0),
    ]
    assert (await lead.get("/v1/improvements/pareto", params={"by": "source"})).json()["records"] == 5
    none = await specialist.get("/v1/improvements/pareto.csv", params={"by": "cause"})
    assert none.text.splitlines() == ["cause,records,share,cumulated", ",4,1.0,1.0"]
    for wrong in ({"since": day(-5), "until": day(0)}, {"until": "0001-01-02"}, {"until": "9999-12-31"}):
        assert_error(await specialist.get("/v1/improvements/pareto", params=wrong), 422, "invalid_request")
    page = await specialist.get("/improvements/pareto", params={"by": "source"})
    assert (page.status_code, page.text.count("<rect")) == (200, 2)
