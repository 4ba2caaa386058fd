"""Versions of policies: drafts change, what is published never does, and what is in force is the last that took effect."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest

from labeling.guidelines.reading import load_guidelines
from labeling.taxonomy import Taxonomy
from service.db import create_engine
from service.policies import store, workflow
from service.policies.changes import LISTED_LINES, Line, changed_lines
from service.policies.schemas import PolicySummary
from service.policies.workflow import import_guidelines
from tests.service.policies.steps import draft_body, drafted, library, published
from tests.service.steps import assert_error, query, value


async def test_a_draft_is_seen_by_managers_alone_until_it_is_published(
    lead: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    made = await drafted(lead)
    assert (made["state"], made["number"], made["reason"]) == ("draft", 1, "Too many appeals")
    assert (await reviewer.get("/v1/policies/harassment/versions")).json()["versions"] == []
    assert [one["id"] for one in (await lead.get("/v1/policies/harassment/versions")).json()["versions"]] == [
        made["id"]
    ]
    changed = await lead.patch(f"/v1/policies/drafts/{made['id']}", json={"title": "Harassment", "acknowledge": True})
    assert changed.json() | {"title": "", "acknowledge": False} == made | {"title": "", "acknowledge": False}
    assert (changed.json()["title"], changed.json()["acknowledge"]) == ("Harassment", True)
    await lead.post(f"/v1/policies/drafts/{made['id']}/publish", json={})
    [shown] = (await reviewer.get("/v1/policies/harassment/versions")).json()["versions"]
    assert (shown["state"], shown["title"], shown["reason"], shown["confirmed_by"]) == (
        "in_force",
        "Harassment",
        None,
        None,
    )
    assert [one["area"] for one in (await library(reviewer))["in_force"]] == ["harassment"]


async def test_what_is_published_never_changes(lead: httpx.AsyncClient, database: str) -> None:
    made = await published(lead)
    for answer in (
        await lead.patch(f"/v1/policies/drafts/{made['id']}", json={"title": "Another"}),
        await lead.post(f"/v1/policies/drafts/{made['id']}/publish", json={}),
        await lead.post(f"/v1/policies/{made['id']}/withdraw"),
    ):
        assert_error(answer, 409, "policy_fixed")
    for statement in (
        "UPDATE policy_versions SET body = 'else'",
        "UPDATE policy_versions SET withdrawn_at = now()",
        "UPDATE policy_versions SET effective_at = effective_at + interval '1 day'",
        "DELETE FROM policy_versions",
        "TRUNCATE policy_versions CASCADE",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            query(database, statement)


async def test_a_later_version_takes_its_place_when_its_time_comes(lead: httpx.AsyncClient) -> None:
    first = await published(lead)
    second = await drafted(lead, body="## Definition\n\nAttacks on a person.\n\n## Covered\n\n- Insults.\n- Pile-ons.")
    assert [(line["sign"], line["text"]) for line in second["diff"]][-1] == ("+", "- Pile-ons.")
    soon = (datetime.now(UTC) + timedelta(seconds=0.4)).isoformat()
    answer = await lead.post(f"/v1/policies/drafts/{second['id']}/publish", json={"effective_at": soon})
    assert answer.json()["state"] == "coming"
    shown = await library(lead)
    assert [one["id"] for one in shown["in_force"]] == [first["id"]]
    assert [one["id"] for one in shown["coming"]] == [second["id"]]
    await asyncio.sleep(0.5)
    shown = await library(lead)
    assert ([one["id"] for one in shown["in_force"]], shown["coming"]) == ([second["id"]], [])
    states = [one["state"] for one in (await lead.get("/v1/policies/harassment/versions")).json()["versions"]]
    assert states == ["in_force", "replaced"]


async def test_what_is_not_in_force_yet_can_be_withdrawn_once(lead: httpx.AsyncClient) -> None:
    made = await drafted(lead)
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    await lead.post(f"/v1/policies/drafts/{made['id']}/publish", json={"effective_at": later})
    assert (await lead.post(f"/v1/policies/{made['id']}/withdraw")).json()["state"] == "withdrawn"
    assert_error(await lead.post(f"/v1/policies/{made['id']}/withdraw"), 409, "policy_fixed")
    assert_error(await lead.post(f"/v1/policies/{made['id']}/acknowledge"), 404, "not_found")
    shown = await library(lead)
    assert (shown["coming"], shown["in_force"]) == ([], [])


async def test_publishing_asks_for_a_digest_and_a_moment_to_come(lead: httpx.AsyncClient) -> None:
    made = await drafted(lead, digest=" ")
    path = f"/v1/policies/drafts/{made['id']}/publish"
    assert "digest" in (await lead.post(path, json={})).json()["detail"]
    await lead.patch(f"/v1/policies/drafts/{made['id']}", json={"digest": "All of it."})
    past = await lead.post(path, json={"effective_at": "2026-01-01T00:00:00+00:00"})
    assert_error(past, 422, "invalid_request")
    assert "effective_at" in past.json()["detail"]
    assert (await lead.post(path, json={})).status_code == 200


async def test_bad_drafts_are_refused(lead: httpx.AsyncClient) -> None:
    assert_error(await lead.post("/v1/policies/nothing/drafts", json=draft_body()), 422, "unknown_label")
    assert_error(await lead.get("/v1/policies/nothing/versions"), 404, "not_found")
    assert_error(
        await lead.post("/v1/policies/spam/drafts", json={"owner": "P", "reason": "R"}), 422, "invalid_request"
    )
    for wrong in (
        {"title": " "},
        {"body": "x" * 40_001},
        {"examples": [{"text": "a", "verdict": "allowed", "severity": 2, "why": "b"}]},
        {"examples": [{"text": "a", "verdict": "violating", "why": "b"}]},
        {"made_by": "me"},
    ):
        assert (await lead.post("/v1/policies/spam/drafts", json=draft_body(**wrong))).status_code == 422, wrong
    for path in ("/v1/policies/drafts/{}/publish", "/v1/policies/{}/withdraw", "/v1/policies/{}/acknowledge"):
        assert_error(await lead.post(path.format(uuid4()), json={}), 404, "not_found")


async def test_a_draft_begins_from_what_is_in_force(lead: httpx.AsyncClient) -> None:
    first = await published(lead)
    begun = await lead.post("/v1/policies/harassment/drafts", json={"owner": "Policy", "reason": "Next"})
    assert [begun.json()[field] for field in ("title", "body", "examples", "number")] == [
        *(first[field] for field in ("title", "body", "examples")),
        2,
    ]


async def test_drafts_that_begin_at_once_get_numbers_of_their_own(lead: httpx.AsyncClient) -> None:
    made = await asyncio.gather(*(drafted(lead) for _ in range(4)))
    assert sorted(one["number"] for one in made) == [1, 2, 3, 4]


async def test_of_two_who_publish_one_draft_one_is_told(lead: httpx.AsyncClient, database: str) -> None:
    made = await drafted(lead)
    path = f"/v1/policies/drafts/{made['id']}/publish"
    answers = await asyncio.gather(lead.post(path, json={}), lead.post(path, json={}))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'policy.published'") == 1


async def test_guidelines_fill_an_empty_library_and_leave_the_rest_alone(
    lead: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    own = await published(lead)
    guidelines = load_guidelines(taxonomy)
    engine = create_engine(database, pool=1)
    async with engine.begin() as connection:
        assert (await import_guidelines(connection, guidelines, actor=None)).imported == len(taxonomy.areas) - 1
    await engine.dispose()
    assert (await lead.post("/v1/policies/import")).json() == {"imported": 0}
    shown = await library(lead)
    assert [one["area"] for one in shown["in_force"]] == list(taxonomy.area_ids)
    assert not any(one["acknowledge"] for one in shown["in_force"])
    assert (await lead.get("/v1/policies/harassment/versions")).json()["versions"][0]["id"] == own["id"]


async def test_comparing_texts_leaves_the_loop_free_and_an_editor_compares_its_own_alone(
    lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def watched(before: str, after: str, *, most: int) -> list[Line]:
        compared.append(threading.current_thread() is threading.main_thread())
        return changed_lines(before, after, most=most)

    for number in range(3):
        await published(lead, body=f"{number}")
    made = await drafted(lead, body="draft")
    monkeypatch.setattr(workflow, "changed_lines", watched)
    shown = (await lead.get("/v1/policies/harassment/versions")).json()["versions"]
    assert [[(line["sign"], line["text"]) for line in one["diff"]] for one in shown] == [
        [("-", "2"), ("+", "draft")],
        [("-", "1"), ("+", "2")],
        [("-", "0"), ("+", "1")],
        [],
    ]
    assert compared == [False] * 3
    compared.clear()
    assert (await lead.get(f"/policies/harassment/drafts/{made['id']}")).status_code == 200
    assert (await lead.get(f"/policies/spam/drafts/{made['id']}")).status_code == 404
    assert (await lead.patch(f"/v1/policies/drafts/{made['id']}", json={"body": "2"})).json()["diff"] == []
    assert compared == [False] * 2


async def test_a_list_shows_a_part_of_each_difference_and_all_of_that_in_force(lead: httpx.AsyncClient) -> None:
    def text(version: int) -> str:
        return "\n".join(f"{version} {number} {'x' * 60}" for number in range(300))

    for version in range(8):
        await published(lead, body=text(version))
    made = await drafted(lead, body=text(8))
    shown = (await lead.get("/v1/policies/harassment/versions")).json()["versions"]
    assert [len(one["diff"]) for one in shown] == [LISTED_LINES + 1, 600, *[LISTED_LINES + 1] * 6, 0]
    assert shown[0]["diff"][-1]["text"] == "… and 500 more lines: too much changed to show"
    # What is in force is compared once, at the top; of the six before it a part.
    page = (await lead.get("/policies/harassment")).text
    assert page.count('class="diff-goes"') == 300 + 6 * LISTED_LINES
    assert (await lead.get(f"/policies/harassment/drafts/{made['id']}")).text.count('class="diff-goes"') == 300


async def test_lists_of_versions_leave_the_texts_where_they_are(
    lead: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await published(lead, acknowledge=True)
    person = (await reviewer.get("/v1/me")).json()["id"]
    engine = create_engine(database, pool=1)
    async with engine.begin() as connection:
        found = [
            await store.current(connection, person),
            await store.unread(connection, person),
            await store.judged_by(connection, person, limit=10),
        ]
    await engine.dispose()
    assert [set(row._fields) for rows in found for row in rows] == [set(PolicySummary.model_fields)] * 3
