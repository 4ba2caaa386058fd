"""Rules of the order: tried on what waits, put to work on the record, taken back, and followed by every process."""

import asyncio
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from models.rank import RankConfig
from service.ranking.choosing import workflow as choosing
from service.ranking.choosing.workflow import at_work, choose_configured, follow
from service.ranking.workflow import register
from service.tuning.schemas import ConstantsIn
from tests.service.steps import Body, assert_error, query, report, value

REVIVE = {"reason": "as before", "replaces": "calm"}


def wanted(**fields: Any) -> Body:
    return {
        "version": "calm",
        "owner": "queue team",
        "reason": "old cases starve",
        "replaces": RankConfig().version,
        "constants": {"doubling_hours": 2},
        **fields,
    }


async def started(app: FastAPI, config: RankConfig, *, from_file: bool = False) -> str:
    """What a process does when it starts; returns the version at work then."""
    async with app.state.engine.begin() as connection:
        await register(connection, config)
        await choose_configured(connection, config, from_file=from_file)
        return (await at_work(connection, config)).version


def test_what_can_be_set_are_the_constants_as_shipped() -> None:
    shipped = asdict(RankConfig())
    told = ("version", "owner", "reason", "decided_on", "policy")
    constants = {
        name: list(one) if isinstance(one, tuple) else one for name, one in shipped.items() if name not in told
    }
    assert ConstantsIn().model_dump() == constants


async def test_a_preview_says_who_would_enter_and_changes_nothing(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    seen = 60
    for number in range(seen):
        await report(platform, f"post-{number}", views_per_hour=1000)
    old = [str((await report(platform, f"old-{number}", views_per_hour=10))["case_id"]) for number in range(2)]
    query(database, "UPDATE reports SET received_at = now() - interval '40 hours' WHERE case_id = ANY(%s::uuid[])", old)
    query(database, "UPDATE cases SET opened_at = now() - interval '40 hours' WHERE id = ANY(%s::uuid[])", old)
    before = query(database, "SELECT id, rank_value, rank FROM cases ORDER BY id")
    answer = await lead.post("/v1/ranking/preview", json={"constants": {"doubling_hours": 2}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["open"], found["compared"], found["complete"], found["top"]) == (seen + 2, seen + 2, True, 50)
    # Their views make them a hundredth as harmful; at a doubling every two hours, forty of waiting outweigh that.
    assert {one["case_id"] for one in found["enter"]} == set(old)
    assert len(found["leave"]) == 2
    assert all(one["position_then"] <= 2 for one in found["enter"])
    assert found["then"]["longest_wait_seconds"] > 40 * 3600 - 60 > found["now"]["longest_wait_seconds"]
    assert found["then"]["harm_per_hour"] < found["now"]["harm_per_hour"]
    assert sum(one["then"] for one in found["areas"]) == 50
    assert query(database, "SELECT id, rank_value, rank FROM cases ORDER BY id") == before
    same = (await lead.post("/v1/ranking/preview", json={"constants": {}, "top": 100})).json()
    assert same["top"] == 100
    assert_error(await lead.post("/v1/ranking/preview", json={"constants": {}, "queue": "none"}), 404, "not_found")


@pytest.mark.parametrize(
    "constants",
    [
        {"doubling_hours": 0},
        {"random_share": 0.9},
        {"reason_trust": 1},
        {"unscored_severity": [1, 1, 0, 0, 0]},
        {"policy": "fifo"},
        {"shed_below_severity": 2.5},
    ],
)
async def test_constants_have_bounds(lead: httpx.AsyncClient, constants: Body) -> None:
    assert_error(await lead.post("/v1/ranking/preview", json={"constants": constants}), 422, "invalid_request")


async def test_rules_are_put_to_work_on_the_record_and_taken_back(
    app: FastAPI, lead: httpx.AsyncClient, database: str
) -> None:
    shipped = RankConfig()
    await started(app, shipped)
    answer = await lead.post("/v1/ranking", json=wanted())
    assert answer.status_code == 201, answer.text
    assert (answer.json()["version"], answer.json()["replaced"]) == ("calm", shipped.version)
    told = (await lead.get("/v1/ranking")).json()
    assert told["current"] == "calm"
    assert [(one["version"], one["by_settings"]) for one in told["choices"]] == [
        ("calm", False),
        (shipped.version, True),
    ]
    kept = next(one for one in told["configurations"] if one["version"] == "calm")
    assert (kept["owner"], kept["constants"]["doubling_hours"], kept["policy"]) == ("queue team", 2, "harm-rate+guard")
    # Whoever looked at older rules, or takes a name that stands for others, is told.
    assert_error(await lead.post("/v1/ranking", json=wanted(version="other")), 409, "ranking_changed")
    assert_error(await lead.post("/v1/ranking", json=wanted(replaces="calm")), 409, "name_taken")
    # A start of the program with its shipped rules does not take back what a person chose; a new file does.
    assert await started(app, replace(shipped, version="shipped-next")) == "calm"
    assert await started(app, replace(shipped, version="of-a-file"), from_file=True) == "of-a-file"
    assert await started(app, replace(shipped, version="of-a-file"), from_file=True) == "of-a-file"
    back = await lead.post(f"/v1/ranking/{shipped.version}/activate", json={**REVIVE, "replaces": "of-a-file"})
    assert back.status_code == 200, back.text
    assert (await lead.get("/v1/ranking")).json()["current"] == shipped.version
    again = await lead.post(f"/v1/ranking/{shipped.version}/activate", json={**REVIVE, "replaces": shipped.version})
    assert_error(again, 422, "invalid_request")
    none = await lead.post("/v1/ranking/never/activate", json={**REVIVE, "replaces": shipped.version})
    assert_error(none, 404, "not_found")
    chosen = "SELECT array_agg(data ->> 'version' ORDER BY id) FROM events WHERE kind = 'ranking.chosen'"
    assert value(database, chosen) == ["calm", shipped.version]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'ranking.chosen' AND actor IS NULL") == 0


async def test_a_version_of_another_release_is_neither_revived_nor_at_work(
    app: FastAPI, lead: httpx.AsyncClient, database: str
) -> None:
    shipped = RankConfig()
    await started(app, shipped)
    query(
        database,
        "INSERT INTO rank_configs (version, owner, reason, decided_on, policy, constants)"
        " VALUES ('ancient', 'o', 'r', %s, 'harm-rate+guard', '{\"half_life\": 3}')",
        date(2026, 1, 1),
    )
    answer = await lead.post("/v1/ranking/ancient/activate", json={**REVIVE, "replaces": shipped.version})
    assert "half_life" in assert_error(answer, 422, "invalid_request")
    query(database, "INSERT INTO rank_choices (version) VALUES ('ancient')")
    async with app.state.engine.connect() as connection:
        assert await at_work(connection, shipped) == shipped


async def test_every_process_follows_and_what_comes_in_is_ranked_by_the_new_rules(
    app: FastAPI, lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "FOLLOW_SECONDS", 0.02)
    await started(app, RankConfig())
    used: list[RankConfig] = []
    follows = asyncio.Event()

    def use(config: RankConfig) -> None:
        used.append(config)
        app.state.rank_config = config
        follows.set()

    ending = asyncio.Event()
    following = asyncio.create_task(follow(app.state.engine, RankConfig(), use, until=ending))
    try:
        assert (await lead.post("/v1/ranking", json=wanted())).status_code == 201
        await asyncio.wait_for(follows.wait(), 5)
        await asyncio.sleep(0.1)
    finally:
        ending.set()
        await following
    assert [(one.version, one.doubling_hours, one.unscored_severity) for one in used] == [
        ("calm", 2.0, RankConfig().unscored_severity)
    ]
    await report(platform, "after")
    assert value(database, "SELECT rank ->> 'config_version' FROM cases") == "calm"
