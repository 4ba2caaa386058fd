"""Intake: a report becomes evidence, case and event in one transaction, exactly once."""

import hashlib
import json
from typing import Any

from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.languages import primary_language
from models.rank import RankConfig, RankInputs, rank
from service.cases.placing import place_by, placed, scope_of
from service.cases.workflow import UNSHED, rerank_evidence, tell_shedding
from service.clocks.schemas import ClockIn
from service.clocks.workflow import NewClock, start_clock
from service.errors.requests import IdempotencyConflictError
from service.ids import new_id
from service.media.levels import Facts as MediaFacts
from service.media.workflow import require_known
from service.reports import store
from service.reports.schemas import Intake, ReportAccepted, ReportIn
from service.routing import workflow as routing
from service.routing.rules import (
    LEGAL_ORDER,
    SPECIAL_ROUTES,
    Facts,
    Routed,
    RuleSet,
    market_code,
    route,
    special_of,
)

# When a decided case is looked at again for the number of its reporters alone: more different ones in a day after the
# decision than AGAIN_LEAST, and than AGAIN_FACTOR times those of the day before it. So a few friends cannot ask for a
# second look, and whoever brought a crowd once needs a larger one each time. Reports beyond AGAIN_COUNTED are not counted.
AGAIN_HOURS = 24
AGAIN_LEAST = 3
AGAIN_FACTOR = 2
AGAIN_COUNTED = 1_000
# Whose word is enough for another look at content that was left up.
TRUSTED_CHANNELS = ("regulator", "law_enforcement", "trusted_flagger")


async def receive(
    connection: AsyncConnection, intake: Intake, *, taxonomy: Taxonomy, config: RankConfig, jobs: App
) -> ReportAccepted:
    """Store a report in the caller's transaction; it counts once that commits.

    Raises IdempotencyConflictError when the key was used with another body, UnknownMediaError for media never uploaded.
    """
    report_id, at_work = new_id(), None
    if intake.idempotency_key is not None:
        request_hash = hashlib.sha256(intake.report.model_dump_json().encode()).digest()
        first, at_work = await store.remember(
            connection,
            principal_id=intake.received_from,
            key=intake.idempotency_key,
            hashed=(report_id, request_hash),
            then=routing.question(),
        )
        if not first:
            return await _answer_again(connection, intake, request_hash)
    media = intake.report.subject.media
    if media:
        await require_known(connection, media)
    case_id = new_id()
    rules = await routing.active(connection, at_work)
    routed = route(_facts(intake.report), rules)
    values = report_values(intake) | first_place(intake, rules, routed, taxonomy=taxonomy, config=config)
    row = await _take_in(connection, values | {"report_id": report_id, "case_id": case_id}, taxonomy)
    if media:
        await store.attach(connection, evidence_id=row.evidence_id, media=media)
    decided = row.status == "decided"
    if intake.report.deadline is not None and not decided:
        clock = ClockIn(**intake.report.deadline.model_dump())
        await start_clock(connection, NewClock(row.case_id, clock, set_by=intake.received_from))
    new = row.case_id == case_id and row.subject_id == values["subject_id"]
    if not decided and (row.scored or not new):
        # The case or its subject was there before, or its text has a score: more is known than was ranked above.
        await rerank_evidence(connection, [row.evidence_id], taxonomy=taxonomy, config=config)
    if routed.unserved and routed.special is not None and not decided:
        await routing.note_unserved(connection, row.case_id, routed.special)
    if row.unshed:
        await tell_shedding(connection, jobs, UNSHED, [row.case_id])
    return ReportAccepted(report_id=report_id, case_id=row.case_id, case_status=row.status)


def _facts(report: ReportIn) -> Facts:
    """What routing can know of a case that this report opens."""
    return Facts(
        channels=frozenset({report.channel}),
        reasons=frozenset({report.reason}),
        kind=report.subject.kind,
        language=primary_language(report.subject.language),
        market=market_code(report.subject.market),
        flags=frozenset(report.flags),
        special=special_of(report.flags, report.channel, has_deadline=report.deadline is not None),
    )


async def _take_in(connection: AsyncConnection, values: dict[str, Any], taxonomy: Taxonomy) -> Any:
    """Into the subject's open case, into a new one, or with the decided one that answers it already."""
    row = await store.take_in(connection, values)
    if row.case_id is not None:
        return row
    # From here on the subject is ours until the end of the transaction: no other report, no undo comes in between.
    latest = await store.latest_case(connection, row.subject_id)
    if latest is None:
        return await store.take_in(connection, values, open_again="first_case")
    if latest.status != "decided":
        # Opened by a report that was under way at the same time.
        return await store.take_in(connection, values)
    if latest.sample and not values["sample"]:
        # What somebody tried out is no answer to anybody.
        return await store.take_in(connection, values, open_again="first_case")
    why = await store.why_again(
        connection,
        values
        | {
            "case_id": latest.id,
            "subject_id": row.subject_id,
            "evidence_id": row.evidence_id,
            "areas": list(taxonomy.area_ids),
            "enforcing": [action.id for action in taxonomy.actions if action.enforces],
            "each": LEGAL_ORDER,
            "trusted": list(TRUSTED_CHANNELS),
            "hours": AGAIN_HOURS,
            "least": AGAIN_LEAST,
            "factor": AGAIN_FACTOR,
            "most_before": AGAIN_COUNTED,
            "most_late": AGAIN_FACTOR * AGAIN_COUNTED + 1,
        },
    )
    if why is None:
        return await store.take_in(connection, values, attach_to=latest.id)
    return await store.take_in(connection, values, open_again=why)


async def _answer_again(connection: AsyncConnection, intake: Intake, request_hash: bytes) -> ReportAccepted:
    key = intake.idempotency_key or ""
    row = await store.remembered(connection, principal_id=intake.received_from, key=key)
    if row is None or row.request_hash != request_hash:
        raise IdempotencyConflictError("this Idempotency-Key was used for another body; use a new key for a new report")
    if row.report_id is None:
        raise IdempotencyConflictError("the report sent under this Idempotency-Key was a sample and has been removed")
    return ReportAccepted(report_id=row.report_id, case_id=row.case_id, case_status=row.case_status)


def report_values(intake: Intake) -> dict[str, Any]:
    """The columns that a report fills."""
    report = intake.report
    subject = report.subject
    return {
        "subject_id": new_id(),
        "external_id": subject.id,
        "kind": subject.kind,
        "author_id": subject.author.id if subject.author else None,
        "created_at": subject.created_at,
        "views_per_hour": subject.views_per_hour,
        "market": subject.market,
        "sample": intake.sample,
        "evidence_id": new_id(),
        "content_hash": _content_hash(report),
        "text": subject.text,
        "language": subject.language,
        "received_at": intake.received_at,
        "channel": report.channel,
        "reason": report.reason,
        "note": report.note,
        "reporter_id": report.reporter.id if report.reporter else None,
        "received_from": intake.received_from,
        "flags": report.flags,
        "special_routes": list(SPECIAL_ROUTES),
    }


def first_place(
    intake: Intake, rules: RuleSet, routed: Routed, *, taxonomy: Taxonomy, config: RankConfig
) -> dict[str, Any]:
    """The columns of the order for a case that this report opens: without a score, and without what is known of others."""
    report = intake.report
    subject = report.subject
    inputs = RankInputs(
        score=None,
        reasons=[report.reason],
        views_per_hour=subject.views_per_hour or 0,
        pictures=len(subject.media),
        received_at=intake.received_at,
        deadline=report.deadline.due_at if report.deadline else None,
        language=primary_language(subject.language),
        market=market_code(subject.market),
        queue=routed.queue,
    )
    # What is known of the media themselves counts from the first score on; until then they are held to be graphic.
    media = [MediaFacts(reasons=[report.reason], channels=[report.channel])] if subject.media else []
    scope = scope_of(media, language=subject.language, taxonomy=taxonomy)
    ranked = rank(inputs, taxonomy, config, rules.overlays)
    first = placed(new_id(), ranked, views=inputs.views_per_hour, place=place_by(rules, routed), scope=scope)
    return {
        "queue": first.queue,
        "special": routed.special,
        "routed_by": first.routed_by,
        "route_reason": first.route_reason,
        "scope_language": first.language,
        "high_exposure": first.high_exposure,
        "consent_area": first.consent_area,
        "rank_value": first.value,
        "rank_base": first.base,
        "rank": first.parts,
        "ranked_under": first.under,
        "deadline": first.deadline,
        "start_by": first.start_by,
    }


def _content_hash(report: ReportIn) -> bytes:
    subject = report.subject
    content = json.dumps([subject.text, [str(one) for one in subject.media]])
    return hashlib.sha256(content.encode()).digest()
