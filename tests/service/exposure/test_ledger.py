"""One's own ledger, breaks, and what leads see."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.db import create_engine
from service.exposure import workflow
from tests.conftest import bearer
from tests.service.exposure.shift import Shift
from tests.service.scorecards.world import World
from tests.service.steps import claim, query, value


async def own(reviewer: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await reviewer.get("/v1/me/exposure")).json())


async def test_the_ledger_of_somebody_new_is_empty(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    told = await own(reviewer)
    assert told["kept_back"] is None
    assert (told["last_24_hours"]["seconds"], told["week"]["items"]) == (0, 0)
    assert [len(one["levels"]) for one in told["days"]] == [5] * workflow.DAYS
    assert told["rest"] == {
        "server_now": told["server_now"],
        "on_break": None,
        "work_seconds": 0,
        "due_in_seconds": 3600,
        "suggestion": None,
        "alert": False,
    }
    assert told["limits"] == {
        "alert_minutes": 90,
        "day_minutes": 240,
        "stretch_minutes": 120,
        "break_after_minutes": 60,
        "break_minutes": 10,
        "in_a_row": 5,
    }


async def test_periods_hold_what_was_open_in_them(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    lease = shift.had((-200, -4), since=-30, shift_since=shift.world.at(-200))
    shift.opened((-190, -180), level=2, lease=lease)
    shift.opened((-20, -10), (-15, -5), level=3, lease=lease)
    shift.opened((-12, -11), level=4, lease=lease)
    told = await own(reviewer)
    assert (told["stretch"]["seconds"], told["stretch"]["items"]) == (15 * 60, 3)
    assert (told["shift"]["seconds"], told["shift"]["items"]) == (25 * 60, 4)
    assert told["last_24_hours"]["seconds"] == 25 * 60
    assert [one["seconds"] / 60 for one in told["shift"]["levels"]] == [0, 0, 10, 14, 1]
    assert told["shift"]["weighted_minutes"] == 10 * 0.5 + 14 + 1 * 2
    assert sum(one["seconds"] for one in told["days"]) == 25 * 60


async def test_the_days_are_there_as_a_table(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    shift.opened((-2880, -2870), level=4)
    answer = await reviewer.get("/v1/me/exposure.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == "day_utc,level,seconds,items"
    assert len(lines) == 1 + 5 * workflow.DAYS
    rows = [line.split(",") for line in lines[1:]]
    assert sum(float(seconds) for _, level, seconds, _ in rows if level == "4") == 600


async def test_the_alert_of_a_day_and_the_time_for_a_break(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    lease = shift.had((-95, -0.1), high=True, since=-95)
    shift.opened((-95, -4), lease=lease)
    rest = (await reviewer.get("/v1/me/breaks")).json()
    assert rest["alert"] is True
    assert rest["due_in_seconds"] == 0
    assert rest["work_seconds"] == pytest.approx(95 * 60, abs=60)


async def test_a_break_is_announced_once_and_ends_with_the_next_case(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    begun = await reviewer.post("/v1/me/breaks")
    assert begun.status_code == 201
    assert (await reviewer.post("/v1/me/breaks")).json() == begun.json()
    assert (await reviewer.get("/v1/me/breaks")).json()["on_break"] == begun.json()
    shift.case(waits=True)
    await claim(reviewer)
    told = await own(reviewer)
    assert told["rest"]["on_break"] is None
    assert [one["ended_at"] is not None for one in told["breaks"]] == [True]


async def test_a_break_is_ended_by_hand_or_by_going_home(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    assert (await reviewer.delete("/v1/me/breaks")).status_code == 204
    await reviewer.post("/v1/me/breaks")
    assert (await reviewer.delete("/v1/me/breaks")).status_code == 204
    assert (await own(reviewer))["breaks"][0]["ended_at"] is not None
    await reviewer.post("/v1/me/breaks")
    query(database, "UPDATE breaks SET started_at = started_at - interval '5 hours', ended_at = NULL")
    assert {one["ended_at"] is None for one in (await own(reviewer))["breaks"]} == {False}


async def test_the_day_says_when_graphic_cases_come_again(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    shift.opened(*((-20 * n - 20, -20 * n - 5) for n in range(16)))
    told = (await own(reviewer))["kept_back"]
    assert told["why"] == "day"
    # The first quarter of an hour that is still counted in 24 hours began 320 minutes ago.
    assert told["until"] == (shift.world.at(-320) + timedelta(days=1)).isoformat().replace("+00:00", "Z")


async def spread(lead: httpx.AsyncClient) -> dict[str, Any]:
    answer = await lead.get("/v1/exposure/spread")
    assert answer.status_code == 200
    return dict(answer.json())


def colleagues(world: World, minutes: list[float]) -> None:
    """People who had originals open for so long, one each."""
    for one in minutes:
        Shift(world, world.person()).opened((-one, 0))


async def test_leads_see_a_count_alone_while_there_are_few(shift: Shift, lead: httpx.AsyncClient) -> None:
    colleagues(shift.world, [241, 10, 10, 10])
    found = await spread(lead)
    # Of two people, that one has reached the cap would name somebody who was not told.
    assert (found["people"], found["at_cap"], found["named"]) == (4, None, [])
    assert found["percentiles"] is None
    assert found["bins"] is None
    assert "fewer than 5 people" in found["note"]


async def test_leads_see_the_spread_and_names_only_of_those_who_were_told(
    shift: Shift, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    colleagues(shift.world, [10, 20, 40, 100, 250])
    shift.opened((-245, 0))
    found = await spread(lead)
    assert (found["people"], found["at_cap"], found["named"], found["note"]) == (6, 2, [], None)
    assert [one["people"] for one in found["bins"]] == [1, 1, 1, 0, 1, 0, 0, 2]
    assert found["percentiles"]["p50"] == 70
    # A table of days says nothing of leads, so whoever has it has not been told.
    assert (await reviewer.get("/v1/me/exposure.csv")).status_code == 200
    assert (await spread(lead))["named"] == []
    assert (await own(reviewer))["seen_by_leads"] is True
    assert (await spread(lead))["named"] == ["test-reviewer"]


async def test_metrics_hold_totals_without_people_and_none_of_few(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    async def shown() -> dict[str, str]:
        lines = (await reviewer.get("/metrics")).text.splitlines()
        return dict(line.split() for line in lines if line.startswith("triage_expos"))

    assert await shown() == {"triage_exposed_seconds": "0.0", "triage_exposure_at_cap": "0.0"}
    shift.opened((-250, 0))
    colleagues(shift.world, [10, 10, 10])
    assert await shown() == {"triage_exposed_seconds": "NaN", "triage_exposure_at_cap": "NaN"}
    colleagues(shift.world, [10])
    found = await shown()
    assert found["triage_exposure_at_cap"] == "1.0"
    assert float(found["triage_exposed_seconds"]) == pytest.approx(290 * 60, abs=60)


async def test_what_is_long_past_is_forgotten(shift: Shift, reviewer: httpx.AsyncClient, database: str) -> None:
    await reviewer.post("/v1/me/breaks")
    shift.world.add("breaks", id=shift.person, principal_id=shift.person, started_at=shift.world.at(-31 * 1440))
    shift.world.add("not_now", principal_id=shift.person, until=shift.world.at(-1))
    shift.world.add("exposure_told", principal_id=shift.person, at=shift.world.at(-8 * 1440))

    engine = create_engine(database, pool=1)
    async with engine.begin() as connection:
        await workflow.forget_old(connection)
    await engine.dispose()
    counts = [value(database, f"SELECT count(*) FROM {table}") for table in ("breaks", "not_now", "exposure_told")]
    assert counts == [1, 0, 0]


@pytest.mark.parametrize(("asked", "consents"), [(True, []), (False, None)])
async def test_new_people_agree_to_graphic_areas_first(
    shift: Shift,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
    app: FastAPI,
    asked: bool,
    consents: Any,
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"exposure_consent": asked})
    body = {"username": "newcomer", "role": "reviewer"}
    assert (await client.post("/v1/people", json=body, headers=bearer(keys["admin"]))).status_code == 201
    assert value(database, "SELECT consents FROM principals WHERE username = 'newcomer'") == consents
