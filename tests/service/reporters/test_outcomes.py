"""What comes of reports is remembered once for each decision and reporter, fades, and is taken back whole by an undo."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.reporters import workflow
from service.settings import Settings
from tests.conftest import bearer
from tests.service.steps import Body, assert_error, claim, decided, query, report, report_body, rewrite, value

CLEARED: Body = {"actions": ["no_violation"], "policy_area": "benign", "severity": 0}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Time to undo."""
    return settings.model_copy(update={"undo_seconds": 600})


async def told(platform: httpx.AsyncClient, who: str | None, subject: str = "post-1", **fields: Any) -> Body:
    """A report by somebody; `fields` replace those of the report."""
    body = report_body(subject) | {"reporter": {"id": who} if who else None} | fields
    answer = await platform.post("/v1/reports", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def tallies(database: str) -> dict[str, tuple[float, float]]:
    """(upheld, dismissed) by reporter."""
    return {who: (up, down) for who, up, down in query(database, "SELECT id, upheld, dismissed FROM reporters")}


async def test_a_decision_judges_every_reporter_of_the_case_once(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await told(platform, "named it", reason="harassment")
    await told(platform, "named it too, at last", reason="spam")
    await told(platform, "named it too, at last", reason="harassment")
    await told(platform, "another area", reason="spam")
    await told(platform, "no area", reason="I do not like it")
    for _ in range(3):
        await told(platform, "often")
    await told(platform, None)
    await told(platform, "a1")
    await told(platform, "machine", channel="automated")
    await decided(reviewer, await claim(reviewer))
    assert tallies(database) == {
        "named it": (1, 0),
        "named it too, at last": (1, 0),
        "no area": (1, 0),
        "often": (1, 0),
    }


async def test_no_violation_dismisses_whatever_was_named(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await told(platform, "r1", reason="spam")
    await told(platform, "r1", reason="harassment")
    await told(platform, "r2", reason="I do not like it")
    await decided(reviewer, await claim(reviewer), **CLEARED)
    assert tallies(database) == {"r1": (0, 1), "r2": (0, 1)}


async def test_an_undo_leaves_exactly_what_was_there_before(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(5):
        await told(platform, "r1", f"post-{number}")
        await decided(reviewer, await claim(reviewer), **(CLEARED if number % 2 else {}))
        rewrite(database, "UPDATE reporter_outcomes SET decided_at = decided_at - interval '17 days 3.21 seconds'")
    await told(platform, "r1", "the last")
    before = query(database, "SELECT * FROM reporters ORDER BY id")
    outcomes = query(database, "SELECT * FROM reporter_outcomes ORDER BY decision_id")
    await told(platform, "new", "the last")
    made = await decided(reviewer, await claim(reviewer), **CLEARED)
    assert set(tallies(database)) == {"r1", "new"}
    assert query(database, "SELECT * FROM reporters WHERE id = 'r1'") != before
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    # The outcomes before it were moved by hand after they were summed: what is stored is the sum of what stands.
    again = query(database, "SELECT * FROM reporters ORDER BY id")
    assert [row[0] for row in again] == ["r1"]
    assert query(database, "SELECT * FROM reporter_outcomes ORDER BY decision_id") == outcomes
    for _ in range(2):
        made = await decided(reviewer, await claim(reviewer), **CLEARED)
        assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
        assert query(database, "SELECT * FROM reporters ORDER BY id") == again


async def test_a_decision_taken_back_says_nothing_of_its_own_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await told(platform, "r1")
    ranked = query(database, "SELECT rank_value, rank FROM cases")
    for answer in ({}, CLEARED):
        made = await decided(reviewer, await claim(reviewer), **answer)
        assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
        assert query(database, "SELECT rank_value, rank FROM cases") == ranked
    assert tallies(database) == {}


async def test_old_outcomes_fade_against_newer_ones(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    days = (540, 360, 180, 0)
    for number, age in enumerate(days):
        await told(platform, "r1", f"post-{number}")
        await decided(reviewer, await claim(reviewer), **(CLEARED if number == 2 else {}))
        newest = "decision_id = (SELECT id FROM decisions ORDER BY decided_at DESC LIMIT 1)"
        rewrite(database, f"UPDATE reporter_outcomes SET decided_at = now() - interval '{age} days' WHERE {newest}")
    await told(platform, "r1", "one more")
    made = await decided(reviewer, await claim(reviewer))
    await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")
    upheld, dismissed = tallies(database)["r1"]
    assert upheld == pytest.approx(1 / 8 + 1 / 4 + 1, abs=1e-4)
    assert dismissed == pytest.approx(1 / 2, abs=1e-4)


async def test_only_so_many_outcomes_are_summed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "OUTCOMES", 3)
    for number in range(5):
        await told(platform, "r1", f"post-{number}")
        await decided(reviewer, await claim(reviewer), **({} if number else CLEARED))
    upheld, dismissed = tallies(database)["r1"]
    assert upheld == pytest.approx(3, abs=1e-3)
    assert dismissed == 0


async def test_decisions_at_once_lose_no_outcome(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    people = [f"r{number}" for number in range(6)]
    for number in range(8):
        for who in people if number % 2 else people[::-1]:
            await told(platform, who, f"post-{number}")
    held = [await claim(reviewer) for _ in range(8)]
    made = await asyncio.gather(
        *(decided(reviewer, one, **(CLEARED if place % 4 == 0 else {})) for place, one in enumerate(held))
    )
    assert {who: (round(up), round(down)) for who, (up, down) in tallies(database).items()} == dict.fromkeys(
        people, (6, 2)
    )
    undone = await asyncio.gather(*(reviewer.post(f"/v1/decisions/{one['decision_id']}/undo") for one in made[:5]))
    assert [answer.status_code for answer in undone] == [200] * 5
    assert {who: (round(up), round(down)) for who, (up, down) in tallies(database).items()} == dict.fromkeys(
        people, (3, 0)
    )


async def test_undoing_and_deciding_the_same_subject_at_once_never_locks_up(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    for turn in range(6):
        subject = f"raced-{turn}"
        await told(platform, "r1", subject)
        made = await decided(reviewer, await claim(reviewer))
        await told(platform, "r1", subject, reason="self_harm")
        held = await claim(colleague)
        undone, newer = await asyncio.gather(
            reviewer.post(f"/v1/decisions/{made['decision_id']}/undo"),
            decided(colleague, held, policy_area="self_harm"),
        )
        assert undone.status_code == 200
        assert newer["decision_id"]
        query(database, "UPDATE cases SET status = 'decided', decided_at = now() WHERE status = 'open'")
    assert value(database, "SELECT count(*) FROM reporter_outcomes") == 6


async def test_a_history_is_in_the_rank_and_in_its_parts(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(6):
        await told(platform, "good", f"good-{number}")
        await told(platform, "bad", f"bad-{number}")
    for _ in range(12):
        held = await claim(reviewer)
        good = held["case"]["subject"]["id"].startswith("good")
        await decided(reviewer, held, **({} if good else CLEARED))
    for who in ("good", "bad", "nobody"):
        await told(platform, who, who)
        await told(platform, who, who)
    order = query(
        database,
        "SELECT s.external_id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.status = 'open'"
        " ORDER BY c.rank_value DESC",
    )
    assert order == [("good",), ("nobody",), ("bad",)]
    shown = dict(
        query(
            database,
            "SELECT s.external_id, c.rank -> 'reporters' FROM cases c JOIN subjects s ON s.id = c.subject_id"
            " WHERE c.status = 'open'",
        )
    )
    assert shown["nobody"] == []
    assert shown["good"][0]["known"] == shown["bad"][0]["known"] == 1
    assert shown["good"][0]["ratio"] > 1 > shown["bad"][0]["ratio"]


async def test_a_bad_history_takes_nothing_from_what_strangers_say(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(6):
        await told(platform, "bad", f"bad-{number}")
        await decided(reviewer, await claim(reviewer), **CLEARED)
    await told(platform, "nobody")
    await told(platform, "nobody else")
    alone = value(database, "SELECT rank_value FROM cases WHERE status = 'open'")
    await told(platform, "bad")
    assert value(database, "SELECT rank_value FROM cases WHERE status = 'open'") == alone


async def test_a_reporter_is_shown_with_all_that_their_history_does(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    lead = bearer(keys["lead"])
    assert_error(await client.get("/v1/reporters/r1", headers=lead), 404, "not_found")
    await told(platform, "r1")
    unknown = (await client.get("/v1/reporters/r1", headers=lead)).json()
    assert unknown["likelihood_ratio"] == 1
    assert unknown["likelihood_ratio_interval"][0] < 1 < unknown["likelihood_ratio_interval"][1]
    assert unknown["influence"]["assessed"] == pytest.approx(unknown["influence"]["stranger_assessed"])
    assert (unknown["reports"], unknown["cases"], unknown["tally_as_of"]) == (1, 1, None)
    await decided(reviewer, await claim(reviewer))
    known = (await client.get("/v1/reporters/r1", headers=lead)).json()
    assert known["outcomes"] == known["tally"] == {"upheld": 1, "dismissed": 0}
    assert 1 < known["likelihood_ratio"] < known["cap"]
    assert known["influence"]["assessed"] > known["influence"]["stranger_assessed"]
    assert known["words"][0] == "Of 1 judged cases, reports were upheld in 1."


@pytest.mark.parametrize(("role", "status"), [("lead", 404), ("admin", 404), ("reviewer", 403), ("platform", 403)])
async def test_who_may_look_at_reporters(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    assert (await client.get("/v1/reporters/r1", headers=bearer(keys[role]))).status_code == status


@pytest.mark.parametrize("who", ["a/b", "ü x", "%2f?"])
async def test_any_reporter_id_can_be_named(
    platform: httpx.AsyncClient, client: httpx.AsyncClient, keys: dict[str, str], who: str, app: FastAPI
) -> None:
    await told(platform, who)
    address = f"/v1/reporters/{httpx.QueryParams({'x': who})}".replace("x=", "").replace("+", "%20")
    assert (await client.get(address, headers=bearer(keys["lead"]))).json()["id"] == who


async def test_reports_after_the_decision_are_not_judged_by_it(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    await told(platform, "late")
    assert set(tallies(database)) == {"r1"}
