"""Clocks: the nearest ranks the case at once, none is ever changed, and the law is not softened without a reason."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from service.clocks import workflow
from tests.conftest import bearer
from tests.service.steps import (
    Body,
    assert_error,
    claim,
    decided,
    hook,
    messages,
    query,
    report,
    report_body,
    row_counts,
    value,
)

NOW = datetime.now(UTC).replace(microsecond=0)


def due(hours: float) -> str:
    """A moment so many hours from now, as JSON."""
    return (NOW + timedelta(hours=hours)).isoformat()


def clock(hours: float = 24, **fields: Any) -> Body:
    """A clock that the service accepts."""
    return {"kind": "legal", "basis": "DSA Art. 16", "due_at": due(hours), **fields}


async def set_clock(caller: httpx.AsyncClient, case_id: str, hours: float = 24, **fields: Any) -> Body:
    """Set a clock; it has to work."""
    answer = await caller.post(f"/v1/cases/{case_id}/clocks", json=clock(hours, **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
async def case_id(platform: httpx.AsyncClient) -> str:
    """An open case."""
    return str((await report(platform))["case_id"])


def same(moment: str, hours: float) -> bool:
    """Whether a moment of an answer is that many hours from now."""
    return datetime.fromisoformat(moment) == NOW + timedelta(hours=hours)


async def test_a_clock_is_the_deadline_of_its_case_at_once(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str, database: str
) -> None:
    before = value(database, "SELECT start_by FROM cases")
    made = await set_clock(platform, case_id, 24)
    assert same(made["deadline"], 24)
    assert made["clock"] == {**made["clock"], "kind": "legal", "basis": "DSA Art. 16", "reason": "", "overdue": False}
    assert made["clock"]["replaces"] is made["clock"]["replaced_by"] is None
    deadline, start_by, part = query(database, "SELECT deadline, start_by, rank ->> 'deadline' FROM cases")[0]
    assert deadline == datetime.fromisoformat(part) == NOW + timedelta(hours=24)
    assert start_by < min(before, deadline)
    case = (await claim(reviewer))["case"]
    assert datetime.fromisoformat(case["rank"]["parts"]["deadline"]) == deadline
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'clock.set'")
    assert data == {**data, "clock": made["clock"]["id"], "kind": "legal"}
    assert "DSA" not in str(data)


async def test_the_nearest_clock_counts(platform: httpx.AsyncClient, case_id: str, database: str) -> None:
    for hours in (48, 12, 24):
        await set_clock(platform, case_id, hours, kind="contract" if hours == 12 else "legal")
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=12)


async def test_a_case_that_is_due_goes_first(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str
) -> None:
    await report(platform, "seen by millions", views_per_hour=1e8)
    await set_clock(platform, case_id, 0.1)
    assert (await claim(reviewer))["case"]["id"] == case_id


async def test_a_moment_in_the_past_is_taken_and_said(
    platform: httpx.AsyncClient, client: httpx.AsyncClient, case_id: str
) -> None:
    assert "triage_overdue_legal_clocks 0.0" in (await client.get("/metrics")).text
    made = await set_clock(platform, case_id, -3)
    assert made["clock"]["overdue"] is True
    await set_clock(platform, case_id, -3, kind="contract")
    assert "triage_overdue_legal_clocks 1.0" in (await client.get("/metrics")).text


async def test_clocks_of_decided_cases_are_not_overdue(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, case_id: str
) -> None:
    await set_clock(platform, case_id, -3)
    await decided(reviewer, await claim(reviewer))
    assert "triage_overdue_legal_clocks 0.0" in (await client.get("/metrics")).text
    [listed] = (await reviewer.get(f"/v1/cases/{case_id}/clocks")).json()["clocks"]
    assert listed["overdue"] is False


async def test_a_clock_is_replaced_and_both_stay_listed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str, database: str
) -> None:
    first = (await set_clock(platform, case_id, 24))["clock"]
    second = (await set_clock(platform, case_id, 6, replaces=first["id"], reason="the authority asks for less"))[
        "clock"
    ]
    assert second["replaces"] == first["id"]
    listed = (await reviewer.get(f"/v1/cases/{case_id}/clocks")).json()
    assert [one["id"] for one in listed["clocks"]] == [second["id"], first["id"]]
    assert [one["replaced_by"] for one in listed["clocks"]] == [None, second["id"]]
    assert same(listed["deadline"], 6)
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=6)
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'clock.replaced'")
    assert data["replaces"] == first["id"]
    assert "set_by" not in str(listed)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"reason": ""}, "reason: say why"),
        ({"reason": "more time needed"}, "another basis"),
        ({"reason": "DSA Art. 16 read again"}, "another basis"),
        ({"basis": "court order 7", "reason": "more time needed"}, "name that basis"),
        ({"kind": "contract", "reason": "now by contract", "basis": "contract"}, "only a legal clock"),
    ],
    ids=["no reason", "same basis", "same basis named", "basis not named", "other kind"],
)
async def test_a_legal_clock_does_not_move_later_for_the_asking(
    platform: httpx.AsyncClient, case_id: str, database: str, change: Body, word: str
) -> None:
    first = (await set_clock(platform, case_id, 24))["clock"]
    before = row_counts(database), query(database, "TABLE clocks")
    answer = await platform.post(f"/v1/cases/{case_id}/clocks", json=clock(48, replaces=first["id"], **change))
    assert word in assert_error(answer, 422, "invalid_request")
    assert (row_counts(database), query(database, "TABLE clocks")) == before
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=24)


async def test_a_legal_clock_moves_later_on_another_basis_that_is_named(
    platform: httpx.AsyncClient, case_id: str, database: str
) -> None:
    first = (await set_clock(platform, case_id, 24))["clock"]
    change = {"basis": "Court order 7", "reason": "extended by court order 7 of Monday"}
    await set_clock(platform, case_id, 48, replaces=first["id"], **change)
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=48)


async def test_a_contract_clock_moves_with_any_reason(platform: httpx.AsyncClient, case_id: str, database: str) -> None:
    first = (await set_clock(platform, case_id, 24, kind="contract"))["clock"]
    await set_clock(platform, case_id, 48, kind="contract", replaces=first["id"], reason="agreed by phone")
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=48)


async def test_a_replaced_clock_is_not_replaced_again(platform: httpx.AsyncClient, case_id: str) -> None:
    first = (await set_clock(platform, case_id, 24))["clock"]
    second = (await set_clock(platform, case_id, 6, replaces=first["id"], reason="sooner"))["clock"]
    answer = await platform.post(f"/v1/cases/{case_id}/clocks", json=clock(5, replaces=first["id"], reason="sooner"))
    assert second["id"] in assert_error(answer, 409, "clock_replaced")


async def test_of_many_replacements_at_once_one_counts(
    platform: httpx.AsyncClient, case_id: str, database: str
) -> None:
    first = (await set_clock(platform, case_id, 24))["clock"]
    bodies = [clock(hours, replaces=first["id"], reason="sooner") for hours in range(1, 9)]
    answers = await asyncio.gather(*(platform.post(f"/v1/cases/{case_id}/clocks", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    [made] = [answer.json()["clock"] for answer in answers if answer.status_code == 201]
    assert value(database, "SELECT deadline FROM cases") == datetime.fromisoformat(made["due_at"])


async def test_clocks_and_reports_and_views_at_once_leave_the_nearest_deadline(
    platform: httpx.AsyncClient, case_id: str, database: str
) -> None:
    body = {"updates": [{"id": "post-1", "kind": "post", "views_per_hour": 7}]}
    await asyncio.gather(
        *(set_clock(platform, case_id, hours) for hours in range(2, 10)),
        *(report(platform, views_per_hour=None) for _ in range(8)),
        *(platform.post("/v1/subjects/views", json=body) for _ in range(8)),
    )
    found = query(
        database, "SELECT deadline, report_count, views_per_hour, (rank ->> 'deadline')::timestamptz FROM cases"
    )
    soonest = NOW + timedelta(hours=2)
    assert found == [(soonest, 9, 7.0, soonest)]


async def test_a_clock_of_another_case_cannot_be_replaced(platform: httpx.AsyncClient, case_id: str) -> None:
    other = (await set_clock(platform, str((await report(platform, "other"))["case_id"])))["clock"]
    for unknown in (other["id"], str(uuid4())):
        answer = await platform.post(f"/v1/cases/{case_id}/clocks", json=clock(2, replaces=unknown, reason="x"))
        assert_error(answer, 422, "invalid_request")


async def test_a_decided_case_takes_no_clock(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str, database: str
) -> None:
    await decided(reviewer, await claim(reviewer))
    assert_error(await platform.post(f"/v1/cases/{case_id}/clocks", json=clock()), 409, "case_decided")
    assert value(database, "SELECT count(*) FROM clocks") == 0


async def test_an_unknown_case_is_not_found(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    assert_error(await platform.post(f"/v1/cases/{uuid4()}/clocks", json=clock()), 404, "not_found")
    assert_error(await reviewer.get(f"/v1/cases/{uuid4()}/clocks"), 404, "not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "internal"},
        {"basis": " "},
        {"basis": "x" * 501},
        {"due_at": "2026-12-01T10:00:00"},
        {"due_at": "0001-01-01T00:00:00+14:00"},
        {"reason": "x" * 1001},
        {"basis": "a\x00"},
        {"paused": True},
    ],
)
async def test_bad_clocks_are_refused(platform: httpx.AsyncClient, case_id: str, change: Body, database: str) -> None:
    answer = await platform.post(f"/v1/cases/{case_id}/clocks", json=clock() | change)
    assert_error(answer, 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM clocks") == 0


@pytest.mark.parametrize(("role", "status"), [("specialist", 201), ("lead", 201), ("reviewer", 403), ("admin", 403)])
async def test_who_may_set_a_clock(
    client: httpx.AsyncClient, keys: dict[str, str], case_id: str, role: str, status: int
) -> None:
    answer = await client.post(f"/v1/cases/{case_id}/clocks", json=clock(), headers=bearer(keys[role]))
    assert answer.status_code == status


async def test_a_case_that_is_not_theirs_to_see_is_not_found(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, case_id: str, database: str
) -> None:
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('closed-shop', 'For few', true)")
    query(database, "UPDATE cases SET queue = 'closed-shop'")
    assert_error(await colleague.post(f"/v1/cases/{case_id}/clocks", json=clock()), 404, "not_found")
    assert_error(await colleague.get(f"/v1/cases/{case_id}/clocks"), 404, "not_found")
    await set_clock(platform, case_id)


async def test_the_platform_sets_clocks_on_what_it_reported_alone(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    case_id = (await report(colleague))["case_id"]
    said = assert_error(await platform.post(f"/v1/cases/{case_id}/clocks", json=clock()), 404, "not_found")
    unknown = str(uuid4())
    no_case = assert_error(await platform.post(f"/v1/cases/{unknown}/clocks", json=clock()), 404, "not_found")
    assert said.replace(case_id, unknown) == no_case
    assert value(database, "SELECT count(*) FROM clocks") == 0
    assert (await report(platform))["case_id"] == case_id
    await set_clock(platform, case_id)


async def test_the_platform_replaces_its_own_clocks_alone(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, case_id: str, database: str
) -> None:
    theirs = (await set_clock(colleague, case_id, kind="contract"))["clock"]
    before = query(database, "TABLE clocks")
    body = clock(900, kind="contract", replaces=theirs["id"], reason="no hurry")
    detail = assert_error(await platform.post(f"/v1/cases/{case_id}/clocks", json=body), 404, "not_found")
    assert "that you set" in detail
    assert query(database, "TABLE clocks") == before
    own = (await set_clock(platform, case_id, 12))["clock"]
    own = (await set_clock(platform, case_id, 6, replaces=own["id"], reason="sooner"))["clock"]
    # Whoever sees the case replaces any.
    await set_clock(colleague, case_id, 5, replaces=own["id"], reason="sooner still")


async def test_a_clock_takes_a_shed_case_back_to_its_queue(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str, database: str
) -> None:
    await hook(platform)
    query(database, "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'a rule'")
    await set_clock(platform, case_id)
    assert query(database, "SELECT status, shed_at FROM cases") == [("open", None)]
    assert query(database, "SELECT data FROM events WHERE kind = 'case.unshed'") == [({"because": "clock"},)]
    await set_clock(platform, case_id)
    [told] = messages(database, "case.unshed")
    assert (told["case_id"], len(told["reports"])) == (case_id, 1)


async def test_a_report_brings_its_clock_along(platform: httpx.AsyncClient, case_id: str, database: str) -> None:
    body = report_body() | {"deadline": {"kind": "legal", "basis": "DSA Art. 16", "due_at": due(5)}}
    assert (await platform.post("/v1/reports", json=body)).status_code == 201
    assert value(database, "SELECT deadline FROM cases") == NOW + timedelta(hours=5)
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'clock.set'") == 1
    other = report_body("other") | {"deadline": {"kind": "contract", "basis": "contract 9", "due_at": due(4)}}
    assert (await platform.post("/v1/reports", json=other)).status_code == 201
    assert query(database, "SELECT kind, basis FROM clocks ORDER BY due_at") == [
        ("contract", "contract 9"),
        ("legal", "DSA Art. 16"),
    ]


async def test_a_deadline_on_content_that_was_decided_is_met(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, case_id: str, database: str
) -> None:
    await decided(reviewer, await claim(reviewer))
    body = report_body() | {"deadline": {"kind": "legal", "basis": "DSA Art. 16", "due_at": due(5)}}
    assert (await platform.post("/v1/reports", json=body)).json()["case_status"] == "decided"
    assert value(database, "SELECT count(*) FROM clocks") == 0


async def test_clocks_are_only_ever_added(platform: httpx.AsyncClient, case_id: str, database: str) -> None:
    await set_clock(platform, case_id)
    for statement in ("UPDATE clocks SET due_at = now()", "DELETE FROM clocks"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            query(database, statement)


async def test_a_case_has_so_many_clocks_at_most(
    platform: httpx.AsyncClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "CLOCKS", 3)
    for hours in range(3):
        await set_clock(platform, case_id, hours)
    assert_error(await platform.post(f"/v1/cases/{case_id}/clocks", json=clock()), 422, "invalid_request")
