"""Rates of views move the case of their subject at once, exactly as its shown parts say, and hold nobody up."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig, reproduce
from service.cases.workflow import rerank
from service.db import create_engine
from service.settings import Settings
from service.telemetry import store, workflow
from service.telemetry.batch import Batch
from service.telemetry.schemas import ViewsUpdate
from tests.conftest import bearer
from tests.service.steps import Body, assert_error, claim, decided, query, report, row_counts, value

NOTHING = {"applied": 0, "unchanged": 0, "ignored": 0, "unknown_count": 0, "unknown": []}


def one(subject: str = "post-1", views: float = 500.0, **fields: Any) -> Body:
    """One update of a batch."""
    return {"id": subject, "kind": "post", "views_per_hour": views, **fields}


async def send(platform: httpx.AsyncClient, *updates: Body) -> Body:
    """A batch that is taken; returns the numbers of the answer that are not nothing."""
    answer = await platform.post("/v1/subjects/views", json={"updates": updates})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == set(NOTHING)
    assert body["applied"] + body["unchanged"] + body["ignored"] + body["unknown_count"] == len(updates)
    return {name: what for name, what in body.items() if what != NOTHING[name]}


def in_order(database: str) -> list[str]:
    """The subjects of undecided cases, the first in front."""
    rows = query(
        database,
        "SELECT s.external_id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.status <> 'decided'"
        " ORDER BY c.rank_value DESC, c.id",
    )
    return [subject for (subject,) in rows]


def assert_reproduced(database: str) -> None:
    """The stored value of every undecided case is what its stored parts give with the views of the subject."""
    rows = query(
        database,
        "SELECT c.rank_value, c.rank, c.views_per_hour, s.views_per_hour FROM cases c"
        " JOIN subjects s ON s.id = c.subject_id WHERE c.status <> 'decided'",
    )
    assert rows
    for found, parts, views, of_subject in rows:
        assert views == of_subject
        live = {**parts, "views_per_hour": max(views, parts["least_views_per_hour"])}
        assert reproduce(live)["value"] == found


async def test_more_views_put_a_case_in_front(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for subject in ("a", "b", "c"):
        await report(platform, subject)
    answer = await platform.post("/v1/subjects/b/views", json={"kind": "post", "views_per_hour": 5000})
    assert answer.status_code == 200, answer.text
    assert answer.json() == NOTHING | {"applied": 1}
    assert in_order(database)[0] == "b"
    assert_reproduced(database)
    case = (await claim(reviewer))["case"]
    assert case["subject"] == {**case["subject"], "id": "b", "views_per_hour": 5000.0}
    assert case["rank"]["parts"]["views_per_hour"] == 5000.0
    assert reproduce(case["rank"]["parts"])["value"] == case["rank"]["value"]
    assert case["rank"]["value"] == value(database, "SELECT rank_value FROM cases WHERE status = 'leased'")


async def test_no_json_is_written(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform)
    before = query(database, "SELECT rank, ranked_under, start_by, deadline, evidence_id FROM cases")
    assert await send(platform, one(views=1e6)) == {"applied": 1}
    assert query(database, "SELECT rank, ranked_under, start_by, deadline, evidence_id FROM cases") == before


async def test_kind_is_needed_only_where_an_id_is_shared(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, "77", kind="post")
    body = {"views_per_hour": 9}
    assert (await platform.post("/v1/subjects/77/views", json=body)).json() == NOTHING | {"applied": 1}
    await report(platform, "77", kind="profile")
    detail = assert_error(await platform.post("/v1/subjects/77/views", json=body), 422, "invalid_request")
    assert "post, profile" in detail
    answer = await platform.post("/v1/subjects/77/views?kind=profile", json=body)
    assert answer.json() == NOTHING | {"applied": 1}
    answer = await platform.post("/v1/subjects/77/views?kind=profile", json=body | {"kind": "post"})
    assert_error(answer, 422, "invalid_request")
    assert query(database, "SELECT kind, views_per_hour FROM subjects ORDER BY kind") == [
        ("post", 9.0),
        ("profile", 9.0),
    ]


@pytest.mark.parametrize("subject", ["a/b", "a b?c", "üñ/views", "views", "%2e"])
async def test_any_id_can_be_named(platform: httpx.AsyncClient, database: str, subject: str) -> None:
    await report(platform, subject)
    address = f"/v1/subjects/{httpx.QueryParams({'x': subject})}".replace("x=", "").replace("+", "%20")
    answer = await platform.post(f"{address}/views", json={"kind": "post", "views_per_hour": 7})
    assert answer.status_code == 200, answer.text
    assert query(database, "SELECT views_per_hour FROM cases") == [(7.0,)]


async def test_a_subject_nobody_reported_is_said_to_be_unknown(platform: httpx.AsyncClient, database: str) -> None:
    before = row_counts(database)
    answer = await platform.post("/v1/subjects/nobody/views", json={"kind": "post", "views_per_hour": 1})
    assert_error(answer, 404, "not_found")
    assert_error(await platform.post("/v1/subjects/nobody/views", json={"views_per_hour": 1}), 404, "not_found")
    found = await send(platform, *(one(f"nobody-{number:03}") for number in range(150)))
    assert found["unknown_count"] == 150
    assert found["unknown"] == [{"kind": "post", "id": f"nobody-{number:03}"} for number in range(100)]
    assert row_counts(database) == before


async def test_the_last_update_of_a_subject_counts(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform)
    assert await send(platform, one(views=5), one("x"), one(views=7), one(views=6)) == {
        "applied": 1,
        "ignored": 2,
        "unknown_count": 1,
        "unknown": [{"kind": "post", "id": "x"}],
    }
    assert query(database, "SELECT views_per_hour FROM cases") == [(6.0,)]
    assert await send(platform, one(views=6)) == {"unchanged": 1}
    assert await send(platform) == {}


async def test_an_older_measurement_does_not_replace_a_newer_one(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, views_per_hour=None)
    noon = datetime.now(UTC) - timedelta(hours=1)
    assert await send(platform, one(views=10, at=noon.isoformat())) == {"applied": 1}
    assert await send(platform, one(views=20, at=(noon - timedelta(seconds=1)).isoformat())) == {"ignored": 1}
    # Told again as it is, and measured later: what was measured before that comes too late from then on.
    assert await send(platform, one(views=10, at=(noon + timedelta(seconds=9)).isoformat())) == {"unchanged": 1}
    assert await send(platform, one(views=30, at=(noon + timedelta(seconds=8)).isoformat())) == {"ignored": 1}
    assert query(database, "SELECT views_per_hour FROM cases") == [(10.0,)]
    await report(platform, views_per_hour=40)
    assert await send(platform, one(views=50, at=(noon + timedelta(minutes=9)).isoformat())) == {"ignored": 1}
    assert query(database, "SELECT views_per_hour FROM cases") == [(40.0,)]
    assert_reproduced(database)


async def test_a_measurement_of_the_future_keeps_nobody_out(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform)
    assert await send(platform, one(views=10, at="2999-01-01T00:00:00Z")) == {"applied": 1}
    assert await send(platform, one(views=20)) == {"applied": 1}


async def test_cases_of_every_undecided_status_move_and_decided_ones_do_not(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for subject in ("decided", "leased", "held", "shed", "open"):
        await report(platform, subject)
        held = await claim(reviewer) if subject in {"decided", "leased"} else {}
        if subject == "decided":
            await decided(reviewer, held)
    change = (
        "UPDATE cases c SET status = s.external_id FROM subjects s WHERE s.id = c.subject_id AND s.external_id = %s"
    )
    query(database, change.replace("SET", "SET held_until = now(),"), "held")
    query(database, change.replace("SET", "SET shed_at = now(),"), "shed")
    before = value(database, "SELECT rank_value FROM cases WHERE status = 'decided'")
    names = ("decided", "leased", "held", "shed", "open")
    assert await send(platform, *(one(name, 1000.0 + len(name)) for name in names)) == {"applied": 5}
    assert value(database, "SELECT rank_value FROM cases WHERE status = 'decided'") == before
    assert_reproduced(database)
    assert value(database, "SELECT count(*) FROM cases WHERE views_per_hour > 1000") == 4


async def test_an_undo_ranks_by_the_views_of_this_moment(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI, settings: Settings, database: str
) -> None:
    app.state.settings = settings.model_copy(update={"undo_seconds": 600})
    await report(platform)
    made = await decided(reviewer, await claim(reviewer))
    assert await send(platform, one(views=1e5)) == {"applied": 1}
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    assert query(database, "SELECT views_per_hour FROM cases") == [(1e5,)]
    assert_reproduced(database)


@pytest.mark.parametrize("role", ["reviewer", "specialist", "lead", "ml", "admin"])
async def test_only_the_platform_tells_views(client: httpx.AsyncClient, keys: dict[str, str], role: str) -> None:
    for address in ("/v1/subjects/views", "/v1/subjects/post-1/views"):
        answer = await client.post(address, json={"updates": []}, headers=bearer(keys[role]))
        assert_error(answer, 403, "forbidden")


async def test_what_is_wrong_anywhere_leaves_everything_as_it_was(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform)
    body = {"updates": [*(one() for _ in range(600)), one(views=-1)]}
    answer = await platform.post("/v1/subjects/views", json=body)
    assert assert_error(answer, 422, "invalid_request").startswith("updates.600.views_per_hour: ")
    assert query(database, "SELECT views_per_hour FROM cases") == [(120.0,)]
    answer = await platform.post("/v1/subjects/views", content=b"{")
    assert_error(answer, 400, "unreadable_body")


async def test_the_limit_is_that_of_the_address(app: FastAPI, platform: httpx.AsyncClient) -> None:
    lines = "\n".join(json.dumps(one(f"p{number}")) for number in range(30_000)).encode()
    assert len(lines) > app.state.settings.body_max_bytes
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await platform.post("/v1/subjects/views", content=lines, headers=headers)
    assert answer.json()["unknown_count"] == 30_000
    too_large = await platform.post("/v1/subjects/views", content=b" " * 20_000_001)
    assert_error(too_large, 413, "body_too_large")
    elsewhere = await platform.post("/v1/subjects/p1/views", content=b" " * 1_000_001)
    assert_error(elsewhere, 413, "body_too_large")


@pytest.fixture
async def engine(database: str) -> Any:
    made = create_engine(database, pool=20)
    yield made
    await made.dispose()


views = st.one_of(st.floats(0, 1e9), st.sampled_from([0.0, 0.5, 1.0, 1.0000001, 1e9, 5e-324]))


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.dictionaries(st.sampled_from("abcd"), views, min_size=1), min_size=1, max_size=6))
async def test_any_sequence_of_views_leaves_the_value_of_the_parts(
    app: FastAPI, platform: httpx.AsyncClient, database: str, rounds: list[dict[str, float]]
) -> None:
    for subject in "abcd":
        await report(platform, subject, reason="spam" if subject > "b" else "harassment")
    for batch in rounds:
        updates = [ViewsUpdate(id=subject, kind="post", views_per_hour=seen) for subject, seen in batch.items()]
        await workflow.take_batch(app.state.engine, Batch(updates), config=app.state.rank_config)
        assert_reproduced(database)
    last = {subject: seen for batch in rounds for subject, seen in batch.items()}
    stored = dict(query(database, "SELECT external_id, views_per_hour FROM subjects"))
    assert {subject: stored[subject] for subject in last} == last


async def test_reports_views_scores_and_claims_at_once_leave_true_ranks(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    engine: AsyncEngine,
    taxonomy: Taxonomy,
    database: str,
) -> None:
    subjects = [f"s{number}" for number in range(12)]
    for subject in subjects[:6]:
        await report(platform, subject)
    config: RankConfig = app.state.rank_config

    async def tell(turn: int) -> None:
        seen = [one(subject, float(turn * 100 + place)) for place, subject in enumerate(subjects)]
        answer = await platform.post("/v1/subjects/views", json={"updates": seen if turn % 2 else seen[::-1]})
        assert answer.status_code == 200, answer.text

    async def again(turn: int) -> None:
        await report(platform, subjects[turn % 12], views_per_hour=turn * 7 if turn % 3 else None)

    async def score() -> None:
        async with engine.begin() as connection:
            ids = [row.id for row in await connection.execute(_LOCK_ALL)]
            await rerank(connection, ids, taxonomy=taxonomy, config=config)

    async def take() -> None:
        answer = await reviewer.post("/v1/queues/default/claim")
        assert answer.status_code in {200, 204}

    await asyncio.gather(
        *(tell(turn) for turn in range(12)),
        *(again(turn) for turn in range(36)),
        *(score() for _ in range(6)),
        *(take() for _ in range(8)),
    )
    assert value(database, "SELECT count(*) FROM cases") == 12
    assert_reproduced(database)


_LOCK_ALL = text("SELECT id FROM cases WHERE status <> 'decided' ORDER BY id FOR NO KEY UPDATE")


async def test_a_case_opened_while_its_views_are_told_is_ranked_by_them(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, app: FastAPI, database: str
) -> None:
    """The rate is set after a report has locked the subject and before it commits: it must reach the new case."""
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    lock = await engine.connect()
    await lock.exec_driver_sql("SELECT FROM subjects FOR NO KEY UPDATE")
    telling = asyncio.create_task(send(platform, one(views=4321)))
    reporting = asyncio.create_task(report(platform, text="edited", views_per_hour=None))
    await asyncio.sleep(0.3)
    assert not telling.done()
    await lock.rollback()
    await lock.close()
    await reporting
    assert await telling == {"applied": 1}
    assert_reproduced(database)
    assert query(database, "SELECT views_per_hour FROM cases WHERE status = 'open'") == [(4321.0,)]


async def test_a_claim_passes_what_a_batch_has_locked(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, app: FastAPI
) -> None:
    await report(platform, "first", views_per_hour=1e6)
    await report(platform, "second")
    async with engine.connect() as connection:
        update = ViewsUpdate(id="first", kind="post", views_per_hour=2e6)
        await workflow.apply(connection, [update], workflow.Tally(), config=app.state.rank_config)
        async with asyncio.timeout(5):
            assert (await claim(reviewer))["case"]["subject"]["id"] == "second"
        await connection.rollback()
    assert (await claim(reviewer))["case"]["subject"]["id"] == "first"


async def test_the_failure_of_a_chunk_leaves_rates_and_ranks_in_step(
    platform: httpx.AsyncClient, app: FastAPI, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in ("a", "b"):
        await report(platform, subject)
    monkeypatch.setattr(workflow, "CHUNK", 1)
    rerank_true = store.rerank

    async def fail_on_b(connection: Any, rates: store.Rates) -> int:
        if rates.ids == ["b"]:
            raise ConnectionError("the database went away")
        return await rerank_true(connection, rates)

    monkeypatch.setattr(store, "rerank", fail_on_b)
    answer = await platform.post("/v1/subjects/views", json={"updates": [one("a", 9), one("b", 9)]})
    assert answer.status_code == 500
    assert dict(query(database, "SELECT external_id, views_per_hour FROM subjects")) == {"a": 9.0, "b": 120.0}
    assert_reproduced(database)


async def test_a_batch_needs_no_connection_of_its_own_while_it_waits(
    settings: Settings, taxonomy: Taxonomy, app: FastAPI, platform: httpx.AsyncClient, database: str
) -> None:
    """With one connection for the whole process, twenty batches and twenty reports all come through."""
    own, app.state.engine = app.state.engine, create_engine(database, pool=1)
    await report(platform)
    updates = [one(f"x{number}") for number in range(500)] + [one()]
    await asyncio.gather(*(send(platform, *updates) for _ in range(20)), *(report(platform) for _ in range(20)))
    await app.state.engine.dispose()
    app.state.engine = own
    assert_reproduced(database)


async def test_a_large_batch_lets_claims_through(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    query(
        database,
        """
        WITH made AS (SELECT number, gen_random_uuid() AS id FROM generate_series(1, 10000) AS number),
        s AS (INSERT INTO subjects (id, external_id, kind, views_per_hour) SELECT id, 'p' || number, 'post', 1 FROM made),
        e AS (INSERT INTO evidence (id, subject_id, content_hash, text) SELECT id, id, '\\x00', 'text' FROM made)
        INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank_base, rank, views_per_hour)
        SELECT id, id, id, 'default', 'open', -1e6, -1e6, '{}', 1 FROM made
        """,
    )
    await asyncio.gather(*(report(platform, f"claimed-{number}", views_per_hour=1e8) for number in range(30)))
    lines = "\n".join(json.dumps(one(f"p{number}", 2.0)) for number in range(1, 10_001)).encode()
    sending = asyncio.create_task(
        platform.post("/v1/subjects/views", content=lines, headers={"Content-Type": "application/x-ndjson"}, timeout=60)
    )
    slowest, claims = 0.0, 0
    while not sending.done() and claims < 30:
        started = time.monotonic()
        assert (await claim(reviewer))["case"]["subject"]["id"].startswith("claimed")
        slowest, claims = max(slowest, time.monotonic() - started), claims + 1
    assert (await sending).json() == NOTHING | {"applied": 10_000}
    assert claims >= 5
    assert slowest < 2
    assert value(database, "SELECT count(*) FROM cases WHERE rank_value = -1e6 + 1 AND views_per_hour = 2") == 10_000
