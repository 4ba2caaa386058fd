"""The worker under other rules: it begins anew by itself, and the order comes to be what the preview said."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from models.rank import RankConfig
from service import worker
from service.ranking.choosing import workflow as choosing
from service.ranking.choosing.workflow import choose_configured
from service.ranking.workflow import register
from service.settings import Settings
from tests.service.steps import assert_error, query, report, until, value

UNDER = "SELECT count(*) FROM cases WHERE ranked_under LIKE %s"
FRONT = "SELECT id::text FROM cases WHERE status = 'open' ORDER BY start_by > now(), rank_value DESC, id"


async def fresh_and_two_old(platform: httpx.AsyncClient, database: str) -> None:
    """51 cases that just came, and two that few look at and that wait since yesterday."""
    for number in range(51):
        await report(platform, f"post-{number}", views_per_hour=1000 + number)
    for number in (30, 40):
        old = (await report(platform, f"old-{number}", views_per_hour=10))["case_id"]
        for changed in ("reports SET received_at", "cases SET opened_at"):
            of = "case_id" if changed.startswith("reports") else "id"
            query(database, f"UPDATE {changed} = now() - make_interval(hours => {number}) WHERE {of} = %s", old)


async def test_the_worker_follows_and_the_order_is_what_the_preview_said(
    app: FastAPI,
    settings: Settings,
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "FOLLOW_SECONDS", 0.05)
    shipped = RankConfig()
    async with app.state.engine.begin() as connection:
        await register(connection, shipped)
        await choose_configured(connection, shipped, from_file=False)
    await fresh_and_two_old(platform, database)
    rules = {"constants": {"doubling_hours": 2}}
    told = (await lead.post("/v1/ranking/preview", json=rules)).json()
    before = query(database, FRONT)
    begun: list[str] = []
    work_under = worker._work_under

    async def noted(config: RankConfig, settings: Settings, database_url: str, ending: asyncio.Event) -> RankConfig:
        begun.append(config.version)
        return await work_under(config, settings, database_url, ending)

    monkeypatch.setattr(worker, "_work_under", noted)
    # No model: the worker has an order to keep all the same.
    working = asyncio.create_task(worker.work(settings.model_copy(update={"bundle": tmp_path / "none"}), database))
    try:
        await until(lambda: begun == [shipped.version])
        wanted = {
            **rules,
            "version": "calm",
            "owner": "team",
            "reason": "old cases starve",
            "replaces": shipped.version,
        }
        both = await asyncio.gather(
            *(lead.post("/v1/ranking", json={**wanted, "version": name}) for name in ("calm", "other"))
        )
        assert sorted(one.status_code for one in both) == [201, 409], "of two people at once one is told"
        assert_error(max(both, key=lambda one: one.status_code), 409, "ranking_changed")
        chosen = min(both, key=lambda one: one.status_code).json()["version"]
        await until(lambda: value(database, UNDER, f"{chosen}/%") == 53)
        assert begun == [shipped.version, chosen]
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(working, 30)
    finally:
        working.cancel()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(one)
    after = [case for (case,) in query(database, FRONT)]
    assert {one["case_id"]: one["position_then"] for one in told["enter"]} == {
        one["case_id"]: after.index(one["case_id"]) + 1 for one in told["enter"]
    }
    assert [one["position_then"] for one in told["enter"]] == [1, 2]
    assert {one["case_id"]: one["position_now"] for one in told["leave"]} == {
        case: place for place, (case,) in enumerate(before, start=1) if place in {49, 50}
    }
