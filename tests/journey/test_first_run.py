"""`python -m service up` in an empty folder: what somebody meets who has just got the product, and what outlives a kill."""

import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.samples.draw import draw_picture
from service.samples.load import CREDENTIALS
from tests.journey.household import GREETING, Household, gone, processes
from tests.journey.invariants import end_leases
from tests.journey.parts import is_alive, until
from tests.service.steps import query

pytestmark = [pytest.mark.kill, pytest.mark.asyncio(loop_scope="module")]

ROLES = {"platform", "reviewer", "specialist", "adviser", "lead", "ml", "admin"}
SAMPLES = 80


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Household]:
    """Started once in an empty folder; tests that end it leave it to the next one to start it again."""
    made = Household(tmp_path_factory.mktemp("first-run"))
    await made.running()
    yield made
    if made.command.status() is None:
        await made.stopped()


async def test_it_says_where_it_is_and_who_can_sign_in(home: Household) -> None:
    await home.running()
    assert f"http://127.0.0.1:{home.port}" in home.told()
    for person in home.credentials().values():
        assert person["username"] in home.told()
        assert person["password"] in home.told()
        # Keys are for machines: they stay in the file.
        assert person["api_key"] not in home.told()


async def test_credentials_are_private_and_work(home: Household) -> None:
    await home.running()
    assert stat.S_IMODE((home.data_dir / CREDENTIALS).stat().st_mode) == 0o600
    people = home.credentials()
    assert set(people) == ROLES
    for role, person in people.items():
        assert set(person) == {"username", "password", "api_key"}
        me = home.call("GET", "/v1/me", role).json()
        assert (me["role"], me["username"]) == (role, person["username"])
        signing_in = {"username": person["username"], "password": person["password"]}
        assert home.call("POST", "/v1/session", role, json=signing_in).status_code == 204


def at_random(home: Household) -> set[str]:
    """Cases that the random share handed out, whatever their rank."""
    return {
        case for (case,) in query(home.postgres.address(), "SELECT case_id::text FROM leases WHERE lane = 'random'")
    }


async def test_sample_cases_are_scored_and_come_in_order_of_risk(home: Household) -> None:
    await home.running()
    await home.scored()
    await home.prepared()
    await home.looked_at()
    assert home.count("SELECT count(*) FROM media WHERE kind <> 'image' AND status = 'ready'") == 2
    assert home.count("SELECT count(*) FROM reports") >= SAMPLES
    assert home.count("SELECT count(*) FROM evidence WHERE score_state <> 'scored'") == 0
    assert home.count("SELECT count(*) FROM evidence_media") >= 10
    open_cases = home.count("SELECT count(*) FROM cases WHERE status = 'open'")
    assert home.call("GET", "/v1/queues", "lead").json()["queues"][0]["open"] == open_cases
    claimed = [claim(home) for _ in range(open_cases)]
    drawn = at_random(home)
    ranks = [case["rank"] for case in claimed if case["id"] not in drawn]
    assert home.call("POST", "/v1/queues/default/claim", "reviewer").status_code == 204
    values = [rank["value"] for rank in ranks]
    assert values == sorted(values, reverse=True)
    assert all(rank["parts"]["scored"] for rank in ranks)
    # Not one score for all: the model has read the texts.
    assert len({str(rank["parts"]["severity"]) for rank in ranks}) > open_cases / 2
    end_leases(home.postgres.address())


@pytest.mark.parametrize(
    ("text", "views"),
    [
        ("I know where you live and tonight I am coming to kill you and your whole family.", 5_000_000),
        ("The sunset at the beach was lovely today, we had ice cream.", 40),
    ],
    ids=["grave", "harmless"],
)
async def test_own_report_takes_its_place(home: Household, text: str, views: int) -> None:
    await home.running()
    await home.scored()
    own = await home.report(f"own-{views}", text=text, views_per_hour=views)
    assert own["score_state"] == "scored"
    open_cases = home.count("SELECT count(*) FROM cases WHERE status <> 'decided'")
    claimed: list[dict[str, Any]] = []
    while not claimed or claimed[-1]["id"] != own["id"]:
        claimed.append(claim(home))
    drawn = at_random(home) - {own["id"]}
    ranks = [case["rank"]["value"] for case in claimed if case["id"] not in drawn]
    assert ranks == sorted(ranks, reverse=True)
    assert (len(ranks) == 1) == (views > 1_000_000)
    assert len(claimed) < open_cases, "a harmless post of some reach is not the very last"
    end_leases(home.postgres.address())


@pytest.mark.parametrize("name", ["serve", "work"])
async def test_killed_part_is_started_again(home: Household, name: str) -> None:
    await home.running()
    # Its processes for video and sound are gone when those are ready.
    await home.prepared()
    # A picture starts the processes that decode it, which must not outlive the API.
    picture = {"file": ("picture.png", draw_picture("poster.png"))}
    assert home.call("POST", "/v1/media", "platform", files=picture).status_code == 201
    killed = home.part(name)
    assert killed is not None
    children = [one for one in processes() if one.parent == killed]
    assert bool(children) == (name == "serve")
    os.kill(killed, signal.SIGKILL)
    await until(lambda: home.part(name) not in {None, killed}, f"{name} is started again:\n{home.told()}")
    await gone(children)
    await until(home.is_ready, f"it answers again:\n{home.told()}")
    case = await home.report(f"after-{name}-{killed}", text="still here?")
    assert case["score_state"] == "scored"


async def test_killed_database_is_started_again(home: Household) -> None:
    await home.running()
    reports = home.count("SELECT count(*) FROM reports")
    await home.postgres.end(signal.SIGKILL)
    await until(home.postgres.runs, f"PostgreSQL is started again:\n{home.told()}")
    await until(home.is_ready, f"it answers again:\n{home.told()}")
    assert home.count("SELECT count(*) FROM reports") == reports
    case = await home.report(f"after-database-{home.postgres.pid()}", text="still here?")
    assert case["score_state"] == "scored"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_signal_stops_everything(home: Household, by: signal.Signals) -> None:
    await home.running()
    everybody = home.descendants()
    assert all(any(f"-m service {part}" in one.arguments for one in everybody) for part in ("up", "serve", "work"))
    assert await home.stopped(by) == 0
    await gone(everybody)
    assert not home.postgres.runs()


async def test_second_start_keeps_the_data_and_adds_no_samples(home: Household) -> None:
    await home.running()
    own = await home.report(f"kept-{home.command.generation}", text="will this be here tomorrow?")
    await home.prepared()
    reports, credentials = home.count("SELECT count(*) FROM reports"), home.credentials()
    await home.stopped()
    await home.running()
    assert home.count("SELECT count(*) FROM reports") == reports
    assert home.credentials() == credentials
    assert home.call("GET", f"/v1/cases/{own['id']}", "reviewer").json()["subject"] == own["subject"]
    assert home.told().rpartition(GREETING)[2].count(credentials["reviewer"]["password"]) == 1
    # What is expected to be named is looked at an hour later.
    leftovers = "SELECT count(*) FROM media_leftovers WHERE due_at <= now()"
    waiting = query(home.postgres.address(), "SELECT stored_as, due_at, now() FROM media_leftovers")
    await until(lambda: home.count(leftovers) == 0, f"uploads of video and sound are removed: {waiting}\n{home.told()}")
    names = "SELECT stored_as FROM media UNION SELECT stored_as FROM media_derivatives"
    named = {name for (name,) in query(home.postgres.address(), names)}
    assert {
        str(path.relative_to(home.data_dir / "media")) for path in (home.data_dir / "media").glob("??/??/*")
    } == named


async def test_killed_as_a_whole_it_leaves_nothing_that_is_in_its_way(home: Household) -> None:
    await home.running()
    reports = home.count("SELECT count(*) FROM reports")
    parts = [one for one in home.descendants() if "-m service" in one.arguments]
    assert await home.stopped(signal.SIGKILL) == -signal.SIGKILL
    await gone(parts)
    # The worst that a container's restart leaves: the process number in the file is somebody else's by now.
    await home.postgres.end(signal.SIGKILL)
    home.postgres.pretend_to_be(os.getpid())
    await home.running()
    assert home.count("SELECT count(*) FROM reports") == reports
    everybody = home.descendants()
    assert await home.stopped() == 0
    await gone(everybody)
    assert not is_alive(everybody[0].pid)
    assert not home.postgres.runs()


# Signs of how far a first start has come: setting up the database, running it, writing log-ins, starting the parts.
MOMENTS = ("postgres", "postgres/PG_VERSION", "postgres/postmaster.pid", CREDENTIALS, "Loaded")


async def test_first_start_killed_again_and_again_still_ends_well(tmp_path: Path) -> None:
    home = Household(tmp_path, looks=False)
    for moment in MOMENTS:
        home.command.begin()
        await until(lambda: moment in home.told() or (home.data_dir / moment).exists(), moment)  # noqa: B023
        await home.stopped(signal.SIGKILL)
    await home.running()
    try:
        assert home.told().count("Loaded") == 1
        assert home.count("SELECT count(*) FROM reports") >= SAMPLES
        for role in ROLES:
            assert home.call("GET", "/v1/me", role).json()["role"] == role
    finally:
        assert await home.stopped() == 0
    assert not home.postgres.runs()


def claim(home: Household) -> dict[str, Any]:
    """The next case."""
    answer = home.call("POST", "/v1/queues/default/claim", "reviewer")
    assert answer.status_code == 200, answer.text
    case: dict[str, Any] = answer.json()["case"]
    return case
