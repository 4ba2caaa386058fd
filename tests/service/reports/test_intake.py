"""Intake: an accepted report is stored whole, in exactly one case, ranked anew at once."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.service.steps import (
    assert_error,
    claim,
    query,
    report,
    report_body,
    row_counts,
    value,
)


async def test_report_is_answered_with_its_case(platform: httpx.AsyncClient, database: str) -> None:
    answer = await platform.post("/v1/reports", json=report_body())
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"report_id", "case_id", "case_status"}
    assert body["case_status"] == "open"
    stored = query(database, "SELECT case_id FROM reports WHERE id = %s", body["report_id"])
    assert stored == [(UUID(body["case_id"]),)]


async def test_report_leaves_subject_evidence_case_and_event(platform: httpx.AsyncClient, database: str) -> None:
    before = row_counts(database)
    await report(platform)
    after = row_counts(database)
    grown = {table: after[table] - before[table] for table in after if after[table] != before[table]}
    assert grown == {"subjects": 1, "evidence": 1, "cases": 1, "reports": 1, "events": 1}


async def test_smallest_report_is_accepted(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    body = {"channel": "press", "reason": "other", "subject": {"id": "x", "kind": "post", "text": "t"}}
    assert (await platform.post("/v1/reports", json=body)).status_code == 201
    case = (await claim(reviewer))["case"]
    assert case["subject"]["author"] is None
    assert case["reports"][0]["reporter"] is None
    assert case["subject"]["views_per_hour"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "مرحبا بالعالم",
        "👩‍👩‍👧‍👦" * 100,
        "null\\u0000escaped",
        "'; DROP TABLE cases; --",
        "\u202eltr\u2066",
        "%s %(x)s :name",
        "x" * 100_000,
    ],
    ids=["arabic", "emoji", "backslash", "quotes", "bidi", "placeholders", "longest"],
)
async def test_text_comes_back_as_it_was_sent(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, text: str
) -> None:
    await report(platform, text=text)
    assert (await claim(reviewer))["case"]["subject"]["text"] == text


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "1969-07-20T20:17:40Z", 0],
    ids=["after year 9999", "before year 1", "before 1970", "number"],
)
async def test_an_odd_creation_date_is_refused_or_can_be_read_again(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, moment: Any
) -> None:
    answer = await platform.post("/v1/reports", json=report_body(created_at=moment))
    if answer.status_code == 201:
        shown = datetime.fromisoformat((await claim(reviewer))["case"]["subject"]["created_at"])
        assert shown.tzinfo is not None
    else:
        assert_error(answer, 422, "invalid_request")


async def test_second_report_joins_the_open_case(platform: httpx.AsyncClient, database: str) -> None:
    first = await report(platform)
    second = await report(platform, reason="spam")
    assert second["case_id"] == first["case_id"]
    assert second["report_id"] != first["report_id"]
    assert query(database, "SELECT report_count FROM cases") == [(2,)]
    assert [kind for (kind,) in query(database, "SELECT kind FROM events WHERE case_id IS NOT NULL ORDER BY id")] == [
        "case.opened",
        "case.reported_again",
    ]


async def test_a_post_and_an_account_with_the_same_id_are_two_subjects(
    platform: httpx.AsyncClient, database: str
) -> None:
    post = await report(platform, "77", kind="post")
    account = await report(platform, "77", kind="profile")
    assert post["case_id"] != account["case_id"]
    assert (await report(platform, "77", kind="profile"))["case_id"] == account["case_id"]
    assert query(database, "SELECT kind FROM subjects ORDER BY id") == [("post",), ("profile",)]


async def test_twenty_reporters_at_once_share_one_case(platform: httpx.AsyncClient, database: str) -> None:
    bodies = [report_body() | {"note": f"reporter {number}"} for number in range(20)]
    answers = await asyncio.gather(*(platform.post("/v1/reports", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert len({answer.json()["report_id"] for answer in answers}) == 20
    assert query(database, "SELECT report_count, status FROM cases") == [(20, "open")]
    assert value(database, "SELECT count(DISTINCT note) FROM reports") == 20


async def test_reporters_of_different_subjects_do_not_mix(platform: httpx.AsyncClient, database: str) -> None:
    await asyncio.gather(*(report(platform, f"post-{number % 5}") for number in range(20)))
    assert query(database, "SELECT report_count FROM cases") == [(4,)] * 5
    wrong = "SELECT count(*) FROM reports r JOIN cases c ON c.id = r.case_id JOIN evidence e ON e.id = r.evidence_id"
    assert value(database, f"{wrong} WHERE e.subject_id <> c.subject_id") == 0


async def test_more_views_rank_the_case_higher_at_once(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, views_per_hour=100)
    low = value(database, "SELECT rank_value FROM cases")
    await report(platform, views_per_hour=100_000)
    assert value(database, "SELECT rank_value FROM cases") == pytest.approx(low + 9.97, abs=0.01)


async def test_another_reason_is_in_the_rank_at_once(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, reason="spam")
    low = value(database, "SELECT rank_value FROM cases")
    await report(platform, reason="child_safety")
    assert value(database, "SELECT rank_value FROM cases") > low
    assert value(database, "SELECT rank -> 'reasons' FROM cases") == ["child_safety", "spam"]


async def test_a_report_without_views_keeps_those_that_are_known(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, views_per_hour=5000)
    await report(platform, views_per_hour=None, author=None, created_at=None)
    assert query(database, "SELECT views_per_hour, author_id FROM subjects") == [(5000.0, "a1")]


async def test_waiting_is_counted_from_the_first_report(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform)
    first = value(database, "SELECT rank ->> 'received_at' FROM cases")
    await report(platform)
    assert value(database, "SELECT rank ->> 'received_at' FROM cases") == first


async def test_edited_content_is_kept_as_evidence_of_its_own(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, text="as first reported")
    await report(platform, text="edited meanwhile")
    assert {text for (text,) in query(database, "SELECT text FROM evidence")} == {
        "as first reported",
        "edited meanwhile",
    }
    assert (await claim(reviewer))["case"]["subject"]["text"] == "edited meanwhile"


async def test_report_about_a_leased_case_says_so(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    first = await report(platform)
    await claim(reviewer)
    again = await report(platform)
    assert again["case_id"] == first["case_id"]
    assert again["case_status"] == "leased"


async def test_media_that_was_never_uploaded_is_refused_whole(platform: httpx.AsyncClient, database: str) -> None:
    before = row_counts(database)
    answer = await platform.post("/v1/reports", json=report_body(media=[str(uuid4())]))
    assert_error(answer, 422, "unknown_media")
    assert row_counts(database) == before


async def test_unknown_reason_is_taken_as_the_platform_said_it(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, reason="Möglicher Verstoß §12")
    assert (await claim(reviewer))["case"]["reports"][0]["reason"] == "Möglicher Verstoß §12"
