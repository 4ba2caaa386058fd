"""Rules of narratives: read at one instant, composed for one audience, kept as they were given out."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from service import events
from service.catalogues import Voice
from service.causes.schemas import CauseOut
from service.causes.workflow import Figure, cause_of, figure, of_record
from service.consults.workflow import for_audience
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations.schemas import EscalationEventOut
from service.escalations.workflow import history, require
from service.ids import new_id
from service.narratives import store
from service.narratives.compose import Asked, compose
from service.narratives.facts import Advice, Facts, Piece
from service.narratives.model import Document, as_json, content_hash, from_json, lines
from service.narratives.rules import AUDIENCES
from service.narratives.schemas import (
    DraftAsked,
    NarrativeChangeOut,
    NarrativeDetailOut,
    NarrativeIn,
    NarrativeOut,
    NarrativesOut,
)
from service.narratives.texts import revealing
from service.routing.workflow import OVERSEEING
from service.sla import workflow as sla

FIGURE_WEEKS = 12
AUTHORITIES = ("regulator", "law_enforcement", "court")
# Shorter words of a name are also words of a language.
LEAST_NAME = 4


@dataclass(frozen=True, slots=True)
class Drafted:
    """A document that is not kept, and the instant at which its facts were read."""

    document: Document
    facts_at: datetime


@dataclass(frozen=True, slots=True)
class Telling:
    """How facts are told: times of a zone, words of a language, names of a taxonomy."""

    zone: ZoneInfo
    say: Voice
    taxonomy: Taxonomy


async def draft(
    engine: AsyncEngine, escalation: UUID, body: DraftAsked | NarrativeIn, *, viewer: UUID, taxonomy: Taxonomy
) -> Drafted:
    """The narrative as the facts of this instant give it, read in one read-only transaction.

    Raises NotFoundError, and InvalidRequestError for an unknown time zone or a bottom line that names somebody to an audience
    that may not read of people.
    """
    zone = _zone(body.zone)
    line = body.bottom_line if isinstance(body, NarrativeIn) else ""
    async with store.instant(engine) as (connection, at):
        told = Telling(zone, Voice(body.language), taxonomy)
        facts = await _facts(connection, escalation, viewer=viewer, at=at, told=told, line=line)
    rules = AUDIENCES[body.audience]
    if not rules.names_people and (found := revealing(line, facts.hidden)):
        raise InvalidRequestError(f"bottom_line: it names {found[0]!r}, and {rules.name.lower()} reads of no people")
    return Drafted(compose(facts, Asked(body.audience, body.form, line)), at)


async def keep(
    connection: AsyncConnection, escalation: UUID, body: NarrativeIn, drafted: Drafted, *, person: UUID
) -> NarrativeDetailOut:
    """Keep a narrative as it was drafted. Raises NotFoundError."""
    await require(connection, escalation, viewer=person)
    made = new_id()
    values = {
        "id": made,
        "escalation": escalation,
        "audience": body.audience,
        "form": body.form,
        "written": bool(body.bottom_line),
        "document": as_json(drafted.document),
        "content_hash": content_hash(drafted.document),
        "facts_at": drafted.facts_at,
        "made_by": person,
    }
    version = await store.add(connection, values)
    data = {"narrative": str(made), "version": version, "audience": body.audience, "form": body.form}
    await events.record_on(connection, "narrative.made", escalation, actor=person, data=data)
    return await narrative(connection, escalation, made, viewer=person)


async def narratives(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> NarrativesOut:
    """What was given out about a record, newest first. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.narratives(connection, escalation)
    return NarrativesOut(narratives=[NarrativeOut.model_validate(row, from_attributes=True) for row in rows])


async def narrative(
    connection: AsyncConnection, escalation: UUID, narrative_id: UUID, *, viewer: UUID
) -> NarrativeDetailOut:
    """A narrative as it was made, with what changed since the one before it. Raises NotFoundError."""
    row = await _row(connection, escalation, narrative_id, viewer=viewer)
    before = await store.before(connection, escalation, like=row.document, version=row.version)
    return NarrativeDetailOut(
        **{name: row._mapping[name] for name in (*NarrativeOut.model_fields, "document")},
        since_version=before.version if before else None,
        changes=changes(from_json(before.document), from_json(row.document)) if before else [],
    )


async def changes_to(
    connection: AsyncConnection, escalation: UUID, document: Document, *, viewer: UUID
) -> tuple[int, list[NarrativeChangeOut]] | None:
    """What a draft says otherwise than the newest that was kept for its audience, in its form and language; None where there is none."""
    await require(connection, escalation, viewer=viewer)
    before = await store.before(connection, escalation, like=as_json(document), version=None)
    return None if before is None else (before.version, changes(from_json(before.document), document))


async def take(
    connection: AsyncConnection, escalation: UUID, narrative_id: UUID, *, person: UUID, as_format: str
) -> Row[Any]:
    """The row of a narrative that is taken out as a file, which leaves a trace. Raises NotFoundError."""
    row = await _row(connection, escalation, narrative_id, viewer=person)
    data = {"narrative": str(narrative_id), "version": row.version, "format": as_format}
    await events.record_on(connection, "narrative.taken", escalation, actor=person, data=data)
    return row


def changes(old: Document, new: Document) -> list[NarrativeChangeOut]:
    """Lines that one has and the other has not, in the order of the newer one."""
    # Two lines of head, and one that starts with @@ before each place.
    compared = list(difflib.unified_diff(list(lines(old)), list(lines(new)), lineterm="", n=0))[2:]
    return [
        NarrativeChangeOut(kind="added" if line[0] == "+" else "removed", text=line[1:])
        for line in compared
        if line[0] in "+-"
    ]


async def _row(connection: AsyncConnection, escalation: UUID, narrative_id: UUID, *, viewer: UUID) -> Row[Any]:
    await require(connection, escalation, viewer=viewer)
    row = await store.narrative(connection, escalation, narrative_id)
    if row is None:
        raise NotFoundError(f"there is no narrative {narrative_id} of this escalation")
    return row


async def _facts(
    connection: AsyncConnection,
    escalation: UUID,
    *,
    viewer: UUID,
    at: datetime,
    told: Telling,
    line: str,
) -> Facts:
    record = await require(connection, escalation, viewer=viewer)
    happened = await history(connection, escalation, viewer=viewer)
    evidence = await store.evidence(connection, escalation, viewer=viewer, overseeing=OVERSEEING)
    cause = await cause_of(connection, escalation, viewer=viewer)
    actions = (await of_record(connection, escalation, viewer=viewer)).improvements
    advice = await _advice(connection, escalation)
    written = [line, record.title, record.summary, *(one.title for one in actions), *(one.team for one in actions)]
    if cause is not None:
        written += [*cause.factors, *(text for step in cause.whys for text in (step.why, step.because))]
    written += [text for one in advice for text in (one.team, one.question, one.answer)]
    return Facts(
        record=record,
        evidence=[Piece(**row._mapping) for row in evidence],
        assets=await store.assets(connection, escalation),
        events=list(_unprivileged(happened)),
        cause=cause,
        actions=actions,
        due=(await sla.nearest(connection, [escalation])).get(escalation),
        figures=await _figures(connection, record, cause, at),
        advice=advice,
        hidden=(*_contacts(record), *await store.names_in(connection, "\n".join(written))),
        at=at,
        zone=told.zone,
        say=told.say,
        taxonomy=told.taxonomy,
    )


async def _advice(connection: AsyncConnection, escalation: UUID) -> Sequence[Advice]:
    """What other teams answered, as far as it may be in a document: nothing privileged."""
    return [Advice(one.team, one.question, one.answer) for one in await for_audience(connection, escalation)]


async def _figures(
    connection: AsyncConnection, record: Row[Any], cause: CauseOut | None, at: datetime
) -> dict[str, Figure]:
    """Every figure that a narrative may hold, as of this instant."""
    values = {
        "escalation": record.id,
        "trigger": record.trigger,
        "area": record.policy_area,
        "at": at,
        "since": at - timedelta(weeks=FIGURE_WEEKS),
        "until": at,
    }
    wanted = {name for rules in AUDIENCES.values() for name in rules.figures}
    if cause is None:
        wanted.discard("escalations_of_cause_per_week")
    else:
        values |= {"code": cause.code, "subcode": cause.subcode}
    if record.policy_area is None:
        wanted -= {"reports_in_area_per_week", "decisions_taken_back"}
    return {name: await figure(connection, name, values) for name in sorted(wanted)}


def _unprivileged(happened: Iterable[EscalationEventOut]) -> Iterable[EscalationEventOut]:
    """Whatever whoever asks may read: a narrative goes further than they do."""
    return (one for one in happened if one.data.get("privileged") is not True)


def _contacts(record: Row[Any]) -> list[str]:
    """Whoever raised it, as a whole and by the words of their name; an authority and the number of its order are nobody."""
    open_ones = {"organisation", "reference"} if record.source in AUTHORITIES else set()
    whole = [value for name, value in record.requester.items() if value and name not in open_ones]
    return [*whole, *(word for word in record.requester.get("name", "").split() if len(word) >= LEAST_NAME)]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequestError(f"zone: there is no time zone {name!r}; use one such as Europe/Dublin") from error
