"""Rules of holding statements: offered on the escalations that a crisis at work covers, and sent as any other reply is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.crisis.holding.schemas import HoldingIn, HoldingOut, HoldingsOut
from service.crisis.schemas import GuidanceOut, HoldingStatement
from service.crisis.workflow import guidance
from service.errors.requests import NotFoundError
from service.escalations.workflow import require
from service.replies.shipped import Template
from service.replies.workflow import in_force
from service.replies.writing.schemas import ReplyOut
from service.replies.writing.workflow import Opening, begin, filler
from service.routing.rules import market_code
from service.settings import Settings

# Nobody reads through more before they answer.
OFFERED = 20


@dataclass(frozen=True, slots=True)
class _Offer:
    """A statement of a crisis with its text, that of its template where it names one."""

    crisis: GuidanceOut
    number: int
    statement: HoldingStatement
    language: str
    text: str


async def statements(connection: AsyncConnection, escalation: UUID, *, viewer: UUID, settings: Settings) -> HoldingsOut:
    """What crises at work let be said about a record. Raises NotFoundError."""
    record = await require(connection, escalation, viewer=viewer)
    return HoldingsOut(statements=await offered(connection, record, viewer=viewer, settings=settings))


async def offered(
    connection: AsyncConnection, record: Row[Any], *, viewer: UUID, settings: Settings
) -> list[HoldingOut]:
    """The same for a record that was looked up already."""
    found = await _offers(connection, record, viewer)
    if not found:
        return []
    fill = await filler(connection, record, settings)
    return [
        HoldingOut(
            crisis=one.crisis.crisis,
            number=one.number,
            name=one.crisis.name,
            until=one.crisis.until,
            area=one.statement.area,
            language=one.language,
            text=fill(one.text, one.language),
        )
        for one in found[:OFFERED]
    ]


async def begin_with(
    connection: AsyncConnection, escalation: UUID, body: HoldingIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Begin a holding reply with a statement. It is checked, approved and sent as any other reply is.

    Raises NotFoundError also where the crisis is over or is not about the record, EscalationClosedError, ReplyOpenError.
    """
    record = await require(connection, escalation, viewer=person)
    wanted = (body.crisis, body.number)
    for one in await _offers(connection, record, person):
        if (one.crisis.crisis, one.number) == wanted:
            opening = Opening(
                purpose="holding",
                language=one.language,
                template_id=one.statement.template,
                text=None if one.statement.template else one.text,
                noted={"crisis": str(body.crisis)},
            )
            return await begin(connection, escalation, opening, settings=settings, person=person)
    raise NotFoundError(
        f"no crisis at work offers its holding statement {body.number} for this record: it may be over; look at the record again"
    )


async def _offers(connection: AsyncConnection, record: Row[Any], viewer: UUID) -> list[_Offer]:
    fitting = [
        (crisis, number, statement)
        for crisis in (await guidance(connection, viewer)).guidance
        if covers(crisis, record)
        for number, statement in enumerate(crisis.statements)
        if _about(statement.area, record)
    ]
    templates = await in_force(connection) if any(statement.template for *_, statement in fitting) else {}
    found = [_Offer(*one, *said) for one in fitting if (said := _said(one[-1], templates))]
    return sorted(found, key=lambda one: one.language != record.language)


def covers(crisis: GuidanceOut, record: Any) -> bool:
    """Whether a crisis is about a record, by area and market. What is not known of the record speaks for nothing.

    Its languages are those of content: a newspaper asks in its own.
    """
    area, market = record.policy_area, market_code(record.jurisdiction)
    return (not crisis.about or area is None or area in crisis.about) and (
        not crisis.markets or market is None or market in crisis.markets
    )


def _about(area: str | None, record: Any) -> bool:
    return area is None or record.policy_area is None or area == record.policy_area


def _said(statement: HoldingStatement, templates: Mapping[UUID, Template]) -> tuple[str, str] | None:
    """Language and text; None where its template is in force no more."""
    if statement.template is None:
        return statement.language, statement.text
    found = templates.get(statement.template)
    return (found.language, found.body) if found else None
