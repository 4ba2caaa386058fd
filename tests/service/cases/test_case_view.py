"""A case as a reviewer sees it: whole, explained, and without the name of any member of staff."""

from uuid import uuid4

import httpx
import pytest

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig, RankInputs, rank, reproduce
from tests.service.steps import assert_error, claim, decided, lapse, query, report, value

ALWAYS = {
    "id",
    "status",
    "queue",
    "opened_at",
    "report_count",
    "lapses",
    "subject",
    "reports",
    "score",
    "score_state",
    "rank",
    "media",
    "draft",
    "revealed",
    "server_now",
}


async def test_case_is_shown_with_its_history(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    filed = await report(platform)
    made = await decided(reviewer, await claim(reviewer))
    answer = await reviewer.get(f"/v1/cases/{filed['case_id']}")
    assert answer.status_code == 200
    case = answer.json()
    assert set(case) >= ALWAYS | {"decisions", "events"}
    assert case["status"] == "decided"
    # The newest first; no endpoint is there to be told of the decision.
    kinds = ["decision.untold", "case.decided", "case.claimed", "case.opened"]
    assert [event["kind"] for event in case["events"]] == kinds
    [decision] = case["decisions"]
    assert decision["id"] == made["decision_id"]
    assert (decision["actions"], decision["policy_area"], decision["severity"]) == (["remove"], "harassment", 2)
    assert decision["undone_at"] is None


async def test_claimed_case_is_the_case(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    await report(platform)
    claimed = (await claim(reviewer))["case"]
    read = (await reviewer.get(f"/v1/cases/{claimed['id']}")).json()
    same = set(claimed) - {"server_now", "rank"}
    assert {key: read[key] for key in same} == {key: claimed[key] for key in same}
    assert read["rank"]["parts"] == claimed["rank"]["parts"]


async def test_unknown_case_is_not_found(reviewer: httpx.AsyncClient) -> None:
    assert_error(await reviewer.get(f"/v1/cases/{uuid4()}"), 404, "not_found")


async def test_reports_are_shown_oldest_first(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    filed = [await report(platform, reason=reason) for reason in ("spam", "harassment", "self_harm")]
    case = (await claim(reviewer))["case"]
    assert [one["id"] for one in case["reports"]] == [one["report_id"] for one in filed]
    assert [one["reason"] for one in case["reports"]] == ["spam", "harassment", "self_harm"]
    assert set(case["reports"][0]) == {"id", "channel", "reason", "note", "reporter", "received_at"}


async def test_of_very_many_reports_the_newest_hundred_are_shown(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    query(
        database,
        """
        INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, received_from, received_at, case_status)
        SELECT gen_random_uuid(), case_id, evidence_id, channel, reason, 'later', received_from,
               received_at + make_interval(secs => number), case_status
        FROM reports, generate_series(1, 150) AS number
        """,
    )
    await report(platform)
    case = (await claim(reviewer))["case"]
    assert len(case["reports"]) == 100
    assert {one["note"] for one in case["reports"]} == {"later"}


async def test_stored_rank_is_the_rank_of_what_is_stored(
    platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    await report(platform, reason="spam", views_per_hour=77)
    await report(platform, reason="fraud_scams", views_per_hour=78)
    [row] = query(
        database,
        """
        SELECT c.rank_value, c.rank, s.views_per_hour, min(r.received_at), array_agg(DISTINCT r.reason), c.report_count
        FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN reports r ON r.case_id = c.id GROUP BY c.id, s.id
        """,
    )
    inputs = RankInputs(None, reasons=row[4], views_per_hour=row[2], pictures=0, received_at=row[3], reports=row[5])
    again = rank(inputs, taxonomy, RankConfig())
    assert (row[0], row[1]) == (again.value, again.parts)
    assert reproduce(row[1])["value"] == row[0]


async def test_words_explain_the_rank(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    await report(platform, reason="child_safety", views_per_hour=1234)
    words = " ".join((await claim(reviewer))["case"]["rank"]["words"])
    assert "Child safety" in words
    assert "1,234 views" in words


async def test_no_member_of_staff_is_named(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    case = (await report(platform))["case_id"]
    await claim(reviewer)
    lapse(database, case)
    await decided(colleague, await claim(colleague))
    shown = (await reviewer.get(f"/v1/cases/{case}")).text
    for username, person in query(database, "SELECT username, id FROM principals"):
        assert username not in shown
        assert str(person) not in shown


@pytest.mark.parametrize("status", ["open", "leased", "decided"])
async def test_status_is_what_it_is(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, status: str
) -> None:
    case = (await report(platform))["case_id"]
    claimed = await claim(reviewer) if status != "open" else None
    if claimed and status == "decided":
        await decided(reviewer, claimed)
    assert (await reviewer.get(f"/v1/cases/{case}")).json()["status"] == status
    assert value(database, "SELECT status FROM cases") == status
