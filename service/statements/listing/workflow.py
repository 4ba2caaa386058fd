"""Statements as people read them: one, those of a case, a list, and how many there are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cases.workflow import require_visible
from service.errors.requests import NotFoundError
from service.routing.workflow import OVERSEEING
from service.statements.building import Built
from service.statements.listing import store
from service.statements.rules import StatementRules
from service.statements.schemas import (
    LISTED,
    Asked,
    CountOut,
    CountsOut,
    StatementLine,
    StatementOut,
    StatementsOut,
)
from service.statements.telling import notice_of, sections_of


async def statement_view(
    connection: AsyncConnection,
    statement: UUID,
    *,
    viewer: UUID,
    rules: StatementRules | None,
    language: str | None = None,
) -> StatementOut:
    """A statement on a case that this person may see, in its own language or the one asked for. Raises NotFoundError."""
    return _shown(await require_statement(connection, statement, viewer=viewer), rules, language)


async def require_statement(connection: AsyncConnection, statement: UUID, *, viewer: UUID) -> Row[Any]:
    """A statement as it is stored, on a case that this person may see. Raises NotFoundError."""
    row = await store.one(connection, statement, viewer=viewer)
    if row is None:
        raise NotFoundError(f"there is no statement {statement}")
    await require_visible(connection, row.case_id, viewer=viewer)
    return row


async def of_case(
    connection: AsyncConnection, case_id: UUID, *, viewer: UUID, rules: StatementRules | None
) -> list[StatementOut]:
    """The statements of a case that this person may see, oldest first. Raises NotFoundError."""
    await require_visible(connection, case_id, viewer=viewer)
    return [_shown(row, rules, None) for row in await store.of_case(connection, case_id, viewer=viewer)]


async def of_decision(
    connection: AsyncConnection, decision_id: UUID, *, rules: StatementRules | None
) -> StatementOut | None:
    """The newest statement of a decision, for what is told to the outside; None where there is none."""
    row = await store.of_decision(connection, decision_id)
    return None if row is None else _shown(row, rules, None)


async def listed(connection: AsyncConnection, asked: Asked, *, viewer: UUID | None) -> StatementsOut:
    """Statements, newest first, by state, category, ground and the like; all of them without a viewer."""
    values = asked.model_dump(exclude_none=True)
    if viewer is not None:
        values |= {"viewer": viewer, "overseeing": list(OVERSEEING)}
    rows = await store.listed(connection, values, limit=LISTED + 1)
    names = (
        "id",
        "puid",
        "exemption",
        "case_id",
        "policy_area",
        "category",
        "ground",
        "made_at",
        "refused_message",
        "afterwards",
    )
    lines = [StatementLine(**{one: getattr(row, one) for one in names}, state=row.stands) for row in rows[:LISTED]]
    return StatementsOut(statements=lines, next=rows[LISTED - 1].number if len(rows) > LISTED else None)


async def has_samples(connection: AsyncConnection) -> bool:
    """Whether some are of sample cases, which are handed out to nobody."""
    return await store.has_samples(connection)


async def counts(
    connection: AsyncConnection, *, since: datetime | None, until: datetime | None, samples: bool = False
) -> CountsOut:
    """How many statements there are by state, category, ground, source and automation."""
    rows = await store.counts(connection, since=since, until=until, samples=samples)
    return CountsOut(since=since, until=until, counts=[CountOut(**row._mapping) for row in rows])


def stored(row: Any, *, values: Mapping[str, Any], edited: tuple[str, ...]) -> Built:
    """A stored statement with these values, as it was built."""
    policy = row.told.get("policy")
    return Built(
        area=row.policy_area,
        kind=row.told["kind"],
        language=row.language,
        alike=row.told["alike"],
        values=values,
        exemption=row.exemption,
        assumed=tuple(row.assumed),
        edited=edited,
        policy=(policy[0], policy[1]) if policy else None,
        replaces=row.told.get("replaces"),
    )


def _shown(row: Any, rules: StatementRules | None, language: str | None) -> StatementOut:
    chosen = language or row.language
    built = stored(row, values=row.payload or {}, edited=tuple(row.edited))
    again = rules is not None and chosen != row.language
    names = ("id", "puid", "exemption", "case_id", "decision_id", "policy_area", "made_at", "ready_at", "published_at")
    return StatementOut(
        **{
            one: getattr(row, one)
            for one in (*names, "withdrawn_at", "refused_message", "assumed", "edited", "afterwards")
        },
        state=row.stands,
        replaces=row.replaces_puid,
        language=chosen,
        # What was told stays as it was told; another language is made anew.
        notice=notice_of(built, chosen, rules) if again and rules else row.notice,
        sections=sections_of(built, chosen, rules) if rules else [],
        statement=row.payload,
    )
