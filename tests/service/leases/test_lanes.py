"""What the claim puts before rank, what it keeps from whom, and the random share with its known chances."""

import math
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.db import create_engine
from service.exposure.limits import Limits
from service.leases import workflow
from service.leases.store import WINDOW
from tests.service.leases.next import claim_next
from tests.service.steps import claim, query, report, report_body, seed_cases, value

Numbers = st.floats(0, 1, exclude_max=True)


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=2)
    yield one
    await one.dispose()


@pytest.fixture
def holder(database: str, keys: dict[str, str]) -> UUID:
    found: UUID = value(database, "SELECT id FROM principals WHERE role = 'reviewer'")
    return found


def lottery(*numbers: float) -> workflow.ClaimRules:
    """Every claim is drawn, by these numbers in turn."""
    sequence = cycle((0.0, *numbers))
    return workflow.ClaimRules(
        seconds=600, limits=Limits(day_seconds=3600), random_share=0.05, chance=lambda: next(sequence)
    )


async def due_in(platform: httpx.AsyncClient, subject: str, *, hours: float, **fields: Any) -> str:
    """A report with a legal deadline; returns its case."""
    due = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    body = report_body(subject, **fields) | {"deadline": {"kind": "legal", "basis": "an order", "due_at": due}}
    answer = await platform.post("/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


async def lane_of(database: str, case_id: str) -> str:
    return str(value(database, "SELECT lane FROM leases WHERE case_id = %s ORDER BY granted_at DESC LIMIT 1", case_id))


async def test_deadlines_that_come_near_go_first_then_latest_starts_then_rank(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    grave = (await report(platform, "grave", reason="child_safety", views_per_hour=1e6))["case_id"]
    later = await due_in(platform, "later", hours=0.4, views_per_hour=1)
    sooner = await due_in(platform, "sooner", hours=0.3, views_per_hour=1)
    far = await due_in(platform, "far", hours=30, views_per_hour=1e5)
    waited = (await report(platform, "waited", views_per_hour=0))["case_id"]
    query(database, "UPDATE cases SET start_by = now() - interval '1 minute' WHERE id = %s", waited)
    taken = [(await claim(reviewer))["case"]["id"] for _ in range(5)]
    assert taken == [sooner, later, waited, grave, far]
    assert [await lane_of(database, case) for case in taken] == ["legal", "legal", "bound", "ranked", "ranked"]


async def test_a_later_report_brings_a_deadline_and_the_case_says_so(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    case = (await report(platform, "calm", views_per_hour=1))["case_id"]
    await report(platform, "viral", views_per_hour=1e6)
    assert await due_in(platform, "calm", hours=0.2, views_per_hour=1) == case
    told = (await reviewer.get(f"/v1/cases/{case}/why")).json()
    assert "It goes first now, because of a deadline." in told["words"]
    assert told["ahead"] == 0
    taken = await claim(reviewer)
    assert taken["case"]["id"] == case
    assert taken["case"]["deadline"] is not None


async def test_languages_consents_and_exposure_decide_who_is_given_what(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, holder: UUID
) -> None:
    german = (await report(platform, "german", language="de-AT", views_per_hour=1e6))["case_id"]
    unknown = (await report(platform, "unknown", language=None, views_per_hour=1e5))["case_id"]
    english = (await report(platform, "english", language="en", views_per_hour=10))["case_id"]
    query(database, "UPDATE principals SET languages = '{en}' WHERE id = %s", holder)
    assert [(await claim(reviewer))["case"]["id"] for _ in range(2)] == [unknown, english]
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    query(database, "UPDATE principals SET languages = '{en,de}' WHERE id = %s", holder)
    assert (await claim(reviewer))["case"]["id"] == german


@pytest.mark.parametrize(
    ("scope", "person"),
    [("high_exposure", None), ("consent_area", "{}")],
    ids=["no exposure left", "no consent"],
)
async def test_what_a_person_may_not_be_given_waits_for_others(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    database: str,
    holder: UUID,
    scope: str,
    person: str | None,
) -> None:
    graphic = (await report(platform, "graphic", views_per_hour=1e6))["case_id"]
    mild = (await report(platform, "mild", views_per_hour=1))["case_id"]
    of = {"high_exposure": "('default', 'en', true, '')", "consent_area": "('default', 'en', false, 'self_harm')"}[
        scope
    ]
    columns = "case_scope" + of
    query(database, f"UPDATE cases SET scope_id = {columns} WHERE id = %s", graphic)
    query(database, "UPDATE principals SET consents = %s WHERE id = %s", person, holder)
    if scope == "high_exposure":
        await _expose(platform, reviewer, database)
    assert (await claim(reviewer))["case"]["id"] == mild
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    assert (await claim(colleague))["case"]["id"] == graphic


async def _expose(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str) -> None:
    """Have five hours of open originals on record for the reviewer, in the last day."""
    await report(platform, "seen before", views_per_hour=1e9)
    held = await claim(reviewer)
    media = value(
        database,
        "INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by)"
        " SELECT gen_random_uuid(), '', 'image', 'image/png', 1, 1, 1, 1, 'x', id FROM principals LIMIT 1 RETURNING id",
    )
    query(
        database,
        "INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, at, expires_at)"
        " SELECT gen_random_uuid(), %s, case_id, holder, token, 'test', now() - interval '6 hours',"
        " now() - interval '1 hour' FROM leases WHERE token = %s",
        media,
        held["lease"]["token"],
    )


async def test_what_was_passed_over_does_not_come_back_to_that_person(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str, holder: UUID
) -> None:
    first = (await report(platform, "first", views_per_hour=1e6))["case_id"]
    second = (await report(platform, "second", views_per_hour=1))["case_id"]
    query(database, "INSERT INTO skips VALUES (%s, %s, now() + interval '1 hour')", holder, first)
    assert (await claim(reviewer))["case"]["id"] == second
    assert (await claim(colleague))["case"]["id"] == first


async def drawn(engine: AsyncEngine, holder: UUID, spot: float, turn: float) -> tuple[UUID, str, float]:
    """Whom a draw by these two numbers would lease, by which lane and with which propensity; nothing is kept."""
    async with engine.connect() as connection:
        rules = lottery(spot, turn)
        lease = await claim_next(connection, holder, rules)
        assert lease is not None
        asked = text("SELECT lane, propensity FROM leases WHERE token = :token")
        row = (await connection.execute(asked, {"token": lease.token})).one()
        await connection.rollback()
    return lease.case_id, row.lane, row.propensity


@pytest.mark.parametrize("cases", [1, 5, WINDOW - 1, WINDOW, WINDOW + 1, 150])
async def test_the_chances_of_a_draw_are_those_that_are_logged(
    engine: AsyncEngine, database: str, holder: UUID, cases: int
) -> None:
    seed_cases(database, cases)
    # Points that lie evenly over both numbers (Roberts' sequence), so that counts scatter less than chance would have them.
    counted: Counter[UUID] = Counter()
    logged: dict[UUID, float] = {}
    for number in range(min(16 * cases, 320)):
        case, lane, propensity = await drawn(engine, holder, number * 0.7548776662 % 1, number * 0.5698402910 % 1)
        assert lane == "random"
        assert logged.setdefault(case, propensity) == pytest.approx(propensity)
        counted[case] += 1
    total = sum(counted.values())
    assert math.fsum(logged.values()) <= 1 + 1e-9
    if len(logged) == cases:
        assert math.fsum(logged.values()) == pytest.approx(1)
    if cases < WINDOW:
        assert all(one == pytest.approx(1 / cases) for one in logged.values())
    for case, times in counted.items():
        expected = logged[case] * total
        assert abs(times - expected) < 3 * math.sqrt(expected) + 3


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spot=Numbers, turn=Numbers)
async def test_every_draw_gives_a_case_with_a_chance(
    engine: AsyncEngine, database: str, holder: UUID, spot: float, turn: float
) -> None:
    query(database, "DELETE FROM cases; DELETE FROM evidence; DELETE FROM subjects")
    seed_cases(database, 40)
    _, lane, propensity = await drawn(engine, holder, spot, turn)
    assert lane == "random"
    assert 0 < propensity <= 1


async def test_a_draw_of_a_case_that_somebody_is_taking_draws_no_other(
    engine: AsyncEngine, database: str, holder: UUID
) -> None:
    seed_cases(database, 40)
    chosen, _, _ = await drawn(engine, holder, 0.3, 0.7)
    async with engine.begin() as taking:
        await taking.execute(text("SELECT id FROM cases WHERE id = :id FOR UPDATE"), {"id": chosen})
        case, lane, propensity = await drawn(engine, holder, 0.3, 0.7)
        # The first by rank instead: a neighbour would have had two chances, and be logged with one.
        assert (lane, propensity) == ("ranked", 1.0)
        assert case != chosen


async def test_several_areas_ask_for_consent_to_each(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, holder: UUID
) -> None:
    case = (await report(platform, "graphic", views_per_hour=1e6))["case_id"]
    scope = "case_scope('default', 'en', false, 'child_safety+self_harm')"
    query(database, f"UPDATE cases SET scope_id = {scope} WHERE id = %s", case)
    query(database, "UPDATE principals SET consents = '{self_harm}' WHERE id = %s", holder)
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    assert (await reviewer.post(f"/v1/cases/{case}/claim")).status_code == 409
    query(database, "UPDATE principals SET consents = '{self_harm,child_safety}' WHERE id = %s", holder)
    assert (await claim(reviewer))["case"]["id"] == case


async def test_a_draw_lets_a_deadline_go_first(platform: httpx.AsyncClient, engine: AsyncEngine, holder: UUID) -> None:
    for number in range(5):
        await report(platform, f"post-{number}")
    urgent = await due_in(platform, "urgent", hours=0.1)
    case, lane, propensity = await drawn(engine, holder, 0.3, 0.7)
    assert (str(case), lane, propensity) == (urgent, "legal", 1.0)


async def test_about_the_share_of_claims_is_drawn_and_says_so(engine: AsyncEngine, database: str, holder: UUID) -> None:
    seed_cases(database, 300)
    rules = workflow.ClaimRules(seconds=600, limits=Limits(day_seconds=3600), random_share=0.2)
    async with engine.begin() as connection:
        for _ in range(300):
            assert await claim_next(connection, holder, rules)
        assert await claim_next(connection, holder, rules) is None
    lanes = dict(query(database, "SELECT lane, count(*) FROM leases GROUP BY lane"))
    assert set(lanes) == {"random", "ranked"}
    # Sixty expected; beyond these bounds chance comes once in a million.
    assert 30 <= lanes["random"] <= 95
    assert value(database, "SELECT count(*) FROM leases WHERE random_share = 0.2") == 300
    assert value(database, "SELECT min(propensity) FROM leases WHERE lane = 'ranked'") == 1
