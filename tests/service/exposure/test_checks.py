"""Blind checks, disputes and labels in doubt: the same limits hold for whoever looks at content to check what others decided."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.service.media.pictures import jpeg
from tests.service.quality.verbs import OTHER, checked, decided_case, disputed, gets, plan, say, take
from tests.service.scorecards.world import World, world_in
from tests.service.steps import assert_error, query, rewrite, value
from tests.service.suspects.test_suspects import hand_in, line, waiting

NAME = "SELECT id FROM principals WHERE username = 'checker'"
GRAPHIC = "UPDATE cases SET scope_id = case_scope('default', 'en', true, '') WHERE id = %s"
SECONDS = "SELECT high_exposure_seconds(%s, now() - interval '30 minutes')"


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with world_in(database) as made:
        made.start = datetime.now(UTC)
        yield made


async def not_now(person: httpx.AsyncClient, hours: float | None) -> None:
    until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat() if hours else None
    assert (await person.put("/v1/me/not-now", json={"until": until})).status_code == 200


@pytest.fixture
async def graphic(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str) -> str:
    """A decided case of high exposure with a picture: its decision."""
    uploaded = await platform.post("/v1/media", files={"file": ("p.jpg", jpeg(), "image/jpeg")})
    made = await decided_case(platform, reviewer, "post-1")
    query(database, GRAPHIC, made["case"]["id"])
    evidence = "INSERT INTO evidence_media (evidence_id, media_id, position) SELECT evidence_id, %s, 0 FROM cases WHERE id = %s"
    query(database, evidence, uploaded.json()["media_id"], made["case"]["id"])
    return str(made["decision_id"])


async def test_who_wants_nothing_graphic_is_handed_milder_checks(
    graphic: str,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-2")
    await plan(lead)
    await not_now(checker, 1)
    assert await gets(checker) == "post-2"
    await checked(checker)
    assert await gets(checker) is None
    await not_now(checker, None)
    assert await gets(checker) == "post-1"
    # What somebody has before their eyes is not taken from them.
    await not_now(checker, 1)
    assert await gets(checker) == "post-1"


async def test_a_check_is_work_and_ends_a_break(
    graphic: str, checker: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, world: World
) -> None:
    await plan(lead)
    person = value(database, NAME)
    await checker.post("/v1/me/breaks")
    await take(checker)
    told = (await checker.get("/v1/me/breaks")).json()
    assert told["on_break"] is None
    query(
        database,
        "UPDATE qa_reviews SET claimed_at = claimed_at - interval '20 minutes', working_since = %s",
        world.at(-20),
    )
    assert value(database, SECONDS, person) == pytest.approx(20 * 60, abs=10)
    # Handed out for less time than that, it was in hand for no longer.
    query(database, "UPDATE qa_reviews SET expires_at = claimed_at + interval '15 minutes'")
    assert value(database, SECONDS, person) == pytest.approx(15 * 60, abs=1)


async def test_checks_and_cases_in_a_row_are_one_row(
    graphic: str, checker: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, world: World
) -> None:
    await plan(lead)
    await take(checker)
    person: UUID = value(database, NAME)
    query(database, "UPDATE qa_reviews SET working_since = %s, shift_since = %s", world.at(-9), world.at(-9))
    assert (await checker.get("/v1/me/exposure")).json()["kept_back"] is None
    work: dict[str, Any] = {"high_exposure": True, "working_since": world.at(-9), "shift_since": world.at(-9)}
    for minute in range(-8, -4):
        world.lease(world.case(-600), person, (minute, minute + 1), **work)
    assert (await checker.get("/v1/me/exposure")).json()["kept_back"]["why"] == "in_a_row"


async def test_disputes_and_labels_in_doubt_are_left_out_as_well(
    graphic: str,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    await hand_in(ml, line(graphic))
    assert await waiting(colleague) == [graphic]
    await not_now(colleague, 1)
    assert await waiting(colleague) == []
    assert "Milder content comes to you for now" in (await colleague.get("/qa/suspects")).text
    rewrite(database, "DELETE FROM label_suspects")
    await not_now(colleague, None)
    await plan(lead)
    await checked(checker, **OTHER)
    assert len(await disputed(colleague)) == 1
    await not_now(colleague, 1)
    assert await disputed(colleague) == []


async def test_a_check_reveals_no_original(
    graphic: str, checker: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    """So nothing is open to anybody there that would not be counted."""
    await plan(lead)
    check = await take(checker)
    [medium] = check["media"]
    for way in ("whole", "lens"):
        body = {"lease_token": check["token"], "reason": "to check", "as": way}
        assert_error(await checker.post(f"/v1/media/{medium['id']}/reveal", json=body), 409, "lease_stale")
    page = (await checker.get("/qa/review")).text
    assert 'class="medium"' in page
    assert "reveal" not in page.partition("<main")[2]
    assert "/original" not in page
    assert value(database, "SELECT count(*) FROM exposures") == 0
    assert (await say(checker, check)).status_code == 200
