"""Statements that are missing: a decision that restricts and has none is listed until a person has made it up."""

from typing import Any
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.requests import NotFoundError
from service.outbox import workflow as outbox
from service.routing.workflow import OVERSEEING
from service.statements.afterwards import store
from service.statements.listing import workflow as listing
from service.statements.rules import StatementRules
from service.statements.schemas import (
    LISTED,
    MissingLine,
    MissingOut,
    StatementIn,
    StatementOut,
    StatementPreviewOut,
)
from service.statements.workflow import Decision, preview_again, restate

STATEMENT_MADE = "statement.made"


async def miss(connection: AsyncConnection, now: Decision, *, lacks: str) -> None:
    """Keep that a decision as it is `now` is without its statement, and what that lacked."""
    values = {"decision_id": now.id, "case_id": now.case_id, "policy_area": now.policy_area}
    await store.open_gap(connection, values | {"actions": now.actions, "lacks": lacks})


async def settle(connection: AsyncConnection, decision_id: UUID) -> None:
    """A decision is without its statement no longer, or needs none any more."""
    await store.close(connection, decision_id)


async def missing(connection: AsyncConnection, *, viewer: UUID | None) -> MissingOut:
    """Decisions without their statement, the oldest first, as far as this person may see them; all without a viewer."""
    rows = await store.listed(connection, viewer=viewer, overseeing=OVERSEEING, limit=LISTED)
    return MissingOut(missing=[_line(row) for row in rows])


async def gap(
    connection: AsyncConnection, decision_id: UUID, *, viewer: UUID, rules: StatementRules
) -> tuple[MissingLine, StatementPreviewOut | None]:
    """A decision that this person may see and that is without its statement, and what that would tell if it were made now;
    None where nothing is restricted any more. Raises NotFoundError.
    """
    row = await _require(connection, decision_id, viewer=viewer)
    return _line(row), await preview_again(connection, _as_it_is(row), rules=rules)


async def make(
    connection: AsyncConnection,
    decision_id: UUID,
    said: StatementIn,
    *,
    person: UUID,
    under: tuple[StatementRules, App],
) -> StatementOut:
    """Make the statement that a decision is without, marked as made afterwards, and tell the platform what it tells.

    Raises NotFoundError where none is missing, StatementIncompleteError, PersonalDataError.
    """
    rules, jobs = under
    row = await _require(connection, decision_id, viewer=person)
    told = await restate(connection, _as_it_is(row), person=person, rules=rules, afterwards=said)
    await store.close(connection, decision_id)
    made = await listing.of_decision(connection, decision_id, rules=rules)
    if made is None:
        raise NotFoundError(f"decision {decision_id} restricts nothing that a statement is made for")
    data = {"decision": str(decision_id), "statement": str(made.id)}
    await events.record(connection, "statement.made_afterwards", case_id=row.case_id, actor=person, data=data)
    if told is not None:
        message = {
            "decision_id": str(decision_id),
            "case_id": str(row.case_id),
            "subject": {"id": row.subject_id, "kind": row.subject_kind},
            "made_at": made.made_at.isoformat(),
            "statement": told.as_json(),
        }
        await outbox.publish(connection, jobs, outbox.Message(STATEMENT_MADE, message, case_id=row.case_id))
    return made


async def _require(connection: AsyncConnection, decision_id: UUID, *, viewer: UUID) -> Row[Any]:
    row = await store.gap(connection, decision_id, viewer=viewer, overseeing=OVERSEEING)
    if row is None:
        raise NotFoundError(f"there is no decision {decision_id} that is without its statement of reasons")
    return row


def _as_it_is(row: Row[Any]) -> Decision:
    """The decision by now. What it restricts began when the statement should have been made."""
    return Decision(
        id=row.decision_id,
        case_id=row.case_id,
        at=row.noticed_at,
        until=row.noticed_at,
        policy_area=row.policy_area,
        actions=list(row.actions),
        basis=row.basis,
    )


def _line(row: Row[Any]) -> MissingLine:
    return MissingLine.model_validate(row, from_attributes=True)
