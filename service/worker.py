"""The background process: scores what waits, sends webhooks, gives lapsed cases back."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy, load_taxonomy
from models.rank import RankConfig
from service.appeals.following.workflow import Effects, carry_out_due
from service.assessing.live import configured as configured_image_model
from service.assessing.workflow import Assessing
from service.banks.matching.workflow import Matching, Rerank
from service.cases.workflow import rerank
from service.causes.workflow import check_recurrence
from service.crisis.workflow import note_ends
from service.db import create_engine
from service.drift.workflow import measure_if_due
from service.exposure.workflow import forget_old as forget_old_breaks
from service.handling.workflow import tell_unowned
from service.holds.workflow import forget_old as forget_old_skips
from service.holds.workflow import raise_alerts, return_due
from service.intake.mails.drop import MailDrop
from service.intake.mails.workflow import Office
from service.intake.workflow import Desk
from service.intake.workflow import configured as configured_forms
from service.jobs import DELIVER_WEBHOOK, LENGTHY, PREPARE_MEDIA, SOON, create_jobs_app
from service.leases.workflow import return_lapsed
from service.media.leftovers.workflow import sweep as remove_leftovers
from service.media.preparing.workflow import Preparing, prepare
from service.media.renderer import Renderer
from service.media.storage import Storage, open_storage
from service.outbox.workflow import ORPHANS_AT_ONCE, deliver, enqueue_orphans
from service.people.workflow import forget_old
from service.ranking.choosing.workflow import at_work, follow
from service.ranking.workflow import Reranking, configured
from service.reading.workflow import Reading
from service.replies.sending.workflow import Deliveries
from service.restricted.paths.workflow import raise_alarms as raise_alarms_of_paths
from service.restricted.preservations.workflow import tell_endings
from service.routing.workflow import Rerouting
from service.scoring.live_model import LiveModel, ReleasedModel, load_scorer
from service.scoring.releases import ALL_PARTS, registry_of
from service.scoring.workflow import Rescoring, ScoringLoop, keep_states, states_of
from service.search.backfill import Backfill
from service.settings import Settings
from service.shadow.workflow import ShadowLoop
from service.shadow.workflow import forget_old as forget_old_shadow
from service.shedding.workflow import Shedding
from service.similar.prints import TextPrints
from service.sla.watching.workflow import CaseClocks, Watch
from service.statements.sender import posting
from service.statements.workflow import configured as configured_statements
from service.strikes.workflow import configured as configured_strikes
from service.waiting import happens

# How soon another worker takes over the jobs of one that died.
HEARTBEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 10.0
HOUSEKEEPING_SECONDS = 2.0
# Between two looks at what is rare or merely old.
SWEEP_SECONDS = 60.0
# After the jobs broke off.
JOBS_PAUSE_SECONDS = 2.0
SHUTDOWN_SECONDS = 20.0
JOBS_AT_ONCE = {SOON: 8, LENGTHY: 1}

log = structlog.get_logger()


async def work(settings: Settings, database_url: str) -> None:
    """Run until SIGTERM or SIGINT: then take nothing new, finish what is in hand, and leave.

    When other rules of the order are put to work, everything is finished likewise and begun anew under them: none of its
    parts ever works by two versions at once.
    """
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending.set)
    engine = create_engine(database_url, pool=1)
    async with engine.connect() as connection:
        config = await at_work(connection, configured(settings))
    await engine.dispose()
    while not ending.is_set():
        config = await _work_under(config, settings, database_url, ending)


async def _work_under(config: RankConfig, settings: Settings, database_url: str, ending: asyncio.Event) -> RankConfig:
    """Work by these rules until the end or until others are chosen; returns those that are at work then."""
    stopping = asyncio.Event()
    now = [config]
    taxonomy = load_taxonomy(settings.taxonomy)
    engine = create_engine(database_url, pool=4)
    model = ReleasedModel(
        lambda: load_scorer(settings, taxonomy),
        concurrency=1,
        registry=registry_of(settings, taxonomy),
        parts=ALL_PARTS,
    )

    def use(chosen: RankConfig) -> None:
        now[0] = chosen
        log.info("ranking.chosen", version=chosen.version)
        stopping.set()

    again = reranker(settings, config)
    reranking = Reranking(engine, again, taxonomy=taxonomy, config=config)
    order = (Rerouting(engine, again).step, reranking.step, Matching(engine, again).step)
    scoring = ScoringLoop(engine, model, taxonomy=taxonomy, config=config, settings=settings)
    rescoring = Rescoring(engine, model, taxonomy=taxonomy, config=config, settings=settings)
    shadow = ShadowLoop(engine, model, taxonomy=taxonomy, config=config, settings=settings)
    image_model, storage = configured_image_model(settings), open_storage(settings)
    assessing = Assessing(engine, image_model, storage, taxonomy=taxonomy, config=config)
    reading = Reading(engine, model, storage, taxonomy=taxonomy, config=config)
    jobs = create_jobs_app(database_url)
    async with (
        jobs.open_async(),
        httpx.AsyncClient(timeout=settings.webhook_timeout_seconds, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        register_tasks(jobs, engine, client, settings, config)
        group.create_task(follow(engine, config, use, until=stopping))
        watching = group.create_task(_end(ending, stopping))
        loading = group.create_task(model.keep_loading())
        group.create_task(scoring.run(stopping, (rescoring.step, shadow.step)))
        # Neither needs a model: an order that is behind its rules must not wait for one.
        group.create_task(repeat(stopping, order, pause=HOUSEKEEPING_SECONDS))
        loading_images = group.create_task(image_model.keep_loading())
        group.create_task(assessing.run(stopping))
        group.create_task(reading.run(stopping, settings))
        watch = ModelWatch(engine, model, taxonomy=taxonomy, settings=settings)
        under = Under(engine, jobs, taxonomy, config, settings)
        chores = Chores(
            often=(watch.tell, *_often(under)), seldom=(watch.sweep, assessing.look_for_stale, *_seldom(under))
        )
        for alone in _alone(under, storage, stopping):
            group.create_task(alone)
        group.create_task(housekeeping(engine, jobs, stopping, chores))
        workers = [group.create_task(run_jobs(jobs, stopping, queue=queue)) for queue in (SOON, LENGTHY)]
        log.info("worker.started")
        await stopping.wait()
        for task in (loading, loading_images, watching, *workers):
            task.cancel()
    await engine.dispose()
    log.info("worker.stopped")
    return now[0]


@dataclass(frozen=True, slots=True)
class Under:
    """What chores are done with, and by which rules."""

    engine: AsyncEngine
    jobs: App
    taxonomy: Taxonomy
    config: RankConfig
    settings: Settings


def _often(under: Under) -> Sequence[Callable[[], Awaitable[object]]]:
    engine, settings, taxonomy = under.engine, under.settings, under.taxonomy
    statements = configured_statements(settings, taxonomy)
    appeals = Effects(taxonomy, under.jobs, configured_strikes(settings, taxonomy), statements)
    watch = Watch(engine)
    return (
        partial(alert, engine, settings),
        Shedding(engine, under.jobs, under.config).step,
        watch.settle,
        watch.step,
        CaseClocks(engine, under.jobs, taxonomy=taxonomy, config=under.config).step,
        partial(carry_out_due, engine, appeals),
    )


def _seldom(under: Under) -> Sequence[Callable[[], Awaitable[object]]]:
    engine = under.engine
    return (
        partial(tell_unowned, engine, under.settings),
        partial(recurrence, engine),
        *restricted(engine),
        partial(note_ends, engine, under.jobs),
    )


def _alone(under: Under, storage: Storage, until: asyncio.Event) -> Iterator[Coroutine[Any, Any, None]]:
    """What goes on by itself: however slow a storage or another server is, no case is given back later for it."""
    engine = under.engine
    yield repeat(until, (partial(remove_leftovers, engine, storage),), pause=SWEEP_SECONDS)
    yield repeat(until, (Deliveries(engine, under.jobs, under.settings).step,), pause=HOUSEKEEPING_SECONDS)
    yield repeat(until, posting(engine, under.settings), pause=SWEEP_SECONDS)
    yield take_mails(under, until)
    yield TextPrints(engine).run(until)
    yield Backfill(engine).run(until)


async def take_mails(under: Under, until: asyncio.Event) -> None:
    """Take in the mails of the folder, where there is one. By itself: a mail full of pictures keeps nobody waiting."""
    settings = under.settings
    if settings.mail_drop is None:
        return
    renderer = Renderer(settings)
    desk = Desk(configured_forms(settings, under.taxonomy), under.taxonomy, under.config, under.jobs)
    drop = MailDrop(Office(under.engine, desk, renderer, open_storage(settings), settings), settings.mail_drop)
    await repeat(until, (drop.step,), pause=HOUSEKEEPING_SECONDS)
    await renderer.close()


async def _end(ending: asyncio.Event, stopping: asyncio.Event) -> None:
    await ending.wait()
    stopping.set()


def reranker(settings: Settings, config: RankConfig | None = None) -> Rerank:
    """What ranks and routes locked cases anew, by the rules of these settings unless others are at work."""
    return partial(rerank, taxonomy=load_taxonomy(settings.taxonomy), config=config or configured(settings))


def register_tasks(
    jobs: App, engine: AsyncEngine, client: httpx.AsyncClient, settings: Settings, config: RankConfig | None = None
) -> None:
    """The one table of jobs: name to function."""

    async def deliver_webhook(message: str) -> None:
        await deliver(engine, client, UUID(message), attempts=settings.webhook_attempts)

    # 3, 9, 27 … seconds, whatever went wrong: the outbox row says when to give up.
    retry = RetryStrategy(exponential_wait=3)
    jobs.task(name=DELIVER_WEBHOOK, retry=retry)(deliver_webhook)

    preparing = Preparing(engine, open_storage(settings), settings, reranker(settings, config))

    async def prepare_media(context: JobContext, media: str) -> None:
        await prepare(UUID(media), preparing, attempts=context.job.attempts)

    jobs.task(name=PREPARE_MEDIA, queue=LENGTHY, retry=Patience(), pass_context=True)(prepare_media)


class Patience(BaseRetryStrategy):
    """When a lengthy job is begun anew: after 8, 64, 512 … seconds, so that a storage may be down for an hour.

    A job that was broken off because this process was told to stop has failed in nothing and waits for nothing.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """As the library asks."""
        stopped = isinstance(exception, asyncio.CancelledError)
        return RetryDecision(retry_in={"seconds": 0 if stopped else 8 ** (job.attempts + 1)})


async def run_jobs(jobs: App, stopping: asyncio.Event, *, queue: str = SOON) -> None:
    """Run jobs of a queue until cancelled; those that take seconds are finished first, the others begin anew later.

    The library gives up when the database breaks one of its connections, now and then without a word. That ends neither
    the other work of this process nor, after a pause, this.
    """
    while not stopping.is_set():
        try:
            await jobs.run_worker_async(
                queues=[queue],
                concurrency=JOBS_AT_ONCE[queue],
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=SHUTDOWN_SECONDS if queue == SOON else 0,
                install_signal_handlers=False,
                delete_jobs="successful",
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=DEAD_AFTER_SECONDS,
            )
            log.error("jobs.ended")
        except ConnectorException as error:
            log.error("jobs.failed", error=type(error.__cause__ or error).__name__)
        await happens(stopping, within=JOBS_PAUSE_SECONDS)


class ModelWatch:
    """Keeps what others want to know of the models: which serve, and whether what comes in has drifted."""

    def __init__(self, engine: AsyncEngine, model: LiveModel, *, taxonomy: Taxonomy, settings: Settings) -> None:
        self._engine = engine
        self._model = model
        self._taxonomy = taxonomy
        self._settings = settings
        self._told: object = None

    async def tell(self) -> None:
        """Store which bundles serve, when that has changed."""
        states = states_of(self._model, ALL_PARTS)
        if states != self._told:
            async with self._engine.begin() as connection:
                await keep_states(connection, states)
            self._told = states

    async def sweep(self) -> None:
        """Measure drift when it is time, and forget old scores of the shadow."""
        async with self._engine.begin() as connection:
            await forget_old_shadow(connection, days=self._settings.shadow_days)
        if self._model.ready:
            bundle = self._model.scorer.bundle_hash
            async with self._engine.begin() as connection:
                await measure_if_due(connection, bundle, taxonomy=self._taxonomy, settings=self._settings)


@dataclass(frozen=True, slots=True)
class Chores:
    """What else is to be done every few seconds, and what every minute."""

    often: tuple[Callable[[], Awaitable[object]], ...] = ()
    seldom: tuple[Callable[[], Awaitable[object]], ...] = ()


async def do_each(chores: Sequence[Callable[[], Awaitable[object]]]) -> int:
    """Do one after the other, whatever becomes of those before; returns how many found something to do."""
    busy = 0
    for chore in chores:
        try:
            busy += bool(await chore())
        except Exception as error:  # a chore that fails keeps no other from being done
            log.error(
                "chore.failed",
                chore=getattr(chore, "__qualname__", type(chore).__name__),
                error=type(error).__name__,
                exc_info=error,
            )
    return busy


async def repeat(stopping: asyncio.Event, steps: Sequence[Callable[[], Awaitable[object]]], *, pause: float) -> None:
    """Do these until `stopping` is set, with a pause of so many seconds whenever none found something to do."""
    while not stopping.is_set():
        if not await do_each(steps):
            await happens(stopping, within=pause)


def restricted(engine: AsyncEngine) -> tuple[Callable[[], Awaitable[object]], ...]:
    """What is looked at for restricted material: who could open it, and what is preserved until soon."""
    return partial(raise_alarms_of_paths, engine), partial(tell_endings, engine)


async def alert(engine: AsyncEngine, settings: Settings) -> None:
    """Raise the alerts about cases that keep coming back."""
    async with engine.begin() as connection:
        await raise_alerts(connection, settings)


async def recurrence(engine: AsyncEngine) -> int:
    """Look whether what was acted on has come back."""
    async with engine.begin() as connection:
        return await check_recurrence(connection, today=datetime.now(UTC).date())


async def housekeeping(
    engine: AsyncEngine,
    jobs: App,
    stopping: asyncio.Event,
    chores: Chores | None = None,
) -> None:
    """Give lapsed and held cases back and the work of dead workers to living ones; now and then, clear out what is old."""
    chores = chores or Chores()
    swept, more = 0.0, False
    while not stopping.is_set():
        try:
            async with engine.begin() as connection:
                await return_lapsed(connection)
                await return_due(connection)
            for job in await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS):
                await jobs.job_manager.retry_job(job)
            await do_each(chores.often)
            due = not swept or time.monotonic() - swept > SWEEP_SECONDS
            if due or more:
                more = await enqueue_orphans(engine, jobs) == ORPHANS_AT_ONCE
            if due:
                swept = time.monotonic()
                async with engine.begin() as connection:
                    await forget_old(connection)
                    await forget_old_skips(connection)
                    await forget_old_breaks(connection)
                await do_each(chores.seldom)
        except Exception as error:  # a database blip must not end the process
            log.error("housekeeping.failed", error=type(error).__name__, exc_info=error)
        await happens(stopping, within=HOUSEKEEPING_SECONDS)
