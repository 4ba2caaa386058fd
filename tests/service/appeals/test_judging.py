"""Judging appeals: in order, blind, by another person, and by a person."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from tests.service.appeals.steps import (
    OVERTURNED,
    UPHELD,
    carry_out,
    filed,
    judge,
    restricted,
    signed_in,
    taken,
)
from tests.service.quality.verbs import plan
from tests.service.routing.steps import make_queue
from tests.service.steps import assert_error, query, report, rewrite, value


async def test_the_next_is_the_first_due_and_then_the_gravest(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient, database: str
) -> None:
    mild = await filed(platform, (await restricted(platform, reviewer, "p-1", severity=1))["decision_id"])
    grave = await filed(platform, (await restricted(platform, reviewer, "p-2", severity=4))["decision_id"])
    account = await restricted(platform, reviewer, "p-3", severity=0, actions=["suspend_account"])
    first = await filed(platform, account["decision_id"])
    rewrite(database, "UPDATE appeals SET due_at = date_trunc('hour', due_at) + interval '1 minute' * number")
    query(database, "UPDATE appeals SET due_at = now() - interval '1 hour' WHERE id = %s", first["appeal_id"])
    listed = (await judging.get("/v1/appeals")).json()
    assert (listed["total"], listed["overdue"]) == (3, 1)
    assert "triage_overdue_appeals 1.0" in (await judging.get("/metrics")).text
    order = [one["appeal_id"] for one in (await judging.get("/v1/appeals")).json()["appeals"]]
    assert order == [first["appeal_id"], grave["appeal_id"], mild["appeal_id"]]
    held = await taken(judging)
    assert held["appeal_id"] == first["appeal_id"]
    assert (await taken(judging))["token"] == held["token"], "one at a time"
    path = f"/v1/appeals/{first['appeal_id']}/lease"
    token = {"lease_token": held["token"]}
    assert (await judging.post(f"{path}/renew", json=token)).json()["expires_at"] >= held["expires_at"]
    assert (await judging.post(f"{path}/release", json=token)).status_code == 204
    assert_error(await judging.post(f"{path}/renew", json=token), 409, "lease_stale")


async def test_the_judge_sees_what_was_decided_on_and_not_who_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient
) -> None:
    made = await restricted(platform, reviewer, note="between us: test-reviewer says so")
    await report(platform, text="what it says after an edit")
    await filed(platform, made["decision_id"])
    sought = {"query": '"between us"'}
    assert (await judging.post("/v1/search", json=sought)).json()["count"] == 1
    held = await taken(judging)
    assert (await judging.post("/v1/search", json=sought)).json()["count"] == 0
    assert (held["text"], held["text_now"]) == ("what post-1 says", "what it says after an edit")
    assert (held["actions"], held["policy_area"], held["reasons"]) == (
        ["remove"],
        "harassment",
        "It was a joke between friends",
    )
    everything = str(held)
    assert "test-reviewer" not in everything
    assert "between us" not in everything
    case = (await judging.get(f"/v1/cases/{made['case']['id']}")).json()
    assert case["decisions"] == [], "while it is in hand, nothing else tells of the decision"


async def test_nobody_decides_what_they_decided(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
) -> None:
    async with signed_in(app, keys, "decider") as decider:
        made = await restricted(platform, decider)
        receipt = await filed(platform, made["decision_id"])
        calls = [person.post("/v1/appeals/claim") for _ in range(5) for person in (decider, judging)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers[::2]} == {204}
        [held] = {answer.json()["token"]: answer.json() for answer in answers[1::2]}.values()
        assert_error(await decider.post(f"/v1/appeals/{receipt['appeal_id']}/claim"), 409, "same_person")
        assert_error(await judge(decider, receipt, OVERTURNED), 409, "same_person")
        assert_error(await judge(decider, held, OVERTURNED), 409, "same_person")
        [row] = (await decider.get("/v1/appeals")).json()["appeals"]
        assert not row["may_decide"]
        # Not even past the service.
        with pytest.raises(Exception, match="somebody else has to decide"):
            query(
                database,
                """
                UPDATE appeals a SET status = 'decided', decided_by = d.decided_by, decided_at = now(), outcome = 'overturned',
                       reason_code = 'context_missed', explanation = 'x', reversed = '{}', standing = '{}', taken = '{}',
                       right_area = 'benign', right_severity = 0, taxonomy_version = '1', effect_at = now(),
                       lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
                FROM decisions d WHERE d.id = a.decision_id
                """,
            )
    assert (await judge(judging, held, OVERTURNED)).status_code == 201


async def test_who_had_a_part_meanwhile_is_refused_at_the_decision(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient, database: str
) -> None:
    made = await restricted(platform, reviewer)
    await filed(platform, made["decision_id"])
    held = await taken(judging)
    person = value(database, "SELECT id FROM principals WHERE username = 'jordan'")
    case, decision = made["case"]["id"], made["decision_id"]
    statements = (
        (
            "INSERT INTO second_opinions (id, case_id, asked_by, question, proposal) VALUES (gen_random_uuid(), %s, %s, 'x', '{}')",
            (case, person),
        ),
        (
            """
            WITH item AS (
                INSERT INTO qa_items (id, plan_id, place, case_id, evidence_id, decision_id, stratum, chance)
                SELECT gen_random_uuid(), gen_random_uuid(), 0, case_id, evidence_id, id, '', 1 FROM decisions WHERE id = %s
                RETURNING id
            )
            INSERT INTO qa_settlements (id, item_id, by, settled_by, answer)
            SELECT gen_random_uuid(), id, 'adjudication', %s, '{}' FROM item
            """,
            (decision, person),
        ),
        (
            """
            INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area, resolved_by, resolved_at, outcome)
            VALUES (%s, 'b', 0.1, 'spam', %s, now(), 'label_stands')
            """,
            (decision, person),
        ),
        (
            """
            INSERT INTO decisions (id, case_id, evidence_id, lease_token, decided_by, actions, policy_area, severity,
                                   taxonomy_version, shown, undo_until)
            SELECT gen_random_uuid(), case_id, evidence_id, gen_random_uuid(), %s, actions, policy_area, severity,
                   taxonomy_version, shown, undo_until FROM decisions WHERE id = %s
            """,
            (person, decision),
        ),
    )
    undone = (
        "DELETE FROM second_opinions",
        "DELETE FROM qa_settlements; DELETE FROM qa_items",
        "DELETE FROM label_suspects",
        "",
    )
    for (statement, values), undo in zip(statements, undone, strict=True):
        rewrite(database, statement, *values)
        answer = await judge(judging, held, UPHELD)
        assert (answer.status_code, answer.json().get("error")) == (409, "same_person"), statement
        assert value(database, "SELECT status FROM appeals") == "open"
        if undo:
            rewrite(database, undo)


async def test_a_key_alone_decides_nothing(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    made = await restricted(platform, reviewer)
    await filed(platform, made["decision_id"])
    held = await taken(colleague)
    assert_error(await judge(colleague, held, UPHELD), 403, "person_needed")


# What is wrong with an outcome, and the word that the refusal names it by.
REFUSED: tuple[tuple[dict[str, object], str], ...] = (
    ({"explanation": "Ask jordan about it."}, "jordan"),
    ({"explanation": "Write to me@staff.example."}, "e-mail"),
    ({"explanation": "Call +49 30 123456."}, "phone"),
    ({"explanation": "Ask @sam_smith."}, "handle"),
    ({"reason_code": "correct"}, "reason_code"),
    ({"policy_area": None}, "policy_area"),
    ({"policy_area": "nowhere"}, "nowhere"),
    ({"outcome": "partly"}, "standing"),
    ({"outcome": "partly", "standing": ["remove", "warn"], "policy_area": "harassment"}, "standing"),
    ({"outcome": "partly", "standing": ["label"], "policy_area": "harassment"}, "standing"),
    ({"actions": ["remove"]}, "actions"),
    ({**UPHELD, "policy_area": "spam", "severity": 1}, "policy_area"),
)


async def test_what_cannot_be_is_refused_by_name(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient
) -> None:
    made = await restricted(platform, reviewer, actions=["remove", "warn"])
    await filed(platform, made["decision_id"])
    held = await taken(judging)
    for change, names in REFUSED:
        answer = await judge(judging, held, {**OVERTURNED, **change})
        assert answer.status_code == 422, (change, answer.text)
        assert names in answer.json()["detail"]


async def test_an_outcome_can_be_undone_until_it_is_carried_out(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
) -> None:
    made = await restricted(platform, reviewer)
    receipt = await filed(platform, made["decision_id"])
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    path = f"/v1/appeals/{receipt['appeal_id']}"
    decision = await judge(judging, await taken(judging), OVERTURNED)
    assert decision.json()["reversed"] == ["remove"]
    assert await carry_out(app) == 0
    assert (await platform.get(path)).json()["outcome"] is None, "what can be taken back is not told"
    assert (await judging.post(f"{path}/undo")).status_code == 204
    assert_error(await judging.post(f"{path}/undo"), 409, "undo_expired")
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 0})
    assert (await judge(judging, await taken(judging), UPHELD)).status_code == 201
    assert await carry_out(app) == 1
    assert_error(await judging.post(f"{path}/undo"), 409, "undo_expired")
    assert (await platform.get(path)).json()["outcome"] == "upheld"
    assert_error(await judging.post(f"{path}/claim"), 409, "same_person")


async def test_what_is_out_of_scope_is_absent(
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
) -> None:
    made = await restricted(platform, reviewer)
    receipt = await filed(platform, made["decision_id"])
    await make_queue(lead, "kept", restricted=True)
    query(database, "UPDATE cases SET queue = 'kept'")
    assert (await judging.get("/v1/appeals")).json()["total"] == 0
    assert (await judging.post("/v1/appeals/claim")).status_code == 204
    path = f"/v1/appeals/{receipt['appeal_id']}"
    assert_error(await judging.post(f"{path}/claim"), 404, "not_found")
    assert_error(await judge(judging, receipt, UPHELD), 404, "not_found")
    query(database, "UPDATE cases SET queue = 'default'")
    assert (await judging.post(f"{path}/claim")).status_code == 200


async def test_two_people_never_have_the_same_one(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
    database: str,
) -> None:
    for number in range(2):
        made = await restricted(platform, reviewer, f"post-{number}")
        await filed(platform, made["decision_id"])
    async with signed_in(app, keys, "robin", "lead") as lead:
        one, other = await asyncio.gather(taken(judging), taken(lead))
        assert one["appeal_id"] != other["appeal_id"]
        assert_error(await lead.post(f"/v1/appeals/{one['appeal_id']}/claim"), 409, "case_not_open")
        query(
            database,
            "UPDATE appeals SET lease_expires_at = now() - interval '1 second' WHERE id = %s",
            one["appeal_id"],
        )
        assert_error(await judge(judging, one, UPHELD), 409, "lease_stale")


async def test_an_appeal_and_a_blind_check_of_the_same_go_to_different_people(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    judging: httpx.AsyncClient,
) -> None:
    made = await restricted(platform, reviewer)
    receipt = await filed(platform, made["decision_id"])
    await plan(lead, "Week 48")
    check = await judging.post("/v1/qa/claim")
    assert check.status_code == 200, check.text
    assert (await judging.post("/v1/appeals/claim")).status_code == 204
    # What is appealed would tell them what was decided.
    assert (await judging.get("/v1/appeals")).json()["appeals"] == []
    assert_error(await judging.post(f"/v1/appeals/{receipt['appeal_id']}/claim"), 404, "not_found")
    assert (await judging.get(f"/appeals/{receipt['appeal_id']}")).status_code == 404
    assert (await judging.post(f"/v1/qa/reviews/{check.json()['token']}/release")).status_code == 204
    assert (await judging.post("/v1/appeals/claim")).status_code == 200
    await restricted(platform, reviewer, "post-2")
    assert (await judging.post("/v1/qa/claim")).status_code == 204, "the one check left is of what they have in hand"
