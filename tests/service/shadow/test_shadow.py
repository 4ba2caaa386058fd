"""The shadow: scores what the live model has scored, later and apart, and tells what would move."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Score
from models.rank import RankConfig, RankInputs, rank
from service.db import create_engine
from service.scoring.live_model import LiveModel
from service.scoring.releases import ALL_PARTS, Serving
from service.scoring.workflow import ScoringLoop, keep_states, states_of
from service.settings import Settings
from service.shadow import workflow
from service.shadow.workflow import ShadowLoop, forget_old
from tests.conftest import bearer, client_of
from tests.service.scoring.doubles import AREAS, Blocking, Scripted, grave, harmless, unless_poison
from tests.service.steps import Body, assert_error, claim, decided, query, report, until, value


@dataclass
class Bench:
    """A live and a shadow model, and the loops on them."""

    model: LiveModel
    loop: ScoringLoop
    shadow: ShadowLoop
    engine: AsyncEngine

    async def drain(self) -> None:
        """Work until nothing is left, and tell the database who serves."""
        while await self.loop.step() or await self.shadow.step():
            self.shadow._look_at.clear()
        async with self.engine.begin() as connection:
            await keep_states(connection, states_of(self.model, ALL_PARTS))


@pytest.fixture
async def bench(database: str, settings: Settings, taxonomy: Taxonomy) -> AsyncIterator[Bench]:
    engine = create_engine(database, pool=4)
    model = LiveModel(Scripted, concurrency=1)
    changed = settings.model_copy(update={"shadow_batch": 2})
    config = RankConfig()
    loop = ScoringLoop(engine, model, taxonomy=taxonomy, config=config, settings=changed)
    shadow = ShadowLoop(engine, model, taxonomy=taxonomy, config=config, settings=changed)
    yield Bench(model, loop, shadow, engine)
    await engine.dispose()


@pytest.fixture
async def engineer(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["ml"]))
        yield caller


def spam(text: str) -> Score:
    return Score(dict.fromkeys(AREAS, 0.001) | {"spam": 0.401}, (0.2, 0.8, 0.0, 0.0, 0.0), "spam")


async def told(engineer: httpx.AsyncClient, top: int = 100) -> Body:
    answer = await engineer.get("/v1/models/shadow", params={"top": top})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_shadow_changes_nothing_and_keeps_its_own_scores(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}", views_per_hour=10)
    bench.model.serve(Serving(Scripted(harmless, bundle_hash="live"), shadow=Scripted(grave, bundle_hash="shadow")))
    while await bench.loop.step():
        pass
    before = query(database, "SELECT id, score, bundle, scored_at FROM evidence ORDER BY id")
    ranks = query(database, "SELECT id, rank_value, rank FROM cases ORDER BY id")
    await bench.drain()
    assert query(database, "SELECT id, score, bundle, scored_at FROM evidence ORDER BY id") == before
    assert query(database, "SELECT id, rank_value, rank FROM cases ORDER BY id") == ranks
    stored = query(
        database,
        "SELECT s.bundle, s.score, s.rank_value, r.received_at FROM shadow_scores s"
        " JOIN reports r ON r.evidence_id = s.evidence_id",
    )
    assert len(stored) == 3
    for bundle, score, rank_value, received_at in stored:
        inputs = RankInputs(score, reasons=["harassment"], views_per_hour=10, pictures=0, received_at=received_at)
        assert (bundle, score["primary_area"]) == ("shadow", "child_safety")
        assert rank_value == rank(inputs, taxonomy, RankConfig()).value


async def test_live_batches_come_first_whatever_waits_for_the_shadow(
    bench: Bench, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch of the shadow begins while a text waits for its live score."""
    waiting_at_shadow: list[int] = []

    def look(text: str) -> Score:
        waiting_at_shadow.append(value(database, "SELECT count(*) FROM evidence WHERE score_state = 'waiting'"))
        return harmless(text)

    shadow = Scripted(look, bundle_hash="shadow")
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=shadow))
    for number in range(6):
        await report(platform, f"post-{number}", text=f"text {number}")
    stopping = asyncio.Event()
    running = asyncio.create_task(bench.loop.run(stopping, (bench.shadow.step,)))
    # It has looked, not only begun to: else a report of the next lines could be what it sees first.
    await until(lambda: bool(waiting_at_shadow))
    for number in range(6, 12):
        await report(platform, f"post-{number}", text=f"text {number}")
    monkeypatch.setattr(workflow, "NEW_SECONDS", 0.0)
    await until(lambda: len(shadow.texts) == 12)
    stopping.set()
    await running
    assert waiting_at_shadow[0] == 0
    # What is reported while a small batch of the shadow is under way waits for that one batch and no longer.
    assert sum(count > 0 for count in waiting_at_shadow) <= 2


async def test_a_slow_shadow_holds_up_no_report_and_no_connection(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    shadow = Blocking(bundle_hash="shadow")
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=shadow))
    await report(platform)
    assert await bench.loop.step() == 1
    step = asyncio.create_task(bench.shadow.step())
    await asyncio.to_thread(shadow.begun.wait, 30)
    assert bench.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        await report(platform, "another", text="another")
        assert await bench.loop.step() == 1
    shadow.go.set()
    assert await step == 1


async def test_one_bad_text_harms_nothing(bench: Bench, platform: httpx.AsyncClient, database: str) -> None:
    for text in ("one", "poison", "two", "three"):
        await report(platform, text, text=text)
    shadow = Scripted(unless_poison, bundle_hash="shadow")
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=shadow))
    await bench.drain()
    found = dict(query(database, "SELECT e.text, s.state FROM shadow_scores s JOIN evidence e ON e.id = s.evidence_id"))
    assert found == {"one": "scored", "poison": "failed", "two": "scored", "three": "scored"}
    assert set(query(database, "SELECT score_state FROM evidence")) == {("scored",)}
    asked = shadow.texts.count("poison")
    await bench.drain()
    assert shadow.texts.count("poison") == asked


async def test_cases_that_were_open_before_are_compared_too(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    bench.model.serve(Serving(Scripted(bundle_hash="live")))
    await bench.drain()
    query(database, "UPDATE evidence SET scored_at = now() - interval '1 day'")
    await decided(reviewer, await claim(reviewer))
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=Scripted(bundle_hash="shadow")))
    await bench.drain()
    assert value(database, "SELECT count(*) FROM shadow_scores WHERE state = 'scored'") == 2


async def test_two_loops_at_once_score_each_text_once(
    bench: Bench, platform: httpx.AsyncClient, settings: Settings, taxonomy: Taxonomy
) -> None:
    for number in range(10):
        await report(platform, f"post-{number}", text=f"text {number}")
    shadow = Scripted(bundle_hash="shadow")
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=shadow))
    await bench.loop.step()
    other = ShadowLoop(bench.engine, bench.model, taxonomy=taxonomy, config=RankConfig(), settings=settings)

    async def drain(loop: ShadowLoop) -> None:
        while await loop.step():
            pass

    await asyncio.gather(drain(bench.shadow), drain(other))
    assert sorted(shadow.texts) == sorted(f"text {number}" for number in range(10))


async def test_the_difference_by_hand(
    bench: Bench, platform: httpx.AsyncClient, engineer: httpx.AsyncClient, database: str
) -> None:
    """Live order by views: a, b, c, d. The shadow takes d for the worst: d, a, b, c."""
    ids = {}
    for name, views in (("a", 4000), ("b", 3000), ("c", 2000), ("d", 1000)):
        ids[name] = (await report(platform, name, text=name, views_per_hour=views))["case_id"]
    live = Scripted(spam, bundle_hash="live")
    shadow = Scripted(lambda text: grave(text) if text == "d" else spam(text), bundle_hash="shadow")
    bench.model.serve(Serving(live, shadow=shadow))
    await bench.drain()
    found = await told(engineer, top=2)
    assert (found["bundle"], found["live"], found["top"]) == ("shadow", "live", 2)
    assert {key: found[key] for key in ("open", "compared", "waiting", "scored", "failed")} == {
        "open": 4,
        "compared": 4,
        "waiting": 0,
        "scored": 4,
        "failed": 0,
    }
    assert found["enter"] == [
        {
            "case_id": ids["d"],
            "live_position": 4,
            "shadow_position": 1,
            "live_area": "spam",
            "shadow_area": "child_safety",
        }
    ]
    assert found["leave"] == [
        {"case_id": ids["b"], "live_position": 2, "shadow_position": 3, "live_area": "spam", "shadow_area": "spam"}
    ]
    # d = (1, 1, 1, -3): 1 - 6 x 12 / (4 x 15).
    assert found["rank_correlation"] == pytest.approx(-0.2)
    assert found["primary_agreement"] == 0.75
    areas = {one["area"]: one for one in found["areas"]}
    # One case of four goes from .401 to .001, and from .001 to .99.
    assert areas["spam"]["mean_absolute_difference"] == pytest.approx(0.1)
    assert areas["child_safety"]["mean_absolute_difference"] == pytest.approx(0.989 / 4)
    assert areas["spam"]["live_mean"] == pytest.approx(0.401)
    assert (areas["spam"]["live_primary"], areas["spam"]["shadow_primary"]) == (4, 3)
    assert (areas["child_safety"]["live_primary"], areas["child_safety"]["shadow_primary"]) == (0, 1)
    assert areas["privacy"]["mean_absolute_difference"] == 0


async def test_a_report_after_the_score_counts_in_both_orders(
    bench: Bench, platform: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    for name, views in (("a", 2000), ("b", 1000)):
        await report(platform, name, text=name, views_per_hour=views)
    bench.model.serve(Serving(Scripted(spam, bundle_hash="live"), shadow=Scripted(spam, bundle_hash="shadow")))
    await bench.drain()
    await report(platform, "b", text="b", views_per_hour=90_000)
    found = await told(engineer, top=1)
    assert (found["enter"], found["leave"]) == ([], [])
    assert found["rank_correlation"] == pytest.approx(1)


async def test_cases_without_both_scores_are_not_compared(
    bench: Bench, platform: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    await report(platform, "a")
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=Scripted(bundle_hash="shadow")))
    await bench.drain()
    await report(platform, "b")
    found = await told(engineer)
    assert (found["open"], found["compared"]) == (2, 1)
    assert found["rank_correlation"] is None


async def test_without_a_shadow_there_is_nothing_to_tell(bench: Bench, engineer: httpx.AsyncClient) -> None:
    bench.model.serve(Serving(Scripted(bundle_hash="live")))
    await bench.drain()
    assert "shadow" in assert_error(await engineer.get("/v1/models/shadow"), 404, "not_found")


@pytest.mark.parametrize("top", ["0", "-1", "1001", "many"])
async def test_a_head_of_no_or_endless_length_is_refused(engineer: httpx.AsyncClient, top: str) -> None:
    assert_error(await engineer.get("/v1/models/shadow", params={"top": top}), 422, "invalid_request")


async def test_old_scores_are_forgotten(bench: Bench, platform: httpx.AsyncClient, database: str) -> None:
    for name in ("old", "new"):
        await report(platform, name, text=name)
    bench.model.serve(Serving(Scripted(bundle_hash="live"), shadow=Scripted(bundle_hash="shadow")))
    await bench.drain()
    [(old,)] = query(database, "SELECT id FROM evidence WHERE text = 'old'")
    assert isinstance(old, UUID)
    query(database, "UPDATE shadow_scores SET added_at = now() - interval '31 days' WHERE evidence_id = %s", old)
    async with bench.engine.begin() as connection:
        await forget_old(connection, days=30)
    assert query(database, "SELECT e.text FROM shadow_scores s JOIN evidence e ON e.id = s.evidence_id") == [("new",)]
