"""Rules of feedback: read by the one it is for, objected to in time, resolved by somebody who had no part in it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.quality import CheckSettledError, ObjectionRefusedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.labels import check_labels
from service.opinions.workflow import same_judgement
from service.quality.feedback import store
from service.quality.feedback.schemas import (
    CheckFeedbackListOut,
    CheckFeedbackOut,
    ObjectionIn,
    ObjectionOut,
    ObjectionResolutionIn,
    ObjectionsOut,
)
from service.quality.golden import workflow as golden
from service.quality.judging import error_of
from service.quality.settling.schemas import SaidOut, judgement
from service.quality.settling.workflow import SettleRules, Verdict, remember_look, settle
from service.routing.workflow import OVERSEEING

SHOWN_FEEDBACK = 100
SHOWN_OBJECTIONS = 100


async def mine(connection: AsyncConnection, *, person: UUID, days: int, taxonomy: Taxonomy) -> CheckFeedbackListOut:
    """What this person was told."""
    values = {"person": person, "overseeing": list(OVERSEEING), "days": days, "limit": SHOWN_FEEDBACK}
    rows = await store.mine(connection, values)
    return CheckFeedbackListOut(
        feedback=[_shown(row, taxonomy) for row in rows], unseen=await unseen(connection, person=person)
    )


async def unseen(connection: AsyncConnection, *, person: UUID) -> int:
    """How much of what this person was told they have not seen."""
    return await store.unseen(connection, person)


async def see(connection: AsyncConnection, feedback: UUID, *, person: UUID) -> None:
    """Note that it was read. Raises NotFoundError."""
    if not await store.see(connection, feedback, person=person):
        raise _unknown(feedback)


async def dispute(connection: AsyncConnection, feedback: UUID, body: ObjectionIn, *, person: UUID, days: int) -> None:
    """Object to what was settled. Raises NotFoundError, ObjectionRefusedError."""
    if not await store.dispute(connection, feedback, person=person, objection=body.objection, days=days):
        if not await store.is_known(connection, feedback, person=person):
            raise _unknown(feedback)
        raise ObjectionRefusedError(
            f"objections are taken once, within {days} days, and while the settlement stands; read it again"
        )
    await events.record(connection, "qa.objected", actor=person, data={"feedback": str(feedback)})


async def objections(connection: AsyncConnection, *, person: UUID) -> ObjectionsOut:
    """Objections that this person may resolve: from now on they check none of it blindly."""
    rows = await store.objections(connection, person, overseeing=OVERSEEING, limit=SHOWN_OBJECTIONS)
    await remember_look(connection, [row.case_id for row in rows], person=person)
    return ObjectionsOut(
        objections=[
            ObjectionOut(**{**row._mapping, "said": _label(row.said), "holds": _label(row.holds)}) for row in rows
        ]
    )


async def resolve(
    connection: AsyncConnection, feedback: UUID, body: ObjectionResolutionIn, *, person: UUID, rules: SettleRules
) -> None:
    """Answer an objection; upheld, what holds is settled anew. Raises NotFoundError, CheckSettledError or a 422."""
    if body.answer is not None:
        check_labels(body.answer.actions, body.answer.policy_area, rules.taxonomy)
    row = await store.lock(connection, feedback, person=person, overseeing=OVERSEEING)
    if row is None:
        if not await store.is_objected(connection, feedback):
            raise NotFoundError(f"there is no objection {feedback}")
        raise CheckSettledError(
            "this objection is not yours to resolve: it was resolved before, you had a part in what it is about, do not read its "
            "language, or opted out of what it shows"
        )
    if body.answer is not None:
        if same_judgement(body.answer, judgement(row.answer)):
            raise InvalidRequestError(
                "answer: this is what was settled, which the objection is against (severities one step apart count as the same); "
                "say what holds instead, or do not uphold it"
            )
        if not row.holds:
            raise CheckSettledError(
                "another settlement has taken the place of this one meanwhile: answer without upholding"
            )
        verdict = Verdict(body.answer, "dispute", settled_by=person, note=body.answer.note, replaces=row.settlement_id)
        await settle(connection, row.item_id, verdict, rules=rules)
        if row.golden_id is not None:
            await golden.retire(connection, row.golden_id, person=person)
    await store.resolve(connection, feedback, person=person, upheld=body.upheld, reply=body.reply)
    data = {"feedback": str(feedback), "upheld": body.upheld}
    await events.record(connection, "qa.objection_resolved", actor=person, data=data)


def _shown(row: Row[Any], taxonomy: Taxonomy) -> CheckFeedbackOut:
    error = error_of(judgement(row.said), judgement(row.holds), taxonomy)
    return CheckFeedbackOut(**{**row._mapping, "said": _label(row.said), "holds": _label(row.holds), "error": error})


def _label(said: dict[str, Any]) -> SaidOut:
    return SaidOut(**{name: said[name] for name in SaidOut.model_fields})


def _unknown(feedback: UUID) -> NotFoundError:
    return NotFoundError(f"there is no feedback {feedback} of yours")
