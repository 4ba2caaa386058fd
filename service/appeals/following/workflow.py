"""Rules of what follows from an appeal: it is carried out once, deciders are told, outcomes are counted, and it can go on.

Once an outcome can no longer be undone, one transaction marks it, takes the strike back or gives one, corrects what the reporters
of the case are known by, tells the decider, and stores the message for the platform; a worker that dies in between has done
nothing. The outcome is the label of the decision from then on (service/exports).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.statistics.weighted import counted_share
from labeling.taxonomy import Taxonomy
from service import events
from service.appeals.following import store
from service.appeals.judging.workflow import require
from service.appeals.schemas import (
    AppealFeedbackListOut,
    AppealFeedbackOut,
    AppellantOut,
    AppellantsOut,
    DisputeIn,
    DisputeOut,
    DisputeSettledIn,
    EscalatedOut,
    EscalateIn,
    OutcomeGroup,
    OutcomeOut,
    OverturnsOut,
)
from service.appeals.targets import ACCOUNT, target_of
from service.errors.appeals import AppealClosedError
from service.errors.base import TriageError
from service.errors.requests import NameTakenError, NotFoundError
from service.errors.statements import StatementIncompleteError
from service.escalations import workflow as escalations
from service.escalations.closing import Default
from service.escalations.schemas import NewEscalation, RequesterIn, Source
from service.ids import new_id
from service.outbox import workflow as outbox
from service.reporters.workflow import correct
from service.routing.workflow import OVERSEEING
from service.scorecards.figures import LEAST_PEOPLE
from service.sla import workflow as sla
from service.statements import workflow as statements
from service.statements.afterwards import workflow as afterwards
from service.statements.rules import StatementRules
from service.strikes import workflow as strikes
from service.strikes.rules import Breach, StrikeRules

APPEAL_DECIDED = "appeal.decided"
APPEAL_UNTOLD = "appeal.untold"
# Ways that are left to whoever appealed: a certified out-of-court body (Art. 21), and a court.
REDRESS = ("out_of_court_dispute_settlement", "court")
# What an appeal that goes on as an escalation is to the matrix of clocks: somebody lost an account, or content, or reported
# something and heard that nothing was done.
SOURCE: Source = "user"
ACCOUNT_APPEAL, CONTENT_APPEAL, COMPLAINT = "account_appeal", "appeal", "complaint"
SHOWN_FEEDBACK = 100
SHOWN_GROUPS = 100
SHOWN_APPELLANTS = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Effects:
    """What outcomes are carried out with: the vocabulary, where messages are queued, what strikes weigh, and by what
    statements of reasons are made, None where none are.
    """

    taxonomy: Taxonomy
    jobs: App
    strikes: StrikeRules
    statements: StatementRules | None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an appeal becomes as an escalation by: how closed records are by default, and the vocabulary."""

    closed: Default
    taxonomy: Taxonomy


async def carry_out_due(engine: AsyncEngine, effects: Effects) -> int:
    """Carry out every outcome that can no longer be undone, each in a transaction of its own; returns how many.

    One that cannot be is told in the log and tried again the next time; it keeps no other waiting.
    """
    done, failed = 0, list[UUID]()
    while True:
        row = None
        try:
            async with engine.begin() as connection:
                row = await store.take_due(connection, without=failed)
                if row is None:
                    return done
                await _carry_out(connection, row, effects)
        except (TriageError, IntegrityError) as error:
            if row is None:
                raise
            log.error("appeal.not_carried_out", appeal=str(row.id), error=type(error).__name__, exc_info=error)
            failed.append(row.id)
        else:
            done += 1


async def feedback(connection: AsyncConnection, *, person: UUID) -> AppealFeedbackListOut:
    """Decisions of this person that did not hold on appeal; nobody is named."""
    rows = await store.feedback(connection, person, overseeing=OVERSEEING, limit=SHOWN_FEEDBACK)
    return AppealFeedbackListOut(feedback=[AppealFeedbackOut(**row._mapping) for row in rows])


async def outcomes(connection: AsyncConnection, by: OutcomeGroup) -> OverturnsOut:
    """How often decisions did not hold on appeal, by group, in the last year."""
    rows = await store.outcomes(connection, by, limit=SHOWN_GROUPS)
    return OverturnsOut(by=by, groups=[_group(row) for row in rows])


async def appellants(connection: AsyncConnection) -> AppellantsOut:
    """Whose appeals were manifestly unfounded, in the last 12 months."""
    rows = await store.appellants(connection, limit=SHOWN_APPELLANTS)
    return AppellantsOut(appellants=[AppellantOut(**row._mapping) for row in rows])


async def escalate(
    connection: AsyncConnection, appeal: UUID, body: EscalateIn, *, person: UUID, by: Defaults
) -> EscalatedOut:
    """Let an appeal go on as an escalation, a new one where none is named.

    Raises NotFoundError, AppealClosedError where it does so already, EscalationClosedError.
    """
    row = await require(connection, appeal, person=person)
    escalation = body.escalation_id
    if escalation is None:
        market = await store.market(connection, row.case_id)
        trigger = trigger_of(row.side, row.actions, by.taxonomy)
        confidentiality, path = by.closed(SOURCE, trigger, row.policy_area)
        new = NewEscalation(
            source=SOURCE,
            trigger=trigger,
            confidentiality=confidentiality,
            path=path,
            title=f"Appeal A-{row.number}",
            summary=row.reasons,
            language=row.language,
            policy_area=row.policy_area,
            severity=row.severity,
            jurisdiction=market,
            received_at=row.filed_at,
            requester=RequesterIn(email=row.contact, reference=row.reference),
            cases=[row.case_id],
        )
        escalation = await escalations.open_escalation(connection, new, opened_by=person)
        # Its time began with the appeal, and the receipt of that was the first answer.
        await sla.start(connection, escalation, actor=person)
        await sla.met(connection, escalation, "first_response", actor=person, now=row.filed_at)
    else:
        await escalations.require_open(connection, escalation, viewer=person)
    if not await store.escalate(connection, appeal, escalation):
        raise AppealClosedError("this appeal goes on as an escalation already")
    data = {"appeal": str(appeal), "number": row.number}
    await events.record_on(connection, "appeal.escalated", escalation, actor=person, data=data)
    return EscalatedOut(escalation_id=escalation)


def trigger_of(side: str, actions: Sequence[str], taxonomy: Taxonomy) -> str:
    """What an appeal is to the matrix of clocks."""
    if side == "reporter":
        return COMPLAINT
    return ACCOUNT_APPEAL if target_of(actions, taxonomy) == ACCOUNT else CONTENT_APPEAL


async def of_escalation(connection: AsyncConnection, escalation: UUID, *, person: UUID) -> list[Row[Any]]:
    """Appeals that go on as a record which this person may see."""
    return list(await store.of_escalation(connection, escalation, person=person, overseeing=OVERSEEING))


async def add_dispute(connection: AsyncConnection, appeal: UUID, body: DisputeIn, *, person: UUID) -> DisputeOut:
    """Record that an appeal went to an out-of-court body (Art. 21). Raises NotFoundError, NameTakenError."""
    await require(connection, appeal, person=person)
    dispute = new_id()
    values = body.model_dump() | {"id": dispute, "appeal_id": appeal, "recorded_by": person}
    if not await store.add_dispute(connection, values):
        raise NameTakenError("this reference of this body is recorded already")
    data = {"appeal": str(appeal), "dispute": str(dispute)}
    await events.record(connection, "appeal.disputed", actor=person, data=data)
    return next(one for one in await disputes_of(connection, appeal) if one.id == dispute)


async def settle_dispute(
    connection: AsyncConnection, appeal: UUID, dispute: UUID, body: DisputeSettledIn, *, person: UUID
) -> None:
    """Record what the body decided. Raises NotFoundError where there is none of that id without an outcome."""
    await require(connection, appeal, person=person)
    values = {"id": dispute, "appeal_id": appeal, "outcome": body.outcome, "person": person}
    if not await store.settle_dispute(connection, values):
        raise NotFoundError(f"there is no open dispute {dispute} about this appeal")
    data = {"appeal": str(appeal), "dispute": str(dispute), "outcome": body.outcome}
    await events.record(connection, "appeal.dispute_settled", actor=person, data=data)


async def disputes_of(connection: AsyncConnection, appeal: UUID) -> list[DisputeOut]:
    """Out-of-court disputes about an appeal that this person may see."""
    return [DisputeOut(**row._mapping) for row in await store.disputes(connection, appeal)]


async def _carry_out(connection: AsyncConnection, row: Row[Any], effects: Effects) -> None:
    stated = None
    if row.outcome != "upheld":
        await _correct(connection, row, effects)
        await store.tell(connection, row.id)
        if effects.statements is not None:
            stated = await _restate(connection, row, effects.statements)
    data = {"appeal": str(row.id), "outcome": row.outcome}
    await events.record(connection, "appeal.carried_out", data=data)
    message = {
        "appeal_id": str(row.id),
        "number": row.number,
        "reference": row.reference,
        "decision_id": str(row.decision_id),
        "case_id": str(row.case_id),
        "subject": {"id": row.subject_id, "kind": row.subject_kind},
        "side": row.side,
        "report_id": None if row.report_id is None else str(row.report_id),
        "outcome": row.outcome,
        "reason_code": row.reason_code,
        "explanation": row.explanation,
        "reversed": row.reversed,
        "standing": row.standing,
        "actions": row.taken,
        "policy_area": row.right_area,
        "severity": row.right_severity,
        "taxonomy_version": row.taxonomy_version,
        "decided_at": row.decided_at.isoformat(),
        # What the answer has to name besides its reasons (Art. 20(5)).
        "redress": REDRESS,
    }
    if stated is not None:
        message["statement"] = stated.as_json()
    told = outbox.Message(APPEAL_DECIDED, message, case_id=row.case_id)
    if not await outbox.publish(connection, effects.jobs, told):
        await events.record(connection, APPEAL_UNTOLD, data={"appeal": str(row.id)})


async def _correct(connection: AsyncConnection, row: Row[Any], effects: Effects) -> None:
    """The strike of the author, and what the reporters of the case are known by."""
    enforcing = {action.id for action in effects.taxonomy.actions if action.enforces}
    left = [action for action in (*row.standing, *row.taken) if action in enforcing]
    if row.taken:
        breach = Breach(row.right_area, row.right_severity, row.taken)
        await strikes.give(connection, row.decision_id, breach, rules=effects.strikes)
    elif not left:
        await strikes.take_back(connection, row.decision_id)
    await correct(
        connection, row.decision_id, enforced=bool(left), policy_area=row.right_area, taxonomy=effects.taxonomy
    )


async def _restate(connection: AsyncConnection, row: Row[Any], rules: StatementRules) -> statements.Told | None:
    """What the author is told now: of what is left of the decision, or of what a reporter has shown to be a breach.

    Whoever is right does not wait for a form: where the statement lacks something, the one before is taken back all the same,
    and somebody has to say what is missing.
    """
    now = statements.Decision(
        id=row.decision_id,
        case_id=row.case_id,
        at=row.decided_at,
        until=row.effect_at,
        policy_area=row.right_area,
        actions=[*row.standing, *row.taken],
        basis="review",
    )
    try:
        async with connection.begin_nested():
            told = await statements.restate(connection, now, person=row.decided_by, rules=rules)
            await afterwards.settle(connection, row.decision_id)
            return told
    except StatementIncompleteError as error:
        await statements.take_back(connection, row.decision_id)
        await afterwards.miss(connection, now, lacks=error.detail)
        data = {"appeal": str(row.id), "decision": str(row.decision_id)}
        await events.record(connection, "statement.missing", case_id=row.case_id, data=data)
        log.error("statement.missing", appeal=str(row.id), detail=error.detail)
        return None


def _group(row: Row[Any]) -> OutcomeOut:
    few = row.people < LEAST_PEOPLE
    share = counted_share(row.overturned, 0 if few else row.n)
    return OutcomeOut(
        name=row.name,
        n=row.n,
        few_people=few,
        overturned=None if few else row.overturned,
        in_time=None if few else row.in_time,
        share=share.value,
        low=share.low,
        high=share.high,
    )
