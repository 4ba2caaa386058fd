"""What plans draw from, what they keep, and that they draw once."""

import json
import threading
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.quality import drawing
from service.quality.plans import workflow
from tests.service.policies.steps import drafted, published
from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    adjudicate,
    checked,
    decided_case,
    disputed,
    gets,
    make_golden,
    plan,
    plan_body,
    restrict,
    take,
)
from tests.service.steps import Body, assert_error, claim, query, report, rewrite

EXAMPLE: Body = {"text": "he said: get lost", "verdict": "allowed", "severity": None, "why": "a quote"}


async def test_decisions_that_stand_are_drawn_and_no_others(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    made = [await decided_case(platform, reviewer, f"post-{number}") for number in range(5)]
    ids = [one["decision_id"] for one in made]
    rewrite(database, "UPDATE decisions SET undo_until = now() + interval '1 hour' WHERE id = %s", ids[0])
    rewrite(
        database,
        "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions WHERE id = %s",
        ids[1],
    )
    query(database, "UPDATE cases SET sample = true WHERE id = %s", made[2]["case"]["id"])
    restrict(database, made[3]["case"]["id"])
    await plan(lead)
    [(drawn, chance)] = query(database, "SELECT decision_id, chance FROM qa_items")
    assert (str(drawn), chance) == (ids[4], 1.0)
    # Not even for members: the counts of a plan are read by everybody who manages quality.
    members = "INSERT INTO queue_members (queue, principal_id) SELECT 'few', id FROM principals WHERE role = 'lead'"
    query(database, members)
    assert (await plan(lead, "second"))["population"] == 1


async def test_special_routes_and_pictures_without_text_are_not_drawn(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    made = [await decided_case(platform, reviewer, f"post-{number}") for number in range(4)]
    cases = [one["case"]["id"] for one in made]
    query(database, "UPDATE cases SET special = 'legal' WHERE id = %s", cases[0])
    query(
        database,
        "INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by)"
        " SELECT gen_random_uuid(), 'x', 'image', 'image/png', 1, 1, 1, 1, 'x', id FROM principals LIMIT 1",
    )
    # One picture with words around it can be judged by these; one without cannot.
    query(
        database,
        "INSERT INTO evidence_media SELECT c.evidence_id, 0, m.id FROM cases c, media m WHERE c.id = ANY (%s)",
        [UUID(case) for case in cases[1:3]],
    )
    rewrite(
        database,
        "UPDATE evidence SET text = ' ' FROM cases c WHERE c.evidence_id = evidence.id AND c.id = %s",
        cases[1],
    )
    await plan(lead)
    drawn = {str(case) for [case] in query(database, "SELECT case_id FROM qa_items")}
    assert drawn == set(cases[2:])


async def test_where_decisions_come_from_is_a_choice(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await decided_case(platform, reviewer, "post-2", **ALLOWED)
    cluster = await decided_case(platform, reviewer, "post-3", **OTHER)
    rewrite(database, "UPDATE decisions SET basis = 'cluster' WHERE id = %s", cluster["decision_id"])
    for origins, drawn in (["human"], 1), (["automated"], 1), (["leave_up"], 1), (["human", "leave_up"], 2):
        body = {"kind": "random", "size": 10, "scope": {"from": origins}}
        found = await lead.post("/v1/qa/plans/preview", json=body)
        assert found.json()["population"] == drawn, origins
    for scope, drawn in (
        ({"areas": ["spam"]}, 1),
        ({"queues": ["other"]}, 0),
        ({"languages": ["en"]}, 3),
        ({"vendors": ["in house"]}, 3),
    ):
        found = await lead.post("/v1/qa/plans/preview", json={"kind": "random", "size": 10, "scope": scope})
        assert found.json()["population"] == drawn, scope


async def test_a_preview_is_what_is_drawn(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    for number, language in enumerate(["en"] * 6 + ["de"] * 3):
        await decided_case(platform, reviewer, f"post-{number}", language=language)
    by: Body = {"kind": "stratified", "strata": ["language"], "size": 5, "least": 2}
    shown = (await lead.post("/v1/qa/plans/preview", json=by)).json()
    assert {one["stratum"]: (one["population"], one["drawn"]) for one in shown["strata"]} == {
        "de": (3, 2),
        "en": (6, 3),
    }
    await plan(lead, **by)
    rows = query(database, "SELECT stratum, chance, count(*) FROM qa_items GROUP BY 1, 2 ORDER BY 1")
    assert rows == [("de", pytest.approx(2 / 3), 2), ("en", pytest.approx(1 / 2), 3)]
    # The same seed on the same decisions draws the same, another one something else.
    chosen = [set(query(database, "SELECT decision_id FROM qa_items"))]
    for name, seed in ("again", 7), ("other", 8):
        made = await plan(lead, name, **by, seed=seed)
        chosen.append(set(query(database, "SELECT decision_id FROM qa_items WHERE plan_id = %s", made["id"])))
    assert chosen[0] == chosen[1] != chosen[2]


async def test_doubt_is_read_from_the_score_of_what_was_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    made = [
        await decided_case(platform, reviewer, f"post-{number}", **said)
        for number, said in enumerate([{}, {}, ALLOWED, ALLOWED])
    ]
    sure = '{"areas": {"harassment": 0.99, "spam": 0.01}, "severity": [0, 0, 1, 0, 0], "primary_area": "harassment", "unassessed": []}'
    for one in (made[0], made[2]):
        query(
            database,
            "UPDATE evidence SET score = %s FROM cases c WHERE evidence.id = c.evidence_id AND c.id = %s",
            sure,
            one["case"]["id"],
        )
    query(
        database,
        "UPDATE evidence SET score = NULL FROM cases c WHERE evidence.id = c.evidence_id AND c.id = %s",
        made[1]["case"]["id"],
    )
    await plan(lead, kind="doubt", size=2)
    shown = (await lead.post("/v1/qa/plans/preview", json={"kind": "doubt", "size": 1})).json()
    [stratum] = shown["strata"]
    # The model is sure of the first and against the third; the others are unscored.
    assert stratum["least_chance"] < 0.1
    assert stratum["greatest_chance"] > 0.4
    logged = dict(query(database, "SELECT CAST(decision_id AS text), chance FROM qa_items"))
    measure = dict(zip((one["decision_id"] for one in made), (0.109, 0.55, 0.991, 0.55), strict=True))
    assert logged == {one: pytest.approx(2 * measure[one] / 2.2) for one in logged}
    assert len(logged) == 2


async def test_a_draft_is_tried_out_on_what_it_could_change_and_measures_nobody(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    for number, said in enumerate([{}, ALLOWED, OTHER]):
        await decided_case(platform, reviewer, f"post-{number}", **said)
    rewrite(database, "UPDATE decisions SET decided_at = now() - interval '400 days' WHERE policy_area = 'harassment'")
    text = "## Quotes\n\nWhoever **quotes** harasses nobody."
    [[draft]] = query(
        database,
        "INSERT INTO policy_versions (id, area, number, title, body, examples, digest, owner, reason)"
        " VALUES (gen_random_uuid(), 'harassment', 1, 'Quotes stay', %s, %s, '', 'o', 'r') RETURNING id",
        text,
        json.dumps([EXAMPLE]),
    )
    by: Body = {"kind": "policy", "policy_id": str(draft)}
    golden = await lead.post("/v1/qa/plans", json=plan_body(**by, golden_share=0.1))
    assert "golden_share" in assert_error(golden, 422, "invalid_request")
    made = await plan(lead, **by)
    assert (made["population"], made["draft"]) == (2, True)
    check = await take(checker)
    assert check["policy"] == {"title": "Quotes stay", "body": text, "examples": [EXAMPLE]}
    page = (await checker.get("/qa/review")).text
    assert "<h3>Quotes</h3>" in page
    assert "Whoever <strong>quotes</strong> harasses nobody." in page
    assert EXAMPLE["text"] in page
    assert EXAMPLE["why"] in page
    for _ in range(2):
        await checked(checker, **OTHER)
    item = (await disputed(lead))[0]
    assert item["policy"]["title"] == "Quotes stay"
    assert (await adjudicate(lead, item, **OTHER)).status_code == 201
    # Nobody decided by it, so nobody is told, scored by it or taught by it.
    assert not query(database, "SELECT FROM qa_feedback")
    assert not query(database, "SELECT FROM quality_checks")
    labels = (await lead.get("/v1/labels")).text
    assert item["subject"]["text"] in labels
    assert '"adjudication"' not in labels
    assert_error(await make_golden(lead, item), 409, "check_settled")
    query(database, "UPDATE policy_versions SET withdrawn_at = now()")
    assert_error(await lead.post("/v1/qa/plans", json=plan_body("late", **by)), 404, "not_found")


async def test_the_work_of_drawing_and_of_results_leaves_the_loop_free(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = []

    def watched(module: Any, name: str) -> None:
        inner = getattr(module, name)

        def outer(*given: Any) -> Any:
            threads.append((name, threading.current_thread() is threading.main_thread()))
            return inner(*given)

        monkeypatch.setattr(module, name, outer)

    for module, name in (
        (workflow, "stratum_of"),
        (drawing, "draw_evenly"),
        (workflow, "_items"),
        (workflow, "results_of"),
    ):
        watched(module, name)
    await decided_case(platform, reviewer, "post-1")
    made = await plan(lead)
    assert (await lead.get(f"/v1/qa/plans/{made['id']}/results")).status_code == 200
    assert set(threads) == {(name, False) for name in ("stratum_of", "draw_evenly", "_items", "results_of")}


async def test_what_came_after_a_policy_version(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    before = await decided_case(platform, reviewer, "post-1")
    await decided_case(platform, reviewer, "post-2")
    await decided_case(platform, reviewer, "post-3", **OTHER)
    rewrite(
        database, "UPDATE decisions SET decided_at = now() - interval '2 days' WHERE id = %s", before["decision_id"]
    )
    [[policy]] = query(
        database,
        "INSERT INTO policy_versions (id, area, number, title, body, digest, owner, reason, effective_at, published_by, published_at)"
        " SELECT gen_random_uuid(), 'harassment', 1, 't', 'b', 'd', 'o', 'r', now() - interval '1 day', id, now()"
        " FROM principals WHERE role = 'lead' RETURNING id",
    )
    assert (await plan(lead, kind="policy", policy_id=str(policy)))["population"] == 1
    assert (await take(checker))["policy"] is None
    rewrite(database, "UPDATE policy_versions SET effective_at = now() + interval '1 day'")
    early = await lead.post("/v1/qa/plans", json=plan_body("early", kind="policy", policy_id=str(policy)))
    assert "not in force" in assert_error(early, 422, "invalid_request")
    # Taken back before its day, it never came into force.
    rewrite(database, "UPDATE policy_versions SET withdrawn_at = now(), effective_at = now() - interval '1 second'")
    never = await lead.post("/v1/qa/plans", json=plan_body("never", kind="policy", policy_id=str(policy)))
    assert_error(never, 404, "not_found")


async def test_a_policy_version_ends_where_the_next_one_begins(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    versions = []
    for number in range(3):
        versions.append(await published(lead))
        await decided_case(platform, reviewer, f"post-{number}")
    # What was taken back before its day ends nothing, and another area's version neither.
    withdrawn = await drafted(lead)
    rewrite(
        database,
        "UPDATE policy_versions SET effective_at = %s, published_by = made_by, published_at = now(), withdrawn_at = now()"
        " WHERE id = %s",
        versions[0]["effective_at"],
        withdrawn["id"],
    )
    await published(lead, "spam")
    for one in versions:
        body = {"kind": "policy", "size": 10, "policy_id": one["id"]}
        assert (await lead.post("/v1/qa/plans/preview", json=body)).json()["population"] == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"size": 5_001}, 422, "invalid_request"),
        ({"strata": ["area"]}, 422, "invalid_request"),
        ({"kind": "stratified"}, 422, "invalid_request"),
        ({"kind": "policy"}, 422, "invalid_request"),
        ({"kind": "policy", "policy_id": "018f0000-0000-7000-8000-000000000000"}, 404, "not_found"),
        ({"scope": {"areas": ["nothing"]}}, 422, "unknown_label"),
        ({"scope": {"from": []}}, 422, "invalid_request"),
        ({"scope": {"areas": ["spam"]}}, 422, "invalid_request"),
        ({"kind": "stratified", "strata": ["area"], "size": 1, "least": 2}, 422, "invalid_request"),
        ({"golden_share": 0.6}, 422, "invalid_request"),
    ],
)
async def test_plans_that_cannot_be_are_refused(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    change: Body,
    status: int,
    code: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await decided_case(platform, reviewer, "post-2")
    assert_error(await lead.post("/v1/qa/plans", json=plan_body(**change)), status, code)


async def test_closing_keeps_the_answers_that_were_given(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    for number in range(3):
        await decided_case(platform, reviewer, f"post-{number}")
    made = await plan(lead, reviews=2)
    await checked(checker)
    await checked(checker, **ALLOWED)
    closed = (await lead.post(f"/v1/qa/plans/{made['id']}/close")).json()
    assert (closed["settled"], closed["disputed"], closed["waiting"]) == (1, 1, 0)
    assert sorted(one for (one,) in query(database, "SELECT state FROM qa_items")) == ["disputed", "settled", "void"]
    assert (await lead.post(f"/v1/qa/plans/{made['id']}/close")).json() == closed


async def test_a_name_is_taken_once_and_a_closed_plan_hands_nothing_out(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    for number in range(2):
        await decided_case(platform, reviewer, f"post-{number}")
    made = await plan(lead)
    assert_error(await lead.post("/v1/qa/plans", json=plan_body()), 409, "name_taken")
    await checked(checker)
    held = await take(checker)
    closed = (await lead.post(f"/v1/qa/plans/{made['id']}/close")).json()
    assert (closed["settled"], closed["waiting"]) == (1, 0)
    assert_error(await checker.post(f"/v1/qa/reviews/{held['token']}", json={**OTHER}), 409, "lease_stale")
    assert await gets(checker) is None


async def test_nothing_that_waits_is_drawn(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await report(platform)
    await claim(reviewer)
    assert_error(await lead.post("/v1/qa/plans", json=plan_body()), 422, "invalid_request")
