"""The decision log: how each case was handed out and what came of it, without anybody's name; and the weights of labels."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from eval.decision_log import RANDOM, read_log
from eval.sampling import Sample
from eval.simulate.replay import replay_scene
from labeling.records import parse_labelled_text
from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.commands.export import write_log
from service.exports.workflow import sampling_weight
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.steps import claim, decided, query, report, rewrite


@pytest.fixture
async def lines(app: FastAPI, keys: dict[str, str]) -> httpx.AsyncClient:
    """Somebody who may export."""
    caller = client_of(app)
    caller.headers.update(bearer(keys["ml"]))
    return caller


async def logged(person: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await person.get("/v1/log")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_open_case_has_neither_claims_nor_a_decision(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    made = await report(platform)
    [row] = await logged(lines)
    assert row["case_id"] == made["case_id"]
    assert (row["queue"], row["status"], row["views_per_hour"], row["pictures"]) == ("default", "open", 120, 0)
    assert (row["claims"], row["decision"], row["shed_at"]) == ([], None, None)
    assert row["parts"]["handling_minutes"] > 0
    assert (row["scope"]["language"], row["scope"]["id"] > 0) == ("en", True)
    assert row["parts_at"] is None


async def test_every_claim_is_in_the_log_with_its_end(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    first = await claim(reviewer)
    body = {"lease_token": first["lease"]["token"]}
    assert (await reviewer.post(f"/v1/cases/{first['case']['id']}/lease/release", json=body)).status_code == 204
    await decided(reviewer, await claim(reviewer), severity=3)
    [row] = await logged(lines)
    assert [one["outcome"] for one in row["claims"]] == ["released", "decided"]
    assert [(one["lane"], one["propensity"]) for one in row["claims"]] == [("ranked", 1), ("ranked", 1)]
    for one in row["claims"]:
        assert datetime.fromisoformat(one["at"]) <= datetime.fromisoformat(one["ended_at"])
    assert row["decision"].items() >= {"policy_area": "harassment", "severity": 3, "violating": True}.items()
    assert row["status"] == "decided"


async def test_parts_and_views_are_those_of_the_first_claim_and_not_what_became_known_later(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    made = await report(platform)
    first = await claim(reviewer)
    body = {"lease_token": first["lease"]["token"]}
    assert (await reviewer.post(f"/v1/cases/{made['case_id']}/lease/release", json=body)).status_code == 204
    answer = await platform.post("/v1/subjects/post-1/views", json={"views_per_hour": 90_000})
    assert answer.status_code == 200, answer.text
    await decided(reviewer, await claim(reviewer))
    [row] = await logged(lines)
    assert row["views_per_hour"] == row["parts"]["views_per_hour"] == 120
    # The database leaves out zeros at the end of a fraction.
    assert datetime.fromisoformat(row["parts_at"]) == datetime.fromisoformat(row["claims"][0]["at"])
    assert row["decision"]["basis"] == "review"


async def test_only_a_draw_tells_the_pool_that_it_was_made_from(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI, database: str
) -> None:
    for number, language in enumerate(("en", "en", "de", "fr")):
        await report(platform, f"post-{number}", language=language)
    rewrite(database, "UPDATE principals SET languages = '{en,fr}' WHERE role = 'reviewer'")
    for share in (0.0, 0.999_999_999):
        app.state.rank_config = replace(app.state.rank_config, random_share=share)
        await decided(reviewer, await claim(reviewer))
    rows = await logged(lines)
    ranked, random = sorted((one for row in rows for one in row["claims"]), key=lambda one: str(one["at"]))
    assert (ranked["lane"], ranked["pool"], random["lane"]) == ("ranked", None, "random")
    scopes = {row["scope"]["language"]: row["scope"]["id"] for row in rows}
    assert random["propensity"] == pytest.approx(1 / 2)
    assert {scopes["en"], scopes["fr"]} <= set(random["pool"])
    assert scopes["de"] not in random["pool"]


async def test_a_decision_that_is_undone_or_can_be_is_none(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    await report(platform)
    made = await decided(reviewer, await claim(reviewer))
    assert [row["decision"] for row in await logged(lines)] == [None]
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 0})
    await decided(reviewer, await claim(reviewer), policy_area="spam", actions=["no_violation"], severity=0)
    [row] = await logged(lines)
    assert (row["decision"]["policy_area"], row["decision"]["violating"]) == ("spam", False)
    assert len(row["claims"]) == 2


async def test_nobody_and_no_content_is_in_the_log(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, author={"id": "author-77"}, text="words of a post")
    await decided(reviewer, await claim(reviewer), note="by Ada")
    text = (await lines.get("/v1/log")).text
    people = [str(one) for row in query(database, "SELECT id, username FROM principals") for one in row]
    tokens = [str(one) for (one,) in query(database, "SELECT token FROM leases")]
    for secret in ("author-77", "by Ada", '"r1"', "post-1", "words of a post", *people, *tokens):
        assert secret not in text


@pytest.mark.parametrize(
    "kept_back",
    [
        "UPDATE cases SET special = 'child_safety'",
        "WITH q AS (INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)) UPDATE cases SET queue = 'few'",
        "UPDATE cases SET sample = true",
    ],
    ids=["special route", "restricted queue", "sample"],
)
async def test_what_few_may_see_is_in_no_export(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, kept_back: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    assert len(await logged(lines)) == 1
    assert (await lines.get("/v1/labels")).text
    rewrite(database, kept_back)
    assert await logged(lines) == []
    assert (await lines.get("/v1/labels")).text == ""


async def test_labels_say_by_which_chance_their_case_was_handed_out(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    rewrite(database, "UPDATE leases SET lane = 'random', propensity = 0.25, random_share = 0.05")
    [row] = [parse_labelled_text(line, where="x") for line in (await lines.get("/v1/labels")).text.splitlines()]
    assert row.extra["lane"] == "random"
    assert row.extra["propensity"] == 0.25
    assert row.extra["sampling_weight"] == pytest.approx(80)
    # Training goes by this one, and a draw is no reason to learn from a row eighty times as much.
    assert row.weight == 1


def test_weights_are_inverse_chances() -> None:
    assert sampling_weight("random", 0.01, 0.05) == pytest.approx(2000)
    assert sampling_weight("ranked", 1.0, 0.05) == sampling_weight("bound", 1.0, 0.05) == pytest.approx(1 / 0.95)
    assert sampling_weight("legal", 1.0, 0.05) == sampling_weight("named", 1.0, 0.05) == 1
    assert sampling_weight("ranked", 1.0, 0.0) == 1


async def test_at_every_real_draw_what_is_out_and_what_it_stands_for_make_up_all_that_came(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI, tmp_path: Path
) -> None:
    app.state.rank_config = replace(app.state.rank_config, random_share=0.95)
    for number in range(16):
        await report(platform, f"post-{number}", views_per_hour=number)
    for number in range(16):
        taken = await claim(reviewer)
        if number % 5 == 4:
            body = {"lease_token": taken["lease"]["token"]}
            await reviewer.post(f"/v1/cases/{taken['case']['id']}/lease/release", json=body)
            continue
        await decided(reviewer, taken)
    path = tmp_path / "log.jsonl"
    path.write_text((await lines.get("/v1/log")).text)
    sample = Sample(read_log(path))
    assert sample.counts.used > 3
    # Fewer than a window are open, so that each is as likely as the next and the sum is exact.
    assert (sample.outside(np.ones(16)) + sample.weight).tolist() == pytest.approx([16.0] * sample.counts.used)


async def test_the_command_writes_a_log_that_simulator_and_estimators_read(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settings: Settings,
    taxonomy: Taxonomy,
    database: str,
    tmp_path: Path,
) -> None:
    for number in range(4):
        await report(platform, f"post-{number}", views_per_hour=number)
    for _ in range(3):
        await decided(reviewer, await claim(reviewer))
    drawn = "lane = 'random', propensity = 0.25, random_share = 0.05, pool = ARRAY(SELECT id FROM case_scopes)"
    rewrite(database, f"UPDATE leases SET {drawn}")
    path = tmp_path / "log.jsonl"
    assert await write_log(settings, path) == 4
    assert [json.loads(line) for line in path.read_text().splitlines()] == await logged(lines)
    cases = read_log(path)
    assert [one.claims[0].lane for one in cases if one.decision] == [RANDOM] * 3
    assert cases[0].opened_at.tzinfo == UTC
    assert Sample(cases).counts.used == 3
    scene = replay_scene(path, taxonomy, RankConfig(), half_life=10)
    assert (scene.arrivals.severity >= 0).sum() == 3
