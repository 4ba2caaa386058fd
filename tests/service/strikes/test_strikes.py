"""Each standing decision that enforces against a known author is one strike, for a time, and names no staff."""

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from tests.service.steps import Body, assert_error, claim, decided, query, report, value


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 60})


async def strikes(person: httpx.AsyncClient, author: str = "a1") -> Body:
    answer = await person.get(f"/v1/authors/{author}/strikes")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_decision_that_enforces_is_one_strike(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    made = await decided(reviewer, claimed, severity=3)
    told = await strikes(reviewer)
    [strike] = told["strikes"]
    assert strike["decision_id"] == made["decision_id"]
    assert (strike["policy_area"], strike["severity"], strike["weight"]) == ("harassment", 3, 3)
    assert (strike["state"], strike["reversed_at"]) == ("active", None)
    assert told["standing"] == {"weight": 3, "count": 1, "next_threshold": 6}
    assert (told["author_id"], told["rules_version"]) == ("a1", "2026-11.1")


async def test_what_leaves_the_content_alone_is_none(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    await decided(reviewer, claimed, actions=["no_violation"], severity=0)
    told = await strikes(reviewer)
    assert (told["strikes"], told["standing"]["weight"]) == ([], 0)


async def test_a_strike_expires_by_date_and_stays_listed(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await decided(reviewer, claimed, severity=2)
    days = value(database, "SELECT extract(epoch FROM expires_at - given_at) / 86400 FROM strikes")
    assert round(days) == 180
    query(database, "UPDATE strikes SET expires_at = now()")
    told = await strikes(reviewer)
    assert [one["state"] for one in told["strikes"]] == ["expired"]
    assert told["standing"] == {"weight": 0, "count": 0, "next_threshold": 1}


async def test_an_undone_decision_no_longer_counts(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    made = await decided(reviewer, claimed)
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    told = await strikes(reviewer)
    assert [one["state"] for one in told["strikes"]] == ["reversed"]
    assert told["standing"]["weight"] == 0
    undone = value(database, "SELECT data FROM events WHERE kind = 'decision.undone'")
    assert undone == {"decision": made["decision_id"], "strike": 1.5}
    await decided(reviewer, await claim(reviewer), severity=4)
    assert (await strikes(reviewer))["standing"] == {"weight": 6, "count": 1, "next_threshold": None}


async def test_strikes_add_up_by_author_and_by_nobody_else(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    for number, author in enumerate(["a1", "a2", "a1", "a1/with slash", "a1"]):
        await report(platform, f"post-{number}", author={"id": author})
        await decided(reviewer, await claim(reviewer), severity=1)
    assert (await strikes(reviewer, "a1"))["standing"] == {"weight": 3, "count": 3, "next_threshold": 6}
    assert (await strikes(reviewer, "a2"))["standing"]["count"] == 1
    assert (await strikes(reviewer, "a1%2Fwith%20slash"))["standing"]["count"] == 1


async def test_of_cases_that_are_not_theirs_to_see_only_the_sum_is_told(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    made = []
    for number in range(3):
        await report(platform, f"post-{number}")
        made.append(await decided(reviewer, await claim(reviewer), severity=number))
    before = await strikes(colleague)
    assert before["hidden"] == 0
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    hide = "UPDATE cases SET queue = 'few' FROM decisions d WHERE d.case_id = cases.id AND d.id = %s"
    query(database, hide, made[2]["decision_id"])
    told = await strikes(colleague)
    assert [one["decision_id"] for one in told["strikes"]] == [made[1]["decision_id"], made[0]["decision_id"]]
    assert (told["hidden"], told["standing"]) == (1, before["standing"])
    members = (
        "INSERT INTO queue_members (queue, principal_id) SELECT 'few', id FROM principals WHERE role = 'specialist'"
    )
    query(database, members)
    assert await strikes(colleague) == before


async def test_an_author_of_whom_nothing_was_reported_is_not_found(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    for author in ("a2", "A1", "a1%20"):
        assert_error(await reviewer.get(f"/v1/authors/{author}/strikes"), 404, "not_found")
    assert_error(await reviewer.get("/v1/authors/a%00/strikes"), 422, "invalid_request")
    assert_error(await reviewer.get(f"/v1/authors/{'a' * 201}/strikes"), 422, "invalid_request")


async def test_strikes_name_nobody_who_works_here(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await decided(reviewer, claimed)
    answer = (await colleague.get("/v1/authors/a1/strikes")).text
    for username, person in query(database, "SELECT username, id FROM principals"):
        assert username not in answer
        assert str(person) not in answer


async def test_of_many_strikes_the_newest_hundred_are_listed_and_all_are_counted(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    made = await decided(reviewer, claimed)
    query(
        database,
        """
        WITH made AS (
            INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank)
            SELECT gen_random_uuid(), l.case_id, l.holder, l.evidence_id, 0, '{}' FROM leases l, generate_series(1, 150)
            RETURNING token, case_id, holder, evidence_id
        ), d AS (
            INSERT INTO decisions (id, case_id, evidence_id, lease_token, decided_by, actions, policy_area, severity,
                                   taxonomy_version, shown, undo_until)
            SELECT token, case_id, evidence_id, token, holder, '{remove}', 'spam', 0, 'x', '{}', now() FROM made
            RETURNING id
        )
        INSERT INTO strikes (id, author_id, decision_id, policy_area, severity, weight, given_at, expires_at)
        SELECT id, 'a1', id, 'spam', 0, 0.25, now() - interval '1 day', now() + interval '1 day' FROM d
        """,
    )
    told = await strikes(reviewer)
    assert len(told["strikes"]) == 100
    assert told["strikes"][0]["decision_id"] == made["decision_id"]
    assert told["standing"] == {"weight": 1.5 + 150 * 0.25, "count": 151, "next_threshold": None}
