"""A lease lasts as long as it is said to, and its token fences off whoever held the case before."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.leases.workflow import held_by, return_lapsed
from tests.service.steps import Body, assert_error, claim, decide, decided, lapse, query, report, value


@pytest.fixture
async def claimed(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A case in the reviewer's hands."""
    await report(platform)
    return await claim(reviewer)


async def call(person: httpx.AsyncClient, what: str, claimed: Body, *, token: str | None = None) -> httpx.Response:
    """Use the lease of a claimed case: renew, release or decide."""
    if what == "decide":
        return await decide(person, claimed, **({"lease_token": token} if token else {}))
    body = {"lease_token": token or claimed["lease"]["token"]}
    return await person.post(f"/v1/cases/{claimed['case']['id']}/lease/{what}", json=body)


USES = pytest.mark.parametrize("what", ["renew", "release", "decide"])


async def test_a_lease_lasts_as_long_as_the_setting_says(claimed: Body) -> None:
    left = datetime.fromisoformat(claimed["lease"]["expires_at"]) - datetime.now(UTC)
    assert 590 < left.total_seconds() <= 600


async def test_renewing_extends_the_lease_from_now(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    query(database, "UPDATE cases SET lease_expires_at = now() + interval '5 seconds'")
    answer = await call(reviewer, "renew", claimed)
    assert answer.status_code == 200
    left = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
    assert 590 < left.total_seconds() <= 600
    assert (await decide(reviewer, claimed)).status_code == 201


async def test_the_answer_of_a_renewal_says_by_which_clock_and_how_long_it_can_go_on(
    reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    body = (await call(reviewer, "renew", claimed)).json()
    now, ends, last = (datetime.fromisoformat(body[key]) for key in ("server_now", "expires_at", "renewable_until"))
    assert ends - now == timedelta(seconds=600)
    assert timedelta(hours=3.99) < last - now <= timedelta(hours=4)


async def test_a_lease_is_renewed_up_to_its_limit_and_lives_until_then(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE leases SET granted_at = now() - interval '3 hours 57 minutes'")
    query(database, "UPDATE cases SET lease_expires_at = now() + interval '1 minute'")
    body = (await call(reviewer, "renew", claimed)).json()
    assert body["expires_at"] == body["renewable_until"]
    for _ in range(2):
        detail = assert_error(await call(reviewer, "renew", claimed), 409, "lease_at_limit")
        assert "4 hours" in detail
        assert "hold" in detail
    [(left,)] = query(database, "SELECT lease_expires_at - now() FROM cases")
    assert timedelta(minutes=2, seconds=50) < left <= timedelta(minutes=3)
    assert (await decide(reviewer, claimed)).status_code == 201


async def test_a_lease_beyond_its_limit_that_lapsed_is_stale_and_not_at_its_limit(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE leases SET granted_at = now() - interval '4 hours'")
    lapse(database, claimed["case"]["id"])
    assert_error(await call(reviewer, "renew", claimed), 409, "lease_stale")


async def test_the_limit_of_one_case_is_not_told_with_the_token_of_another(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    await report(platform, "post-2")
    other = await claim(reviewer)
    assert_error(await call(reviewer, "renew", claimed, token=other["lease"]["token"]), 409, "lease_stale")


async def test_releasing_puts_the_case_back_at_once(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    assert (await call(reviewer, "release", claimed)).status_code == 204
    again = await claim(colleague)
    assert again["case"]["id"] == claimed["case"]["id"]
    assert again["lease"]["token"] != claimed["lease"]["token"]
    assert again["case"]["lapses"] == 0


@USES
async def test_a_released_lease_is_stale(reviewer: httpx.AsyncClient, claimed: Body, what: str) -> None:
    await call(reviewer, "release", claimed)
    assert_error(await call(reviewer, what, claimed), 409, "lease_stale")


@USES
async def test_a_lapsed_lease_is_stale_even_before_anybody_noticed(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, what: str
) -> None:
    lapse(database, claimed["case"]["id"])
    assert_error(await call(reviewer, what, claimed), 409, "lease_stale")


@USES
async def test_the_old_token_is_stale_while_somebody_else_holds_the_case(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str, what: str
) -> None:
    lapse(database, claimed["case"]["id"])
    theirs = await claim(colleague)
    assert theirs["case"]["id"] == claimed["case"]["id"]
    assert_error(await call(reviewer, what, claimed), 409, "lease_stale")
    assert (await decide(colleague, theirs)).status_code == 201


@USES
async def test_the_old_token_is_stale_while_the_same_person_holds_a_newer_one(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, what: str
) -> None:
    lapse(database, claimed["case"]["id"])
    newer = await claim(reviewer)
    assert_error(await call(reviewer, what, claimed), 409, "lease_stale")
    assert (await call(reviewer, what, newer)).status_code in {200, 201, 204}


@USES
async def test_the_token_of_somebody_else_is_of_no_use(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, what: str
) -> None:
    assert_error(await call(colleague, what, claimed), 409, "lease_stale")
    assert (await decide(reviewer, claimed)).status_code == 201


@USES
async def test_a_token_that_never_was_is_stale(reviewer: httpx.AsyncClient, claimed: Body, what: str) -> None:
    assert_error(await call(reviewer, what, claimed, token=str(uuid4())), 409, "lease_stale")


@USES
async def test_a_token_of_another_case_is_stale(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, what: str
) -> None:
    await report(platform, "post-2")
    other = await claim(reviewer)
    assert_error(await call(reviewer, what, claimed, token=other["lease"]["token"]), 409, "lease_stale")
    for one in (claimed, other):
        assert (await decide(reviewer, one)).status_code == 201


@USES
async def test_a_decided_case_has_no_lease(reviewer: httpx.AsyncClient, claimed: Body, what: str) -> None:
    await decided(reviewer, claimed)
    assert_error(await call(reviewer, what, claimed), 409, "lease_stale")


async def test_a_lapsed_case_goes_back_to_its_old_place(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "viral", views_per_hour=1e6)
    await report(platform, "calm", views_per_hour=1)
    first = await claim(reviewer)
    lapse(database, first["case"]["id"])
    assert (await claim(colleague))["case"]["subject"]["id"] == "viral"


async def test_lapses_are_counted_and_written_down(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    again = claimed
    for _ in range(3):
        lapse(database, claimed["case"]["id"])
        async with app.state.engine.begin() as connection:
            assert await return_lapsed(connection) == 1
        again = await claim(reviewer)
    assert again["case"]["lapses"] == 3
    assert query(database, "SELECT outcome FROM leases ORDER BY granted_at") == [("lapsed",)] * 3 + [(None,)]
    written = query(database, "SELECT data, actor FROM events WHERE kind = 'lease.lapsed' ORDER BY id")
    person = value(database, "SELECT id FROM principals WHERE role = 'reviewer'")
    assert written == [({"lapses": number}, person) for number in (1, 2, 3)]


async def test_a_case_that_keeps_coming_back_stays_listed(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET lapses = 50")
    lapse(database, claimed["case"]["id"])
    assert (await claim(reviewer))["case"]["id"] == claimed["case"]["id"]


async def test_nothing_lapses_that_is_not_late(app: FastAPI, claimed: Body) -> None:
    async with app.state.engine.begin() as connection:
        assert await return_lapsed(connection) == 0


async def test_callers_are_told_what_they_hold(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await report(platform, "post-2")
    second = await claim(reviewer)
    lapse(database, second["case"]["id"])
    answer = await reviewer.get("/v1/leases")
    assert answer.status_code == 200
    [held] = answer.json()["leases"]
    assert (held["case_id"], held["token"]) == (claimed["case"]["id"], claimed["lease"]["token"])
    assert datetime.fromisoformat(held["expires_at"]) == datetime.fromisoformat(claimed["lease"]["expires_at"])
    assert (await colleague.get("/v1/leases")).json()["leases"] == []


async def test_events_tell_the_life_of_a_case(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    await call(reviewer, "release", claimed)
    await decided(reviewer, await claim(reviewer))
    told = query(database, "SELECT kind FROM events WHERE case_id = %s ORDER BY id", claimed["case"]["id"])
    assert [kind for (kind,) in told] == [
        "case.opened",
        "case.claimed",
        "lease.released",
        "case.claimed",
        "case.decided",
        # No endpoint is there to be told.
        "decision.untold",
    ]
    assert query(database, "SELECT outcome FROM leases ORDER BY granted_at") == [("released",), ("decided",)]


async def test_held_cases_are_listed_with_the_one_that_ends_first_in_front(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    claimed: Body,
    database: str,
) -> None:
    await report(platform, "post-2")
    second = await claim(reviewer)
    query(database, "UPDATE cases SET lease_expires_at = now() + interval '9 s' WHERE id = %s", second["case"]["id"])
    await report(platform, "post-3")
    third = await claim(reviewer)
    lapse(database, third["case"]["id"])
    person = value(database, "SELECT id FROM principals WHERE role = 'reviewer'")
    async with app.state.engine.connect() as connection:
        held = await held_by(connection, person)
    assert [str(lease.case_id) for lease in held] == [second["case"]["id"], claimed["case"]["id"]]
    assert str(held[0].token) == second["lease"]["token"]
    listed = (await reviewer.get("/v1/leases")).json()["leases"]
    assert [one["case_id"] for one in listed] == [second["case"]["id"], claimed["case"]["id"]]
    assert listed[1]["expires_at"] == claimed["lease"]["expires_at"]
    assert (await colleague.get("/v1/leases")).json()["leases"] == []
