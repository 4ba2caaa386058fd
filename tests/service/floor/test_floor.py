"""The floor in numbers: ages of what is open, rates, deadlines that will be missed, people at work, depth over a day."""

import csv
import io
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.floor import workflow
from service.floor.workflow import LEAST_PEOPLE
from service.security import Principal
from tests.service.steps import Body, claim, decided, query, report


async def numbers(lead: httpx.AsyncClient) -> Body:
    answer = await lead.get("/v1/floor")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_ages_rates_and_people_of_a_queue(
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [empty] = (await numbers(lead))["queues"]
    assert (empty["open"], empty["ages"], empty["arrived"]["hour"], empty["people"]) == (0, None, 0, 0)
    await report(platform, "decided")
    await decided(reviewer, await claim(reviewer))
    for hours in (1, 2, 3, 4, 5):
        case_id = (await report(platform, f"post-{hours}"))["case_id"]
        query(database, "UPDATE cases SET opened_at = now() - make_interval(hours => %s) WHERE id = %s", hours, case_id)
    found = await numbers(lead)
    [queue] = found["queues"]
    assert queue["open"] == 5
    ages = {name: round(seconds / 3600, 2) for name, seconds in queue["ages"].items()}
    assert ages == {"p50": 3.0, "p90": 4.6, "oldest": 5.0}
    # One was opened and decided within the hour; all six within the shift of eight.
    assert (queue["arrived"], queue["decided"]) == ({"hour": 1, "shift": 6 / 8}, {"hour": 1, "shift": 1 / 8})
    assert found["people"] == {"signed_in": 1, "working": 1, "on_break": None, "least": LEAST_PEOPLE}
    # Of many cases the shares are those of some that were drawn; how many there are, and the oldest, are exact.
    monkeypatch.setattr(workflow, "AGED_MOST", 2)
    query(
        database, "UPDATE cases SET draw = CASE WHEN opened_at > now() - interval '150 minutes' THEN 0.9 ELSE 0.1 END"
    )
    [queue] = (await numbers(lead))["queues"]
    assert (queue["open"], [round(one / 3600, 2) for one in queue["ages"].values()]) == (5, [1.5, 1.9, 5.0])
    await claim(reviewer)
    [queue] = (await numbers(lead))["queues"]
    assert (queue["open"], queue["people"]) == (4, 1)


async def test_breaks_are_counted_only_among_enough_people(
    lead: httpx.AsyncClient, keys: dict[str, str], database: str
) -> None:
    assert keys
    signed_in = """
        WITH made AS (INSERT INTO principals (id, username, role)
            SELECT gen_random_uuid(), 'person-' || number, 'reviewer' FROM generate_series(1, %s) AS number RETURNING id),
        s AS (INSERT INTO sessions (token_hash, principal_id, expires_at)
            SELECT decode(md5(id::text), 'hex'), id, now() + interval '1 hour' FROM made)
        INSERT INTO breaks (id, principal_id) SELECT gen_random_uuid(), id FROM made LIMIT 1
    """
    query(database, signed_in, LEAST_PEOPLE - 1)
    assert (await numbers(lead))["people"]["on_break"] is None
    query(database, signed_in.replace("person-", "another-"), 1)
    assert (await numbers(lead))["people"] == {
        "signed_in": LEAST_PEOPLE,
        "working": 0,
        "on_break": 2,
        "least": LEAST_PEOPLE,
    }
    # A session that nobody uses is over.
    idle = "SELECT id FROM principals WHERE username = 'another-1'"
    query(database, f"UPDATE sessions SET used_at = now() - interval '61 minutes' WHERE principal_id IN ({idle})")
    assert (await numbers(lead))["people"]["signed_in"] == LEAST_PEOPLE - 1


async def test_times_are_those_of_utc_wherever_the_database_is(
    app: FastAPI, keys: dict[str, str], platform: httpx.AsyncClient, database: str
) -> None:
    assert keys
    case_id = (await report(platform, "post"))["case_id"]
    query(database, "UPDATE cases SET deadline = now() + interval '1 hour' WHERE id = %s", case_id)
    viewer = Principal(*query(database, "SELECT id, username, role FROM principals WHERE role = 'lead'")[0])
    async with app.state.engine.connect() as connection:
        # Half an hour off the full hours of UTC.
        await connection.execute(text("SET TIME ZONE 'Asia/Kolkata'"))
        found = (await workflow.depths(connection, viewer=viewer))["default"]
        [queue] = (await workflow.floor(connection, viewer=viewer, idle_minutes=60)).queues
        await connection.execute(text("RESET TIME ZONE"))
    assert {(point.at.minute, point.at.utcoffset()) for point in found[:-1]} == {(0, timedelta())}
    assert [point.cases for point in found[-2:]] == [0, 1]
    assert queue.breaches.first_at is not None
    assert queue.breaches.first_at.utcoffset() == timedelta()


async def test_deadlines_that_will_be_missed_are_told_on_the_page(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    for hours in (1, 2, 30):
        case_id = (await report(platform, f"post-{hours}"))["case_id"]
        query(database, "UPDATE cases SET deadline = now() + make_interval(hours => %s) WHERE id = %s", hours, case_id)
    [queue] = (await numbers(lead))["queues"]
    assert (queue["breaches"]["missed"], queue["breaches"]["overdue"]) == (2, 0)
    page = (await lead.get("/floor")).text
    assert "Nobody decides anything here: 2 cases will miss their deadline within 24 hours, the first at" in page
    assert 'data-testid="nobody"' in page
    assert 'data-testid="no-breach"' not in page


async def test_depth_counts_back_from_now(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "decided")
    done = await claim(reviewer)
    await decided(reviewer, done)
    waits = (await report(platform, "waits"))["case_id"]
    given_up = (await report(platform, "given-up"))["case_id"]
    query(database, "UPDATE cases SET opened_at = now() - interval '30 hours' WHERE id = %s", done["case"]["id"])
    query(database, "UPDATE cases SET opened_at = now() - interval '4 hours' WHERE id IN (%s, %s)", waits, given_up)
    query(
        database,
        "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = '1', opened_at = now() - interval '4 hours'"
        " WHERE id = %s",
        given_up,
    )
    answer = await lead.get("/v1/floor/depth.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 25
    # Before: the one that is decided by now. Then two more came; now one of the three still waits.
    depths = [int(row["cases"]) for row in rows]
    assert depths[0] == 1
    assert max(depths) == 3
    assert depths[-1] == 1
    assert "Undecided cases in the last 24 hours" in (await lead.get("/floor")).text
