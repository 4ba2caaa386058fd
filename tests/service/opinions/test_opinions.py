"""A second opinion is given by somebody else, who does not know what the first person would decide."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy
from service.decisions import workflow
from service.decisions.schemas import DecisionIn
from service.decisions.workflow import DecisionRules
from service.errors.cases import OpinionWaitingError
from service.opinions.schemas import Judgement
from service.opinions.workflow import same_judgement
from service.settings import Settings
from tests.service.steps import (
    Body,
    assert_error,
    claim,
    decide,
    decided,
    decision_body,
    lapse,
    query,
    report,
    rewrite,
    row_counts,
    value,
)

PROPOSAL: Body = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": "I would take it down"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 60})


def question(claimed: Body, **proposal: Any) -> Body:
    return {
        "lease_token": claimed["lease"]["token"],
        "question": "Is this about a person?",
        "proposal": PROPOSAL | proposal,
    }


async def ask(person: httpx.AsyncClient, claimed: Body, **proposal: Any) -> httpx.Response:
    body = question(claimed, **proposal)
    return await person.post(f"/v1/cases/{claimed['case']['id']}/second-opinion", json=body)


@pytest.fixture
async def asked(reviewer: httpx.AsyncClient, claimed: Body) -> Body:
    """What the reviewer asked, with its `case_id`."""
    answer = await ask(reviewer, claimed)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()) | {"case_id": claimed["case"]["id"]}


async def mine(person: httpx.AsyncClient, side: str = "asked") -> Body:
    [one] = (await person.get("/v1/opinions", params={"side": side})).json()["opinions"]
    return dict(one)


def stand(database: str) -> None:
    """Let every undo window pass."""
    rewrite(database, "UPDATE decisions SET undo_until = now()")


async def test_a_question_gives_the_case_to_everybody_else(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    assert query(database, "SELECT status, lease_token, lapses FROM cases") == [("open", None, 0)]
    assert query(database, "SELECT outcome FROM leases") == [("second_opinion",)]
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    assert_error(await reviewer.post(f"/v1/cases/{asked['case_id']}/claim"), 409, "case_not_open")
    case = (await claim(colleague))["case"]
    assert case["id"] == asked["case_id"]
    assert case["second_opinion"] == {"question": "Is this about a person?", "asked_at": asked["asked_at"]}
    event = query(database, "SELECT data FROM events WHERE kind = 'opinion.asked'")
    assert event == [({"opinion": asked["opinion_id"]},)]


async def test_a_case_without_a_question_says_so(claimed: Body) -> None:
    assert claimed["case"]["second_opinion"] is None


async def test_the_answer_is_the_decision(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    made = await decided(colleague, await claim(colleague), severity=3)
    [(decision, basis)] = query(database, "SELECT id::text, basis FROM decisions")
    assert (decision, basis) == (made["decision_id"], "second_opinion")
    stand(database)
    for side, person in (("asked", reviewer), ("answered", colleague)):
        told = await mine(person, side)
        assert (told["id"], told["case_id"], told["state"]) == (asked["opinion_id"], asked["case_id"], "answered")
        assert (told["proposal"], told["agreed"]) == (PROPOSAL, True)
        assert told["answer"] == {
            "actions": ["remove"],
            "policy_area": "harassment",
            "severity": 3,
            "note": "clear case",
        }
    case = (await colleague.get(f"/v1/cases/{asked['case_id']}")).json()
    assert case["second_opinion"] is None
    assert [one["kind"] for one in case["events"]][:3] == ["decision.untold", "opinion.answered", "case.decided"]


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"severity": 1}, True),
        ({"severity": 4}, False),
        ({"actions": ["remove", "warn"]}, False),
        ({"policy_area": "privacy"}, False),
    ],
)
async def test_agreement_is_of_area_actions_and_severity(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str, fields: Body, same: bool
) -> None:
    await decided(colleague, await claim(colleague), **fields)
    stand(database)
    assert (await mine(reviewer))["agreed"] is same


JUDGEMENTS = st.builds(
    Judgement,
    actions=st.lists(st.sampled_from(["remove", "warn", "label"]), min_size=1, unique=True),
    policy_area=st.sampled_from(load_taxonomy().area_ids[:3]),
    severity=st.integers(0, 4),
    note=st.just(""),
)


@given(one=JUDGEMENTS, other=JUDGEMENTS)
def test_agreement_knows_no_first_and_second(one: Judgement, other: Judgement) -> None:
    assert same_judgement(one, other) == same_judgement(other, one)
    assert same_judgement(one, one.model_copy(update={"actions": one.actions[::-1], "note": "other words"}))
    if same_judgement(one, other):
        assert (one.policy_area, set(one.actions)) == (other.policy_area, set(other.actions))
        assert abs(one.severity - other.severity) <= 1


async def test_neither_side_learns_of_the_other_until_the_answer_stands(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    told = await mine(reviewer)
    assert (told["state"], told["proposal"], told["answer"], told["agreed"]) == ("waiting", PROPOSAL, None, None)
    assert (await colleague.get("/v1/opinions")).json() == {"opinions": []}
    made = await decided(colleague, await claim(colleague))
    told = await mine(reviewer)
    assert (told["state"], told["answer"], told["agreed"]) == ("answered", None, None)
    assert told["revealed_at"] == made["undo_until"]
    told = await mine(colleague, "answered")
    assert (told["proposal"], told["agreed"], told["answer"]["note"]) == (None, None, "clear case")
    stand(database)
    assert (await mine(colleague, "answered"))["proposal"] == PROPOSAL


async def test_who_may_no_longer_see_the_case_reads_their_own_side_alone(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    await decided(colleague, await claim(colleague))
    stand(database)
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(database, "UPDATE cases SET queue = 'few'")
    told = await mine(reviewer)
    assert (told["state"], told["proposal"], told["answer"], told["agreed"]) == ("answered", PROPOSAL, None, None)
    told = await mine(colleague, "answered")
    assert (told["proposal"], told["agreed"], told["answer"]["note"]) == (None, None, "clear case")
    query(database, "INSERT INTO queue_members (queue, principal_id) SELECT 'few', asked_by FROM second_opinions")
    assert (await mine(reviewer))["answer"]["note"] == "clear case"
    assert (await mine(colleague, "answered"))["proposal"] is None


async def test_opinions_name_nobody(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    await decided(colleague, await claim(colleague))
    stand(database)
    people = query(database, "SELECT username, id::text FROM principals")
    answers = [
        (await person.get(address)).text
        for person in (reviewer, colleague)
        for address in ("/v1/opinions", "/v1/opinions?side=answered", f"/v1/cases/{asked['case_id']}")
    ]
    assert not [name for names in people for name in names for answer in answers if name in answer]


async def test_one_question_waits_on_a_case(
    colleague: httpx.AsyncClient, reviewer: httpx.AsyncClient, asked: Body, database: str
) -> None:
    held = await claim(colleague)
    before = row_counts(database)
    assert_error(await ask(colleague, held), 409, "opinion_waiting")
    assert row_counts(database) == before
    assert value(database, "SELECT count(*) FROM second_opinions") == 1
    await decided(colleague, held)


async def test_nobody_answers_their_own_question(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    # As if the case had been handed to the one who asked.
    held = await claim(colleague)
    query(database, "UPDATE cases SET lease_holder = (SELECT asked_by FROM second_opinions)")
    before = row_counts(database)
    assert_error(await decide(reviewer, held), 409, "own_question")
    assert row_counts(database) == before
    assert (await reviewer.post(f"/v1/opinions/{asked['opinion_id']}/withdraw")).status_code == 204
    await decided(reviewer, held)
    assert value(database, "SELECT basis FROM decisions") == "review"


async def test_a_withdrawn_question_leaves_a_case_like_any_other(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    withdraw = f"/v1/opinions/{asked['opinion_id']}/withdraw"
    assert_error(await colleague.post(withdraw), 404, "not_found")
    assert (await reviewer.post(withdraw)).status_code == 204
    assert_error(await reviewer.post(withdraw), 409, "opinion_settled")
    assert_error(await reviewer.post(f"/v1/opinions/{uuid4()}/withdraw"), 404, "not_found")
    assert (await mine(reviewer))["state"] == "withdrawn"
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'opinion.withdrawn'") == 1
    held = await claim(reviewer)
    assert held["case"]["second_opinion"] is None
    # And it can be asked again.
    assert (await ask(reviewer, held)).status_code == 201


async def test_a_withdrawal_while_somebody_looks_makes_their_decision_one_like_any_other(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    held = await claim(colleague)
    await reviewer.post(f"/v1/opinions/{asked['opinion_id']}/withdraw")
    await decided(colleague, held)
    assert value(database, "SELECT basis FROM decisions") == "review"
    assert (await mine(reviewer))["answer"] is None


@pytest.mark.parametrize("round_", range(4))
async def test_withdrawal_and_answer_at_once_leave_one_of_them(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str, round_: int
) -> None:
    held = await claim(colleague)
    calls = [
        decide(colleague, held),
        *(reviewer.post(f"/v1/opinions/{asked['opinion_id']}/withdraw") for _ in range(3)),
    ]
    answers = await asyncio.gather(*(calls if round_ % 2 else calls[::-1]))
    codes = sorted(answer.status_code for answer in answers)
    # The decision is made in any case; either it answered or one withdrawal came first.
    [(basis,)] = query(database, "SELECT basis FROM decisions")
    state = (await mine(reviewer))["state"]
    assert (basis, state, codes) in [
        ("second_opinion", "answered", [201, 409, 409, 409]),
        ("review", "withdrawn", [201, 204, 409, 409]),
    ]


async def test_of_many_who_want_to_answer_one_does(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    claims = await asyncio.gather(*(colleague.post("/v1/queues/default/claim") for _ in range(5)))
    assert sorted(one.status_code for one in claims) == [200, 204, 204, 204, 204]
    [held] = [one.json() for one in claims if one.status_code == 200]
    answers = await asyncio.gather(*(decide(colleague, held) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'opinion.answered'") == 1


async def test_an_undone_answer_leaves_the_question_waiting(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    before = query(database, "SELECT * FROM second_opinions")
    skips = query(database, "SELECT principal_id, case_id, until::text FROM skips")
    made = await decided(colleague, await claim(colleague), severity=4)
    assert (await colleague.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    assert query(database, "SELECT * FROM second_opinions") == before
    assert query(database, "SELECT principal_id, case_id, until::text FROM skips") == skips
    assert (await mine(reviewer))["state"] == "waiting"
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    held = await claim(colleague)
    assert held["case"]["second_opinion"]["question"] == "Is this about a person?"
    await decided(colleague, held)
    stand(database)
    assert (await mine(reviewer))["answer"]["severity"] == 2


async def test_an_undone_answer_takes_the_question_into_a_newer_case(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    asked: Body,
    database: str,
) -> None:
    made = await decided(colleague, await claim(colleague))
    newer = await report(platform, reason="self_harm")
    assert newer["case_id"] != asked["case_id"]
    undone = await colleague.post(f"/v1/decisions/{made['decision_id']}/undo")
    assert undone.json() == {"case_id": newer["case_id"]}
    told = await mine(reviewer)
    assert (told["state"], told["case_id"]) == ("waiting", newer["case_id"])
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    assert (await claim(colleague))["case"]["second_opinion"] is not None


async def test_an_undone_answer_gives_way_to_a_question_that_waits_on_the_newer_case(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    asked: Body,
    database: str,
) -> None:
    made = await decided(colleague, await claim(colleague))
    await report(platform, reason="self_harm")
    assert (await ask(reviewer, await claim(reviewer))).status_code == 201
    assert (await colleague.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    states = [one["state"] for one in (await reviewer.get("/v1/opinions")).json()["opinions"]]
    assert states == ["waiting", "withdrawn"]


async def test_the_askers_draft_is_kept_and_shown_to_nobody_else(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    case_id = claimed["case"]["id"]
    draft = {"lease_token": claimed["lease"]["token"], "body": {"note": "half a thought"}}
    assert (await reviewer.put(f"/v1/cases/{case_id}/draft", json=draft)).status_code == 204
    assert (await ask(reviewer, claimed)).status_code == 201
    assert (await claim(colleague))["case"]["draft"] is None
    assert (await reviewer.get(f"/v1/cases/{case_id}")).json()["draft"] == {"note": "half a thought"}


async def test_a_question_with_a_lapsed_lease_is_refused_and_kept_as_a_draft(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await ask(colleague, claimed), 409, "lease_stale")
    lapse(database, claimed["case"]["id"])
    assert_error(await ask(reviewer, claimed), 409, "lease_stale")
    assert value(database, "SELECT count(*) FROM second_opinions") == 0
    assert value(database, "SELECT count(*) FROM skips") == 0
    case = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}")).json()
    assert case["draft"] == PROPOSAL


async def test_asking_twice_at_once_asks_once(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    answers = await asyncio.gather(*(ask(reviewer, claimed) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert value(database, "SELECT count(*) FROM second_opinions") == 1


async def test_asking_and_deciding_at_once_do_one_of_them(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    answers = await asyncio.gather(decide(reviewer, claimed), ask(reviewer, claimed), decide(reviewer, claimed))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    counts = query(database, "SELECT (SELECT count(*) FROM decisions) + (SELECT count(*) FROM second_opinions)")
    assert counts == [(1,)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"question": ""}, "invalid_request"),
        ({"question": "   "}, "invalid_request"),
        ({"question": "a\x00b"}, "invalid_request"),
        ({"question": "x" * 2_001}, "invalid_request"),
        ({"proposal": None}, "invalid_request"),
        ({"proposal": PROPOSAL | {"actions": []}}, "invalid_request"),
        ({"proposal": PROPOSAL | {"actions": ["obliterate"]}}, "unknown_label"),
        ({"proposal": PROPOSAL | {"policy_area": "nonsense"}}, "unknown_label"),
        ({"proposal": PROPOSAL | {"actions": ["remove", "no_violation"]}}, "invalid_request"),
        ({"proposal": PROPOSAL | {"severity": 5}}, "invalid_request"),
        ({"lease_token": "x"}, "invalid_request"),
        ({"surprise": 1}, "invalid_request"),
    ],
)
async def test_a_question_that_makes_no_sense_changes_nothing(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, change: Body, code: str
) -> None:
    before = row_counts(database)
    body = question(claimed) | change
    answer = await reviewer.post(f"/v1/cases/{claimed['case']['id']}/second-opinion", json=body)
    assert_error(answer, 422, code)
    assert row_counts(database) == before
    await decided(reviewer, claimed)


async def test_a_decision_for_many_cases_leaves_a_question_to_somebody_who_looks(
    app: FastAPI, colleague: httpx.AsyncClient, asked: Body, database: str
) -> None:
    held = await claim(colleague)
    state = app.state
    rules = DecisionRules(state.taxonomy, state.jobs, 60, state.strike_rules, None, cluster_id=uuid4(), basis="cluster")
    holder = value(database, "SELECT lease_holder FROM cases")
    decision = DecisionIn.model_validate(decision_body(held))
    async with state.engine.begin() as connection:
        with pytest.raises(OpinionWaitingError):
            await workflow.decide(connection, UUID(held["case"]["id"]), decision, holder=holder, rules=rules)
    assert value(database, "SELECT count(*) FROM decisions") == 0
