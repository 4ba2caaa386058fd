"""Blind reviews: who is handed what, what settles by itself, what a third person settles."""

import asyncio
from uuid import uuid4

import httpx
import psycopg
import pytest

from service.db import driver_sql, libpq_url
from service.quality.plans import store as plans_store
from service.quality.reviews import store
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
from tests.service.steps import assert_error, query, until, value


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


@pytest.mark.parametrize("opted_out", ["languages = '{de}'", "consents = '{}'"])
async def test_nobody_settles_what_they_opted_out_of_or_cannot_read(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    opted_out: str,
) -> None:
    """Neither a dispute nor an objection shows them the content."""
    await decided_case(platform, reviewer, "post-1", language="pt-BR")
    query(database, "UPDATE cases SET scope_id = case_scope('default', 'pt', false, 'child_safety')")
    query(database, "UPDATE principals SET consents = '{child_safety}' WHERE username = 'checker'")
    await plan(lead)
    await checked(checker, **OTHER)
    opt_out = f"UPDATE principals SET {opted_out} WHERE username = 'test-specialist'"
    opt_in = "UPDATE principals SET languages = '{pt}', consents = '{child_safety}' WHERE username = 'test-specialist'"
    query(database, opt_out)
    [item] = await disputed(lead)
    path = f"/v1/qa/items/{item['item_id']}/adjudicate"
    assert await disputed(colleague) == []
    assert_error(await colleague.post(path, json=RIGHT), 409, "check_settled")
    query(database, opt_in)
    assert len(await disputed(colleague)) == 1
    query(database, opt_out)
    assert (await lead.post(path, json=RIGHT)).status_code == 201
    [told] = (await checker.get("/v1/qa/feedback")).json()["feedback"]
    assert (await checker.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": "no"})).status_code == 204
    assert (await colleague.get("/v1/qa/objections")).json()["objections"] == []
    resolve = f"/v1/qa/feedback/{told['id']}/resolve"
    no = {"upheld": False, "reply": "no"}
    assert_error(await colleague.post(resolve, json=no), 409, "check_settled")
    query(database, opt_in)
    assert (await colleague.post(resolve, json=no)).status_code == 204


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


async def test_whoever_has_nothing_to_check_waits_for_nobody(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    with psycopg.connect(libpq_url(database)) as held:
        held.execute("SELECT pg_advisory_xact_lock(hashtextextended('qa.claim', 0))")
        async with asyncio.timeout(20):
            assert (await reviewer.post("/v1/qa/claim")).status_code == 204


@pytest.mark.parametrize("reviews", [1, 2])
async def test_what_was_looked_up_before_ones_turn_is_looked_at_again(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    reviews: int,
) -> None:
    """Everybody found the same item free, and some of them it once more: by their turn it may not be."""
    await decided_case(platform, reviewer, "post-1")
    await plan(lead, reviews=reviews)
    people = [checker, third, colleague]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    with psycopg.connect(libpq_url(database)) as held:
        held.execute("SELECT pg_advisory_xact_lock(hashtextextended('qa.claim', 0))")
        both = asyncio.gather(*(person.post("/v1/qa/claim") for person in people for _ in range(2)))
        await until(lambda: value(database, waiting) == 2 * len(people))
    answers = await both
    assert sorted(answer.status_code for answer in answers) == [200] * 2 * reviews + [204] * 2 * (3 - reviews)
    assert len({answer.json()["token"] for answer in answers if answer.status_code == 200}) == reviews
    given = "SELECT count(*), count(DISTINCT reviewer) FROM qa_reviews"
    assert query(database, given) == [(reviews, reviews)]


async def test_what_the_first_look_found_being_gone_leads_on_to_the_next(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "FOUND_AHEAD", 1)
    for number in range(2):
        await decided_case(platform, reviewer, f"post-{number}")
    await plan(lead)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    with psycopg.connect(libpq_url(database)) as held:
        held.execute("SELECT pg_advisory_xact_lock(hashtextextended('qa.claim', 0))")
        both = asyncio.gather(checker.post("/v1/qa/claim"), third.post("/v1/qa/claim"))
        await until(lambda: value(database, waiting) == 2)
    assert [answer.status_code for answer in await both] == [200, 200]
    assert value(database, "SELECT count(DISTINCT item_id) FROM qa_reviews") == 2


async def test_nobody_waits_for_a_plan_that_is_being_closed(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    """To hand out an item refers to it; a lock that forbids that would make everybody wait whose turn comes after."""
    for number in range(2):
        await decided_case(platform, reviewer, f"post-{number}")
    made = await plan(lead)
    with psycopg.connect(libpq_url(database)) as held:
        held.execute(driver_sql(plans_store._LOCK_WAITING.text), {"id": made["id"]})
        answers = await asyncio.wait_for(asyncio.gather(checker.post("/v1/qa/claim"), third.post("/v1/qa/claim")), 20)
    assert [answer.status_code for answer in answers] == [200, 200]
