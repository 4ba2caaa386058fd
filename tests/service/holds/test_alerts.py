"""A case that keeps coming back is an alert, told once for each threshold, and stays where everybody finds it."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.holds import store
from service.holds.workflow import raise_alerts
from service.leases.workflow import return_lapsed
from service.settings import Settings
from tests.service.holds.verbs import skip
from tests.service.steps import Body, assert_error, claim, decided, lapse, query, report, seed_cases, value


async def watch(app: FastAPI, settings: Settings) -> int:
    """What the worker does every few seconds."""
    async with app.state.engine.begin() as connection:
        await return_lapsed(connection)
        return await raise_alerts(connection, settings)


async def listed(lead: httpx.AsyncClient) -> list[Body]:
    answer = await lead.get("/v1/alerts/leases")
    assert answer.status_code == 200
    assert answer.json()["total"] == len(answer.json()["alerts"])
    return list(answer.json()["alerts"])


def alerts(database: str) -> list[tuple[object, ...]]:
    return query(database, "SELECT data, actor FROM events WHERE kind = 'lease.alert' ORDER BY id")


async def test_the_third_lapse_is_an_alert_and_told_once(
    app: FastAPI,
    settings: Settings,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    client: httpx.AsyncClient,
    claimed: Body,
    database: str,
) -> None:
    raised = []
    for _ in range(5):
        lapse(database, claimed["case"]["id"])
        raised.append(await watch(app, settings))
        await claim(reviewer)
    assert raised == [0, 0, 1, 0, 0]
    assert alerts(database) == [({"lapses": 3}, None)]
    [one] = await listed(lead)
    assert (one["case_id"], one["queue"], one["status"]) == (claimed["case"]["id"], "default", "leased")
    assert (one["lapses"], one["skipped_by"], one["skip_reasons"]) == (5, None, {})
    assert one["since"] is not None
    assert 0 < one["age_seconds"] < 60
    assert "triage_lease_alerts 1.0" in (await client.get("/metrics")).text.splitlines()


async def test_three_people_who_skip_are_an_alert_whatever_their_reasons(
    app: FastAPI,
    settings: Settings,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    claimed: Body,
    database: str,
) -> None:
    await skip(reviewer, claimed, "upset")
    await skip(colleague, await claim(colleague), "language")
    assert await watch(app, settings) == 0
    assert await listed(lead) == []
    await skip(lead, await claim(lead), "language")
    assert [await watch(app, settings) for _ in range(3)] == [1, 0, 0]
    assert alerts(database) == [({"skipped_by": 3}, None)]
    [one] = await listed(lead)
    assert (one["lapses"], one["skipped_by"], one["skip_reasons"]) == (0, 3, {"language": 2})


async def test_fewer_skips_than_the_threshold_are_not_told_with_an_alert_about_lapses(
    app: FastAPI, settings: Settings, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await skip(reviewer, claimed, "upset")
    query(database, "UPDATE cases SET lapses = 3")
    assert await watch(app, settings) == 1
    [one] = await listed(lead)
    assert (one["skipped_by"], one["skip_reasons"]) == (None, {})


async def test_both_thresholds_are_told_once_each(
    app: FastAPI, settings: Settings, claimed: Body, lead: httpx.AsyncClient, database: str
) -> None:
    query(database, "UPDATE cases SET lapses = 3")
    assert await watch(app, settings) == 1
    query(database, "UPDATE cases SET skipped_by = 4")
    assert await watch(app, settings) == 1
    assert alerts(database) == [({"lapses": 3}, None), ({"skipped_by": 4}, None)]
    assert len(await listed(lead)) == 1


async def test_ten_workers_tell_a_crossing_once(
    app: FastAPI, settings: Settings, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(20):
        await report(platform, f"post-{number}")
    query(database, "UPDATE cases SET lapses = 7")
    raised = await asyncio.gather(*(watch(app, settings) for _ in range(10)))
    assert sum(raised) == 20
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'lease.alert'") == 20


async def test_an_alert_ends_with_the_decision(
    app: FastAPI, settings: Settings, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET lapses = 3")
    await watch(app, settings)
    assert len(await listed(lead)) == 1
    await decided(reviewer, claimed)
    assert await listed(lead) == []
    assert await watch(app, settings) == 0


async def test_a_case_that_keeps_coming_back_stays_claimable(
    app: FastAPI, settings: Settings, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET lapses = 50, skipped_by = 50")
    lapse(database, claimed["case"]["id"])
    assert await watch(app, settings) == 2
    assert (await claim(reviewer))["case"]["id"] == claimed["case"]["id"]


async def test_those_that_come_back_most_often_are_in_front_and_all_are_counted(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(103):
        await report(platform, f"post-{number}")
    query(
        database,
        "UPDATE cases SET lapses = 3 + n FROM (SELECT id, row_number() OVER () AS n FROM cases) AS o"
        " WHERE o.id = cases.id",
    )
    body = (await lead.get("/v1/alerts/leases")).json()
    assert body["total"] == 103
    assert [one["lapses"] for one in body["alerts"]] == list(range(106, 6, -1))


@pytest.mark.parametrize("setting", ["alert_lapses", "alert_skips"])
async def test_the_thresholds_are_settings(
    app: FastAPI, settings: Settings, claimed: Body, lead: httpx.AsyncClient, database: str, setting: str
) -> None:
    app.state.settings = settings.model_copy(update={setting: 5})
    column = {"alert_lapses": "lapses", "alert_skips": "skipped_by"}[setting]
    for times, expected in ((4, 0), (5, 1)):
        query(database, f"UPDATE cases SET {column} = {times}")
        assert await watch(app, app.state.settings) == expected
        assert len(await listed(lead)) == expected


async def test_alerts_about_a_restricted_queue_are_for_its_members(
    claimed: Body, lead: httpx.AsyncClient, database: str
) -> None:
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('sealed', 'Sealed', true)")
    query(database, "UPDATE cases SET queue = 'sealed', lapses = 3")
    case = claimed["case"]["id"]
    assert await listed(lead) == []
    assert_error(await lead.get(f"/v1/cases/{case}/skips"), 404, "not_found")
    query(database, "INSERT INTO queue_members SELECT 'sealed', id FROM principals WHERE username = 'test-lead'")
    assert [one["queue"] for one in await listed(lead)] == ["sealed"]
    assert (await lead.get(f"/v1/cases/{case}/skips")).json() == {"case_id": case, "reasons": {}}


def test_an_alert_about_skips_needs_three_people() -> None:
    with pytest.raises(ValueError, match="alert_skips"):
        Settings(alert_skips=2)


@pytest.mark.parametrize(
    ("statement", "indexes", "values"),
    [
        (store._RETURN_DUE.text, [{"cases_held"}], {}),
        # Both hold little more than what is held for somebody.
        (store._RETURN_OF_OTHERS.text, [{"cases_held", "cases_held_for"}], {}),
        (store._RAISE_ALERTS.text, [{"cases_lapsed"}, {"cases_skipped"}], {"lapses": 3, "skips": 3}),
    ],
    ids=["return due", "return of closed accounts", "raise alerts"],
)
@pytest.mark.usefixtures("keys")
async def test_what_the_worker_does_every_few_seconds_does_not_read_the_whole_table(
    app: FastAPI, database: str, statement: str, indexes: list[set[str]], values: dict[str, int]
) -> None:
    seed_cases(database, 5_000)
    query(
        database,
        "UPDATE cases SET status = 'held', held_as = 'hold', held_until = now() + random() * interval '1 day',"
        " held_for = (SELECT id FROM principals LIMIT 1) WHERE id IN (SELECT id FROM cases LIMIT 50)",
    )
    query(database, "ANALYZE")
    async with app.state.engine.connect() as connection:
        found = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values)).scalar_one()
    plan = str(found)
    used = set(re.findall(r"'Index Name': '(\w+)'", plan))
    assert all(used & alternatives for alternatives in indexes), used
    assert not re.search(r"'Node Type': 'Seq Scan'[^{}]*'Relation Name': 'cases'", plan), plan
