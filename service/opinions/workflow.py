"""Rules of second opinions: somebody else decides without knowing what the first person would do, then both are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.errors.cases import OpinionSettledError, OpinionWaitingError, OwnQuestionError
from service.errors.requests import NotFoundError
from service.ids import new_id
from service.labels import check_labels
from service.leases.workflow import stale
from service.opinions import store
from service.opinions.schemas import AskedOut, Judgement, OpinionOut, OpinionQuestionIn, OpinionsOut
from service.routing.workflow import OVERSEEING

SHOWN_OPINIONS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits on a case, locked until the transaction ends."""

    id: UUID
    proposal: Mapping[str, Any]


async def ask(
    connection: AsyncConnection, case_id: UUID, body: OpinionQuestionIn, *, holder: UUID, taxonomy: Taxonomy
) -> AskedOut:
    """Give a held case to somebody else, with a question. Raises LeaseStaleError, OpinionWaitingError or a 422."""
    check_labels(body.proposal.actions, body.proposal.policy_area, taxonomy)
    opinion = new_id()
    values = {
        "id": opinion,
        "case_id": case_id,
        "token": body.lease_token,
        "holder": holder,
        "question": body.question,
    }
    row = await store.ask(connection, values, proposal=body.proposal.model_dump(mode="json"))
    if row is None:
        raise stale()
    if row.asked_at is None:
        raise OpinionWaitingError("a second opinion is wanted on this case already: give it by deciding the case")
    return AskedOut(opinion_id=opinion, asked_at=row.asked_at)


async def waiting_for(connection: AsyncConnection, case_id: UUID, *, person: UUID) -> Question | None:
    """The question that this person's decision of the case would answer. Raises OwnQuestionError."""
    row = await store.waiting(connection, case_id)
    if row is None:
        return None
    if row.asked_by == person:
        raise OwnQuestionError(
            "you asked for a second opinion on this case: somebody else has to answer, or withdraw the question first"
        )
    return Question(row.id, row.proposal)


async def answer(
    connection: AsyncConnection, question: Question, judgement: Judgement, *, person: UUID, decision_id: UUID
) -> None:
    """Store a decision as the answer to the question that `waiting_for` gave."""
    said = judgement.model_dump(mode="json", include=set(Judgement.model_fields))
    values = {
        "id": question.id,
        "person": person,
        "decision_id": decision_id,
        "agreed": same_judgement(Judgement.model_validate(question.proposal), judgement),
    }
    await store.answer(connection, values, answer=said)


def same_judgement(one: Judgement, other: Judgement) -> bool:
    """Whether two people say the same: area and actions alike, severities at most one step apart."""
    return (
        one.policy_area == other.policy_area
        and set(one.actions) == set(other.actions)
        and abs(one.severity - other.severity) <= 1
    )


async def reopen(connection: AsyncConnection, decision_id: UUID, *, case_id: UUID, person: UUID) -> None:
    """After an undo: the question waits again, on the case that is open now. Nothing where none was answered."""
    await store.reopen(connection, decision_id, case_id=case_id, person=person)


async def withdraw(connection: AsyncConnection, opinion: UUID, *, person: UUID) -> None:
    """Take a question back: the case waits as any other. Raises NotFoundError, OpinionSettledError."""
    if await store.withdraw(connection, opinion, person=person) is not None:
        return
    if not await store.is_asked_by(connection, opinion, person=person):
        raise NotFoundError(f"there is no question {opinion} of yours")
    raise OpinionSettledError("this question can no longer be withdrawn: it was answered, or withdrawn before")


async def mine(connection: AsyncConnection, person: UUID, *, side: Literal["asked", "answered"]) -> OpinionsOut:
    """What this person asked, or answered."""
    read = store.asked_by if side == "asked" else store.answered_by
    rows = await read(connection, person, overseeing=OVERSEEING, limit=SHOWN_OPINIONS)
    return OpinionsOut(opinions=[_shown(row, side) for row in rows])


def _shown(row: Row[Any], side: str) -> OpinionOut:
    # Each side always sees its own words. Until the answer stands it could be undone and given anew, which has to be
    # as blind as the first time. Nor is it shown to those from whom the case was taken away since.
    revealed = row.stands and row.visible
    seen = {"proposal": revealed or side == "asked", "answer": revealed or side == "answered"}
    return OpinionOut(
        **{name: getattr(row, name) for name in ("id", "case_id", "question", "asked_at", "state", "answered_at")},
        proposal=row.proposal if seen["proposal"] else None,
        answer=row.answer if seen["answer"] else None,
        agreed=row.agreed if revealed else None,
        revealed_at=row.revealed_at,
    )
