"""POST /v1/score: texts in, probabilities out, nothing stored; clear answers when the model is missing or busy."""

import asyncio
import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from models.bundle import BundleError
from service.scoring import live_model
from service.scoring.live_model import LiveModel
from tests.service.scoring.doubles import (
    Blocking,
    Scripted,
    ShortScorer,
    grave,
    harmless,
    loaded,
    unless_poison,
)
from tests.service.steps import as_json, assert_error, claim, decided, report, row_counts, until


async def ask(platform: httpx.AsyncClient, *texts: str) -> httpx.Response:
    return await platform.post("/v1/score", json={"texts": texts})


async def test_scores_come_in_the_order_of_the_texts(
    app: FastAPI, platform: httpx.AsyncClient, taxonomy: Taxonomy
) -> None:
    app.state.model = await loaded(Scripted(lambda text: grave(text) if text == "b" else harmless(text)))
    answer = await ask(platform, "a", "b", "c")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) >= {"bundle", "results"}
    assert body["bundle"] == "scripted"
    assert body["unassessed"] == list(taxonomy.area_ids[-2:])
    assert [one["primary_area"] for one in body["results"]] == ["benign", "child_safety", "benign"]
    for one in body["results"]:
        assert tuple(one["areas"]) == taxonomy.area_ids
        assert len(one["severity"]) == 5
        assert sum(one["severity"]) == pytest.approx(1)


async def test_each_text_may_be_of_a_language(app: FastAPI, platform: httpx.AsyncClient) -> None:
    scorer = Scripted()
    app.state.model = await loaded(scorer)
    answer = await platform.post("/v1/score", json={"texts": ["a", "b"], "languages": ["zh-Hant", None]})
    assert answer.status_code == 200
    assert scorer.languages == {"a": "zh-Hant", "b": None}


async def test_nothing_of_it_is_stored(platform: httpx.AsyncClient, database: str) -> None:
    before = row_counts(database)
    await ask(platform, "only a question")
    assert row_counts(database) == before


@pytest.mark.parametrize("texts", [[""], ["x" * 100_000], ["a"] * 64, ["مرحبا", "\x00", "👩‍👩‍👧‍👦"]])
async def test_any_text_can_be_scored(platform: httpx.AsyncClient, texts: list[str]) -> None:
    answer = await ask(platform, *texts)
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == len(texts)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"texts": []},
        {"texts": ["a"] * 65},
        {"texts": "a"},
        {"texts": [1]},
        {"texts": [None]},
        {"texts": ["x" * 100_001]},
        {"texts": ["\ud800"]},
        {"texts": ["a"], "model": "other"},
        {"texts": ["a", "b"], "languages": ["en"]},
        {"texts": ["a"], "languages": ["not a tag"]},
        [],
    ],
    ids=[
        "nothing",
        "none",
        "many",
        "text",
        "number",
        "null",
        "long",
        "surrogate",
        "extra",
        "too few languages",
        "no language",
        "list",
    ],
)
async def test_what_cannot_be_scored_is_refused(platform: httpx.AsyncClient, body: Any) -> None:
    answer = await platform.post("/v1/score", content=as_json(body), headers={"Content-Type": "application/json"})
    assert_error(answer, 422, "invalid_request")


async def test_without_a_model_scoring_says_so(app: FastAPI, platform: httpx.AsyncClient) -> None:
    app.state.model = LiveModel(Scripted, concurrency=4)
    answer = await ask(platform, "a")
    assert "reports are still taken" in assert_error(answer, 503, "model_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_without_a_model_reports_are_taken_and_worked_on(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    app.state.model = LiveModel(Scripted, concurrency=4)
    await report(platform)
    claimed = await claim(reviewer)
    assert claimed["case"]["score"] is None
    assert claimed["case"]["rank"]["parts"]["scored"] is False
    await decided(reviewer, claimed)


async def test_one_call_too_many_is_told_to_come_back(app: FastAPI, platform: httpx.AsyncClient) -> None:
    scorer = Blocking()
    app.state.model = await loaded(scorer, concurrency=2)
    waiting = [asyncio.create_task(ask(platform, f"text {number}")) for number in range(2)]
    await until(lambda: app.state.model._waiting == 2)
    answer = await asyncio.wait_for(ask(platform, "one more"), 30)
    assert_error(answer, 429, "overloaded")
    assert int(answer.headers["Retry-After"]) > 0
    scorer.go.set()
    assert [one.status_code for one in await asyncio.gather(*waiting)] == [200, 200]
    assert (await ask(platform, "and now")).status_code == 200
    assert "one more" not in scorer.texts


async def test_a_slow_model_keeps_nobody_else_waiting(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    scorer = Blocking()
    app.state.model = await loaded(scorer)
    waiting = [asyncio.create_task(ask(platform, f"text {number}")) for number in range(4)]
    await asyncio.to_thread(scorer.begun.wait, 30)
    async with asyncio.timeout(30):
        for number in range(15):
            await report(platform, f"post-{number}")
        await decided(reviewer, await claim(reviewer))
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
    scorer.go.set()
    assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}


async def test_a_waiting_score_holds_no_database_connection(app: FastAPI, platform: httpx.AsyncClient) -> None:
    scorer = Blocking()
    app.state.model = await loaded(scorer)
    waiting = [asyncio.create_task(ask(platform, f"text {number}")) for number in range(4)]
    await asyncio.to_thread(scorer.begun.wait, 30)
    await until(lambda: app.state.model._waiting == 4)
    assert app.state.engine.pool.checkedout() == 0
    scorer.go.set()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("scorer", [Scripted(unless_poison), ShortScorer()], ids=["raises", "forgets one"])
async def test_a_failing_model_is_an_error_of_ours_that_quotes_nothing(
    app: FastAPI, platform: httpx.AsyncClient, log: io.StringIO, scorer: Scripted
) -> None:
    app.state.model = await loaded(scorer)
    answer = await ask(platform, "fine", "poison 4711")
    assert "poison" not in assert_error(answer, 500, "internal_error")
    assert "4711" not in log.getvalue()
    app.state.model = await loaded(Scripted())
    assert (await ask(platform, "fine")).status_code == 200


async def test_a_model_that_cannot_be_loaded_is_tried_again(
    platform: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_model, "RETRY_SECONDS", 0.01)
    failures = [BundleError("not there yet"), OSError("disk"), RuntimeError("runtime"), MemoryError()]

    def load() -> Scripted:
        if failures:
            raise failures.pop(0)
        return Scripted()

    model = LiveModel(load, concurrency=1)
    await asyncio.wait_for(model.keep_loading(), 30)
    assert model.ready


async def test_the_reason_why_there_is_no_model_is_told(app: FastAPI, platform: httpx.AsyncClient) -> None:
    def load() -> Scripted:
        raise BundleError("model.onnx is damaged")

    app.state.model = LiveModel(load, concurrency=1)
    loading = asyncio.create_task(app.state.model.keep_loading())
    await until(lambda: app.state.model.state == "unusable")
    assert "model.onnx is damaged" in assert_error(await ask(platform, "a"), 503, "model_unavailable")
    loading.cancel()
