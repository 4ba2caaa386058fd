"""The scoring loop with everything it does around the model, against the model alone on the same batches."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import onnxruntime
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine
from tokenizers import Tokenizer

from bench.database import empty_database
from bench.measure import BenchError, Result, hardware, ratio, say, sides
from bench.people import add_accounts_in_loop
from bench.texts import texts
from labeling.taxonomy import load_taxonomy
from models.bundle import MODEL, TOKENIZER, load_bundle
from models.inference import OUTPUTS, OnnxScorer, Score, encode_texts, like_length_batches, limit_tokens, pad
from models.rank import RankConfig
from service.db import create_engine
from service.jobs import create_jobs_app
from service.reports.schemas import Intake, ReportIn, SubjectIn
from service.reports.workflow import receive
from service.scoring.live_model import LiveModel
from service.scoring.workflow import ScoringLoop
from service.settings import Settings

NAME = "scoring_loop_vs_onnxruntime"
THREADS = 1


class _Recorder:
    """The bundle's scorer; keeps the texts of the last batch."""

    def __init__(self, scorer: OnnxScorer) -> None:
        self._scorer = scorer
        self.last: Sequence[str] = ()

    @property
    def bundle_hash(self) -> str:
        return self._scorer.bundle_hash

    @property
    def areas(self) -> tuple[str, ...]:
        return self._scorer.areas

    @property
    def trained_areas(self) -> tuple[str, ...]:
        return self._scorer.trained_areas

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        self.last = texts
        return self._scorer.score(texts, languages)


class _Bare:
    """onnxruntime with the options of the service, on texts that are tokenised and padded before the clock starts."""

    def __init__(self, folder: Path) -> None:
        bundle = load_bundle(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(bundle.read(MODEL), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_buffer(bundle.read(TOKENIZER))
        limit_tokens(self._tokenizer, bundle.max_tokens)

    def seconds(self, texts: Sequence[str]) -> float:
        ids = encode_texts(texts, self._tokenizer)
        batches = [pad([ids[one] for one in index]) for index in like_length_batches([len(one) for one in ids])]
        started = time.perf_counter()
        for stacked, mask in batches:
            self._session.run(OUTPUTS, {"input_ids": stacked, "attention_mask": mask})
        return time.perf_counter() - started


def run(*, quick: bool) -> Result:
    """Texts a second of both sides, step by step in turn."""
    steps, batch = (3, 8) if quick else (25, 128)
    with empty_database() as url:
        settings = Settings(database_url=url, score_batch=batch)
        pairs, counted = uvloop.run(_compare(url, settings, steps=steps))
    detail = sides(pairs, first="loop", second="onnxruntime", unit="texts_per_second")
    detail |= {"batch": batch, "texts": counted, "threads": THREADS}
    return Result(NAME, ratio(pairs), "ratio", detail | hardware())


async def _compare(url: str, settings: Settings, *, steps: int) -> tuple[list[tuple[float, float]], int]:
    taxonomy = load_taxonomy()
    recorder = _Recorder(OnnxScorer.load(settings.bundle, threads=THREADS))
    bare = _Bare(settings.bundle)
    model = LiveModel(lambda: recorder, concurrency=1)
    await model.keep_loading()
    engine = create_engine(url, pool=2)
    try:
        count = settings.score_batch * (steps + 1)
        say(f"{NAME}: taking in {count:,} reports")
        await _take_in(engine, url, count)
        loop = ScoringLoop(engine, model, taxonomy=taxonomy, config=RankConfig(), settings=settings)
        pairs = [await _step(loop, recorder, bare) for _ in range(steps + 1)]
    finally:
        await engine.dispose()
    # The first step allocates what later ones use again.
    return pairs[1:], settings.score_batch * steps


async def _step(loop: ScoringLoop, recorder: _Recorder, bare: _Bare) -> tuple[float, float]:
    started = time.perf_counter()
    scored = await loop.step()
    took = time.perf_counter() - started
    if not scored:
        raise BenchError("the loop found nothing to score")
    return scored / took, scored / bare.seconds(recorder.last)


async def _take_in(engine: AsyncEngine, url: str, count: int) -> None:
    [platform] = await add_accounts_in_loop(url, "platform", 1)
    taxonomy, config, jobs = load_taxonomy(), RankConfig(), create_jobs_app(url)
    async with engine.begin() as connection:
        for number, text in enumerate(texts(count)):
            await receive(connection, _intake(number, text, platform.id), taxonomy=taxonomy, config=config, jobs=jobs)


def _intake(number: int, text: str, platform: UUID) -> Intake:
    subject = SubjectIn(id=f"post-{number}", kind="post", text=text, language="en", views_per_hour=float(number))
    report = ReportIn(channel="user", reason="harassment", subject=subject)
    return Intake(report=report, received_from=platform, received_at=datetime.now(UTC))
