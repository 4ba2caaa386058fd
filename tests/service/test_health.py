"""Three different answers: the process runs, the service can work, and how it does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from labeling.taxonomy import Taxonomy
from models.bundle import BundleError
from service.db import create_engine, sqlalchemy_url, statement_by_statement
from service.scoring.live_model import LiveModel
from service.settings import Settings
from tests.conftest import client_of, running_app
from tests.service.scoring.doubles import Scripted
from tests.service.steps import assert_error, claim, connected, lapse, query, report, report_body, row_counts, until

NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.fixture
async def without_database(app: FastAPI, keys: dict[str, str]) -> None:
    """The database is out of reach."""
    await app.state.engine.dispose()
    app.state.engine = create_engine(NOWHERE, pool=2)
    app.state.statements = statement_by_statement(app.state.engine)


async def test_ready_when_database_and_model_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "model": "ready", "database": "ready"}


async def test_without_a_model_traffic_still_comes(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.model = LiveModel(Scripted, concurrency=1)
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["model"] == "loading"


async def test_a_model_that_cannot_be_used_is_told_without_naming_files(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    def load() -> Scripted:
        raise BundleError("tokenizer.json is missing")

    app.state.model = LiveModel(load, concurrency=1)
    loading = asyncio.create_task(app.state.model.keep_loading())
    await until(lambda: app.state.model.state == "unusable")
    answer = await client.get("/readyz")
    assert answer.json() == {"status": "degraded", "model": "unusable", "database": "ready"}
    loading.cancel()


@pytest.fixture
async def with_image_model(settings: Settings, taxonomy: Taxonomy, database: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of an API whose settings name an image model."""
    named = settings.model_copy(update={"image_model": Path("model.toml")})
    async with running_app(named, taxonomy) as app, client_of(app) as caller:
        yield caller


@pytest.mark.parametrize(
    ("told", "state", "gauge"),
    [
        (None, "loading", 0.0),
        (("open_nsfw", "ab", None), "ready", 0.0),
        ((None, None, "no model.onnx"), "unusable", 1.0),
    ],
)
async def test_what_the_workers_say_of_their_image_model_is_told(
    with_image_model: httpx.AsyncClient, database: str, told: tuple[str | None, ...] | None, state: str, gauge: float
) -> None:
    if told:
        with connected(database) as connection:
            connection.execute("INSERT INTO image_model_state (model, hash, problem) VALUES (%s, %s, %s)", told)
    answer = await with_image_model.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["image_model"] == state
    assert answer.json()["status"] == ("ready" if state == "ready" else "degraded")
    assert "model.onnx" not in answer.text
    assert f"triage_image_model_unusable {gauge}" in (await with_image_model.get("/metrics")).text


async def test_media_that_no_model_has_judged_are_counted(
    client: httpx.AsyncClient, keys: dict[str, str], database: str
) -> None:
    with connected(database) as connection:
        for state in ("waiting", "waiting", "failed", "assessed"):
            connection.execute(
                "WITH one AS (INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as,"
                " uploaded_by, pdq, pdq_quality, assess_state)"
                " SELECT gen_random_uuid(), 'a', 'image', 'image/png', 1, 1, 1, 1, 'a', id, repeat('0', 256)::bit(256), 0, %s"
                " FROM principals LIMIT 1 RETURNING id)"
                " INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)"
                " SELECT id, 'colour', 0, 'image/png', 'a', 1, 1 FROM one",
                [state],
            )
    text = (await client.get("/metrics")).text
    assert 'triage_unassessed_media{state="waiting"} 2.0' in text
    assert 'triage_unassessed_media{state="failed"} 1.0' in text
    assert 'triage_unread_pictures{state="waiting"} 4.0' in text
    assert 'triage_unread_pictures{state="failed"} 0.0' in text


async def test_without_a_database_no_traffic_comes(without_database: None, client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert "127.0.0.1" not in answer.text


async def test_without_a_database_the_process_lives_and_counts(
    without_database: None, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/livez")).json() == {"status": "alive"}
    assert (await client.get("/metrics")).status_code == 200


async def test_without_a_database_callers_are_told_to_come_back(
    without_database: None, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    calls = [
        platform.post("/v1/reports", json=report_body()),
        reviewer.post("/v1/queues/default/claim"),
        reviewer.get("/v1/queues"),
        platform.post("/v1/score", json={"texts": ["a"]}),
        reviewer.post("/v1/session", json={"username": "ada", "password": "correct horse"}),
    ]
    for answer in await asyncio.gather(*calls):
        assert_error(answer, 503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in answer.text


async def test_the_service_recovers_when_every_connection_was_cut(
    app: FastAPI, platform: httpx.AsyncClient, database: str
) -> None:
    await asyncio.gather(*(report(platform, f"post-{number}") for number in range(6)))
    query(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    statuses = [(await platform.post("/v1/reports", json=report_body("post-9"))).status_code for _ in range(8)]
    assert set(statuses) <= {201, 503}
    assert statuses[-5:] == [201] * 5
    assert row_counts(database)["reports"] == 6 + statuses.count(201)


async def test_more_callers_than_connections_are_told_to_come_back(
    app: FastAPI, platform: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    narrow = create_async_engine(sqlalchemy_url(database), pool_size=1, max_overflow=0, pool_timeout=0.2)
    app.state.engine = narrow
    async with narrow.connect() as held:
        await held.execute(text("SELECT 1"))
        answer = await platform.post("/v1/reports", json=report_body())
        assert_error(answer, 429, "overloaded")
        assert int(answer.headers["Retry-After"]) > 0
        assert (await client.get("/readyz")).status_code == 503
    assert (await platform.post("/v1/reports", json=report_body())).status_code == 201


async def test_metrics_tell_the_state_of_the_backlog(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    held = await claim(reviewer)
    lapse(database, held["case"]["id"])
    await claim(reviewer)
    query(database, "UPDATE cases SET opened_at = now() - interval '1 hour' WHERE status = 'open'")
    told = dict(line.rpartition(" ")[::2] for line in (await client.get("/metrics")).text.splitlines())
    assert float(told['triage_open_cases{queue="default"}']) == 2
    assert 3600 <= float(told['triage_oldest_case_seconds{queue="default"}']) < 3660
    assert float(told["triage_lapsed_cases"]) == 1
    assert float(told["triage_unscored_texts"]) == 3
    assert float(told["triage_unprinted_texts"]) == 3
    assert float(told["triage_failed_webhooks"]) == 0
