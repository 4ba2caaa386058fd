"""What is due of what somebody holds, and what became of what they decided."""

from datetime import UTC, datetime, timedelta

import httpx

from tests.service.quality.verbs import settled_otherwise
from tests.service.steps import Body, claim, decided, query, report


async def test_clocks_of_what_is_in_hand_or_kept_back_are_due_the_nearest_first(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    async def clock(case: str, hours: float, **fields: str) -> str:
        due_at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        body = {"kind": "legal", "basis": f"order {hours}", "due_at": due_at, **fields}
        answer = await lead.post(f"/v1/cases/{case}/clocks", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["clock"]["id"])

    async def due() -> list[tuple[str, bool, str]]:
        found = (await reviewer.get("/v1/me/due")).json()["due"]
        return [(one["case_id"], one["kept_back"], one["basis"]) for one in found]

    for number in range(3):
        await report(platform, f"post-{number}")
    kept = await claim(reviewer)
    held = {"lease_token": kept["lease"]["token"], "reason": "a translation", "minutes": 60}
    assert (await reviewer.post(f"/v1/cases/{kept['case']['id']}/hold", json=held)).status_code == 200
    mine, others = await claim(reviewer), await claim(colleague)
    first = await clock(mine["case"]["id"], 3)
    await clock(mine["case"]["id"], 5)
    await clock(kept["case"]["id"], 2)
    await clock(others["case"]["id"], 1)
    assert await due() == [(kept["case"]["id"], True, "order 2"), (mine["case"]["id"], False, "order 3")]
    wider = (await reviewer.get("/v1/me/due", params={"hours": 6})).json()["due"]
    assert [one["basis"] for one in wider] == ["order 2", "order 3", "order 5"]
    # A clock that another took the place of no longer runs.
    await clock(mine["case"]["id"], 1.5, replaces=first, reason="the order was renewed")
    assert await due() == [(mine["case"]["id"], False, "order 1.5"), (kept["case"]["id"], True, "order 2")]
    await decided(reviewer, mine)
    assert await due() == [(kept["case"]["id"], True, "order 2")]


async def test_decisions_are_listed_with_what_became_of_them(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    async def last() -> Body:
        return dict((await reviewer.get("/v1/me/decisions")).json())

    assert (await last())["decisions"] == []
    for number in range(2):
        await report(platform, f"post-{number}")
    made = [await decided(reviewer, await claim(reviewer)) for _ in range(2)]
    found = await last()
    assert [one["decision_id"] for one in found["decisions"]] == [one["decision_id"] for one in reversed(made)]
    assert found["last_24_hours"] == 2
    assert {one["outcome"] for one in found["decisions"]} == {None}
    assert (await colleague.get("/v1/me/decisions")).json()["decisions"] == []
    undo = "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions WHERE id = %s"
    query(database, undo, made[0]["decision_id"])
    query(
        database,
        "INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area, resolved_at, resolved_by, outcome,"
        " right_area, right_severity, taxonomy_version, note)"
        " SELECT id, 'b', 0.1, 'spam', now(), decided_by, 'label_wrong', 'spam', 1, 'v', '' FROM decisions WHERE id = %s",
        made[1]["decision_id"],
    )
    found = await last()
    assert [one["outcome"] for one in found["decisions"]] == ["corrected", "undone"]
    assert found["last_24_hours"] == 1
    # Whoever may no longer see a case still sees that they decided one.
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(database, "UPDATE cases SET queue = 'few'")
    assert {one["case_id"] for one in (await last())["decisions"]} == {None}


async def test_what_a_check_came_to_is_said_of_a_decision_and_on_the_page(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [one] = (await reviewer.get("/v1/me/decisions")).json()["decisions"]
    assert one["outcome"] == "overturned"
    text = (await reviewer.get("/work")).text
    assert "a check said otherwise" in text
    assert "You said Bullying and harassment, severity 2; what holds is" in text
    assert "left to object" in text
    # Nobody is told what others were told.
    assert "left to object" not in (await checker.get("/work")).text
