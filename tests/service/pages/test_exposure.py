"""One's own exposure on a page, the way to a milder case and to a break, and what the floor shows of all people."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

import httpx
import pytest

from service.exposure.limits import Limits
from service.exposure.rules import break_due, suggestion
from service.exposure.schemas import LevelOut, Why
from service.pages.exposure import AXIS, KEPT_BACK, LEAST, level_words, segments
from service.security import ROLES, Capability
from tests.conftest import bearer
from tests.service.exposure.shift import Shift, shift_of
from tests.service.exposure.test_ledger import colleagues
from tests.service.exposure.test_routing import in_a_row, stretch
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.scorecards.world import world_in
from tests.service.steps import query, report


@pytest.fixture
def shift(database: str, keys: dict[str, str]) -> Iterator[Shift]:
    """The shift of the account that `reviewer` calls with."""
    with world_in(database) as world:
        yield shift_of(world, world.value("SELECT id FROM principals WHERE role = 'reviewer'"))


async def graphic(platform: httpx.AsyncClient, database: str, subject: str) -> str:
    """A reported case of high exposure, which waits before all others; returns its id."""
    case = str((await report(platform, subject))["case_id"])
    scope = "case_scope('default', 'en', true, '')"
    query(database, f"UPDATE cases SET scope_id = {scope}, rank_value = rank_value + 10 WHERE id = %s", case)
    return case


async def shown(person: httpx.AsyncClient, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_it_is_for_those_who_review(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for role, key in keys.items():
        may = Capability.CASE_REVIEW in ROLES[role]
        answer = await client.get("/exposure", headers=bearer(key))
        assert answer.status_code == (200 if may else 403), role
        console = (await client.get("/console", headers=bearer(key))).text
        assert ('href="/exposure"' in console) == may, role
    assert (await client.get("/exposure")).headers["location"] == "/sign-in?next=%2Fexposure"
    assert 'data-next="/exposure"' in (await client.get("/sign-in?next=/exposure")).text


async def test_where_nothing_was_open_the_page_says_just_that(reviewer: httpx.AsyncClient) -> None:
    page = await shown(reviewer, "/exposure")
    assert "All kinds of cases come to you, and no break is due." in page
    assert page.count("Nothing was open.") == 4
    assert page.count("exposure-bar") == 1
    assert re.search(r"<kbd>Z</kbd>\s*</dt>\s*<dd>Take a break, or end it", page)


async def test_periods_days_and_what_follows_are_in_numbers_and_words(
    shift: Shift, reviewer: httpx.AsyncClient
) -> None:
    lease = shift.had((-200, -0.1), high=True, since=-95, shift_since=shift.world.at(-200))
    shift.opened((-190, -180), level=2, lease=lease)
    shift.opened((-95, -4), level=4, lease=lease)
    page = await shown(reviewer, "/exposure")
    stretch_, shift_, last, week = re.split(r'data-period="\d"', page)[1:]
    assert "1 h 31 min" in stretch_
    assert '4 <span class="soft">strongest' in stretch_
    assert "usual" not in stretch_
    assert "1 h 41 min" in shift_
    assert "10 min" in shift_
    assert "2 opened" in last
    assert "187 weighted min" in last
    assert "That is a lot for one day" in page
    assert "It is time for one of 10 min." in page
    assert "1 h 31 min of 2 h; a break is suggested at 1 h" in page
    assert "level 4: " in week


async def test_reaching_the_limit_of_a_day_is_told_there(
    shift: Shift, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    colleagues(shift.world, [10, 20, 40, 100])
    shift.opened((-245, 0))
    assert "1 has reached the limit of 4 h and gets milder cases by now." in await shown(lead, "/floor")
    page = await shown(reviewer, "/exposure")
    assert "those who lead see your name" in page
    assert "Originals were open to you for 4 h in the last 24 hours, so milder cases come." in page
    assert "by now: test-reviewer." in await shown(lead, "/floor")


async def test_the_floor_shows_the_spread_and_no_person_by_figures(shift: Shift, lead: httpx.AsyncClient) -> None:
    assert "Nobody had originals open." in await shown(lead, "/floor")
    colleagues(shift.world, [10, 20, 40])
    floor = await shown(lead, "/floor")
    assert "3 people had originals open." in floor
    assert "reached the limit of" not in floor
    assert "Fewer than 5 people had anything open" in floor
    assert "spread-bins" not in floor
    colleagues(shift.world, [100, 230])
    section = (await shown(lead, "/floor")).partition('data-testid="spread"')[2].partition("</section>")[0]
    assert "5 people had originals open. Nobody has reached the limit of 4 h." in section
    bins = re.findall(r'<th scope="row">([^<]+)</th>.*?<td class="number">(\d+)</td>', section)
    assert bins == [
        ("under 15 min", "1"),
        ("15 min to 30 min", "1"),
        ("30 min to 1 h", "1"),
        ("1 h to 1 h 30 min", "0"),
        ("1 h 30 min to 2 h", "1"),
        ("2 h to 3 h", "0"),
        ("3 h to 4 h", "1"),
        ("4 h and more", "0"),
    ]
    assert "world-" not in section
    assert re.search(r"Half had less than</dt><dd>40 min", section)


async def test_the_floor_counts_graphic_cases_that_nobody_took_in_time(
    shift: Shift, lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    mild = (await report(platform, "post-2"))["case_id"]
    cases = [await graphic(platform, database, f"post-{number}") for number in (3, 4)]
    query(database, "UPDATE cases SET start_by = now() - interval '1 minute' WHERE id = ANY (%s)", [mild, cases[0]])
    assert "1 graphic case waits beyond its latest start." in await shown(lead, "/floor")
    assert [one["graphic_late"] for one in (await lead.get("/v1/forecast")).json()["queues"]] == [1]
    query(database, "UPDATE cases SET start_by = now() + interval '1 minute'")
    assert "graphic-late" not in await shown(lead, "/floor")


async def test_the_console_says_why_nothing_comes_and_is_quiet_while_something_milder_waits(
    shift: Shift,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    database: str,
) -> None:
    await graphic(platform, database, "post-1")
    assert "kept-back" not in await shown(reviewer, "/console")
    in_a_row(shift)
    page = await shown(reviewer, "/console")
    assert re.search(r'id="kept-back"[^>]*data-testid="kept-back" >', page)
    assert "You had 5 graphic cases in a row" in page
    assert "1 graphic case waits." in page
    assert "at the earliest from" in page
    assert "kept-back" not in await shown(colleague, "/console")
    await report(platform, "post-2")
    assert re.search(r'id="kept-back"[^>]* hidden>', await shown(reviewer, "/console"))
    query(database, "INSERT INTO breaks (id, principal_id) VALUES (gen_random_uuid(), %s)", shift.person)
    assert "You are on a break since" in await shown(reviewer, "/console")


async def test_a_break_is_suggested_in_words_until_one_is_announced(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    assert (await reviewer.get("/v1/me/breaks")).json()["suggestion"] is None
    stretch(shift)
    said = (await reviewer.get("/v1/me/breaks")).json()["suggestion"]
    assert said == (
        "You have worked on graphic cases for 2 hours without a break. Milder cases come until you had one of 10 minutes."
    )
    await reviewer.post("/v1/me/breaks")
    assert (await reviewer.get("/v1/me/breaks")).json()["suggestion"] is None


@pytest.mark.parametrize(
    ("minutes", "due", "words"),
    [
        (0, 3600, None),
        (59, 60, None),
        (60, 0, "You have worked on graphic cases for an hour without a break. It is time for one of 10 minutes."),
    ],
)
def test_a_break_is_due_at_the_earlier_of_both(minutes: int, due: float, words: str | None) -> None:
    limits = Limits()
    assert break_due(minutes * 60, limits) == due
    assert words is None or suggestion(minutes * 60, limits) == words
    assert break_due(minutes * 60, Limits(stretch_seconds=1800)) == max(0, 1800 - minutes * 60)


def test_levels_lie_one_after_the_other_on_the_bar_of_a_day() -> None:
    levels = [LevelOut(level=number, seconds=seconds, items=1) for number, seconds in enumerate((0, 0, 900, 1, 1800))]
    bar = segments(levels, 3600)
    assert [(one.level, one.x, one.width) for one in bar] == [(4, 0, 50), (3, 50, LEAST), (2, 50 + LEAST, 25)]
    assert segments(levels, 0) == []
    assert segments([LevelOut(level=4, seconds=9, items=1)], 3)[0].width == AXIS
    short = [LevelOut(level=number, seconds=seconds, items=1) for number, seconds in enumerate((1, 1, 1, 1, 86_396))]
    bar = segments(short, 86_400)
    assert [one.level for one in bar] == [4, 3, 2, 1, 0]
    assert all(after.x == pytest.approx(one.x + one.width, abs=0.02) for one, after in pairwise(bar))
    assert bar[-1].x + bar[-1].width == pytest.approx(AXIS, abs=0.02)
    assert level_words(levels) == (
        "level 4: 30 min, 1; level 3: 1 s, 1; level 2: 15 min, 1; level 1: 0 s, 1; level 0: 0 s, 1"
    )


def test_every_reason_has_words_that_can_be_translated() -> None:
    assert set(KEPT_BACK) == set(get_args(Why))
