"""After a swap: waiting texts get the new model, open cases are scored anew in rank order, a share stays with its coin."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Score
from models.rank import RankConfig
from service.db import create_engine
from service.scoring.live_model import LiveModel
from service.scoring.releases import Serving, StagedScorer
from service.scoring.workflow import PAUSE_SECONDS, Rescoring, ScoringLoop
from service.settings import Settings
from tests.service.scoring.doubles import PoisonError, Scripted, grave, harmless, unless_poison
from tests.service.scoring.registries import staged
from tests.service.scoring.test_loop import assert_ranks_true
from tests.service.steps import claim, decided, query, report, until, value


def graphic(text: str) -> Score:
    """A score with a graphic level."""
    calm = harmless(text)
    return Score(calm.areas, calm.severity, calm.primary_area, (0.7, 0.2, 0.1, 0.0), ("spam",))


def always_fails(text: str) -> Score:
    raise PoisonError(text)


@dataclass
class Bench:
    """A model whose scorers a test replaces, the loop and the rescoring on it."""

    model: LiveModel
    loop: ScoringLoop
    rescoring: Rescoring

    async def drain(self) -> None:
        while await self.loop.step() or await self.rescoring.step():
            pass


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=4)
    yield one
    await one.dispose()


def bench_of(engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy, **changes: object) -> Bench:
    model = LiveModel(Scripted, concurrency=1)
    changed = settings.model_copy(update={"rescore_batch": 2, **changes})
    loop = ScoringLoop(engine, model, taxonomy=taxonomy, config=RankConfig(), settings=changed)
    rescoring = Rescoring(engine, model, taxonomy=taxonomy, config=RankConfig(), settings=changed)
    return Bench(model, loop, rescoring)


@pytest.fixture
def bench(engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy) -> Bench:
    return bench_of(engine, settings, taxonomy)


def bundles(database: str) -> dict[str, str]:
    return dict(query(database, "SELECT text, bundle FROM evidence"))


async def test_open_cases_are_scored_anew_riskiest_first(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    for number in (3, 1, 4, 2, 5):
        await report(platform, f"post-{number}", text=str(number), views_per_hour=1000 * number)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    new = Scripted(lambda text: grave(text) if text == "1" else harmless(text), bundle_hash="new")
    bench.model.serve(Serving(new))
    await bench.drain()
    assert [sorted(batch) for batch in new.batches] == [["4", "5"], ["2", "3"], ["1"]]
    assert set(bundles(database).values()) == {"new"}
    assert_ranks_true(database, taxonomy)
    assert (
        value(
            database,
            "SELECT s.external_id FROM cases c JOIN subjects s ON s.id = c.subject_id"
            " ORDER BY c.rank_value DESC LIMIT 1",
        )
        == "post-1"
    )


async def test_texts_that_wait_come_before_those_that_are_scored_anew(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(5):
        await report(platform, f"old-{number}", text=f"old {number}")
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    new = Scripted(bundle_hash="new")
    bench.model.serve(Serving(new))
    assert await bench.rescoring.step() == 2
    await report(platform, "fresh", text="fresh")
    await bench.drain()
    assert new.batches[1] == ["fresh"]
    assert set(bundles(database).values()) == {"new"}


async def test_what_is_in_hand_or_decided_keeps_its_score(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for text, views in (("decided", 3000), ("in hand", 2000), ("open", 1000)):
        await report(platform, text, text=text, views_per_hour=views)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    await decided(reviewer, await claim(reviewer))
    await claim(reviewer)
    bench.model.serve(Serving(Scripted(bundle_hash="new")))
    await bench.drain()
    assert bundles(database) == {"decided": "old", "in hand": "old", "open": "new"}


async def test_scoring_anew_can_be_switched_off(
    engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy, platform: httpx.AsyncClient, database: str
) -> None:
    bench = bench_of(engine, settings, taxonomy, rescore=False)
    await report(platform)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    bench.model.serve(Serving(Scripted(bundle_hash="new")))
    await bench.drain()
    assert set(bundles(database).values()) == {"old"}


async def test_nothing_is_scored_anew_while_the_live_release_is_refused(
    bench: Bench, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await report(platform)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    monkeypatch.setattr(LiveModel, "problems", {"live": "damaged"})
    bench.model.serve(Serving(Scripted(bundle_hash="stand-in")))
    await bench.drain()
    assert set(bundles(database).values()) == {"old"}


async def test_a_text_that_the_new_model_cannot_take_keeps_its_score_and_is_asked_once(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for text in ("poison", "one", "two"):
        await report(platform, text, text=text)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    new = Scripted(unless_poison, bundle_hash="new")
    bench.model.serve(Serving(new))
    await bench.drain()
    assert bundles(database) == {"poison": "old", "one": "new", "two": "new"}
    asked = new.texts.count("poison")
    bench.rescoring._rest_until = 0
    await bench.drain()
    assert new.texts.count("poison") == asked
    bench.model.serve(Serving(Scripted(bundle_hash="third")))
    await bench.drain()
    assert set(bundles(database).values()) == {"third"}


async def test_a_model_that_takes_nothing_marks_nothing(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for text in ("one", "two"):
        await report(platform, text, text=text)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    bench.model.serve(Serving(Scripted(always_fails, bundle_hash="new")))
    with pytest.raises(RuntimeError, match="scores nothing at all"):
        await bench.rescoring.step()
    assert value(database, "SELECT count(*) FROM evidence WHERE refused_by IS NOT NULL") == 0


async def test_what_another_worker_has_in_hand_is_not_asked_for_without_end(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for text in ("one", "two", "three"):
        await report(platform, text, text=text)
    bench.model.serve(Serving(Scripted(bundle_hash="old")))
    await bench.drain()
    query(database, "UPDATE evidence SET score_claimed_until = now() + interval '1 minute'")
    new = Scripted(bundle_hash="new")
    bench.model.serve(Serving(new))
    assert [await bench.rescoring.step() for _ in range(4)] == [2, 1, 0, 0]
    assert new.texts == []
    query(database, "UPDATE evidence SET score_claimed_until = now() - interval '1 minute'")
    bench.rescoring._rest_until = 0
    await bench.drain()
    assert set(bundles(database).values()) == {"new"}


async def test_a_swap_in_the_middle_of_a_batch_leaves_true_bundles(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform, text="text")

    def swap_meanwhile(text: str) -> Score:
        bench.model.serve(Serving(Scripted(grave, bundle_hash="new")))
        return harmless(text)

    bench.model.serve(Serving(Scripted(swap_meanwhile, bundle_hash="old")))
    assert await bench.loop.step() == 1
    assert query(database, "SELECT bundle, score ->> 'primary_area' FROM evidence") == [("old", "benign")]
    await bench.drain()
    assert query(database, "SELECT bundle, score ->> 'primary_area' FROM evidence") == [("new", "child_safety")]


async def test_a_share_of_the_cases_is_staged_and_the_same_ones_again(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    for number in range(40):
        await report(platform, f"post-{number}", text=f"text {number}")
    release = staged("next", 0.4)
    live, following = Scripted(bundle_hash="live"), Scripted(grave, bundle_hash="next")
    bench.model.serve(Serving(live, staged=StagedScorer(following, release)))
    await bench.drain()

    def fallen() -> dict[UUID, str]:
        return dict(query(database, "SELECT c.id, e.bundle FROM cases c JOIN evidence e ON e.id = c.evidence_id"))

    expected = {case: "next" if release.takes(str(case)) else "live" for case in fallen()}
    assert fallen() == expected
    assert set(expected.values()) == {"live", "next"}
    assert_ranks_true(database, taxonomy)
    assert len(live.texts) + len(following.texts) == 40, "no case is scored twice"
    bench.model.serve(Serving(live))
    await bench.drain()
    assert set(fallen().values()) == {"live"}
    bench.model.serve(Serving(live, staged=StagedScorer(following, release)))
    await bench.drain()
    assert fallen() == expected
    assert await bench.rescoring.step() == 0


def test_the_coin_gives_the_share_and_a_greater_share_holds_the_smaller() -> None:
    cases = [str(UUID(int=number)) for number in range(20_000)]
    small = {case for case in cases if staged("next", 0.1).takes(case)}
    great = {case for case in cases if staged("next", 0.5).takes(case)}
    other = {case for case in cases if staged("next", 0.1, seed="other").takes(case)}
    # Five standard deviations.
    assert abs(len(small) / len(cases) - 0.1) < 5 * (0.1 * 0.9 / len(cases)) ** 0.5
    assert small < great
    assert abs(len(small & other) / len(cases) - 0.01) < 5 * (0.01 * 0.99 / len(cases)) ** 0.5


async def test_what_a_staged_model_cannot_take_the_live_one_does(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(12):
        await report(platform, f"post-{number}", text=f"text {number}")
    broken = StagedScorer(Scripted(always_fails, bundle_hash="next"), staged("next", 0.5))
    bench.model.serve(Serving(Scripted(bundle_hash="live"), staged=broken))
    assert await bench.loop.step() == 12
    assert set(bundles(database).values()) == {"live"}
    assert value(database, "SELECT max(score_attempts) FROM evidence") == 1


async def test_a_step_that_fails_rests_and_delays_no_live_text(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    asked = 0

    async def broken() -> int:
        nonlocal asked
        asked += 1
        raise PoisonError

    stopping = asyncio.Event()
    bench.model.serve(Serving(Scripted()))
    running = asyncio.create_task(bench.loop.run(stopping, (broken,)))
    await until(lambda: asked > 0)
    await report(platform)
    # Less than the failed step rests.
    await until(lambda: set(bundles(database).values()) == {"scripted"}, seconds=PAUSE_SECONDS - 1)
    stopping.set()
    await running
    assert asked == 1


async def test_graphic_level_and_unsure_areas_are_stored_and_shown(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    bench.model.serve(Serving(Scripted(graphic)))
    await bench.drain()
    score = (await claim(reviewer))["case"]["score"]
    assert (score["graphic"], score["unsure"]) == ([0.7, 0.2, 0.1, 0.0], ["spam"])
