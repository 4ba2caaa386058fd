"""What waits is listed, counted and previewed as the claim will hand it out."""

import httpx
from fastapi import FastAPI

from service.queues.workflow import upcoming
from tests.service.steps import claim, decided, lapse, query, report


async def listed(person: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    answer = await person.get("/v1/queues")
    assert answer.status_code == 200
    return {queue["name"]: queue for queue in answer.json()["queues"]}


async def test_an_empty_queue_is_listed(reviewer: httpx.AsyncClient) -> None:
    found = await listed(reviewer)
    assert list(found) == ["default"]
    assert found["default"] | {"open": 0, "oldest_seconds": None} == found["default"]


async def test_what_waits_is_counted(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    await report(platform, "post-0")
    query(database, "UPDATE cases SET opened_at = now() - interval '1 hour' WHERE report_count = 2")
    queue = (await listed(reviewer))["default"]
    assert queue["open"] == 3
    assert 3600 <= float(str(queue["oldest_seconds"])) < 3660


async def test_held_and_decided_cases_do_not_wait(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    await decided(reviewer, await claim(reviewer))
    held = await claim(reviewer)
    assert (await listed(reviewer))["default"]["open"] == 1
    lapse(database, held["case"]["id"])
    await claim(reviewer)
    assert (await listed(reviewer))["default"]["open"] == 1


async def test_a_queue_whose_cases_are_all_held_has_no_oldest(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    await claim(reviewer)
    found = await listed(reviewer)
    assert list(found) == ["default"]
    assert found["default"] | {"open": 0, "oldest_seconds": None} == found["default"]


async def test_what_comes_next_is_what_the_claim_hands_out(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    for number, views in enumerate((7, 90_000, 7, 300, 12)):
        await report(platform, f"post-{number}", views_per_hour=views)
    await claim(reviewer)
    async with app.state.engine.connect() as connection:
        rows = await upcoming(connection, "default", limit=3)
    assert [row.kind for row in rows] == ["post"] * 3
    assert [row.views_per_hour for row in rows] == [300, 12, 7]
    assert [str(row.id) for row in rows] == [(await claim(reviewer))["case"]["id"] for _ in rows]


async def test_the_preview_of_the_queue_shows_no_content(app: FastAPI, platform: httpx.AsyncClient) -> None:
    await report(platform, text="what nobody should read yet")
    async with app.state.engine.connect() as connection:
        [row] = await upcoming(connection, "default")
    assert "nobody should read" not in str(tuple(row))
    assert (row.reason, row.report_count, row.primary_area) == ("harassment", 1, None)
