"""An unfinished decision is kept for its author, also when the lease ran out under it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.service.steps import (
    Body,
    as_json,
    assert_error,
    claim,
    decide,
    decided,
    lapse,
    row_counts,
    value,
)


async def save(person: httpx.AsyncClient, claimed: Body, body: Any, *, token: str | None = None) -> httpx.Response:
    content = as_json({"lease_token": token or claimed["lease"]["token"], "body": body})
    headers = {"Content-Type": "application/json"}
    return await person.put(f"/v1/cases/{claimed['case']['id']}/draft", content=content, headers=headers)


async def draft(person: httpx.AsyncClient, claimed: Body) -> Any:
    return (await person.get(f"/v1/cases/{claimed['case']['id']}")).json()["draft"]


async def test_a_draft_comes_back(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    body = {"severity": 3, "note": "zögernd – 为什么 \\u0000 \\", "nested": {"a": [None, True, 1.5]}}
    assert (await save(reviewer, claimed, body)).status_code == 204
    assert await draft(reviewer, claimed) == body


async def test_the_last_draft_counts(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    for number in range(3):
        await save(reviewer, claimed, {"number": number})
    assert await draft(reviewer, claimed) == {"number": 2}


async def test_a_draft_is_its_authors_alone(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    await save(reviewer, claimed, {"note": "mine"})
    assert await draft(colleague, claimed) is None


async def test_a_draft_survives_the_lapse_and_comes_with_the_next_claim(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await save(reviewer, claimed, {"note": "half"})
    lapse(database, claimed["case"]["id"])
    assert (await claim(reviewer))["case"]["draft"] == {"note": "half"}


async def test_a_draft_can_be_saved_after_the_lapse(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    lapse(database, claimed["case"]["id"])
    assert (await save(reviewer, claimed, {"note": "late"})).status_code == 204
    assert await draft(reviewer, claimed) == {"note": "late"}


async def test_a_decision_clears_the_draft(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    await save(reviewer, claimed, {"note": "half"})
    await decided(reviewer, claimed)
    assert row_counts(database)["drafts"] == 0


async def test_nobody_else_can_save_a_draft(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await save(colleague, claimed, {}), 409, "lease_stale")
    assert_error(await save(reviewer, claimed, {}, token=str(uuid4())), 409, "lease_stale")
    assert row_counts(database)["drafts"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"note": "\ud800"},
        {"\udfff": 1},
        {"note": "\x00"},
        {"\x00": 1},
        {"deep": [{"note": "a\x00"}]},
        {"severity": float("nan")},
        {"severity": float("inf")},
        {"note": "x" * 100_000},
        [],
        "text",
        None,
    ],
    ids=["surrogate", "surrogate name", "nul", "nul name", "nul deep", "nan", "inf", "long", "list", "text", "null"],
)
async def test_a_draft_that_cannot_be_kept_is_refused(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, body: Any
) -> None:
    answer = await save(reviewer, claimed, body)
    assert_error(answer, 422, "invalid_request")
    assert row_counts(database)["drafts"] == 0


@pytest.mark.parametrize("letter", ["x", "ж", "你", "😀", '"', "\n", "\x01"])
async def test_a_draft_may_hold_as_long_a_note_as_a_decision(
    reviewer: httpx.AsyncClient, claimed: Body, letter: str
) -> None:
    body = {"note": letter * 10_000, "actions": ["remove"], "policy_area": "harassment", "severity": 2}
    assert (await save(reviewer, claimed, body)).status_code == 204
    assert await draft(reviewer, claimed) == body


@pytest.mark.parametrize("letter", ["x", "你", '"', "\x01"])
async def test_a_late_decision_with_the_longest_note_is_kept_as_a_draft(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, letter: str
) -> None:
    lapse(database, claimed["case"]["id"])
    assert_error(await decide(reviewer, claimed, note=letter * 10_000), 409, "lease_stale")
    kept = await draft(reviewer, claimed)
    assert kept["note"] == letter * 10_000
    assert value(database, "SELECT count(*) FROM decisions") == 0
