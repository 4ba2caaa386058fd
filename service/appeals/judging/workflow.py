"""Rules of judging appeals: in order of due time, blind to who decided, by somebody who had no part in it, and by a person.

Regulation (EU) 2022/2065, Art. 20(4) to (6): complaints are handled in a timely, diligent and non-arbitrary manner, and not
solely on the basis of automated means. That another person decides is a rule of the house, held in the database as well.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.appeals.judging import store
from service.appeals.schemas import (
    AppealDecided,
    AppealDecisionIn,
    AppealLeaseOut,
    AppealQueueOut,
    AppealReportOut,
    JudgedOut,
    PolicyAtDecisionOut,
    WaitingAppealOut,
)
from service.errors.appeals import AppealClosedError, PersonNeededError, SamePersonError
from service.errors.cases import CaseNotOpenError, LeaseStaleError
from service.errors.decisions import UndoExpiredError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.exposure.limits import Limits
from service.exposure.workflow import milder_only
from service.ids import new_id
from service.labels import check_labels
from service.media.levels import Rules as BlurRules
from service.media.viewing.workflow import media_of
from service.personal import kinds_of
from service.routing.workflow import OVERSEEING

SHOWN_WAITING = 300


@dataclass(frozen=True, slots=True)
class Judge:
    """Who is to judge. `signed_in` is false for whoever only sent a key."""

    id: UUID
    signed_in: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many minutes an appeal is handed out, and how much graphic work its judge may be given."""

    minutes: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class OutcomeRules:
    """What outcomes are made under: the vocabulary, and for how long one can be taken back."""

    taxonomy: Taxonomy
    undo_seconds: int


async def queue(connection: AsyncConnection, *, person: UUID) -> AppealQueueOut:
    """What waits, as far as this person may see it."""
    rows = await store.queue(connection, person, overseeing=OVERSEEING, limit=SHOWN_WAITING)
    total, overdue = (rows[0].total, rows[0].overdue) if rows else (0, 0)
    now = rows[0].server_now if rows else await store.now(connection)
    shown = [WaitingAppealOut(**{name: getattr(row, name) for name in WaitingAppealOut.model_fields}) for row in rows]
    return AppealQueueOut(appeals=shown, total=total, overdue=overdue, server_now=now)


async def overdue(connection: AsyncConnection) -> int:
    """How many open appeals are overdue, whoever may see them."""
    return await store.overdue(connection)


async def claim(connection: AsyncConnection, *, person: UUID, terms: Terms, blur: BlurRules) -> JudgedOut | None:
    """The next appeal for this person, or the one in hand; None where there is none that they may decide."""
    await store.take_turn(connection, person)
    token = await store.in_hand(connection, person)
    if token is None:
        token = new_id()
        mild = await milder_only(connection, person, terms.limits)
        given = _claiming(person, token, terms) | {"mild": mild}
        appeal = await store.claim(connection, given)
        if appeal is None:
            return None
        await _record(connection, "appeal.claimed", appeal, person)
    return await _shown(connection, token, person, blur)


async def claim_one(
    connection: AsyncConnection, appeal: UUID, *, person: UUID, terms: Terms, blur: BlurRules
) -> JudgedOut:
    """A chosen appeal. Raises NotFoundError, AppealClosedError, SamePersonError, CaseNotOpenError where somebody has one."""
    await store.take_turn(connection, person)
    row = await require(connection, appeal, person=person)
    if row.took_part:
        raise _same_person()
    if row.status != "open":
        raise AppealClosedError("this appeal is decided or was withdrawn")
    if not row.in_hand:
        if await store.in_hand(connection, person) is not None:
            raise CaseNotOpenError("you have another appeal in hand: decide it or give it back first")
        taken = await store.claim_one(connection, _claiming(person, new_id(), terms) | {"appeal": appeal})
        if taken is None:
            raise CaseNotOpenError("somebody has this appeal in hand")
        await _record(connection, "appeal.claimed", appeal, person)
    found = await in_hand(connection, person=person, blur=blur)
    if found is None:
        raise _stale()
    return found


async def in_hand(connection: AsyncConnection, *, person: UUID, blur: BlurRules) -> JudgedOut | None:
    """The appeal that this person has in hand, without taking any."""
    token = await store.in_hand(connection, person)
    return None if token is None else await _shown(connection, token, person, blur)


async def renew(
    connection: AsyncConnection, appeal: UUID, *, token: UUID, person: UUID, terms: Terms
) -> AppealLeaseOut:
    """Keep an appeal in hand. Raises LeaseStaleError."""
    until = await store.renew(connection, appeal, token=token, person=person, minutes=terms.minutes)
    if until is None:
        raise _stale()
    return AppealLeaseOut(expires_at=until)


async def release(connection: AsyncConnection, appeal: UUID, *, token: UUID, person: UUID) -> None:
    """Give an appeal back to the queue. Raises LeaseStaleError."""
    if not await store.release(connection, appeal, token=token, person=person):
        raise _stale()
    await _record(connection, "appeal.released", appeal, person)


async def decide(
    connection: AsyncConnection,
    appeal: UUID,
    body: AppealDecisionIn,
    *,
    judge: Judge,
    rules: OutcomeRules,
) -> AppealDecided:
    """Store what an appeal comes to; it is carried out once it can no longer be undone.

    Raises NotFoundError, SamePersonError, PersonNeededError, AppealClosedError, LeaseStaleError or a 422.
    """
    await store.lock(connection, appeal)
    row = await require(connection, appeal, person=judge.id)
    if row.took_part:
        raise _same_person()
    if not judge.signed_in:
        raise PersonNeededError("an appeal is decided by a person: sign in to the console, a key is not enough")
    if row.status != "open":
        raise AppealClosedError("this appeal is decided or was withdrawn")
    outcome = _outcome(row, body, rules.taxonomy)
    await _check_words(connection, body.explanation)
    values = outcome | {
        "id": appeal,
        "person": judge.id,
        "token": body.lease_token,
        "outcome": body.outcome,
        "reason_code": body.reason_code,
        "explanation": body.explanation,
        "note": body.note,
        "taxonomy_version": rules.taxonomy.version,
        "undo_seconds": rules.undo_seconds,
    }
    effect_at = await store.decide(connection, values)
    if effect_at is None:
        raise _stale()
    data = {"outcome": body.outcome, "reason": body.reason_code}
    await _record(connection, "appeal.decided", appeal, judge.id, data)
    told = {name: outcome[name] for name in ("reversed", "standing", "taken")}
    return AppealDecided(appeal_id=appeal, outcome=body.outcome, undo_until=effect_at, **told)


async def undo(connection: AsyncConnection, appeal: UUID, *, person: UUID) -> None:
    """Take an outcome back before it is carried out. Raises NotFoundError, UndoExpiredError."""
    await require(connection, appeal, person=person)
    if not await store.undo(connection, appeal, person=person):
        raise UndoExpiredError("this outcome can no longer be undone: it is being carried out, or is not yours")
    await _record(connection, "appeal.undone", appeal, person)


async def require(connection: AsyncConnection, appeal: UUID, *, person: UUID) -> Row[Any]:
    """The facts of an appeal on a case that this person may see. Raises NotFoundError for any other."""
    row = await store.facts(connection, appeal, person=person, overseeing=OVERSEEING)
    if row is None:
        raise NotFoundError(f"there is no appeal {appeal}")
    return row


def _outcome(row: Row[Any], body: AppealDecisionIn, taxonomy: Taxonomy) -> dict[str, Any]:
    """Which actions are reversed, stand and are taken, and what the content is. Raises UnknownLabelError, InvalidRequestError."""
    area = body.policy_area if body.policy_area is not None else row.policy_area
    severity = body.severity if body.severity is not None else row.severity
    right = {"right_area": area, "right_severity": severity}
    if row.side == "reporter":
        return right | _for_reporter(row, body, area, taxonomy)
    if body.actions:
        raise InvalidRequestError("actions: an appeal of the author adds none; name under standing what stays")
    enforcing = _enforcing(row.actions, taxonomy)
    standing = [action for action in row.actions if body.outcome == "upheld" or action in body.standing]
    if body.outcome == "upheld" and (area, severity) != (row.policy_area, row.severity):
        raise InvalidRequestError("policy_area: the decision holds, so leave out what differs from it")
    if body.outcome == "partly" and (set(body.standing) != set(standing) or not set(enforcing) - set(standing)):
        raise InvalidRequestError(f"standing: name some of {', '.join(row.actions)}, and not all")
    check_labels([] if body.outcome == "upheld" else standing, area, taxonomy)
    gone = [action for action in enforcing if action not in standing]
    return right | {"reversed": gone, "standing": standing, "taken": []}


def _for_reporter(row: Row[Any], body: AppealDecisionIn, area: str, taxonomy: Taxonomy) -> dict[str, Any]:
    if body.outcome == "partly":
        raise InvalidRequestError("outcome: nothing was done, so that nothing can stand in part; uphold or overturn")
    if body.outcome == "upheld":
        if body.actions or (area, body.severity) not in ((row.policy_area, None), (row.policy_area, row.severity)):
            raise InvalidRequestError("actions: the decision holds, so nothing is done and nothing differs from it")
        return {"reversed": [], "standing": list(row.actions), "taken": []}
    check_labels(body.actions, area, taxonomy)
    if not _enforcing(body.actions, taxonomy):
        raise InvalidRequestError("actions: name what is done, since the reporter is right")
    return {"reversed": [], "standing": [], "taken": list(dict.fromkeys(body.actions))}


def _enforcing(actions: list[str], taxonomy: Taxonomy) -> list[str]:
    enforces = {action.id for action in taxonomy.actions if action.enforces}
    return [action for action in actions if action in enforces]


async def _check_words(connection: AsyncConnection, explanation: str) -> None:
    """Refuse what must not leave the system."""
    found = kinds_of(explanation)
    if found:
        raise InvalidRequestError(f"explanation: it holds {' and '.join(found)}; it goes outside, so leave that out")
    name = await store.named_in(connection, explanation)
    if name is not None:
        raise InvalidRequestError(
            f"explanation: {name!r} is a user name of somebody here; say it without naming anybody"
        )


async def _shown(connection: AsyncConnection, token: UUID, person: UUID, blur: BlurRules) -> JudgedOut:
    row = await store.judged(connection, token, person=person)
    if row is None:
        raise _stale()
    known = dict(row._mapping)
    policy = {name: known.pop(f"policy_{name}") for name in ("title", "number", "body")}
    known["reports"] = [AppealReportOut(**report) for report in known["reports"]]
    known["text_now"] = None if known["text_now"] == known["text"] else known["text_now"]
    media = await media_of(connection, known.pop("evidence_id"), viewer=person, rules=blur)
    return JudgedOut(
        **known, media=media, policy=PolicyAtDecisionOut(**policy) if policy["title"] is not None else None
    )


def _claiming(person: UUID, token: UUID, terms: Terms) -> dict[str, Any]:
    return {"person": person, "overseeing": list(OVERSEEING), "token": token, "minutes": terms.minutes}


async def _record(
    connection: AsyncConnection, kind: str, appeal: UUID, person: UUID, data: dict[str, Any] | None = None
) -> None:
    # Not among the events of the case: those who check it blindly read these.
    await events.record(connection, kind, actor=person, data={"appeal": str(appeal)} | (data or {}))


def _same_person() -> SamePersonError:
    return SamePersonError("you had a part in what is appealed: somebody else has to decide")


def _stale() -> LeaseStaleError:
    return LeaseStaleError("this appeal is not in your hands any more: claim the next one")
