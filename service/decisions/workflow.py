"""Rules of decisions: one for each lease, effects after an undo window, undone only by its author."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service import events
from service.cases.workflow import UNSHED, reopen, require_visible, rerank, tell_shedding
from service.decisions import store
from service.decisions.actions import Offer, breach_of, check_offered, offers
from service.decisions.schemas import ActionsOut, DecisionIn, DecisionMade, UndoneOut
from service.errors.cases import ContentChangedError, OpinionWaitingError
from service.errors.decisions import UndoExpiredError
from service.errors.requests import NotFoundError
from service.ids import new_id
from service.labels import check_labels
from service.leases.workflow import stale
from service.opinions import workflow as opinions
from service.outbox import workflow as outbox
from service.reporters.workflow import judge, unjudge
from service.routing.workflow import allowed_actions
from service.statements import workflow as statements
from service.statements.rules import StatementRules
from service.strikes import workflow as strikes
from service.strikes.rules import Breach, StrikeRules

DECISION_MADE = "decision.made"
# There was no endpoint to tell: whoever reads the log, or the gauge, sees that the decision has no effect.
DECISION_UNTOLD = "decision.untold"


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What decisions are made under: the vocabulary, where effects are queued, how long to undo them, and strikes.

    `cluster_id` ties decisions together that are made for many cases at once; of these only one was looked at, the
    others have the basis "cluster".
    """

    taxonomy: Taxonomy
    jobs: App
    undo_seconds: int
    strikes: StrikeRules
    # None where statements of reasons are switched off.
    statements: StatementRules | None
    cluster_id: UUID | None = None
    basis: Literal["review", "cluster"] = "review"


async def decide(
    connection: AsyncConnection,
    case_id: UUID,
    decision: DecisionIn,
    *,
    holder: UUID,
    rules: DecisionRules,
) -> DecisionMade:
    """Decide the case that `holder` has leased, and count, answer and tell what follows from it.

    Raises LeaseStaleError, ContentChangedError, OwnQuestionError, OpinionWaitingError, ActionNotAllowedError or a 422, such as
    one that names what the statement of reasons lacks.
    """
    check_labels(decision.actions, decision.policy_area, rules.taxonomy)
    await _check_case(connection, case_id, decision, holder=holder, taxonomy=rules.taxonomy)
    question = await opinions.waiting_for(connection, case_id, person=holder)
    if question is not None and rules.basis == "cluster":
        raise OpinionWaitingError("a second opinion is wanted on this case: somebody has to look at it")
    values = decision.model_dump(exclude={"lease_token", "statement"}) | {
        "decision_id": new_id(),
        "case_id": case_id,
        "token": decision.lease_token,
        "holder": holder,
        "taxonomy_version": rules.taxonomy.version,
        "undo_seconds": rules.undo_seconds,
        "basis": "second_opinion" if question else rules.basis,
        "cluster_id": rules.cluster_id,
    }
    made = await store.decide(connection, values)
    if made is None:
        raise stale()
    if question is not None:
        await opinions.answer(connection, question, decision, person=holder, decision_id=made.id)
    await carry_out(connection, made, decision, rules=rules)
    return DecisionMade(decision_id=made.id, undo_until=made.undo_until, policy=made.policy)


async def carry_out(connection: AsyncConnection, made: Row[Any], said: DecisionIn, *, rules: DecisionRules) -> None:
    """What follows from a stored decision: what it says of the reporters, a strike, the statement of reasons, and the message
    that is sent after the undo window.

    `made` has id, case_id, decided_at, undo_until, subject_id, subject_kind and reports, as `store.decide` gives them.
    """
    if rules.cluster_id is None:
        # Those of a cluster are judged by who decides it, all at once: reporters are locked in one order.
        await judge(connection, [made.id], taxonomy=rules.taxonomy)
    if any(rules.taxonomy.action(action).enforces for action in said.actions):
        breach = Breach(said.policy_area, said.severity, said.actions)
        await strikes.give(connection, made.id, breach, rules=rules.strikes)
    message = {
        "decision_id": str(made.id),
        "case_id": str(made.case_id),
        "subject": {"id": made.subject_id, "kind": made.subject_kind},
        "reports": made.reports,
        "actions": said.actions,
        "policy_area": said.policy_area,
        "severity": said.severity,
        "taxonomy_version": rules.taxonomy.version,
        "decided_at": made.decided_at.isoformat(),
    }
    stated = await _state(connection, made, said, rules=rules)
    if stated is not None:
        message["statement"] = stated.as_json()
    told = outbox.Message(DECISION_MADE, message, decision_id=made.id, case_id=made.case_id, after=made.undo_until)
    if not await outbox.publish(connection, rules.jobs, told):
        await events.record(connection, DECISION_UNTOLD, case_id=made.case_id, data={"decision": str(made.id)})


async def _state(
    connection: AsyncConnection, made: Row[Any], said: DecisionIn, *, rules: DecisionRules
) -> statements.Told | None:
    if rules.statements is None:
        return None
    decision = statements.Decision(
        id=made.id,
        case_id=made.case_id,
        at=made.decided_at,
        until=made.undo_until,
        policy_area=said.policy_area,
        actions=said.actions,
        basis=rules.basis,
        token=said.lease_token,
    )
    return await statements.state(connection, decision, said.statement, rules=rules.statements)


async def untold(connection: AsyncConnection) -> int:
    """How many standing decisions of the last day have no effect, because nobody was there to be told."""
    return await store.untold(connection)


async def take_back(connection: AsyncConnection, decision_id: UUID, *, case_id: UUID, person: UUID) -> None:
    """Take back what followed from an undone decision. Raises UndoExpiredError once any of it is being sent."""
    if not await outbox.cancel(connection, decision_id):
        raise _too_late()
    if not await statements.take_back(connection, decision_id):
        raise _too_late()
    weight = await strikes.take_back(connection, decision_id)
    data = {"decision": str(decision_id)} | ({} if weight is None else {"strike": weight})
    await events.record(connection, "decision.undone", case_id=case_id, actor=person, data=data)


async def undo(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, rules: DecisionRules, config: RankConfig
) -> UndoneOut:
    """Take a decision back before its effects are sent. Raises NotFoundError, UndoExpiredError."""
    now_open = await undo_one(connection, decision_id, person=person, rules=rules, config=config)
    await take_back_judgements(connection, {decision_id: now_open}, taxonomy=rules.taxonomy, config=config)
    return UndoneOut(case_id=now_open)


async def undo_one(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, rules: DecisionRules, config: RankConfig
) -> UUID:
    """As `undo`, but for what the decision said of reporters; the case that is open now."""
    case_id = await store.case_of(connection, decision_id, person=person)
    if case_id is None:
        raise NotFoundError(f"there is no decision {decision_id} of yours")
    if not await store.undo(connection, decision_id, person=person):
        raise _too_late()
    await take_back(connection, decision_id, case_id=case_id, person=person)
    now = await reopen(connection, case_id, actor=person, taxonomy=rules.taxonomy, config=config)
    if now.unshed:
        await tell_shedding(connection, rules.jobs, UNSHED, [now.case_id])
    await opinions.reopen(connection, decision_id, case_id=now.case_id, person=person)
    return now.case_id


async def take_back_judgements(
    connection: AsyncConnection, undone: Mapping[UUID, UUID], *, taxonomy: Taxonomy, config: RankConfig
) -> None:
    """Take back what these decisions, each with the case that is open now, said of reporters.

    After all cases are locked: whoever decides locks its case first and reporters second, too.
    """
    if await unjudge(connection, list(undone)):
        # A case is not ranked by what its own decision said.
        await rerank(connection, sorted(set(undone.values())), taxonomy=taxonomy, config=config)


async def actions_of(
    connection: AsyncConnection,
    case_id: UUID,
    *,
    person: UUID,
    rules: DecisionRules,
    named: tuple[str, int] | None,
) -> ActionsOut:
    """What a person may do about a case, and what is recommended for the area and severity named, or the model's.

    Raises NotFoundError or a 422.
    """
    await require_visible(connection, case_id, viewer=person)
    row = await store.facts(connection, case_id, person=person)
    if row is None:
        raise NotFoundError(f"there is no case {case_id}")
    if named is not None:
        check_labels([], named[0], rules.taxonomy)
    offered = await allowed_actions(connection, row.queue, row.role, rules.taxonomy)
    standing = await strikes.active_of(connection, row.author_id, viewer=person) if row.has_author else None
    return offers(
        Offer(offered, row.has_author),
        breach_of(row.score, named, rules.taxonomy),
        standing,
        rules=rules.strikes,
        taxonomy=rules.taxonomy,
    )


async def _check_case(
    connection: AsyncConnection, case_id: UUID, decision: DecisionIn, *, holder: UUID, taxonomy: Taxonomy
) -> None:
    """Lock the case; refuse what its holder has not seen, and actions that they may not take on it."""
    evidence_id = await store.lock_case(connection, case_id)
    if evidence_id is not None and await store.show_changed(
        connection, case_id=case_id, token=decision.lease_token, holder=holder, evidence_id=evidence_id
    ):
        raise ContentChangedError("the content was edited while you held this case: look at it again, then decide")
    row = await store.facts(connection, case_id, person=holder, token=decision.lease_token)
    if row is None or not row.live:
        raise stale()
    offered = await allowed_actions(connection, row.queue, row.role, taxonomy)
    check_offered(decision.actions, Offer(offered, row.has_author), taxonomy)


def _too_late() -> UndoExpiredError:
    return UndoExpiredError(
        "this decision can no longer be undone: its effects are being sent, or it was undone before"
    )
