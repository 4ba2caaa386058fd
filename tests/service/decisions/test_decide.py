"""A decision is made once for each lease, stored whole, and never changed."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from labeling.taxonomy import Taxonomy
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
    row_counts,
    value,
)


async def test_a_decision_closes_the_case(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    answer = await decide(reviewer, claimed)
    assert answer.status_code == 201
    assert set(answer.json()) == {"decision_id", "undo_until", "policy"}
    assert query(database, "SELECT status, lease_token, lease_holder, lease_expires_at FROM cases") == [
        ("decided", None, None, None)
    ]
    assert value(database, "SELECT decided_at IS NOT NULL FROM cases")


async def test_a_decision_says_what_it_was_made_under(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, taxonomy: Taxonomy
) -> None:
    await decided(reviewer, claimed)
    [row] = query(
        database,
        "SELECT policy_area, severity, note, taxonomy_version, bundle, shown, lease_token::text FROM decisions",
    )
    assert row[:5] == ("harassment", 2, "clear case", taxonomy.version, None)
    assert row[5] == {
        "rank_value": claimed["case"]["rank"]["value"],
        "revealed": 0,
        "revealed_seconds": {},
        "primary_area": None,
    }
    assert row[6] == claimed["lease"]["token"]


async def test_ten_submits_at_once_make_one_decision(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    answers = await asyncio.gather(*(decide(reviewer, claimed, severity=number % 5) for number in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {"lease_stale"}
    counts = row_counts(database)
    assert counts["decisions"] == 1
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.decided'") == 1


async def test_late_submits_of_many_do_not_wait_for_each_other(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    lapse(database, claimed["case"]["id"])
    async with asyncio.timeout(25):
        answers = await asyncio.gather(*(decide(reviewer, claimed) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {409}


async def test_a_late_submit_is_refused_and_its_draft_is_shown_again(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    lapse(database, claimed["case"]["id"])
    await claim(colleague)
    assert_error(await decide(reviewer, claimed, note="long thought", severity=3), 409, "lease_stale")
    case = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}")).json()
    body = decision_body(claimed, note="long thought", severity=3)
    del body["lease_token"]
    assert case["draft"] == body
    assert case["status"] == "leased"
    assert (await colleague.get(f"/v1/cases/{claimed['case']['id']}")).json()["draft"] is None


async def test_a_submit_with_a_token_of_nobody_leaves_no_draft(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    before = row_counts(database)
    assert_error(await decide(reviewer, claimed, lease_token=str(uuid4())), 409, "lease_stale")
    assert row_counts(database) == before


async def test_a_decision_about_no_case_is_stale(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    answer = await reviewer.post(f"/v1/cases/{uuid4()}/decisions", json=decision_body(claimed))
    assert_error(answer, 409, "lease_stale")


async def test_content_that_changed_under_the_reviewer_is_shown_before_it_is_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await report(platform, text="edited meanwhile")
    assert_error(await decide(reviewer, claimed), 409, "content_changed")
    case = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}")).json()
    assert (case["status"], case["subject"]["text"]) == ("leased", "edited meanwhile")
    assert case["draft"]["note"] == "clear case"
    await decided(reviewer, claimed)
    assert value(database, "SELECT text FROM decisions d JOIN evidence e ON e.id = d.evidence_id") == "edited meanwhile"


async def test_another_report_of_the_same_content_does_not_get_in_the_way(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    await report(platform, views_per_hour=1e6)
    await decided(reviewer, claimed)


CONTRADICTIONS = {
    "no action": ({"actions": []}, "invalid_request"),
    "unknown action": ({"actions": ["obliterate"]}, "unknown_label"),
    "one unknown action of two": ({"actions": ["remove", "obliterate"]}, "unknown_label"),
    "the same action twice": ({"actions": ["remove", "remove"]}, "invalid_request"),
    "action that is no list": ({"actions": "remove"}, "invalid_request"),
    "unknown area": ({"policy_area": "rudeness"}, "unknown_label"),
    "area of nothing": ({"policy_area": ""}, "unknown_label"),
    "removal of benign content": ({"policy_area": "benign"}, "invalid_request"),
    "removal without a violation": ({"actions": ["remove", "no_violation"]}, "invalid_request"),
    "severity above the scale": ({"severity": 5}, "invalid_request"),
    "severity below the scale": ({"severity": -1}, "invalid_request"),
    "severity in words": ({"severity": "2"}, "invalid_request"),
    "severity in between": ({"severity": 1.5}, "invalid_request"),
    "severity true": ({"severity": True}, "invalid_request"),
    "no severity": ({"severity": None}, "invalid_request"),
    "nul in the note": ({"note": "a\x00"}, "invalid_request"),
    "note without end": ({"note": "x" * 10_001}, "invalid_request"),
    "unknown field": ({"reviewer": "me"}, "invalid_request"),
    "token that is none": ({"lease_token": "mine"}, "invalid_request"),
}


@pytest.mark.parametrize(("fields", "code"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
async def test_a_contradictory_decision_is_refused_and_changes_nothing(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, fields: dict[str, Any], code: str
) -> None:
    before = row_counts(database)
    assert_error(await decide(reviewer, claimed, **fields), 422, code)
    assert row_counts(database) == before
    await decided(reviewer, claimed)


async def test_every_area_and_action_of_the_taxonomy_can_be_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, taxonomy: Taxonomy
) -> None:
    harmless = next(action.id for action in taxonomy.actions if not action.enforces)
    enforcing = [action.id for action in taxonomy.actions if action.enforces]
    for number, label in enumerate(taxonomy.label_ids):
        await report(platform, label)
        actions = [harmless] if label == taxonomy.benign_id else [enforcing[number % len(enforcing)]]
        await decided(reviewer, await claim(reviewer), policy_area=label, actions=actions)


APPEND_ONLY = {
    "events": "kind = 'forged'",
    "decisions": "severity = 0",
    "decision_undos": "undone_at = now()",
    "exposures": "reason = 'forged'",
}


async def test_the_record_cannot_be_changed(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    made = await decided(reviewer, claimed)
    query(
        database, "INSERT INTO decision_undos SELECT id, decided_by FROM decisions WHERE id = %s", made["decision_id"]
    )
    query(
        database,
        """
        INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by)
        SELECT id, '', 'image', 'image/png', 1, 1, 1, 1, '', decided_by FROM decisions
        """,
    )
    query(
        database,
        """
        INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, expires_at)
        SELECT id, id, case_id, decided_by, lease_token, 'to decide', now() FROM decisions
        """,
    )
    for table, change in APPEND_ONLY.items():
        before = query(database, f"SELECT * FROM {table}")
        assert before
        for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                query(database, statement)
        assert query(database, f"SELECT * FROM {table}") == before
