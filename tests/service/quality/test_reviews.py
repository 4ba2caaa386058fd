"""Blind reviews: who is handed what, what settles by itself, what a third person settles."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    RIGHT,
    adjudicate,
    checked,
    decided_case,
    disputed,
    gets,
    let_lapse,
    plan,
    say,
    settled_otherwise,
    take,
    told,
)
from tests.service.steps import assert_error, query, value


async def test_agreement_settles_by_itself(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    made = await plan(lead)
    check = await take(checker)
    assert check["subject"]["text"] == "what post-1 says"
    assert check["reports"][0]["note"] == "please look"
    assert {area["id"] for area in check["rubric"]["areas"]} > {"harassment", "benign"}
    assert set((await say(checker, check, severity=3)).json()) == {"answered_at"}
    assert (await lead.get(f"/v1/qa/plans/{made['id']}")).json()["settled"] == 1
    [row] = query(database, "SELECT by, answer, error, settled_by FROM qa_settlements")
    assert row == ("agreement", RIGHT, None, None)
    assert not query(database, "SELECT FROM qa_feedback")
    assert await gets(checker) is None


async def test_a_third_person_settles_what_answers_differ_on(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    item = await settled_otherwise(platform, reviewer, checker, lead)
    assert [one["name"] for one in item["answers"]] == ["Answer A", "Answer B"]
    assert {one["note"] for one in item["answers"]} == {"clear case", "a quote"}
    assert {key for one in item["answers"] for key in one} == {"name", "policy_area", "severity", "actions", "note"}
    assert value(database, "SELECT error FROM qa_settlements") == "false_positive"
    # Whoever was wrong is told, and nobody else.
    assert (await reviewer.get("/v1/qa/feedback")).json()["unseen"] == 1
    [one] = await told(reviewer)
    assert (one["error"], one["note"]) == ("false_positive", "it quotes")
    assert await told(checker) == []
    again = await adjudicate(colleague, item, **RIGHT)
    assert_error(again, 409, "check_settled")


async def test_nobody_settles_what_they_had_a_part_in(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
) -> None:
    await decided_case(platform, colleague, "post-1")
    await plan(manager)
    await checked(lead, **OTHER)
    for person in (colleague, lead):
        assert await disputed(person) == []
    assert_error(await reviewer.get("/v1/qa/disputed"), 403, "forbidden")
    assert_error(await lead.post(f"/v1/qa/items/{uuid4()}/adjudicate", json=RIGHT), 404, "not_found")


async def test_nobody_checks_what_they_decided_or_knows(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    # The same content came again, and somebody else decided it.
    await decided_case(platform, colleague, "post-1", text="what post-1 says by now")
    await plan(lead, reviews=2)
    for person in (reviewer, colleague):
        assert await gets(person) is None
    await checked(checker)
    # The other of the two is the same content: what they answered they know.
    assert await gets(checker) is None


async def test_languages_and_queues_are_kept(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decided_case(platform, reviewer, "post-1", language="pt-BR")
    await plan(lead)
    query(database, "UPDATE principals SET languages = '{de}' WHERE username = 'checker'")
    assert await gets(checker) is None
    query(database, "UPDATE principals SET languages = '{de,pt}' WHERE username = 'checker'")
    query(database, "INSERT INTO queues (name, title, skills) VALUES ('legal', 'Legal', '{law}')")
    query(database, "UPDATE cases SET queue = 'legal' WHERE id = %s", made["case"]["id"])
    assert await gets(checker) is None
    query(database, "UPDATE principals SET skills = '{law}' WHERE username = 'checker'")
    await checked(checker)


async def test_a_claim_gives_what_is_in_hand_and_a_check_given_back_does_not_return(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    check = await take(checker)
    assert (await take(checker))["token"] == check["token"]
    assert await gets(third) is None
    assert (await checker.post(f"/v1/qa/reviews/{check['token']}/release")).status_code == 204
    assert_error(await checker.post(f"/v1/qa/reviews/{check['token']}/release"), 409, "lease_stale")
    assert_error(await say(checker, check), 409, "lease_stale")
    assert await gets(checker) is None
    await checked(third)


async def test_a_lapsed_check_goes_to_somebody_else_and_its_late_answer_is_refused(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    check = await take(checker)
    let_lapse(database)
    other = await take(third)
    assert_error(await say(checker, check), 409, "lease_stale")
    assert await gets(checker) is None
    let_lapse(database, other)
    # Its first owner may take it up again, with a token of its own.
    again = await take(checker)
    assert again["token"] != check["token"]
    assert_error(await say(checker, check), 409, "lease_stale")
    assert (await say(checker, again)).status_code == 200
    # Nobody else can use it.
    assert_error(await say(third, again), 409, "lease_stale")


@pytest.mark.parametrize("reviews", [1, 2])
async def test_claims_at_the_same_moment_do_not_take_more_than_the_plan_asks_for(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
    reviews: int,
) -> None:
    for number in range(2):
        await decided_case(platform, reviewer, f"post-{number}")
    await plan(manager, reviews=reviews)
    people = [checker, third, colleague, lead]
    answers = await asyncio.gather(*(person.post("/v1/qa/claim") for person in people for _ in range(2)))
    statuses = sorted({answer.json()["token"] for answer in answers if answer.status_code == 200})
    assert len(statuses) == min(2 * reviews, len(people))
    most = "SELECT max(n) FROM (SELECT count(*) AS n FROM qa_reviews GROUP BY item_id) AS per_item"
    assert value(database, most) == reviews


async def test_the_last_two_answers_at_the_same_moment_settle_once(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead, reviews=2)
    checks = [await take(person) for person in (checker, third)]
    answers = await asyncio.gather(say(checker, checks[0]), say(third, checks[1]), say(third, checks[1]))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409]
    assert query(database, "SELECT by FROM qa_settlements") == [("agreement",)]
    assert value(database, "SELECT state FROM qa_items") == "settled"


@pytest.mark.parametrize(
    "said",
    [
        {"policy_area": "nothing"},
        {"actions": []},
        {"actions": ["remove", "no_violation"]},
        {"severity": 5},
        {"confidence": 4},
        {**ALLOWED, "actions": ["remove"]},
    ],
)
async def test_answers_that_contradict_themselves_are_refused_and_the_check_stays(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    said: dict[str, object],
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    check = await take(checker)
    assert (await say(checker, check, **said)).status_code == 422
    assert (await say(checker, check)).status_code == 200
