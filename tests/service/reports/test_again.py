"""A decided case is looked at again for new content, a new area, a crowd or an authority; else its count rises quietly."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.settings import Settings
from tests.service.steps import (
    Body,
    claim,
    decide,
    decided,
    hook,
    lapse,
    messages,
    query,
    report,
    report_body,
    rewrite,
    row_counts,
    value,
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Time to undo."""
    return settings.model_copy(update={"undo_seconds": 600})


@pytest.fixture
async def cleared(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A case decided as no violation: its id and that of the decision."""
    first = await report(platform)
    made = await decided(reviewer, await claim(reviewer), actions=["no_violation"], policy_area="benign", severity=0)
    return {"case_id": first["case_id"], **made}


async def told(platform: httpx.AsyncClient, who: str | None = "r1", **fields: Any) -> Body:
    """A report about post-1 by somebody; `fields` replace those of the report, `subject` those of the subject."""
    body = report_body(**fields.pop("subject", {})) | {"reporter": {"id": who} if who else None} | fields
    answer = await platform.post("/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def because(database: str) -> list[str]:
    """Why each case was opened that followed on a decision."""
    rows = query(
        database, "SELECT data ->> 'because' FROM events WHERE kind = 'case.opened' AND data ? 'because' ORDER BY id"
    )
    return [why for (why,) in rows]


async def test_the_same_again_is_counted_quietly(platform: httpx.AsyncClient, cleared: Body, database: str) -> None:
    before, ranked = row_counts(database), query(database, "SELECT rank_value, rank FROM cases")
    answer = await told(platform, "somebody else")
    assert answer["case_status"] == "decided"
    assert answer["case_id"] == cleared["case_id"]
    after = row_counts(database)
    assert {table: after[table] - before[table] for table in after if after[table] != before[table]} == {
        "reports": 1,
        "events": 1,
    }
    assert query(database, "SELECT status, report_count FROM cases") == [("decided", 2)]
    assert query(database, "SELECT rank_value, rank FROM cases") == ranked
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'case.reported_after_decision'")
    assert data == {"report": answer["report_id"], "channel": "user"}


async def test_the_same_key_gives_the_same_answer_after_a_decision(
    platform: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    headers = {"Idempotency-Key": "k1"}
    answers = [await platform.post("/v1/reports", json=report_body(), headers=headers) for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["case_status"] == "decided"
    assert value(database, "SELECT report_count FROM cases") == 2


async def test_edited_content_is_looked_at_again(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    answer = await told(platform, subject={"text": "edited since"})
    assert answer["case_status"] == "open"
    assert answer["case_id"] != cleared["case_id"]
    assert because(database) == ["content_changed"]
    assert (await claim(reviewer))["case"]["subject"]["text"] == "edited since"


async def test_an_area_nobody_named_is_looked_at_once(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    assert (await told(platform, reason="spam"))["case_status"] == "open"
    await decided(reviewer, await claim(reviewer), actions=["no_violation"], policy_area="benign", severity=0)
    # Both areas were named by now: taking turns brings nothing.
    assert [(await told(platform, reason=area))["case_status"] for area in ("harassment", "spam")] == ["decided"] * 2
    assert because(database) == ["new_area"]


async def test_the_area_of_the_decision_is_no_new_one(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, reason="spam")
    await decided(reviewer, await claim(reviewer), policy_area="harassment")
    assert (await told(platform, reason="harassment"))["case_status"] == "decided"
    assert because(database) == []


async def test_a_word_that_is_no_area_is_no_reason_of_its_own(platform: httpx.AsyncClient, cleared: Body) -> None:
    assert (await told(platform, reason="I just do not like it"))["case_status"] == "decided"


@pytest.mark.parametrize("channel", ["regulator", "law_enforcement", "trusted_flagger"])
async def test_an_authority_asks_for_another_look_at_what_was_left_up(
    platform: httpx.AsyncClient, cleared: Body, database: str, channel: str
) -> None:
    assert (await told(platform, channel=channel))["case_status"] == "open"
    assert because(database) == ["trusted_channel"]


async def test_an_authority_is_answered_by_what_was_enforced(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    assert (await told(platform, channel="regulator"))["case_status"] == "decided"


async def test_the_first_report_of_a_special_route_is_looked_at(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    assert (await told(platform, flags=["high_profile"]))["case_status"] == "decided"
    assert (await told(platform, flags=["threat_to_life"]))["case_status"] == "open"
    await decided(reviewer, await claim(reviewer), actions=["no_violation"], policy_area="benign", severity=0)
    assert (await told(platform, flags=["threat_to_life"]))["case_status"] == "decided"
    assert because(database) == ["special_route"]


async def test_every_legal_order_is_looked_at(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    deadline = {"kind": "legal", "basis": "order 7", "due_at": "2027-01-01T00:00:00Z"}
    for order in ({"flags": ["legal_order"]}, {"channel": "law_enforcement", "deadline": deadline}):
        await decided(reviewer, await claim(reviewer))
        assert (await told(platform, **order))["case_status"] == "open"
    assert because(database) == ["special_route"] * 2
    assert value(database, "SELECT count(*) FROM clocks") == 1


async def test_a_crowd_asks_for_another_look_and_needs_to_grow(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    states = [(await told(platform, f"one of them {number}"))["case_status"] for number in range(4)]
    assert states == ["decided"] * 3 + ["open"]
    # Three stayed with the first case, the fourth opened the second one; 60 more join it.
    for number in range(60):
        await told(platform, f"of the second wave {number}")
    await decided(reviewer, await claim(reviewer), actions=["no_violation"], policy_area="benign", severity=0)
    for number in range(20):
        assert (await told(platform, f"of the third wave {number}"))["case_status"] == "decided"
    assert because(database) == ["more_reporters"]


async def test_one_reporter_is_one_however_often(platform: httpx.AsyncClient, cleared: Body, database: str) -> None:
    states = [(await told(platform, f"r{number % 3}"))["case_status"] for number in range(30)]
    assert set(states) == {"decided"}
    assert value(database, "SELECT report_count FROM cases") == 31


@pytest.mark.parametrize(
    ("who", "fields"), [("a1", {}), (None, {"channel": "automated"})], ids=["the author", "a machine"]
)
async def test_what_says_nothing_of_others_brings_no_crowd(
    platform: httpx.AsyncClient, cleared: Body, who: str | None, fields: Body
) -> None:
    states = {(await told(platform, who, **fields))["case_status"] for _ in range(6)}
    assert states == {"decided"}


async def test_a_crowd_of_a_day_ago_counts_no_longer(platform: httpx.AsyncClient, cleared: Body, database: str) -> None:
    query(database, "UPDATE cases SET decided_at = decided_at - interval '3 days'")
    rewrite(database, "UPDATE decisions SET decided_at = decided_at - interval '3 days'")
    query(database, "UPDATE reports SET received_at = received_at - interval '3 days 1 minute'")
    for number in range(3):
        assert (await told(platform, f"early {number}"))["case_status"] == "decided"
    query(
        database, "UPDATE reports SET received_at = received_at - interval '25 hours' WHERE reporter_id LIKE 'early%%'"
    )
    for number in range(3):
        assert (await told(platform, f"late {number}"))["case_status"] == "decided"
    assert (await told(platform, "late 3"))["case_status"] == "open"


async def test_quiet_reports_come_along_when_the_decision_is_undone(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    await told(platform, "r2")
    answer = await reviewer.post(f"/v1/decisions/{cleared['decision_id']}/undo")
    assert answer.json() == {"case_id": cleared["case_id"]}
    assert query(database, "SELECT status, report_count FROM cases") == [("open", 2)]
    assert (await told(platform, "r3"))["case_status"] == "open"


async def test_reports_during_a_decision_are_with_the_open_case_or_the_decided_one(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for turn in range(8):
        subject = f"raced-{turn}"
        await report(platform, subject)
        held = await claim(reviewer)
        deciding = asyncio.create_task(
            decide(reviewer, held, actions=["no_violation"], policy_area="benign", severity=0)
        )
        answers = await asyncio.gather(*(report(platform, subject) for _ in range(6)))
        assert (await deciding).status_code == 201
        assert {one["case_id"] for one in answers} == {held["case"]["id"]}
        assert {one["case_status"] for one in answers} <= {"leased", "decided"}
    assert query(database, "SELECT DISTINCT status, report_count FROM cases") == [("decided", 7)]


async def test_undo_and_reports_and_edits_at_once_keep_one_open_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for turn in range(6):
        subject = f"raced-{turn}"
        await report(platform, subject)
        made = await decided(reviewer, await claim(reviewer))
        undoing = asyncio.create_task(reviewer.post(f"/v1/decisions/{made['decision_id']}/undo"))
        edited = (report(platform, subject, text=f"edited {number % 2}") for number in range(4))
        await asyncio.gather(*(report(platform, subject) for _ in range(4)), *edited)
        assert (await undoing).status_code == 200
        held = await claim(reviewer)
        assert held["case"]["report_count"] == 9
        answer = await decide(reviewer, held)
        assert answer.status_code == 201, answer.text
    assert (
        value(database, "SELECT count(*) FROM reports r JOIN cases c ON c.id = r.case_id WHERE c.status <> 'decided'")
        == 0
    )
    assert value(database, "SELECT sum(report_count) FROM cases") == value(database, "SELECT count(*) FROM reports")


async def test_new_grounds_at_once_open_one_case(platform: httpx.AsyncClient, cleared: Body, database: str) -> None:
    answers = await asyncio.gather(*(told(platform, f"r{number}", reason="spam") for number in range(10)))
    assert len({one["case_id"] for one in answers}) == 1
    assert {one["case_status"] for one in answers} == {"open"}
    assert because(database) == ["new_area"]
    assert query(database, "SELECT report_count FROM cases WHERE status = 'open'") == [(10,)]


async def test_a_report_takes_a_shed_case_back_to_its_queue(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await hook(platform)
    first = await report(platform)
    query(database, "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'a rule'")
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    again = await report(platform)
    assert again == {**again, "case_id": first["case_id"], "case_status": "open"}
    assert query(database, "SELECT status, shed_at, shed_under, report_count FROM cases") == [("open", None, None, 2)]
    kinds = query(database, "SELECT kind FROM events WHERE case_id IS NOT NULL ORDER BY id")
    assert kinds == [("case.opened",), ("case.reported_again",), ("case.unshed",)]
    [told] = messages(database, "case.unshed")
    assert (told["case_id"], told["reports"]) == (first["case_id"], [first["report_id"], again["report_id"]])
    assert (await claim(reviewer))["case"]["id"] == first["case_id"]


async def test_a_report_joins_a_held_case_and_leaves_it_held(platform: httpx.AsyncClient, database: str) -> None:
    first = await report(platform)
    query(database, "UPDATE cases SET status = 'held', held_until = now() + interval '1 hour'")
    again = await report(platform, views_per_hour=1e6)
    assert (again["case_id"], again["case_status"]) == (first["case_id"], "held")
    assert query(database, "SELECT status, report_count, views_per_hour FROM cases") == [("held", 2, 1e6)]


async def test_a_decided_sample_is_no_answer_to_a_real_report(
    platform: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    query(database, "UPDATE cases SET sample = true")
    assert (await told(platform))["case_status"] == "open"
    assert query(database, "SELECT status, sample FROM cases ORDER BY opened_at") == [
        ("decided", True),
        ("open", False),
    ]


async def test_a_case_that_is_opened_again_is_ranked_by_all_that_is_known(
    platform: httpx.AsyncClient, cleared: Body, database: str
) -> None:
    answer = await told(platform, reason="spam", subject={"views_per_hour": None})
    row = "SELECT views_per_hour, (rank ->> 'views_per_hour')::float FROM cases WHERE id = %s"
    assert query(database, row, UUID(answer["case_id"])) == [(120.0, 120.0)]


async def test_reports_and_claims_of_one_case_at_once_are_all_answered(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    await report(platform)

    async def take_and_give_back(person: httpx.AsyncClient) -> None:
        for _ in range(15):
            answer = await person.post("/v1/queues/default/claim")
            assert answer.status_code in {200, 204}, answer.text
            if answer.status_code == 200:
                held = answer.json()
                body = {"lease_token": held["lease"]["token"]}
                freed = await person.post(f"/v1/cases/{held['case']['id']}/lease/release", json=body)
                assert freed.status_code == 204, freed.text

    async def tell() -> None:
        for _ in range(10):
            await report(platform)

    await asyncio.gather(*(tell() for _ in range(3)), take_and_give_back(reviewer), take_and_give_back(colleague))
    assert query(database, "SELECT status, report_count FROM cases") == [("open", 31)]


async def test_a_lapsed_case_is_not_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    first = await report(platform)
    await claim(reviewer)
    lapse(database, first["case_id"])
    assert (await report(platform))["case_id"] == first["case_id"]
