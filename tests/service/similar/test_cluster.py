"""One decision for many nearly equal cases: exactly what was previewed and still is so, told case by case, taken back."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from service.similar import tokens
from tests.conftest import bearer, client_of, running_app
from tests.service.similar.conftest import OTHER, TEXT, Settle, spread
from tests.service.steps import (
    Body,
    assert_error,
    decided,
    query,
    report,
    rewrite,
    row_counts,
    value,
)


async def preview(person: httpx.AsyncClient, case_id: str, **body: Any) -> Body:
    answer = await person.post(f"/v1/cases/{case_id}/cluster/preview", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def take(person: httpx.AsyncClient, case_id: str) -> Body:
    answer = await person.post(f"/v1/cases/{case_id}/claim")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def decide_cluster(person: httpx.AsyncClient, seed: Body, shown: Body, **fields: Any) -> httpx.Response:
    body = {
        "lease_token": seed["lease"]["token"],
        "actions": ["remove"],
        "policy_area": "spam",
        "severity": 1,
        "note": "the same offer again",
        "preview_token": shown["preview_token"],
        **fields,
    }
    return await person.post(f"/v1/cases/{seed['case']['id']}/cluster/decide", json=body)


async def made(person: httpx.AsyncClient, seed: Body, shown: Body, **fields: Any) -> Body:
    answer = await decide_cluster(person, seed, shown, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def statuses(database: str) -> dict[str, int]:
    return dict(query(database, "SELECT status, count(*) FROM cases GROUP BY status"))


async def test_one_decision_decides_what_was_previewed(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://platform.example/hook"})
    cases = await spread(platform, 6)
    await report(platform, "other", text=OTHER)
    await settle()
    seed = await take(colleague, cases[0])
    shown = await preview(colleague, cases[0])
    assert (shown["count"], shown["left_out"], shown["cap"], shown["radius"]) == (5, {}, 100, 3)
    assert {one["case_id"] for one in shown["cases"]} == set(cases[1:])
    done = await made(colleague, seed, shown)
    assert (done["cases"][0], set(done["cases"]), done["skipped"]) == (cases[0], set(cases), [])
    assert statuses(database) == {"decided": 6, "open": 1}
    rows = query(database, "SELECT CAST(case_id AS text), basis, CAST(cluster_id AS text), note FROM decisions")
    assert {case_id: basis for case_id, basis, _, _ in rows} == {
        case_id: "review" if case_id == cases[0] else "cluster" for case_id in cases
    }
    assert {(cluster, note) for _, _, cluster, note in rows} == {(done["cluster_id"], "the same offer again")}
    assert value(database, "SELECT count(DISTINCT undo_until) FROM decisions") == 1
    # A lease of its own for each, granted and ended with the decision; a message and an event for each as well.
    assert query(database, "SELECT lane, outcome, count(*) FROM leases WHERE ended_at IS NOT NULL GROUP BY 1, 2") == [
        ("named", "decided", 6)
    ]
    assert value(database, "SELECT count(DISTINCT decision_id) FROM outbox WHERE kind = 'decision.made'") == 6
    assert value(database, "SELECT count(DISTINCT case_id) FROM events WHERE kind = 'case.decided'") == 6
    assert query(database, "SELECT CAST(case_id AS text), data FROM events WHERE kind = 'cluster.decided'") == [
        (cases[0], {"cluster": done["cluster_id"], "cases": 6, "skipped": 0})
    ]


async def test_the_cluster_can_be_read_by_those_who_read_cases(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    cases = await spread(platform, 3)
    await settle()
    done = await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    for person, yours in ((colleague, True), (reviewer, False)):
        read = (await person.get(f"/v1/clusters/{done['cluster_id']}")).json()
        assert (read["seed_case"], read["yours"], read["previewed"], read["undone_at"]) == (cases[0], yours, 2, None)
        assert {one["case_id"] for one in read["cases"]} == set(cases)
        assert (read["actions"], read["policy_area"], read["severity"]) == (["remove"], "spam", 1)
        assert "test-specialist" not in str(read)
    assert_error(await reviewer.get(f"/v1/clusters/{cases[0]}"), 404, "not_found")


async def test_while_a_second_opinion_waits_the_cluster_that_was_taken_back_stays_unknown(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settle: Settle,
    database: str,
) -> None:
    cases = await spread(platform, 3)
    await settle()
    done = await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    address = f"/v1/clusters/{done['cluster_id']}"
    # Of one case alone; what the others of the cluster say is the same.
    rewrite(database, "UPDATE decisions SET undo_until = now() + interval '1 minute' WHERE case_id = %s", cases[0])
    assert (await colleague.post(f"/v1/decisions/{done['decision_id']}/undo")).status_code == 200
    assert (await reviewer.get(address)).status_code == 200
    held = await take(colleague, cases[0])
    said = {"actions": ["remove"], "policy_area": "spam", "severity": 1}
    body = {"lease_token": held["lease"]["token"], "question": "well?", "proposal": said}
    assert (await colleague.post(f"/v1/cases/{cases[0]}/second-opinion", json=body)).status_code == 201
    assert_error(await reviewer.get(address), 404, "not_found")
    assert (await colleague.get(address)).json()["actions"] == ["remove"]
    # Nor is an answer told by its near-duplicates while it can be taken back.
    await decided(reviewer, await take(reviewer, cases[0]), actions=["warn"])
    rewrite(database, "UPDATE decisions SET undo_until = now() + interval '1 minute' WHERE basis = 'second_opinion'")
    near = {
        one["case_id"]: one["decided"] for one in (await colleague.get(f"/v1/cases/{cases[1]}/similar")).json()["cases"]
    }
    assert near[cases[0]] is None
    assert near[cases[2]]["actions"] == ["remove"]
    rewrite(database, "UPDATE decisions SET undo_until = now()")
    near = {
        one["case_id"]: one["decided"] for one in (await colleague.get(f"/v1/cases/{cases[1]}/similar")).json()["cases"]
    }
    assert near[cases[0]]["actions"] == ["warn"]


async def test_a_cluster_names_only_cases_that_the_reader_may_see(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settle: Settle,
    database: str,
) -> None:
    cases = await spread(platform, 4)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    for one in cases[1:3]:
        await take(reviewer, one)
    done = await made(colleague, seed, shown)
    address = f"/v1/clusters/{done['cluster_id']}"
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(
        database, "UPDATE cases SET queue = 'few', lease_holder = NULL WHERE id = ANY(%s::uuid[])", [cases[0], cases[1]]
    )
    for person in (colleague, reviewer):
        read = (await person.get(address)).json()
        assert read["seed_case"] is None
        assert [one["case_id"] for one in read["cases"]] == [cases[3]]
        assert read["skipped"] == [{"case_id": cases[2], "reason": "leased"}]
        assert read["previewed"] == 3
    # Whoever made it takes it back all the same, and the event is on the case it started from.
    for table in ("decisions", "cluster_decisions"):
        rewrite(database, f"UPDATE {table} SET undo_until = now() + interval '1 minute'")
    assert (await colleague.post(f"{address}/undo")).status_code == 200
    assert value(database, "SELECT CAST(case_id AS text) FROM events WHERE kind = 'cluster.undone'") == cases[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE cases SET special = 'legal_order' WHERE id = %s", "special_route"),
        ("UPDATE cases SET status = 'shed', shed_at = now() WHERE id = %s", "shed"),
        ("UPDATE cases SET status = 'held', held_until = now() + interval '1 hour' WHERE id = %s", "held"),
        ("UPDATE evidence SET language = 'de-AT' FROM cases c WHERE evidence.id = c.evidence_id AND c.id = %s",
         "other_language"),
        ("UPDATE evidence SET score = NULL FROM cases c WHERE evidence.id = c.evidence_id AND c.id = %s", "not_scored"),
        ("""UPDATE evidence SET score = jsonb_set(score, '{areas,harassment}', '0.7') FROM cases c
            WHERE evidence.id = c.evidence_id AND c.id = %s""", "scores_far_apart"),
        ("""UPDATE evidence SET score = jsonb_set(score, '{severity}', '[0, 0, 0, 0.9, 0.1]') FROM cases c
            WHERE evidence.id = c.evidence_id AND c.id = %s""", "scores_far_apart"),
    ],
)  # fmt: skip
async def test_what_may_be_another_matter_is_left_out_and_said(
    change: str, reason: str, platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 3)
    await settle()
    query(database, change, cases[1])
    shown = await preview(colleague, cases[0])
    assert [one["case_id"] for one in shown["cases"]] == [cases[2]]
    assert shown["left_out"] == {reason: 1}
    assert shown["left_out_cases"] == [{"case_id": cases[1], "reason": reason}]


async def test_held_by_others_decided_and_above_the_cap_are_left_out(
    settings: Settings, taxonomy: Any, database: str, keys: dict[str, str], settle: Settle, platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
) -> None:  # fmt: skip
    cases = await spread(platform, 7)
    await settle()
    await take(reviewer, cases[1])
    await decided(reviewer, await take(reviewer, cases[2]))
    async with running_app(settings.model_copy(update={"cluster_cap": 2}), taxonomy) as app, client_of(app) as person:
        person.headers.update(bearer(keys["specialist"]))
        shown = await preview(person, cases[0])
        assert (shown["count"], shown["cap"]) == (2, 2)
        assert shown["left_out"] == {"leased": 1, "decided": 1, "above_cap": 2}
        done = await made(person, await take(person, cases[0]), shown)
    assert len(done["cases"]) == 3
    assert statuses(database) == {"decided": 4, "leased": 1, "open": 2}


async def test_where_all_others_are_decided_the_preview_says_so(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    cases = await spread(platform, 3)
    await settle()
    for one in cases[1:]:
        await decided(reviewer, await take(reviewer, one))
    shown = await preview(colleague, cases[0])
    assert (shown["count"], shown["left_out"]) == (0, {"decided": 2})
    # A cluster of one is a decision like any other.
    assert (await made(colleague, await take(colleague, cases[0]), shown))["cases"] == [cases[0]]


async def test_a_wider_radius_finds_texts_with_more_changes(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle
) -> None:
    [own] = await spread(platform, 1)
    await report(platform, "near", text=TEXT.replace("followers", "followings"))
    await settle()
    assert (await preview(colleague, own, radius=0))["count"] == 0
    assert (await preview(colleague, own, radius=10))["count"] == 1


async def test_what_changed_after_the_preview_is_skipped_with_its_reason(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settle: Settle,
    database: str,
) -> None:
    cases = await spread(platform, 6)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    await take(reviewer, cases[1])
    await decided(reviewer, await take(reviewer, cases[2]))
    await report(platform, "copy-4", text=OTHER)
    await report(platform, "copy-5", text=f"{TEXT} https://shop.example/5 \U0001f525")
    done = await made(colleague, seed, shown)
    assert {(one["case_id"], one["reason"]) for one in done["skipped"]} == {
        (cases[1], "leased"),
        (cases[2], "decided"),
        (cases[3], "content_changed"),
    }
    # Reported once more with the same content: still what was previewed.
    assert set(done["cases"]) == {cases[0], cases[4], cases[5]}
    assert value(database, "SELECT status FROM cases WHERE id = %s", cases[1]) == "leased"
    read = (await colleague.get(f"/v1/clusters/{done['cluster_id']}")).json()
    assert sorted(one["reason"] for one in read["skipped"]) == ["content_changed", "decided", "leased"]


async def test_new_copies_after_the_preview_are_not_decided(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 2)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    await spread(platform, 3, first=3)
    await settle()
    await made(colleague, seed, shown)
    assert statuses(database) == {"decided": 2, "open": 3}


async def test_without_the_lease_nothing_is_decided_and_the_draft_is_kept(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 3)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    query(database, "UPDATE cases SET lease_expires_at = now() - interval '1 second' WHERE id = %s", cases[0])
    assert_error(await decide_cluster(colleague, seed, shown), 409, "lease_stale")
    assert value(database, "SELECT count(*) FROM decisions") == 0
    assert value(database, "SELECT count(*) FROM cluster_decisions") == 0
    assert value(database, "SELECT body ->> 'policy_area' FROM drafts") == "spam"


async def test_edited_content_of_the_seed_asks_for_another_preview(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 3)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    await report(platform, "copy-1", text=OTHER)
    assert_error(await decide_cluster(colleague, seed, shown), 409, "preview_stale")
    assert value(database, "SELECT count(*) FROM decisions") == 0


async def test_a_preview_is_for_its_person_its_case_and_a_while(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    settle: Settle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = await spread(platform, 3)
    await settle()
    seed = await take(colleague, cases[0])
    own = await preview(colleague, cases[0])
    others = (
        await preview(lead, cases[0]),
        await preview(colleague, cases[1]),
        {"preview_token": own["preview_token"][:-3] + "abc"},
        {"preview_token": "no token"},
    )
    for shown in others:
        assert_error(await decide_cluster(colleague, seed, shown), 409, "preview_stale")
    monkeypatch.setattr(tokens, "PREVIEW_SECONDS", -1)
    assert_error(await decide_cluster(colleague, seed, own), 409, "preview_stale")


async def test_labels_that_do_not_exist_decide_nothing(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 2)
    await settle()
    seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])
    before = row_counts(database)
    assert_error(await decide_cluster(colleague, seed, shown, policy_area="gone"), 422, "unknown_label")
    assert row_counts(database) == before


async def test_reviewers_decide_no_clusters(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    [own] = await spread(platform, 1)
    assert_error(await reviewer.post(f"/v1/cases/{own}/cluster/preview"), 403, "forbidden")
    assert_error(await reviewer.post(f"/v1/clusters/{own}/undo"), 403, "forbidden")


async def test_labels_say_which_decisions_came_with_a_cluster(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, settle: Settle
) -> None:
    cases = await spread(platform, 3)
    await settle()
    await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    rows = (await lead.get("/v1/labels")).text
    assert rows.count('"basis": "cluster"') == 2
    assert rows.count('"basis": "review"') == 1


async def test_it_is_taken_back_as_one(
    app: FastAPI, platform: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, settle: Settle,
    database: str,
) -> None:  # fmt: skip
    await platform.post("/v1/webhooks", json={"url": "https://platform.example/hook"})
    cases = await spread(platform, 4)
    await settle()
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 600})
    done = await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    assert_error(await lead.post(f"/v1/clusters/{done['cluster_id']}/undo"), 404, "not_found")
    back = await colleague.post(f"/v1/clusters/{done['cluster_id']}/undo")
    assert back.status_code == 200, back.text
    assert (set(back.json()["reopened"]), back.json()["not_undone"]) == (set(cases), [])
    assert statuses(database) == {"open": 4}
    assert query(database, "SELECT state, count(*) FROM outbox GROUP BY state") == [("cancelled", 4)]
    assert value(database, "SELECT count(*) FROM decision_undos") == 4
    assert query(database, "SELECT data - 'cluster' FROM events WHERE kind = 'cluster.undone'") == [
        ({"cases": 4, "not_undone": 0},)
    ]
    read = (await lead.get(f"/v1/clusters/{done['cluster_id']}")).json()
    assert read["undone_at"]
    assert all(one["undone_at"] for one in read["cases"])
    assert_error(await colleague.post(f"/v1/clusters/{done['cluster_id']}/undo"), 409, "undo_expired")


async def test_what_is_being_sent_stands_and_is_said(
    app: FastAPI, platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://platform.example/hook"})
    cases = await spread(platform, 4)
    await settle()
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 600})
    done = await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    decisions = dict(query(database, "SELECT CAST(case_id AS text), CAST(id AS text) FROM decisions"))
    query(database, "UPDATE outbox SET state = 'sending' WHERE decision_id = %s", decisions[cases[1]])
    assert (await colleague.post(f"/v1/decisions/{decisions[cases[2]]}/undo")).status_code == 200
    back = (await colleague.post(f"/v1/clusters/{done['cluster_id']}/undo")).json()
    assert set(back["reopened"]) == {cases[0], cases[3]}
    assert {(one["case_id"], one["reason"]) for one in back["not_undone"]} == {
        (cases[1], "being_sent"),
        (cases[2], "undone_before"),
    }
    # Whole or not at all: the decision that stands has no trace of an undo, and its case is not open.
    assert value(database, "SELECT count(*) FROM decision_undos WHERE decision_id = %s", decisions[cases[1]]) == 0
    assert value(database, "SELECT status FROM cases WHERE id = %s", cases[1]) == "decided"


async def test_after_the_window_it_stands(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 2)
    await settle()
    done = await made(colleague, await take(colleague, cases[0]), await preview(colleague, cases[0]))
    assert_error(await colleague.post(f"/v1/clusters/{done['cluster_id']}/undo"), 409, "undo_expired")
    assert statuses(database) == {"decided": 2}


async def test_two_clusters_at_once_decide_no_case_twice(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = await spread(platform, 24)
    await settle()
    people = (colleague, lead)
    shown = [await preview(person, case_id) for person, case_id in zip(people, cases[:2], strict=True)]
    seeds = [await take(person, case_id) for person, case_id in zip(people, cases[:2], strict=True)]
    done = await asyncio.gather(
        *(made(person, seed, one) for person, seed, one in zip(people, seeds, shown, strict=True))
    )
    assert sum(len(one["cases"]) for one in done) == 24
    assert value(database, "SELECT count(*) FROM decisions") == 24
    assert value(database, "SELECT count(DISTINCT case_id) FROM decisions") == 24
    assert statuses(database) == {"decided": 24}


async def test_claims_and_reports_in_the_same_moment_lose_nothing(
    platform: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settle: Settle,
    database: str,
) -> None:
    """Claimed cases stay with their holders, edited ones are not decided on what nobody saw, and no call fails."""
    for turn in range(3):
        cases = await spread(platform, 12, first=100 * turn + 1)
        await settle()
        seed, shown = await take(colleague, cases[0]), await preview(colleague, cases[0])

        async def claims(cases: list[str] = cases) -> list[int]:
            return [(await reviewer.post(f"/v1/cases/{one}/claim")).status_code for one in cases[1:6]]

        async def reports(turn: int = turn) -> None:
            for number in range(7, 13):
                await report(platform, f"copy-{100 * turn + number}", text=OTHER)

        done, claimed, _ = await asyncio.gather(made(colleague, seed, shown), claims(), reports())
        assert set(claimed) <= {200, 409}
        skipped = {one["case_id"]: one["reason"] for one in done["skipped"]}
        for place, case_id in enumerate(cases[1:6]):
            if claimed[place] == 200:
                assert skipped[case_id] == "leased"
        assert set(done["cases"]) | set(skipped) == set(cases)
        wrong = """
            SELECT count(*) FROM decisions d JOIN evidence e ON e.id = d.evidence_id WHERE e.text = %s
        """
        assert value(database, wrong, OTHER) == 0
        rewrite(database, "UPDATE cases SET status = 'decided', lease_token = NULL WHERE status <> 'decided'")
