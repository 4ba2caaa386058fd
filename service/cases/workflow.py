"""Rules of cases: what a reviewer sees, keeping ranks true, drafts, reopening."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from anyio import to_thread
from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.languages import primary_language
from models.overlay import Overlays
from models.rank import Rank, RankConfig, RankInputs, rank
from models.trust import Tally
from service import events
from service.banks import workflow as banks
from service.cases import store
from service.cases.placing import Placed, place_by, placed, scope_of, start_by, with_read
from service.cases.schemas import (
    CaseEventOut,
    CaseHistoryOut,
    CaseOut,
    CaseReportOut,
    DecisionOut,
    PersonRef,
    RankOut,
    ReportGroup,
    ScoreOut,
    SubjectOut,
)
from service.db import Question
from service.errors.cases import LeaseStaleError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.leases.workflow import stale
from service.media.levels import Facts, Rules, facts_of
from service.media.schemas import MediaItem
from service.media.viewing.workflow import media_of
from service.outbox import workflow as outbox
from service.outbox.workflow import Message
from service.ranking.schemas import WhyOut
from service.ranking.words import explain
from service.ranking.workflow import live_rank, why
from service.routing import workflow as routing
from service.routing.rules import SPECIAL_ROUTES, RuleSet, market_code, route
from service.routing.rules import facts_of as routing_facts
from service.routing.workflow import OVERSEEING

# Room for any decision that would be accepted: a note of the greatest length whose characters JSON has to escape.
DRAFT_CHARACTERS = 70_000
# Messages that a case was given up, and that it waits again.
SHED = "case.shed"
UNSHED = "case.unshed"


@dataclass(frozen=True, slots=True)
class RankUnder:
    """A rank that a case would have; true for as long as its reports are `reports` in number."""

    case_id: UUID
    reports: int
    value: float


@dataclass(frozen=True, slots=True)
class RankedUnder:
    """Where a case would stand under other rules."""

    case_id: UUID
    value: float
    start_by: datetime


@dataclass(frozen=True, slots=True)
class _Order:
    """What ranks are made by: the vocabulary, the rules of the order, and the crises at work."""

    taxonomy: Taxonomy
    config: RankConfig
    overlays: Overlays


@dataclass(frozen=True, slots=True)
class Reopened:
    """The case that is open after an undo; `unshed` when it was given up until then."""

    case_id: UUID
    unshed: bool


async def case_view(connection: AsyncConnection, case_id: UUID, *, viewer: UUID, rules: Rules) -> CaseOut:
    """The case for a reviewer's screen. Raises NotFoundError."""
    row = await _row(connection, case_id, viewer)
    return CaseOut(**await _fields(connection, row, viewer, rules))


def question_of_lease(token: UUID, *, viewer: UUID) -> Question:
    """What to ask the database for `view_of`, about the case of a lease."""
    return store.question_of_lease(token, viewer=viewer)


async def view_of(connection: AsyncConnection, row: Row[Any], *, viewer: UUID, rules: Rules) -> CaseOut:
    """The case for a reviewer's screen, from the answer to `question_of_lease`."""
    return CaseOut(**await _fields(connection, row, viewer, rules))


async def case_history(connection: AsyncConnection, case_id: UUID, *, viewer: UUID, rules: Rules) -> CaseHistoryOut:
    """The case with its decisions and events. Raises NotFoundError."""
    row = await _row(connection, case_id, viewer)
    return CaseHistoryOut(
        **await _fields(connection, row, viewer, rules),
        report_groups=[ReportGroup(**one._mapping) for one in await store.report_groups(connection, case_id)],
        decisions=[DecisionOut(**one._mapping) for one in await store.decisions(connection, case_id, viewer=viewer)],
        events=[CaseEventOut(**one._mapping) for one in await store.events(connection, case_id, viewer=viewer)],
    )


async def require_visible(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> None:
    """Raises NotFoundError when there is no such case or it is not this person's to see."""
    if not await store.is_visible(connection, case_id, viewer=viewer, overseeing=OVERSEEING):
        raise NotFoundError(f"there is no case {case_id}")


async def case_why(connection: AsyncConnection, case_id: UUID, *, viewer: UUID, taxonomy: Taxonomy) -> WhyOut:
    """Why the case stands where it stands. Raises NotFoundError."""
    row = await _row(connection, case_id, viewer)
    found = await why(connection, row, taxonomy, now=row.now)
    # Cases that have waited since before there were rules have no reason for their queue.
    routed = [row.route_reason] if row.route_reason else []
    return found.model_copy(update={"words": [*found.words, *routed]})


async def rerank_evidence(
    connection: AsyncConnection, evidence: Sequence[UUID], *, taxonomy: Taxonomy, config: RankConfig
) -> None:
    """Rank anew every open case that shows this evidence, in the caller's transaction."""
    cases = await store.lock_by_evidence(connection, evidence)
    await rerank(connection, cases, taxonomy=taxonomy, config=config)


async def rerank(connection: AsyncConnection, cases: Sequence[UUID], *, taxonomy: Taxonomy, config: RankConfig) -> None:
    """Rank these cases and route them anew. The caller holds their row locks."""
    if not cases:
        return
    rows = await store.rank_inputs(connection, cases)
    rules = await routing.active(connection)
    await store.set_ranks(connection, [_place(row, rules, taxonomy, config) for row in rows])


async def cases_of(connection: AsyncConnection, evidence: Sequence[UUID]) -> dict[UUID, UUID]:
    """The case that each evidence belongs to: the undecided one, else the newest."""
    return {row.evidence_id: row.id for row in await store.cases_of(connection, evidence)}


async def ranks_under(
    connection: AsyncConnection, scores: Mapping[UUID, Mapping[str, Any]], *, taxonomy: Taxonomy, config: RankConfig
) -> dict[UUID, RankUnder]:
    """By evidence, the rank its case would have if its score were the one given. Nothing is changed."""
    cases = await cases_of(connection, list(scores))
    rows = await store.rank_inputs(connection, list(cases.values()))
    order = _Order(taxonomy, config, (await routing.active(connection)).overlays)
    return {
        row.evidence_id: RankUnder(row.id, row.report_count, _rank(row, order, score=scores[row.evidence_id]).value)
        for row in rows
    }


async def ranked_by(
    connection: AsyncConnection,
    cases: Sequence[UUID],
    *,
    taxonomy: Taxonomy,
    config: RankConfig,
    overlays: Overlays | None = None,
) -> list[RankedUnder]:
    """Where these cases would stand under that configuration, and those crises or the ones at work. Nothing is changed."""
    rows = await store.rank_inputs(connection, cases) if cases else []
    if overlays is None:
        overlays = (await routing.active(connection)).overlays
    order = _Order(taxonomy, config, overlays)

    def ranked() -> list[RankedUnder]:
        found = [(row.id, _rank(row, order)) for row in rows]
        return [RankedUnder(case_id, one.value, start_by(one)) for case_id, one in found]

    # Thousands of ranks take a second, for which nobody else must wait.
    return await to_thread.run_sync(ranked)


async def save_draft(
    connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID, body: Mapping[str, Any]
) -> None:
    """Keep an unfinished decision for its author. Raises LeaseStaleError when they never held the case."""
    text = json.dumps(dict(body), ensure_ascii=False)
    if len(text) > DRAFT_CHARACTERS:
        raise InvalidRequestError(f"a draft may have at most {DRAFT_CHARACTERS:,} characters as JSON")
    if not await store.save_draft(connection, case_id=case_id, token=token, holder=holder, body=text):
        raise stale()


async def keep_late_draft(
    connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID, body: Mapping[str, Any]
) -> None:
    """Keep what came too late to count; silently nothing when the token was never this person's."""
    try:
        await save_draft(connection, case_id, token=token, holder=holder, body=body)
    except LeaseStaleError:
        return


async def reopen(
    connection: AsyncConnection, case_id: UUID, *, actor: UUID, taxonomy: Taxonomy, config: RankConfig
) -> Reopened:
    """Open a decided case again; returns the case that is open now. The caller tells where it was given up.

    When a report came in meanwhile and opened a newer case, the reports move there: a subject has one open case.
    """
    subject = await store.lock_subject(connection, case_id)
    if subject is None:
        raise NotFoundError(f"there is no case {case_id}")
    newer, unshed = await store.open_case_of(connection, subject), False
    if newer is None:
        await store.reopen(connection, case_id)
    else:
        unshed = await store.move_reports(connection, old=case_id, new=newer, special_routes=SPECIAL_ROUTES)
        await events.record(connection, "case.merged", case_id=case_id, actor=actor, data={"into": str(newer)})
    now_open = newer or case_id
    await events.record(connection, "case.reopened", case_id=now_open, actor=actor)
    await rerank(connection, [now_open], taxonomy=taxonomy, config=config)
    return Reopened(now_open, unshed)


async def tell_shedding(connection: AsyncConnection, jobs: App, kind: str, cases: Sequence[UUID]) -> None:
    """Tell the platform that these cases were given up (SHED) or wait again (UNSHED), and which reports they are about."""
    for row in await store.reported(connection, cases):
        data = {
            "case_id": str(row.id),
            "subject": {"id": row.subject_id, "kind": row.subject_kind},
            "reports": row.reports,
        }
        await outbox.publish(connection, jobs, Message(kind, case_id=row.id, data=data))


async def _row(connection: AsyncConnection, case_id: UUID, viewer: UUID) -> Row[Any]:
    row: Row[Any] | None = await store.case_row(connection, case_id, viewer=viewer, overseeing=OVERSEEING)
    if row is None:
        raise NotFoundError(f"there is no case {case_id}")
    return row


async def _media(connection: AsyncConnection, row: Row[Any], viewer: UUID, rules: Rules) -> list[MediaItem]:
    shown = await media_of(connection, row.evidence_id, viewer=viewer, rules=rules)
    known = await banks.known(connection, [one.id for one in shown], case_id=row.id, viewer=viewer)
    return [one.model_copy(update={"matches": known.get(one.id, [])}) for one in shown]


async def _fields(connection: AsyncConnection, row: Row[Any], viewer: UUID, rules: Rules) -> dict[str, Any]:
    reports = row.reports or []
    pictures = await _media(connection, row, viewer, rules) if row.pictures else []
    ranked = live_rank(row.rank, row.live_views)
    words = explain(ranked.parts, rules.taxonomy, now=row.now)
    return {
        "id": row.id,
        "status": row.status,
        "queue": row.queue,
        "opened_at": row.opened_at,
        "report_count": row.report_count,
        "deadline": row.deadline,
        "special": row.special,
        "lapses": row.lapses,
        "subject": _subject(row),
        "reports": [_report(report) for report in reports],
        "score": ScoreOut(**row.score, bundle=row.bundle, scored_at=row.scored_at) if row.score else None,
        "score_state": row.score_state,
        "rank": RankOut(value=ranked.value, parts=ranked.parts, words=words),
        "media": pictures,
        "draft": row.draft,
        "second_opinion": row.second_opinion,
        "revealed": row.revealed,
        "server_now": row.now,
    }


def _subject(row: Row[Any]) -> SubjectOut:
    return SubjectOut(
        id=row.external_id,
        kind=row.kind,
        text=row.text,
        language=row.language,
        market=row.market,
        author=PersonRef(id=row.author_id) if row.author_id else None,
        created_at=row.created_at,
        views_per_hour=row.views_per_hour,
    )


def _report(report: Mapping[str, Any]) -> CaseReportOut:
    reporter = report["reporter_id"]
    return CaseReportOut(
        **{key: report[key] for key in ("id", "channel", "reason", "note", "received_at")},
        reporter=PersonRef(id=reporter) if reporter else None,
    )


def _place(row: Row[Any], rules: RuleSet, taxonomy: Taxonomy, config: RankConfig) -> Placed:
    case = Facts(
        areas=row.score["areas"] if row.score else None,
        failed=row.score_state == "failed",
        reasons=row.reasons,
        channels=row.channels,
    )
    media = [facts_of(known, case) for known in row.media or ()]
    scope = scope_of(media, language=row.language, taxonomy=taxonomy)
    place = place_by(rules, route(routing_facts(row), rules))
    found = _rank(row, _Order(taxonomy, config, rules.overlays), queue=place.queue)
    return placed(row.id, found, views=row.views_per_hour, place=place, scope=scope)


def _rank(row: Row[Any], by: _Order, *, queue: str | None = None, score: Mapping[str, Any] | None = None) -> Rank:
    inputs = RankInputs(
        score=with_read(score or row.score, row.read_scores or ()),
        reasons=row.reasons,
        views_per_hour=row.views_per_hour,
        pictures=len(row.media or ()),
        received_at=row.received_at,
        deadline=row.deadline,
        tallies={
            reason: [Tally(upheld, dismissed) for upheld, dismissed in given]
            for reason, given in (row.tallies or {}).items()
        },
        reports=row.report_count,
        language=primary_language(row.language),
        market=market_code(row.market),
        queue=queue or row.queue,
    )
    return rank(inputs, by.taxonomy, by.config, by.overlays)
