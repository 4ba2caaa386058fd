"""Rules of decisions: one for each lease, effects after an undo window, undone only by its author."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service import events
from service.cases.workflow import reopen
from service.decisions import store
from service.decisions.schemas import DecisionIn, DecisionMade, UndoneOut
from service.errors import ContentChangedError, InvalidRequestError, NotFoundError, UndoExpiredError, UnknownLabelError
from service.ids import new_id
from service.leases.workflow import stale
from service.outbox import workflow as outbox

DECISION_MADE = "decision.made"


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What decisions are made under: the vocabulary, where effects are queued, and how long they can be undone.

    `cluster_id` ties decisions together that are made for many cases at once; of these only one was looked at, the
    others have the basis "cluster".
    """

    taxonomy: Taxonomy
    jobs: App
    undo_seconds: int
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
    """Decide the case that `holder` has leased. Raises LeaseStaleError, ContentChangedError or a 422."""
    check_labels(decision, rules.taxonomy)
    evidence_id = await store.lock_case(connection, case_id)
    if evidence_id is not None and await store.show_changed(
        connection, case_id=case_id, token=decision.lease_token, holder=holder, evidence_id=evidence_id
    ):
        raise ContentChangedError("the content was edited while you held this case: look at it again, then decide")
    values = decision.model_dump(exclude={"lease_token"}) | {
        "decision_id": new_id(),
        "case_id": case_id,
        "token": decision.lease_token,
        "holder": holder,
        "taxonomy_version": rules.taxonomy.version,
        "undo_seconds": rules.undo_seconds,
        "cluster_id": rules.cluster_id,
        "basis": rules.basis,
    }
    made = await store.decide(connection, values)
    if made is None:
        raise stale()
    message = {
        "decision_id": str(made.id),
        "case_id": str(case_id),
        "subject": {"id": made.subject_id, "kind": made.subject_kind},
        "reports": made.reports,
        "actions": decision.actions,
        "policy_area": decision.policy_area,
        "severity": decision.severity,
        "taxonomy_version": rules.taxonomy.version,
        "decided_at": made.decided_at.isoformat(),
    }
    told = outbox.Message(DECISION_MADE, decision_id=made.id, data=message, after=made.undo_until)
    await outbox.publish(connection, rules.jobs, told)
    return DecisionMade(decision_id=made.id, undo_until=made.undo_until)


def check_labels(decision: DecisionIn, taxonomy: Taxonomy) -> None:
    """Refuse labels that do not exist and decisions that contradict themselves."""
    known = {action.id: action for action in taxonomy.actions}
    unknown = [action for action in decision.actions if action not in known]
    if unknown:
        raise UnknownLabelError(f"actions: {', '.join(unknown)} not in the taxonomy; known: {', '.join(known)}")
    if decision.policy_area not in taxonomy.label_ids:
        raise UnknownLabelError(
            f"policy_area: {decision.policy_area!r} not in the taxonomy; known: {', '.join(taxonomy.label_ids)}"
        )
    enforces = [known[action].enforces for action in decision.actions]
    if any(enforces) and not all(enforces):
        raise InvalidRequestError("actions: 'no violation' cannot be combined with an enforcing action")
    if decision.policy_area == taxonomy.benign_id and any(enforces):
        raise InvalidRequestError(
            "policy_area: benign content cannot be enforced against; name the area that was broken"
        )


async def undo(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID, taxonomy: Taxonomy, config: RankConfig
) -> UndoneOut:
    """Take a decision back before its effects are sent. Raises NotFoundError, UndoExpiredError."""
    case_id = await store.case_of(connection, decision_id, person=person)
    if case_id is None:
        raise NotFoundError(f"there is no decision {decision_id} of yours")
    in_time = await store.undo(connection, decision_id, person=person)
    if not in_time or not await outbox.cancel(connection, decision_id):
        raise UndoExpiredError(
            "this decision can no longer be undone: its effects are being sent, or it was undone before"
        )
    await events.record(
        connection, "decision.undone", case_id=case_id, actor=person, data={"decision": str(decision_id)}
    )
    return UndoneOut(case_id=await reopen(connection, case_id, actor=person, taxonomy=taxonomy, config=config))
