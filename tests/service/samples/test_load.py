"""Sample cases: loaded into an empty database only, and removed without touching anything real."""

import itertools
import json
import re
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI

from service.errors.media import StorageUnavailableError
from service.people.schemas import AccountIn, RoleName
from service.people.workflow import create_person
from service.samples import load
from service.samples.draw import PICTURES
from service.samples.load import CREDENTIALS, load_samples, remove_samples
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.media.console import stored_files
from tests.service.quality.verbs import ALLOWED, checked, disputed, plan
from tests.service.steps import claim, decided, query, report, row_counts, value

WORKED_ON = (
    "leases",
    "drafts",
    "skips",
    "skip_reasons",
    "lease_alerts",
    "exposures",
    "decisions",
    "decision_undos",
    "outbox",
)
SAMPLE_TABLES = ("cases", "subjects", "media")


def credentials(settings: Settings) -> dict[str, Any]:
    return dict(json.loads((settings.data_dir / CREDENTIALS).read_text(encoding="utf-8")))


@pytest.fixture
def few_samples(cheap_passwords: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some of the samples, the first with a picture among them, so that loading takes no time."""
    with_pictures = [one for one in load.sample_reports() if any(map(PICTURES.__contains__, one["subject"]["media"]))]
    without = [one for one in load.sample_reports() if not one["subject"]["media"]]
    chosen = json.dumps([*itertools.islice(with_pictures, 1), *itertools.islice(without, 5)])
    monkeypatch.setattr(load, "sample_reports", lambda: iter(json.loads(chosen)))


async def test_samples_fill_an_empty_database(app: FastAPI, settings: Settings, database: str) -> None:
    said = await load_samples(settings, database)
    counts = row_counts(database)
    assert f"Loaded {counts['reports']} sample reports" in said
    assert counts["reports"] >= 80
    assert counts["media"] >= 10
    assert value(database, "SELECT count(DISTINCT reason) FROM reports") >= 20
    assert value(database, "SELECT count(DISTINCT language) FROM evidence") >= 5
    assert value(database, "SELECT sum(report_count) FROM cases") == counts["reports"]
    assert value(database, "SELECT bool_and(status = 'open') FROM cases")
    for table in SAMPLE_TABLES:
        assert value(database, f"SELECT bool_and(sample) FROM {table}"), table
    waiting = query(database, "SELECT kind, status FROM media WHERE kind <> 'image' ORDER BY kind")
    assert waiting == [("audio", "pending"), ("video", "pending")]
    await _every_sample_can_be_worked_on(app, settings, counts["cases"])


async def _every_sample_can_be_worked_on(app: FastAPI, settings: Settings, cases: int) -> None:
    async with client_of(app) as reviewer:
        reviewer.headers.update(bearer(credentials(settings)["reviewer"]["api_key"]))
        values = [(await claim(reviewer))["case"]["rank"]["value"] for _ in range(cases)]
        assert values == sorted(values, reverse=True)
        assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204


async def test_log_ins_are_written_for_their_owner_only(
    few_samples: None, app: FastAPI, settings: Settings, database: str
) -> None:
    await load_samples(settings, database)
    path = settings.data_dir / CREDENTIALS
    assert path.stat().st_mode & 0o777 == 0o600
    known = credentials(settings)
    assert set(known) == set(get_args(RoleName))
    for role, entry in known.items():
        assert set(entry) == {"username", "password", "api_key"}
        async with client_of(app) as caller:
            me = (await caller.get("/v1/me", headers=bearer(entry["api_key"]))).json()
            assert (me["role"], me["username"]) == (role, entry["username"])
            body = {"username": entry["username"], "password": entry["password"]}
            assert (await caller.post("/v1/session", json=body)).status_code == 204


async def test_every_loading_makes_other_secrets(few_samples: None, settings: Settings, database: str) -> None:
    await load_samples(settings, database)
    first = credentials(settings)
    query(database, "UPDATE principals SET active = false")
    assert len({entry["api_key"] for entry in first.values()}) == len(first)
    assert len({entry["password"] for entry in first.values()}) == len(first)
    assert all(re.fullmatch(r"demo-\w+", entry["username"]) for entry in first.values())


async def test_a_second_loading_does_nothing(few_samples: None, settings: Settings, database: str) -> None:
    await load_samples(settings, database)
    before, known = row_counts(database), credentials(settings)
    assert "not empty" in await load_samples(settings, database)
    assert (row_counts(database), credentials(settings)) == (before, known)


async def test_nothing_is_loaded_beside_real_people(
    few_samples: None, keys: dict[str, str], settings: Settings, database: str
) -> None:
    before = row_counts(database)
    assert "not empty" in await load_samples(settings, database)
    assert row_counts(database) == before
    assert not (settings.data_dir / CREDENTIALS).exists()


async def test_a_loading_that_fails_leaves_nothing(
    few_samples: None, settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(name: str) -> bytes:
        raise OSError("no such picture")

    monkeypatch.setattr(load, "draw_picture", damaged)
    with pytest.raises(OSError, match="no such picture"):
        await load_samples(settings, database)
    assert sum(row_counts(database).values()) == 0
    assert value(database, "SELECT count(*) FROM principals") == 0


async def work_on(app: FastAPI, settings: Settings, database: str) -> None:
    """Leave everything that work leaves on sample cases: leases, drafts, decisions, undos, messages, exposures."""
    async with client_of(app) as reviewer, client_of(app) as platform:
        reviewer.headers.update(bearer(credentials(settings)["reviewer"]["api_key"]))
        platform.headers.update(bearer(credentials(settings)["platform"]["api_key"]))
        await platform.post("/v1/webhooks", json={"url": "https://platform.test/"})
        app.state.settings = settings.model_copy(update={"undo_seconds": 60})
        for number in range(6):
            claimed = await claim(reviewer)
            token, case = claimed["lease"]["token"], claimed["case"]
            await reviewer.put(f"/v1/cases/{case['id']}/draft", json={"lease_token": token, "body": {"n": number}})
            for media in case["media"]:
                body = {"lease_token": token, "reason": "to decide"}
                assert (await reviewer.post(f"/v1/media/{media['id']}/reveal", json=body)).status_code == 200
            if number == 1:
                body = {"lease_token": token, "reason": "language"}
                assert (await reviewer.post(f"/v1/cases/{case['id']}/skip", json=body)).status_code == 204
                query(database, "INSERT INTO lease_alerts (case_id, cause) VALUES (%s, 'skips')", case["id"])
            elif number == 2:
                made = await decided(reviewer, claimed)
                assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
            elif number:
                await decided(reviewer, claimed)
    assert all(row_counts(database)[table] for table in WORKED_ON)


async def test_samples_are_removed_with_all_that_hangs_on_them(
    few_samples: None, app: FastAPI, settings: Settings, database: str
) -> None:
    await load_samples(settings, database)
    await work_on(app, settings, database)
    said = await remove_samples(settings, database)
    assert said.startswith("Removed 6 sample cases and closed 7 sample log-ins.")
    left = {table: count for table, count in row_counts(database).items() if count}
    assert set(left) <= {"events", "procrastinate_jobs"}
    assert value(database, "SELECT count(*) FROM events WHERE case_id IS NOT NULL") == 0
    assert value(database, "SELECT count(*) FROM media_derivatives") == 0
    assert not stored_files(settings)


CHECKED = (
    "qa_plans",
    "qa_items",
    "qa_reviews",
    "qa_settlements",
    "qa_feedback",
    "golden_items",
    "calibration_sessions",
    "calibration_items",
    "qa_looks",
    "label_suspects",
)


async def check(app: FastAPI, settings: Settings, database: str) -> None:
    """Leave everything that checking sample decisions leaves: plans, answers, feedback, a golden item, a calibration."""
    async with client_of(app) as reviewer, client_of(app) as checker, client_of(app) as lead:
        for person, role in ((reviewer, "reviewer"), (checker, "specialist"), (lead, "lead")):
            person.headers.update(bearer(credentials(settings)[role]["api_key"]))
        made = [await decided(reviewer, await claim(reviewer)) for _ in range(4)]
        await plan(lead)
        await checked(checker, **ALLOWED)
        [item] = await disputed(lead)
        assert (await lead.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json=ALLOWED)).status_code == 201
        period = {"title": "Week", "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
        assert (await lead.post("/v1/qa/calibrations", json=period)).status_code == 201
        golden = {"item_id": item["item_id"], "rationale": "clear"}
        assert (await lead.post("/v1/qa/golden", json=golden)).status_code == 201
        await plan(lead, "second", size=1, golden_share=0.5)
    suspect = "INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area) VALUES (%s, 'b', 0.1, 'spam')"
    query(database, suspect, made[0]["decision_id"])
    left = {table: value(database, f"SELECT count(*) FROM {table}") for table in CHECKED}
    assert all(left.values()), left
    assert value(database, "SELECT count(*) FROM qa_items WHERE golden_id IS NOT NULL") == 1


async def test_checks_of_sample_decisions_go_with_them(
    few_samples: None, app: FastAPI, settings: Settings, database: str
) -> None:
    await load_samples(settings, database)
    await check(app, settings, database)
    assert (await remove_samples(settings, database)).startswith("Removed 6 sample cases")
    left = {table: value(database, f"SELECT count(*) FROM {table}") for table in CHECKED}
    assert left == dict.fromkeys(CHECKED, 0)


async def test_checks_of_real_decisions_stay_though_a_sample_account_drew_them(
    few_samples: None, app: FastAPI, settings: Settings, database: str
) -> None:
    await load_samples(settings, database)
    platform, reviewer = await _real(app, "platform"), await _real(app, "reviewer")
    async with platform, reviewer:
        await report(platform, "real-1", views_per_hour=1e8)
        real = await decided(reviewer, await claim(reviewer))
        await check(app, settings, database)
        await remove_samples(settings, database)
    drawn = query(database, "SELECT i.decision_id::text FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id")
    assert {one for (one,) in drawn} == {real["decision_id"]}


def test_whatever_refers_to_a_sample_is_removed_before_it(database: str) -> None:
    removed = [found[1] for one in load._REMOVE if (found := re.match(r"DELETE FROM (\w+)", one))]
    refers = query(
        database,
        "SELECT conrelid::regclass::text, confrelid::regclass::text, confdeltype = 'c' FROM pg_constraint"
        " WHERE contype = 'f' AND confdeltype <> 'n' AND conrelid <> confrelid",
    )
    # A table whose rows go with those of another goes when that one does.
    places = {table: place for place, table in reversed(list(enumerate(removed)))}
    for _ in refers:
        places |= {
            table: places[target] for table, target, goes in refers if goes and target in places and table not in places
        }
    for table, target, goes in refers:
        if target in places and not goes:
            assert table in places, f"{table} refers to {target}, which is removed"
            assert places[table] < places[target], f"{table} goes after {target}"


async def test_sample_log_ins_stop_working(few_samples: None, app: FastAPI, settings: Settings, database: str) -> None:
    await load_samples(settings, database)
    known = credentials(settings)
    async with client_of(app) as caller:
        await caller.post("/v1/session", json={key: known["lead"][key] for key in ("username", "password")})
        assert (await caller.get("/v1/me")).status_code == 200
        await remove_samples(settings, database)
        assert (await caller.get("/v1/me")).status_code == 401
        for entry in known.values():
            assert (await caller.get("/v1/me", headers=bearer(entry["api_key"]))).status_code == 401
    assert not (settings.data_dir / CREDENTIALS).exists()


async def test_log_ins_go_even_if_files_cannot(
    few_samples: None, settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> int:
        raise StorageUnavailableError("told to")

    monkeypatch.setattr(load, "remove_leftovers", refuse)
    await load_samples(settings, database)
    with pytest.raises(StorageUnavailableError):
        await remove_samples(settings, database)
    assert not (settings.data_dir / CREDENTIALS).exists()


async def test_removing_twice_removes_nothing_more(few_samples: None, settings: Settings, database: str) -> None:
    await load_samples(settings, database)
    await remove_samples(settings, database)
    before = row_counts(database)
    said = await remove_samples(settings, database)
    assert said.startswith("Removed 0 sample cases and closed 0 sample log-ins.")
    assert row_counts(database) == before


async def test_real_data_is_left_as_it_was(few_samples: None, app: FastAPI, settings: Settings, database: str) -> None:
    await load_samples(settings, database)
    platform, reviewer = await _real(app, "platform"), await _real(app, "reviewer")
    sample_subject = value(database, "SELECT external_id FROM subjects ORDER BY id LIMIT 1")
    async with platform, reviewer:
        real = [await report(platform, "real-1", views_per_hour=1e8), await report(platform, "real-2")]
        real.append(await report(platform, sample_subject))
        await decided(reviewer, await claim(reviewer))
        await remove_samples(settings, database)
        for filed in real:
            shown = await reviewer.get(f"/v1/cases/{filed['case_id']}")
            assert shown.status_code == 200, "an accepted report is never lost"
            assert filed["report_id"] in {one["id"] for one in shown.json()["reports"]}
            assert shown.json()["events"]
        assert query(database, "SELECT count(*), count(*) FILTER (WHERE status = 'decided') FROM cases") == [(3, 1)]
        assert value(database, "SELECT count(*) FROM decisions") == 1
        assert {(await claim(reviewer))["case"]["subject"]["id"] for _ in range(2)} == {"real-2", sample_subject}


async def _real(app: FastAPI, role: RoleName) -> httpx.AsyncClient:
    async with app.state.engine.begin() as connection:
        person = AccountIn(username=f"real-{role}", role=role)
        made = await create_person(connection, person, actor=None)
    caller = client_of(app)
    caller.headers.update(bearer(made.api_key))
    return caller


async def test_a_real_report_about_a_decided_sample_stays(
    few_samples: None, app: FastAPI, settings: Settings, database: str
) -> None:
    await load_samples(settings, database)
    platform, reviewer = await _real(app, "platform"), await _real(app, "reviewer")
    async with platform, reviewer:
        claimed = await claim(reviewer)
        await decided(reviewer, claimed)
        subject = claimed["case"]["subject"]
        filed = await report(platform, subject["id"], text=subject["text"])
        await remove_samples(settings, database)
        case = (await claim(reviewer))["case"]
        assert (case["id"], case["report_count"]) == (filed["case_id"], 1)
        assert value(database, "SELECT count(*) FROM cases") == 1
