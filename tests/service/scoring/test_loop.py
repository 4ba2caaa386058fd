"""The scoring loop: every waiting text is scored once, one bad text harms no other, and ranks stay true."""

import asyncio
import io
import math
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.inference import Score
from models.rank import RankConfig, RankInputs, rank
from service.db import create_engine
from service.scoring import workflow
from service.scoring.live_model import LiveModel, try_each
from service.scoring.workflow import ScoringLoop
from service.settings import Settings
from tests.service.scoring.doubles import (
    Blocking,
    PoisonError,
    Scripted,
    ShortScorer,
    grave,
    harmless,
    loaded,
    unless_poison,
)
from tests.service.steps import claim, decided, query, report, report_body, until, value

ATTEMPTS = 3


@pytest.fixture(params=[False, True], ids=["never analysed", "analysed when empty"])
async def engine(database: str, request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    """The worker's own connections. What the server knows of its tables decides the plan; each must give the same."""
    if request.param:
        query(database, "ANALYZE evidence")
    one = create_engine(database, pool=6)
    yield one
    await one.dispose()


class Bench:
    """A scoring loop on the test's database, with whatever scorer."""

    def __init__(self, engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy) -> None:
        self._engine = engine
        self._settings = settings.model_copy(update={"score_attempts": ATTEMPTS, "score_batch": 10})
        self._taxonomy = taxonomy

    async def loop(self, scorer: Scripted, *, batch: int = 10) -> ScoringLoop:
        return ScoringLoop(
            self._engine,
            await loaded(scorer),
            taxonomy=self._taxonomy,
            config=RankConfig(),
            settings=self._settings.model_copy(update={"score_batch": batch}),
        )


@pytest.fixture
def bench(engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy) -> Bench:
    return Bench(engine, settings, taxonomy)


async def drain(loop: ScoringLoop) -> None:
    """Step until nothing waits."""
    while await loop.step():
        pass


def pause_is_over(database: str) -> None:
    """Let rows that were given back be taken again."""
    query(database, "UPDATE evidence SET score_claimed_until = now() - interval '1 s' WHERE score_state = 'waiting'")


def states(database: str) -> dict[str, str]:
    return dict(query(database, "SELECT text, score_state FROM evidence"))


def assert_ranks_true(database: str, taxonomy: Taxonomy) -> None:
    """Every open case stands where its score, views, reasons and age put it."""
    rows = query(
        database,
        """
        SELECT c.rank_value, c.rank, e.score, s.views_per_hour, min(r.received_at), array_agg(DISTINCT r.reason),
               c.report_count
        FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
        JOIN reports r ON r.case_id = c.id WHERE c.status <> 'decided' GROUP BY c.id, s.id, e.id
        """,
    )
    assert rows
    for stored, parts, score, views, received_at, reasons, reports in rows:
        inputs = RankInputs(
            score, reasons=reasons, views_per_hour=views, pictures=0, received_at=received_at, reports=reports
        )
        expected = rank(inputs, taxonomy, RankConfig())
        assert (stored, parts) == (expected.value, expected.parts)


async def test_what_waits_is_scored_and_shown(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    scorer = Scripted(grave)
    assert await (await bench.loop(scorer)).step() == 1
    case = (await claim(reviewer))["case"]
    assert case["score_state"] == "scored"
    assert case["score"]["areas"] == grave("").areas
    assert case["score"]["severity"] == list(grave("").severity)
    assert case["score"]["primary_area"] == "child_safety"
    assert case["score"]["unassessed"] == list(scorer.areas[-2:])
    assert case["score"]["bundle"] == "scripted"
    assert case["score"]["scored_at"]


async def test_the_declared_language_goes_with_the_text(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "declared", text="bom dia", language="pt-BR")
    await report(platform, "unknown", text="hm", language=None)
    # Content that is reported again: the first report that names a language counts.
    for language in (None, "ms", "id"):
        await report(platform, "again", text="apa", language=language)
    scorer = Scripted()
    await drain(await bench.loop(scorer))
    assert scorer.languages == {"bom dia": "pt-BR", "hm": None, "apa": "ms"}
    # One after the other where a staged model fails on the batch.
    one_by_one = Scripted(unless_poison)
    assert try_each(one_by_one, ["poison", "bom dia"], ["en", "pt"])[0] is None
    assert one_by_one.languages == {"poison": "en", "bom dia": "pt"}


async def test_scores_change_the_order(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    await report(platform, "viral", text="nice weather", views_per_hour=500)
    await report(platform, "quiet", text="the worst", views_per_hour=50)
    await drain(await bench.loop(Scripted(lambda text: grave(text) if "worst" in text else harmless(text))))
    assert_ranks_true(database, taxonomy)
    assert value(database, "SELECT bool_and((rank ->> 'scored')::boolean) FROM cases")
    assert (await claim(reviewer))["case"]["subject"]["id"] == "quiet"


async def test_scores_are_rounded_and_numbers_only(bench: Bench, platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, text="private words")
    await drain(await bench.loop(Scripted()))
    assert "private" not in str(value(database, "SELECT score FROM evidence"))


async def test_nothing_waits_nothing_is_done(bench: Bench) -> None:
    scorer = Scripted()
    assert await (await bench.loop(scorer)).step() == 0
    assert scorer.batches == []


async def test_batches_have_the_size_of_the_setting(bench: Bench, platform: httpx.AsyncClient) -> None:
    for number in range(7):
        await report(platform, f"post-{number}")
    scorer = Scripted()
    await drain(await bench.loop(scorer, batch=3))
    assert [len(batch) for batch in scorer.batches] == [3, 3, 1]


async def test_the_oldest_come_first(bench: Bench, platform: httpx.AsyncClient) -> None:
    for number in range(4):
        await report(platform, f"post-{number}", text=str(number))
    scorer = Scripted()
    await drain(await bench.loop(scorer, batch=2))
    assert [sorted(batch) for batch in scorer.batches] == [["0", "1"], ["2", "3"]]


async def test_three_loops_at_once_score_each_text_once(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    texts = [f"text {number}" for number in range(30)]
    for text in texts:
        await report(platform, text, text=text)
    scorer = Scripted()
    await asyncio.gather(*[drain(await bench.loop(scorer, batch=4)) for _ in range(3)])
    assert sorted(scorer.texts) == sorted(texts)
    assert set(states(database).values()) == {"scored"}
    assert_ranks_true(database, taxonomy)


async def test_rows_of_a_failed_batch_come_back_later_and_alone(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}", text=f"poison {number}" if number == 1 else f"{number}")
    broken = Scripted(unless_poison)
    loop = await bench.loop(broken)
    with pytest.raises(PoisonError):
        await loop.step()
    assert set(states(database).values()) == {"waiting"}
    assert await loop.step() == 0
    pause_is_over(database)
    scorer = Scripted()
    await drain(await bench.loop(scorer))
    assert sorted(scorer.batches) == [["0"], ["2"], ["poison 1"]]


async def step_through(loop: ScoringLoop, database: str, *, rounds: int) -> None:
    """Step as the loop would, with all pauses skipped."""
    for _ in range(rounds):
        with suppress(PoisonError):
            await loop.step()
        pause_is_over(database)


async def test_one_poisonous_text_fails_alone_and_its_case_stays(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(5):
        await report(platform, f"post-{number}", text="poison" if number == 2 else f"text {number}")
    scorer = Scripted(unless_poison)
    await step_through(await bench.loop(scorer), database, rounds=12)
    found = states(database)
    assert found.pop("poison") == "failed"
    assert set(found.values()) == {"scored"}
    assert scorer.texts.count("poison") == ATTEMPTS
    [(subject, data)] = query(
        database,
        """
        SELECT s.external_id, v.data FROM events v JOIN cases c ON c.id = v.case_id
        JOIN subjects s ON s.id = c.subject_id WHERE v.kind = 'score.failed'
        """,
    )
    assert (subject, data) == ("post-2", {"attempts": ATTEMPTS})
    claimed = await claim(reviewer)
    assert claimed["case"]["subject"]["id"] == "post-2"
    assert (claimed["case"]["score"], claimed["case"]["score_state"]) == (None, "failed")
    assert claimed["case"]["rank"]["parts"]["scored"] is False
    await decided(reviewer, claimed)


async def test_rows_that_failed_once_do_not_wait_for_the_stream_of_new_ones_to_end(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    for text in ("innocent", "poison"):
        await report(platform, text, text=text)
    with pytest.raises(PoisonError):
        await (await bench.loop(Scripted(unless_poison))).step()
    pause_is_over(database)
    scorer = Scripted()
    loop = await bench.loop(scorer, batch=1)
    for number in range(4):
        await report(platform, f"new-{number}", text=f"new {number}")
    for number in range(4, 10):
        await loop.step()
        await report(platform, f"new-{number}", text=f"new {number}")
    assert {"innocent", "poison"} <= set(scorer.texts)
    assert any(text.startswith("new") for text in scorer.texts)


async def test_a_failed_text_is_not_tried_for_ever(bench: Bench, platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, text="poison")
    scorer = Scripted(unless_poison)
    await step_through(await bench.loop(scorer), database, rounds=10)
    await report(platform, text="poison")
    await step_through(await bench.loop(scorer), database, rounds=3)
    assert len(scorer.texts) == ATTEMPTS
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'score.failed'") == 1


async def test_rows_of_a_worker_that_died_come_back_when_its_time_is_over(
    bench: Bench, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    query(
        database,
        "UPDATE evidence SET score_attempts = 1, score_claimed_until = now() + interval '60 seconds'",
    )
    loop = await bench.loop(Scripted())
    assert await loop.step() == 0
    pause_is_over(database)
    assert await loop.step() == 1
    assert set(states(database).values()) == {"scored"}


async def test_a_wrong_number_of_scores_is_no_score(bench: Bench, platform: httpx.AsyncClient, database: str) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    with pytest.raises(RuntimeError, match="2 scores for 3 texts"):
        await (await bench.loop(ShortScorer())).step()
    assert set(states(database).values()) == {"waiting"}


async def test_a_score_that_is_no_number_is_not_stored(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    broken = Scripted(lambda _text: Score({"spam": math.nan}, (math.nan,) * 5, "spam"))
    loop = await bench.loop(broken)
    for _ in range(ATTEMPTS):
        with pytest.raises(Exception, match=r"(?i)json|nan"):
            await loop.step()
        pause_is_over(database)
    assert await loop.step() == 0
    assert set(states(database).values()) == {"failed"}
    assert (await claim(reviewer))["case"]["score"] is None


async def test_a_new_report_while_the_model_works_does_not_wait_and_is_not_lost(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    await report(platform, views_per_hour=10)
    scorer = Blocking(grave)
    working = asyncio.create_task((await bench.loop(scorer)).step())
    await asyncio.to_thread(scorer.begun.wait, 30)
    async with asyncio.timeout(30):
        await report(platform, reason="spam", views_per_hour=90_000)
    scorer.go.set()
    assert await working == 1
    assert value(database, "SELECT rank -> 'views_per_hour' FROM cases") == 90_000
    assert value(database, "SELECT rank -> 'reasons' FROM cases") == ["harassment", "spam"]
    assert_ranks_true(database, taxonomy)


async def test_reports_and_scores_at_once_end_in_true_ranks(
    bench: Bench, platform: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    async def keep_scoring() -> None:
        loop = await bench.loop(Scripted(grave), batch=2)
        for _ in range(12):
            await loop.step()

    def one(number: int) -> asyncio.Task[object]:
        fields = {"text": f"version {number % 3}", "views_per_hour": number * 100}
        return asyncio.create_task(report(platform, f"post-{number % 4}", **fields))

    await asyncio.gather(keep_scoring(), keep_scoring(), *(one(number) for number in range(40)))
    await drain(await bench.loop(Scripted(grave)))
    assert set(states(database).values()) == {"scored"}
    assert_ranks_true(database, taxonomy)
    assert value(database, "SELECT sum(report_count) FROM cases") == 40


async def test_edited_content_waits_for_a_score_of_its_own(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    await report(platform, text="first")
    await drain(await bench.loop(Scripted(harmless)))
    await report(platform, text="second")
    assert_ranks_true(database, taxonomy)
    assert value(database, "SELECT rank ->> 'scored' FROM cases") == "false"
    await drain(await bench.loop(Scripted(grave)))
    assert (await claim(reviewer))["case"]["score"]["primary_area"] == "child_safety"


async def test_content_that_was_scored_before_has_its_score_at_once(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    await report(platform, text="the same")
    await drain(await bench.loop(Scripted(grave)))
    await decided(reviewer, await claim(reviewer))
    # An area that nobody named before is looked at again.
    again = report_body(text="the same", reason="spam") | {"reporter": {"id": "somebody else"}}
    assert (await platform.post("/v1/reports", json=again)).status_code == 201
    assert_ranks_true(database, taxonomy)
    assert (await claim(reviewer))["case"]["score"]["primary_area"] == "child_safety"


async def test_a_decided_case_is_scored_for_the_record_but_not_ranked(
    bench: Bench, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    before = value(database, "SELECT rank FROM cases")
    await drain(await bench.loop(Scripted(grave)))
    assert set(states(database).values()) == {"scored"}
    assert value(database, "SELECT rank FROM cases") == before


async def test_the_loop_outlives_failures_and_stops_when_told(
    bench: Bench, platform: httpx.AsyncClient, database: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(workflow, "IDLE_SECONDS", 0.01)
    for text in ("poison to the log", "text"):
        await report(platform, text, text=text)
    loop, stopping = await bench.loop(Scripted(unless_poison)), asyncio.Event()
    running = asyncio.create_task(loop.run(stopping))
    await until(lambda: "waiting" not in states(database).values())
    stopping.set()
    await asyncio.wait_for(running, 30)
    assert states(database) == {"poison to the log": "failed", "text": "scored"}
    assert "scoring.failed" in log.getvalue()
    assert "unless_poison" in log.getvalue(), "where it failed is in the log"
    assert "poison to the log" not in log.getvalue()


async def test_without_a_model_the_loop_waits(
    engine: AsyncEngine, settings: Settings, taxonomy: Taxonomy, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    model = LiveModel(Scripted, concurrency=1)
    loop = ScoringLoop(engine, model, taxonomy=taxonomy, config=RankConfig(), settings=settings)
    stopping = asyncio.Event()
    running = asyncio.create_task(loop.run(stopping))
    await asyncio.sleep(0.05)
    stopping.set()
    await asyncio.wait_for(running, 30)
    assert states(database) == {"what post-1 says": "waiting"}
    assert value(database, "SELECT score_attempts FROM evidence") == 0
