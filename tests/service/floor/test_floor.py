"""The floor in numbers: ages of what is open, rates, deadlines that will be missed, people at work, depth over a day."""

import csv
import io

import httpx

from service.floor.workflow import LEAST_PEOPLE
from tests.service.steps import Body, claim, decided, query, report


async def numbers(lead: httpx.AsyncClient) -> Body:
    answer = await lead.get("/v1/floor")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_ages_rates_and_people_of_a_queue(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
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
