"""Rules of questions to other teams: asked with a clock of their own, answered once, and read by nobody whom they are not for.

A question never costs a record its owner, and stops no legal clock: internal ones alone wait, where the asker says so.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.consults import store
from service.consults.schemas import (
    AdviceOut,
    ConsultOut,
    ConsultPrecedentOut,
    ConsultPrecedentsOut,
    ConsultQuestionIn,
    ConsultsOut,
    PrecedentsQuery,
    ShownOut,
)
from service.consults.teams import workflow as teams
from service.consults.teams.workflow import rights_of
from service.errors.access import ForbiddenError
from service.errors.consults import ConsultSettledError, NobodyToAskError, TakenByOtherError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations import workflow as escalations
from service.handling.workflow import wake
from service.ids import new_id
from service.sla import workflow as sla

SHOWN_AT_DESK = 200
PRECEDENTS_SHOWN = 25
OPEN = ("waiting", "taken", "asked_back")


async def ask(connection: AsyncConnection, escalation: UUID, body: ConsultQuestionIn, *, person: UUID) -> ConsultOut:
    """Ask a team about an open record.

    Raises NotFoundError, EscalationClosedError, InvalidRequestError, or NobodyToAskError where nobody could answer.
    """
    record = await escalations.require_open(connection, escalation, viewer=person)
    team = await teams.require_team(connection, body.team)
    if team.closed:
        raise NobodyToAskError(f"the team {team.name!r} is closed; ask another one")
    if not await teams.readers(connection, team.name, asker=person, path=record.path):
        named = "named on the path of this record" if record.path else "able to answer"
        raise NobodyToAskError(f"nobody of the team {team.name!r} is {named}; put somebody into it first")
    if body.again_of is not None:
        earlier = await _require(connection, body.again_of, person=person)
        if earlier.escalation_id != escalation or earlier.status in OPEN:
            raise InvalidRequestError("again_of: only an answered or withdrawn question of this record is asked anew")
        if earlier.privileged and not body.privileged:
            # Whoever may read the new one would learn of the old one.
            raise InvalidRequestError("privileged: what was asked under privilege is asked anew under privilege")
    consult = new_id()
    values = {
        "id": consult,
        "escalation_id": escalation,
        "minutes": body.minutes or team.minutes,
        "asked_by": person,
        **body.model_dump(include={"team", "question", "language", "privileged", "again_of", "pauses"}),
    }
    await store.ask(connection, values, shown=_shown(record, body))
    if body.pauses:
        await sla.pause(connection, escalation, reason=_reason(privileged=body.privileged), actor=person)
    await _tell(connection, "consult.asked", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


def _shown(record: Row[Any], body: ConsultQuestionIn) -> dict[str, Any]:
    """What the asker chose of the record. Raises InvalidRequestError for a field that it does not have."""
    unknown = [name for name in body.fields if name not in record.fields]
    if unknown:
        raise InvalidRequestError(f"fields: this record has no field {unknown[0]!r}")
    whole: dict[str, Any] = {name: getattr(record, name) for name in ("title", "summary") if name in body.facts}
    facts = {name: getattr(record, name) for name in body.facts if name not in whole}
    known = {name: str(value) for name, value in facts.items() if value is not None}
    return {**whole, "facts": known, "fields": {name: record.fields[name] for name in body.fields}}


async def for_record(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> list[ConsultOut]:
    """The questions about a record that this person may read; of others there is no trace. Raises NotFoundError."""
    await escalations.require(connection, escalation, viewer=viewer)
    rows = await store.of_record(connection, escalation, rights_of(viewer))
    return await _views(connection, rows)


async def for_audience(connection: AsyncConnection, escalation: UUID) -> list[AdviceOut]:
    """What was answered about a record, for a document of whatever audience: nothing privileged, and no names."""
    known = await teams.every_team(connection)
    return [
        AdviceOut(
            team=known[row.team].title if row.team in known else row.team,
            question=row.question,
            answer=row.answer,
            answered_at=row.answered_at,
        )
        for row in await store.advice(connection, escalation)
    ]


async def desk(connection: AsyncConnection, person: UUID, *, open_ones: bool = True) -> ConsultsOut:
    """Questions to the teams of this person: those that wait by their due time, or those that are done."""
    rows = await store.of_teams(connection, rights_of(person), open_ones=open_ones, limit=SHOWN_AT_DESK)
    return ConsultsOut(consults=await _views(connection, rows))


async def consult_view(connection: AsyncConnection, consult: UUID, *, viewer: UUID) -> ConsultOut:
    """A question. Raises NotFoundError where this person may not read it, whether there is one or not."""
    [view] = await _views(connection, [await _require(connection, consult, person=viewer)])
    return view


async def take(connection: AsyncConnection, consult: UUID, *, over: bool, person: UUID) -> ConsultOut:
    """Say that one answers. Raises NotFoundError, ConsultSettledError, TakenByOtherError unless `over`."""
    row = await _asked_of(connection, consult, person=person)
    if row.taken_by not in (None, person) and not over:
        raise TakenByOtherError("somebody else of your team has taken this question")
    await store.take(connection, consult, person=person)
    await _tell(connection, "consult.taken", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def ask_back(connection: AsyncConnection, consult: UUID, body: str, *, person: UUID) -> ConsultOut:
    """Ask the asker for more; the clock of the question runs on. Raises as `answer`."""
    await _to_answer(connection, consult, person=person)
    await store.ask_back(connection, consult, person=person)
    values = {"id": new_id(), "consult": consult, "kind": "asked_back", "body": body, "person": person}
    await store.remark(connection, values)
    await _tell(connection, "consult.asked_back", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def explain(connection: AsyncConnection, consult: UUID, body: str, *, person: UUID) -> ConsultOut:
    """Add to a question that waits, as an answer to what was asked back. Raises NotFoundError, ConsultSettledError."""
    await _of_record(connection, consult, person=person)
    values = {"id": new_id(), "consult": consult, "kind": "explained", "body": body, "person": person}
    await store.remark(connection, values)
    await store.explained(connection, consult)
    await _tell(connection, "consult.explained", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def answer(connection: AsyncConnection, consult: UUID, words: str, *, person: UUID) -> ConsultOut:
    """Answer a question; internal clocks that waited for it go on.

    Raises NotFoundError, ConsultSettledError, TakenByOtherError, or ForbiddenError for one's own question.
    """
    row = await _to_answer(connection, consult, person=person)
    await store.answer(connection, consult, answer=words, person=person)
    await _go_on(connection, row, actor=person)
    await _tell(connection, "consult.answered", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def withdraw(connection: AsyncConnection, consult: UUID, *, person: UUID) -> ConsultOut:
    """Take a question back; internal clocks that waited for it go on. Raises NotFoundError, ConsultSettledError."""
    row = await _of_record(connection, consult, person=person)
    await store.withdraw(connection, consult)
    await _go_on(connection, row, actor=person)
    await _tell(connection, "consult.withdrawn", consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def keep_precedent(connection: AsyncConnection, consult: UUID, title: str | None, *, person: UUID) -> ConsultOut:
    """Keep an answer for later cases, or no longer. What is privileged stays so.

    Raises NotFoundError, ConsultSettledError, or ForbiddenError for whoever does not work on the record.
    """
    await _working(connection, consult, person=person)
    if (await store.lock(connection, consult)).status != "answered":
        raise ConsultSettledError("only an answered question can be kept for later cases")
    await store.keep_precedent(connection, consult, title=title, person=person)
    kind = "consult.kept" if title is not None else "consult.unkept"
    await _tell(connection, kind, consult, actor=person)
    return await consult_view(connection, consult, viewer=person)


async def precedents(connection: AsyncConnection, asked: PrecedentsQuery, *, viewer: UUID) -> ConsultPrecedentsOut:
    """Answers that were kept, as far as this person may read them."""
    values = {**rights_of(viewer), **asked.model_dump(), "limit": PRECEDENTS_SHOWN + 1}
    rows = await store.precedents(connection, values)
    known = await teams.every_team(connection)
    titled = [(row, known[row.team].title if row.team in known else row.team) for row in rows[:PRECEDENTS_SHOWN]]
    return ConsultPrecedentsOut(
        precedents=[ConsultPrecedentOut(**row._mapping, team_title=title) for row, title in titled],
        next=asked.offset + PRECEDENTS_SHOWN if len(rows) > PRECEDENTS_SHOWN else None,
    )


async def _require(connection: AsyncConnection, consult: UUID, *, person: UUID) -> Row[Any]:
    row = await store.consult(connection, consult, rights_of(person))
    if row is None:
        raise NotFoundError(f"there is no question {consult}")
    return row


async def _asked_of(connection: AsyncConnection, consult: UUID, *, person: UUID) -> Row[Any]:
    """A question that waits, locked, for somebody of the team that was asked who did not ask it."""
    if not (await _require(connection, consult, person=person)).asked_of_me:
        raise ForbiddenError("only the team that was asked takes and answers a question")
    row = await _open(connection, consult)
    if row.asked_by == person:
        raise ForbiddenError("you asked this yourself: somebody else has to answer, or withdraw the question")
    return row


async def _to_answer(connection: AsyncConnection, consult: UUID, *, person: UUID) -> Row[Any]:
    row = await _asked_of(connection, consult, person=person)
    if row.taken_by not in (None, person):
        raise TakenByOtherError("somebody else of your team has taken this question; take it over first")
    return row


async def _of_record(connection: AsyncConnection, consult: UUID, *, person: UUID) -> Row[Any]:
    """A question that waits, locked, for somebody who works on its record."""
    await _working(connection, consult, person=person)
    return await _open(connection, consult)


async def _working(connection: AsyncConnection, consult: UUID, *, person: UUID) -> None:
    if (await _require(connection, consult, person=person)).escalation_id is None:
        raise ForbiddenError("only those who work on the record do this; ask back instead")


async def _open(connection: AsyncConnection, consult: UUID) -> Row[Any]:
    row = await store.lock(connection, consult)
    if row.status not in OPEN:
        raise ConsultSettledError(f"this question is {row.status}; ask anew")
    return row


def _reason(*, privileged: bool) -> str:
    """What clocks wait for. Whoever sees them would else learn of a question that they may not know of."""
    return "other_team" if privileged else "consult"


async def _go_on(connection: AsyncConnection, row: Row[Any], *, actor: UUID) -> None:
    """Let go on what waited for a question that was just settled, unless it waits for another one as well."""
    waits_for = await store.lock_record(connection, row.escalation_id)
    left = await store.waited_for(connection, row.escalation_id, privileged=row.privileged)
    reason = _reason(privileged=row.privileged)
    # Where the record itself waits for the like, its clocks rest until it goes on.
    if row.pauses and not left.pausing and waits_for != reason:
        await sla.resume(connection, row.escalation_id, actor=actor, reason=reason)
    if waits_for == "consult" and not left.open:
        await wake(connection, row.escalation_id)


async def _tell(connection: AsyncConnection, kind: str, consult: UUID, *, actor: UUID) -> None:
    row = await store.lock(connection, consult)
    data: dict[str, Any] = {"consult": str(consult), "team": row.team}
    if row.privileged:
        data["privileged"] = True
    await events.record_on(connection, kind, row.escalation_id, actor=actor, data=data)


async def _views(connection: AsyncConnection, rows: Any) -> list[ConsultOut]:
    known = await teams.every_team(connection)
    return [
        ConsultOut(
            **{**row._mapping, "shown": ShownOut(**row.shown)},
            team_title=known[row.team].title if row.team in known else row.team,
        )
        for row in rows
    ]
