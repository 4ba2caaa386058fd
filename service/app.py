"""Builds the API: the one place that knows every part of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI

from labeling.taxonomy import load_taxonomy
from service import health
from service.answers import install_error_handlers
from service.appeals.filing import routes as appeal_filing
from service.appeals.following import routes as appeal_following
from service.appeals.judging import routes as appeal_judging
from service.audit import routes as audit
from service.authors import routes as authors
from service.banks import routes as banks
from service.cases import routes as cases
from service.causes import routes as causes
from service.clocks import routes as clocks
from service.consults import routes as consults
from service.consults.teams import routes as consult_teams
from service.crisis import routes as crises
from service.crisis.holding import routes as holding
from service.crisis.notices import routes as crisis_notices
from service.crisis.plans import routes as continuity
from service.db import create_engine, statement_by_statement
from service.decisions import routes as decisions
from service.drift import routes as drift
from service.escalations import routes as escalations
from service.exports import routes as exports
from service.exposure import routes as exposure
from service.floor import routes as floor
from service.floor.workflow import watch_of
from service.handling import routes as handling
from service.headers import SafeHeaders
from service.hints import routes as hints
from service.hints.workflow import Hints
from service.holds import routes as holds
from service.intake import routes as intake
from service.intake.mails import routes as mails
from service.intake.workflow import configured as configured_forms
from service.jobs import create_jobs_app
from service.leases import routes as leases
from service.limits import FRAME_BYTES, MAIL, MEDIA_UPLOAD, VIEWS_BATCH, LimitBody, Turns
from service.masking import configured as configured_masking
from service.media import routes as media
from service.media.levels import Rules
from service.media.renderer import Renderer
from service.media.storage import open_storage
from service.media.tiles import Tiles
from service.narratives import routes as narratives
from service.notes import routes as notes
from service.observe import MeasureRequests
from service.opinions import routes as opinions
from service.outbox import routes as outbox
from service.pages.admin import router as admin_pages_router
from service.pages.appeals import router as appeal_pages_router
from service.pages.audit import router as audit_pages_router
from service.pages.banks import router as bank_pages_router
from service.pages.case import router as case_page_router
from service.pages.causes import router as cause_pages_router
from service.pages.consults import router as consult_pages_router
from service.pages.crisis import router as crisis_pages_router
from service.pages.escalation import router as escalation_pages_router
from service.pages.escalation_list import router as escalation_list_router
from service.pages.escalation_talk import router as escalation_talk_router
from service.pages.exposure import router as exposure_pages_router
from service.pages.floor import router as floor_pages_router
from service.pages.intake import router as intake_pages_router
from service.pages.models import router as model_pages_router
from service.pages.narratives import router as narrative_pages_router
from service.pages.pace import Pace
from service.pages.policies import router as policy_pages_router
from service.pages.quality import router as quality_pages_router
from service.pages.ranking import router as ranking_pages_router
from service.pages.replies import router as reply_pages_router
from service.pages.restricted import router as restricted_pages_router
from service.pages.routes import router as pages_router
from service.pages.routing import router as routing_pages_router
from service.pages.scorecards import router as scorecard_pages_router
from service.pages.search import router as search_pages_router
from service.pages.sla import router as sla_pages_router
from service.pages.statements import router as statement_pages_router
from service.pages.static import mount_static
from service.pages.webhooks import router as webhook_pages_router
from service.pages.work import router as work_pages_router
from service.people import routes as people
from service.people.keys import routes as keys
from service.policies import routes as policies
from service.quality.calibration import routes as calibration
from service.quality.feedback import routes as feedback
from service.quality.golden import routes as golden
from service.quality.plans import routes as qa_plans
from service.quality.reviews import routes as qa_reviews
from service.queues import routes as queues
from service.ranking import routes as ranking
from service.ranking.choosing.workflow import follow
from service.ranking.workflow import configured
from service.replies import routes as reply_templates
from service.replies.sending import routes as reply_letters
from service.replies.writing import routes as replies
from service.reporters import routes as reporters
from service.reports import routes as reports
from service.restricted.packages import routes as packages
from service.restricted.paths import routes as restricted_paths
from service.restricted.preservations import routes as preservations
from service.restricted.reads import routes as reads
from service.routing import routes as routing
from service.scorecards import routes as scorecards
from service.scoring import routes as scoring
from service.scoring.live_model import ReleasedModel, load_scorer
from service.scoring.releases import registry_of
from service.search import routes as search
from service.search.saved import routes as saved_views
from service.settings import Settings
from service.shadow import routes as shadow
from service.shedding import routes as shedding
from service.shift import routes as shift
from service.similar import routes as similar
from service.sla import routes as sla
from service.spans import routes as spans
from service.spans.workflow import Covering
from service.statements import routes as statements
from service.statements.workflow import configured as configured_statements
from service.strikes import routes as strikes
from service.strikes.workflow import configured as configured_strikes
from service.suspects import routes as suspects
from service.telemetry import routes as telemetry
from service.translation import routes as translation
from service.translation.workflow import configured as configured_translation
from service.tuning import routes as tuning

# Those that carry the load come first: a request is matched against one after the other.
ROUTERS = (
    *(reports, queues, people, leases, holds, cases, decisions, ranking, media, hints, spans, similar, authors, notes),
    *(
        telemetry,
        clocks,
        reporters,
        opinions,
        strikes,
        scoring,
        shadow,
        drift,
        exports,
        exposure,
        suspects,
        outbox,
        keys,
        audit,
        shift,
        banks,
        policies,
        routing,
        shedding,
        floor,
        tuning,
        scorecards,
        health,
        search,
        saved_views,
        qa_plans,
        qa_reviews,
        feedback,
        golden,
        calibration,
        translation,
        handling,
        escalations,
        sla,
        intake,
        mails,
        consult_teams,
        consults,
        restricted_paths,
        preservations,
        packages,
        reads,
        reply_templates,
        reply_letters,
        replies,
        statements,
        appeal_following,
        appeal_judging,
        appeal_filing,
        causes,
        narratives,
        crises,
        crisis_notices,
        holding,
        continuity,
    ),
)

DESCRIPTION = """
Every report in, riskiest case out. Machines send `Authorization: Bearer <key>`; people sign in by session.
Every error has the form `{"error": code, "detail": text}`.
"""


PAGES = (
    pages_router,
    case_page_router,
    admin_pages_router,
    work_pages_router,
    audit_pages_router,
    webhook_pages_router,
    appeal_pages_router,
    bank_pages_router,
    escalation_list_router,
    # Before the page of one escalation, whose address has room for any word.
    intake_pages_router,
    consult_pages_router,
    crisis_pages_router,
    cause_pages_router,
    narrative_pages_router,
    escalation_pages_router,
    escalation_talk_router,
    exposure_pages_router,
    floor_pages_router,
    model_pages_router,
    policy_pages_router,
    ranking_pages_router,
    restricted_pages_router,
    reply_pages_router,
    routing_pages_router,
    scorecard_pages_router,
    search_pages_router,
    sla_pages_router,
    statement_pages_router,
    quality_pages_router,
)


def create_app(settings: Settings, *, database_url: str) -> FastAPI:
    """The API on a migrated database. Nothing is opened before the application starts."""
    taxonomy = load_taxonomy(settings.taxonomy)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(app.state.model.keep_loading())
        use = partial(setattr, app.state, "rank_config")
        ending = asyncio.Event()
        following = asyncio.create_task(follow(app.state.engine, app.state.rank_config, use, until=ending))
        try:
            yield
        finally:
            loading.cancel()
            ending.set()
            await following
            await app.state.renderer.close()
            await app.state.engine.dispose()

    app = FastAPI(
        title="content-triage",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(reads.note_reading)],
    )
    app.state.settings = settings
    app.state.taxonomy = taxonomy
    app.state.rank_config = configured(settings)
    app.state.strike_rules = configured_strikes(settings, taxonomy)
    app.state.forms = configured_forms(settings, taxonomy)
    app.state.statement_rules = configured_statements(settings, taxonomy)
    app.state.covering = Covering(configured_masking(settings), settings)
    app.state.translator = configured_translation(settings)
    app.state.engine = create_engine(database_url, pool=settings.database_pool)
    app.state.statements = statement_by_statement(app.state.engine)
    app.state.jobs = create_jobs_app(database_url)
    app.state.model = ReleasedModel(
        lambda: load_scorer(settings, taxonomy),
        concurrency=settings.score_concurrency,
        registry=registry_of(settings, taxonomy),
    )
    app.state.hints = Hints()
    app.state.turns = Turns()
    app.state.appeal_pace = Pace()
    app.state.watch = watch_of(app.state.engine)
    app.state.renderer = Renderer(settings)
    app.state.tiles = Tiles()
    app.state.blur_rules = Rules(taxonomy, settings.media_least_level)
    app.state.storage = open_storage(settings)
    _include_all(app)
    largest = max(settings.media_max_bytes, settings.media_clip_max_bytes)
    limits = {MEDIA_UPLOAD: largest + FRAME_BYTES, VIEWS_BATCH: settings.views_max_bytes, MAIL: settings.mail_max_bytes}
    app.add_middleware(LimitBody, most=settings.body_max_bytes, most_at=limits)
    app.add_middleware(SafeHeaders)
    app.add_middleware(MeasureRequests)
    return app


def _include_all(app: FastAPI) -> None:
    app.include_router(queues.claims)
    app.include_router(media.own)
    for part in ROUTERS:
        app.include_router(part.router)
    for pages in PAGES:
        app.include_router(pages, include_in_schema=False)
    mount_static(app)
    install_error_handlers(app)
