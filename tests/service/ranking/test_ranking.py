"""Versions of the order: kept with owner and reason, applied to what waits, and told for every case."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import BY_HARM, POLICIES, RankConfig, RankInputs, rank, reproduce
from service.cases.workflow import rerank
from service.db import create_engine
from service.ranking import workflow
from service.ranking.words import explain, place_in_words
from service.ranking.workflow import Reranking, configured, register
from service.settings import Settings, SettingsError
from tests.service.steps import Body, claim, decided, query, report

OLDEST_FIRST = replace(RankConfig(), version="fifo-1", policy="fifo", owner="lead", reason="a comparison")


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=2)
    yield one
    await one.dispose()


async def registered(engine: AsyncEngine, config: RankConfig) -> None:
    async with engine.begin() as connection:
        await register(connection, config)


def reranking(engine: AsyncEngine, taxonomy: Taxonomy, config: RankConfig) -> Reranking:
    again = partial(rerank, taxonomy=taxonomy, config=config)
    return Reranking(engine, again, taxonomy=taxonomy, config=config)


async def why(person: httpx.AsyncClient, case_id: str) -> Body:
    answer = await person.get(f"/v1/cases/{case_id}/why")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_why_reproduces_the_rank_and_counts_who_is_ahead(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    await registered(engine, RankConfig())
    cases = [(await report(platform, f"post-{views}", views_per_hour=views))["case_id"] for views in (10, 1000, 100)]
    told = [await why(reviewer, case) for case in cases]
    assert [one["ahead"] for one in told] == [2, 0, 1]
    assert "It is the next case of its queue." in told[1]["words"]
    assert "1 case stands before it in its queue." in told[2]["words"]
    for one in told:
        assert reproduce(one["parts"])["value"] == one["value"]
        assert one["configuration"]["owner"] == "content-triage"
        assert one["claims"] == []


async def test_every_claim_keeps_the_rank_it_was_made_by_and_names_nobody(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    case = (await report(platform, views_per_hour=10))["case_id"]
    claimed = await claim(reviewer)
    await report(platform, views_per_hour=5000)
    told = await why(reviewer, case)
    assert (told["status"], told["ahead"]) == ("leased", None)
    [once] = told["claims"]
    assert once["value"] == claimed["case"]["rank"]["value"] < told["value"]
    assert reproduce(once["parts"])["value"] == once["value"]
    await decided(reviewer, claimed)
    assert (await why(reviewer, case))["claims"][0]["outcome"] == "decided"
    text = (await reviewer.get(f"/v1/cases/{case}/why")).text
    assert not [name for (name,) in query(database, "SELECT username FROM principals") if name in text]


async def test_a_case_that_is_not_there_has_no_why(reviewer: httpx.AsyncClient) -> None:
    answer = await reviewer.get("/v1/cases/01890000-0000-7000-8000-000000000000/why")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_version_stands_for_one_configuration_for_ever(
    engine: AsyncEngine, reviewer: httpx.AsyncClient
) -> None:
    for config in (RankConfig(), RankConfig(), OLDEST_FIRST):
        await registered(engine, config)
    with pytest.raises(SettingsError, match="another constants, owner; give the changed configuration a version"):
        await registered(engine, replace(OLDEST_FIRST, owner="somebody else", doubling_hours=9.0))
    told = (await reviewer.get("/v1/ranking")).json()
    assert told["current"] == RankConfig().version
    assert [one["version"] for one in told["configurations"]] == ["fifo-1", RankConfig().version]
    assert told["configurations"][0]["reason"] == "a comparison"
    assert told["configurations"][0]["constants"]["doubling_hours"] == RankConfig().doubling_hours


async def test_another_configuration_moves_every_case_that_is_not_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, database: str, taxonomy: Taxonomy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(workflow, "RERANK_BATCH", 2)
    # The riskiest is decided under the old order; of the rest the first to come is the least risky.
    await report(platform, "gone", views_per_hour=9000)
    await decided(reviewer, await claim(reviewer))
    cases = [(await report(platform, f"post-{views}", views_per_hour=views))["case_id"] for views in (1, 10, 100)]
    step = reranking(engine, taxonomy, OLDEST_FIRST).step
    assert [await step() for _ in range(3)] == [2, 1, 0]
    versions = dict(query(database, "SELECT rank ->> 'config_version', count(*) FROM cases GROUP BY 1"))
    assert versions == {"fifo-1": 3, RankConfig().version: 1}
    assert (await claim(reviewer))["case"]["id"] == cases[0]
    told = await why(reviewer, cases[1])
    assert told["words"][0].startswith("What came first goes first")
    assert reproduce(told["parts"])["value"] == told["value"]
    assert await reranking(engine, taxonomy, OLDEST_FIRST).step() == 0


async def test_another_taxonomy_moves_them_as_well(
    platform: httpx.AsyncClient, engine: AsyncEngine, taxonomy: Taxonomy, database: str
) -> None:
    await report(platform)
    other = replace(taxonomy, version="of our own")
    assert await reranking(engine, other, RankConfig()).step() == 1
    assert query(database, "SELECT rank ->> 'taxonomy_version' FROM cases") == [("of our own",)]


def test_a_file_replaces_the_shipped_rules(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "ranking.toml"
    path.write_text(
        'version = "1"\nowner = "lead"\nreason = "a trial"\ndecided_on = 2026-12-01\npolicy = "harm-rate"\n'
        "shed = false\nshed_least_decisions = 7\n",
        encoding="utf-8",
    )
    found = configured(settings.model_copy(update={"ranking": path}))
    assert (found.policy, found.shed, found.shed_least_decisions) == ("harm-rate", False, 7)
    assert configured(settings) == RankConfig()
    assert RankConfig().policy == "harm-rate+guard"


@pytest.mark.parametrize("policy", POLICIES)
def test_words_tell_the_order_there_is(policy: str, taxonomy: Taxonomy) -> None:
    config = replace(RankConfig(), policy=policy, decided_on=date(2026, 12, 1))
    at, now = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 18, tzinfo=UTC)
    parts: dict[str, Any] = rank(RankInputs(None, ["spam"], 50.0, 0, at), taxonomy, config).parts
    first, *_ = explain(parts, taxonomy, now=now)
    expected = {
        "fifo": "What came first goes first, whatever it is: this one has waited 6.0 hours.",
        "tier": "The most likely severity goes first, then what came first: this one has waited 6.0 hours.",
        "p*severity": "Likelihood times weight of severity goes first: 6 is the highest here.",
        "p": "The surest goes first: the likeliest area has 50%.",
        "edf": "What is due first goes first: this one is due in 66.0 hours.",
    }
    assert first == expected.get(policy, first)
    assert first.startswith("Not scored yet") == (policy in BY_HARM)


def test_the_place_in_words() -> None:
    assert place_in_words(None, most=10) == []
    assert place_in_words(3, most=10) == ["3 cases stand before it in its queue."]
    assert place_in_words(10, most=10) == ["At least 10 cases stand before it in its queue."]
