"""Drift on a real database: a reference after the promotion, alerts for what shifted and for nothing else."""

import io
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from service.db import create_engine
from service.drift.statistics import Reading
from service.drift.workflow import measure, measure_if_due
from service.scoring.releases import Serving
from service.settings import Settings
from service.worker import ModelWatch
from tests.conftest import bearer, client_of
from tests.service.scoring.doubles import Scripted, loaded
from tests.service.steps import claim, decided, query, report, rewrite, value

SAMPLES = 100


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=3)
    yield one
    await one.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Each statement commits: the log of events is read from outside."""
    async with engine.connect() as one:
        yield await one.execution_options(isolation_level="AUTOCOMMIT")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"drift_samples": SAMPLES, "drift_window_hours": 24})


@pytest.fixture
async def engineer(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["lead"]))
        yield caller


def texts_come_in(
    database: str, *, hours_ago: float, count: int = SAMPLES, length: int = 50, spam: float = 0.05, bundle: str = "b1"
) -> None:
    """Texts that were reported and scored within an hour: lengths, languages and scores vary in the same way."""
    query(
        database,
        """
        WITH made AS (
            SELECT number, gen_random_uuid() AS id, now() - make_interval(mins => (%s * 60 + number %% 50)::integer) AS at
            FROM generate_series(1, %s) AS number
        ), s AS (INSERT INTO subjects (id, external_id, kind) SELECT id, id::text, 'post' FROM made)
        INSERT INTO evidence (id, subject_id, content_hash, text, language, captured_at, scored_at, score_state, bundle,
                              score)
        SELECT id, id, '\\x00', repeat('x', %s + number %% 40), CASE WHEN number %% 4 = 0 THEN 'de' ELSE 'en' END,
               at - interval '1 minute', at, 'scored', %s,
               jsonb_build_object('areas', jsonb_build_object('spam', %s::float8 * (1 + number %% 10 / 10.0)))
        FROM made
        """,
        hours_ago,
        count,
        length,
        bundle,
        spam,
    )


def raised(database: str) -> list[tuple[str, str]]:
    return query(database, "SELECT kind, data ->> 'monitor' FROM events WHERE kind LIKE 'drift.%%' ORDER BY id", *())


@pytest.fixture
def look(connection: AsyncConnection, taxonomy: Taxonomy, settings: Settings) -> "Look":
    return Look(connection, taxonomy, settings)


class Look:
    """Measures when asked."""

    def __init__(self, connection: AsyncConnection, taxonomy: Taxonomy, settings: Settings) -> None:
        self._connection = connection
        self._taxonomy = taxonomy
        self._settings = settings

    async def __call__(self, bundle: str = "b1") -> dict[str, Reading]:
        found = await measure(self._connection, bundle, taxonomy=self._taxonomy, settings=self._settings)
        return {one.monitor: one for one in found}

    async def if_due(self) -> list[Reading] | None:
        return await measure_if_due(self._connection, "b1", taxonomy=self._taxonomy, settings=self._settings)


async def test_the_same_texts_raise_no_alert(look: Look, database: str) -> None:
    texts_come_in(database, hours_ago=48)
    texts_come_in(database, hours_ago=1)
    assert await look() == {}, "the first window becomes the reference"
    found = await look()
    assert set(found) == {"input.length", "input.language", "score.spam", "score_mean.spam"}
    assert not any(one.alerts for one in found.values())
    assert found["input.length"].samples == SAMPLES
    assert raised(database) == []


async def test_shifted_texts_raise_an_alert_once_and_it_ends(
    look: Look, database: str, engineer: httpx.AsyncClient, log: io.StringIO
) -> None:
    texts_come_in(database, hours_ago=48)
    await look()
    texts_come_in(database, hours_ago=2, length=2000, spam=0.4)
    await look()
    await look()
    found = await look()
    assert {name for name, one in found.items() if one.alerts} == {"input.length", "score.spam", "score_mean.spam"}
    assert [monitor for _, monitor in raised(database)] == ["input.length", "score.spam", "score_mean.spam"]
    assert log.getvalue().count("drift.raised") == 3
    told = (await engineer.get("/v1/models/drift")).json()
    assert (told["bundle"], told["alerts"]) == ("b1", 3)
    assert [one["alerting_since"] is not None for one in told["monitors"]] == [True, True, True, False]
    numbers = (await engineer.get("/metrics")).text
    assert "triage_drift_alerts 3.0" in numbers
    assert 'triage_drift{monitor="input.length"}' in numbers
    query(database, "DELETE FROM evidence WHERE scored_at > now() - interval '1 day'")
    texts_come_in(database, hours_ago=1)
    await look()
    ended = raised(database)[3:]
    assert ended == [("drift.ended", "input.length"), ("drift.ended", "score.spam"), ("drift.ended", "score_mean.spam")]
    assert (await engineer.get("/v1/models/drift")).json()["alerts"] == 0


async def test_too_few_texts_say_nothing(look: Look, database: str, engineer: httpx.AsyncClient) -> None:
    texts_come_in(database, hours_ago=48, count=SAMPLES - 1)
    assert await look() == {}
    assert value(database, "SELECT count(*) FROM drift_references") == 0
    texts_come_in(database, hours_ago=48, count=1)
    await look()
    texts_come_in(database, hours_ago=1, count=SAMPLES - 1, length=3000)
    assert await look() == {}
    assert (await engineer.get("/v1/models/drift")).json() == {"bundle": None, "alerts": 0, "monitors": []}


async def test_a_young_window_is_no_reference_yet(look: Look, database: str) -> None:
    texts_come_in(database, hours_ago=3)
    await look()
    assert value(database, "SELECT count(*) FROM drift_references") == 0


async def test_the_reference_is_no_part_of_the_window(look: Look, database: str) -> None:
    texts_come_in(database, hours_ago=25)
    texts_come_in(database, hours_ago=20, length=400)
    await look()
    [(statistics,)] = query(database, "SELECT statistics FROM drift_references")
    assert statistics["samples"] == 2 * SAMPLES
    assert await look() == {}, "nothing has come in since"


async def test_texts_that_were_scored_anew_are_left_out(look: Look, database: str) -> None:
    texts_come_in(database, hours_ago=48)
    await look()
    texts_come_in(database, hours_ago=1, length=3000)
    query(database, "UPDATE evidence SET captured_at = captured_at - interval '3 hours' WHERE length(text) > 2000")
    assert await look() == {}


async def test_another_bundle_begins_anew(look: Look, database: str) -> None:
    texts_come_in(database, hours_ago=48)
    await look()
    texts_come_in(database, hours_ago=2, length=3000)
    assert any(one.alerts for one in (await look()).values())
    assert await look("b2") == {}
    assert value(database, "SELECT count(*) FROM drift_monitors") == 0
    assert any(one.alerts for one in (await look()).values()), "rolled back: its own reference is still there"


async def test_decisions_that_differ_from_the_scores_raise_an_alert(
    look: Look, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer), policy_area="harassment")
    copies = """
        INSERT INTO leases SELECT gen_random_uuid(), case_id, holder, evidence_id, granted_at, ended_at, outcome,
                                  rank_value, rank FROM leases LIMIT 1 RETURNING token
    """
    for area, hours in (("harassment", 48), ("spam", 1)):
        for number in range(SAMPLES):
            [(token,)] = query(database, copies)
            rewrite(
                database,
                """
                INSERT INTO decisions (id, case_id, evidence_id, lease_token, decided_by, actions, policy_area, severity,
                                       taxonomy_version, bundle, shown, decided_at, undo_until)
                SELECT gen_random_uuid(), case_id, evidence_id, %s, decided_by, %s::text[], %s, severity,
                       taxonomy_version, 'b1', '{"primary_area": "harassment"}',
                       now() - make_interval(hours => %s), now() FROM decisions LIMIT 1
                """,
                token,
                ["remove"] if number % 2 else ["no_violation"],
                area,
                hours,
            )
    assert await look() == {}
    found = await look()
    assert (found["decision.agreement"].value, found["decision.agreement"].alerts) == (-1, True)
    assert (found["decision.no_action"].value, found["decision.no_action"].alerts) == (0, False)


async def test_of_all_workers_one_measures_each_time(look: Look, database: str) -> None:
    assert await look.if_due() is not None
    assert await look.if_due() is None
    query(database, "UPDATE drift_clock SET measured_at = now() - interval '16 minutes'")
    assert await look.if_due() is not None


async def test_measuring_can_be_switched_off(
    connection: AsyncConnection, taxonomy: Taxonomy, settings: Settings
) -> None:
    off = settings.model_copy(update={"drift_minutes": 0})
    assert await measure_if_due(connection, "b1", taxonomy=taxonomy, settings=off) is None


async def test_the_worker_measures_and_tells_who_serves(
    engine: AsyncEngine, taxonomy: Taxonomy, settings: Settings, database: str, engineer: httpx.AsyncClient
) -> None:
    texts_come_in(database, hours_ago=48)
    model = await loaded(Scripted(bundle_hash="b1"))
    watch = ModelWatch(engine, model, taxonomy=taxonomy, settings=settings)
    await watch.tell()
    await watch.sweep()
    assert value(database, "SELECT part FROM drift_references") == "texts"
    told = {one["part"]: one["bundle"] for one in (await engineer.get("/v1/models")).json()["workers"]}
    assert told == {"live": "b1", "staged": None, "shadow": None}
    model.serve(Serving(Scripted(bundle_hash="b1"), shadow=Scripted(bundle_hash="b2")))
    await watch.tell()
    assert (await engineer.get("/v1/models/shadow")).json()["bundle"] == "b2"
