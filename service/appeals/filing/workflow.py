"""Rules of filing appeals: by whom, against what, until when, and once.

An appeal can be filed against a decision that restricts, by the author, and against one that does not, by whoever reported the
content (Regulation (EU) 2022/2065, Art. 20(1)). The time runs for six months at least from the day on which that could first be
known (Art. 20(1) and (2)); the settings may lengthen it.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.appeals.filing import store
from service.appeals.schemas import AppealAccepted, AppealIn, AppealLinkIn, AppealLinkOut, AppealStatusOut, Side
from service.appeals.targets import target_of, targets
from service.errors.appeals import AppealClosedError, AppealFiledError, AppealWindowClosedError, NotAppealableError
from service.errors.requests import IdempotencyConflictError, NotFoundError
from service.ids import new_id
from service.outbox import workflow as outbox

APPEAL_FILED = "appeal.filed"
# Nobody was there to be told: whoever reads the log sees it.
APPEAL_UNTOLD = "appeal.untold"
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class FilingRules:
    """What appeals are filed under: the vocabulary, where messages are queued, and for how many months."""

    taxonomy: Taxonomy
    jobs: App
    months: int


@dataclass(frozen=True, slots=True)
class Filed:
    """An appeal as it comes in: by a machine of the platform with its key, or by an address."""

    body: AppealIn
    filed_by: UUID | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Appealable:
    """What an address is about, in what may be shown to whoever has it."""

    side: Side
    decision_id: UUID
    report_id: UUID | None
    subject_kind: str
    subject_id: str
    actions: list[str]
    policy_area: str
    decided_at: datetime
    until: datetime


async def make_link(
    connection: AsyncConnection, decision: UUID, body: AppealLinkIn, *, made_by: UUID, rules: FilingRules
) -> AppealLinkOut:
    """Make an address for whoever may appeal. Raises NotFoundError, NotAppealableError, AppealWindowClosedError."""
    row = await _standing(connection, decision, side=body.side, report=body.report_id, rules=rules)
    _require_appealable(row, body.side, rules.taxonomy)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    values = {
        "hash": hash_of(token),
        "decision_id": decision,
        "side": body.side,
        "report_id": body.report_id,
        "made_by": made_by,
        "until": row.until,
    }
    await store.add_link(connection, values)
    data = {"decision": str(decision), "side": body.side}
    await events.record(connection, "appeal.link_made", actor=made_by, data=data)
    return AppealLinkOut(path=f"/appeal/{token}", until=row.until)


async def opened(connection: AsyncConnection, token: str, *, rules: FilingRules) -> Appealable | None:
    """What may be appealed by this address; None for one that is unknown, used or too late, without saying which."""
    row = await store.standing_of_link(connection, hash_of(token), months=rules.months)
    if row is None or _why_not(row, row.side, rules.taxonomy) is not None:
        return None
    if await _answered(connection, row, row.side) is not None:
        return None
    return Appealable(**{name: getattr(row, name) for name in Appealable.__dataclass_fields__})


async def file_by_link(
    connection: AsyncConnection, token: str, said: dict[str, str], *, rules: FilingRules
) -> AppealAccepted | None:
    """File the appeal that somebody wrote at an address; None as `opened` does.

    The same words again, as when a page is loaded anew, are the same appeal.
    """
    row = await store.standing_of_link(connection, hash_of(token), months=rules.months)
    if row is None:
        return None
    body = AppealIn.model_validate(
        said | {"decision_id": row.decision_id, "side": row.side, "report_id": row.report_id}
    )
    before = await _answered(connection, row, row.side)
    if before is None and _why_not(row, row.side, rules.taxonomy) is None:
        made = await _store(connection, Filed(body), row, rules)
        if made is not None:
            return _accepted(made)
        # Sent twice at the same moment, and the other was faster.
        before = await _answered(connection, row, row.side)
    return _accepted(before) if before is not None and bytes(before.request_hash) == _hash(body) else None


async def file(connection: AsyncConnection, filed: Filed, *, rules: FilingRules) -> AppealAccepted:
    """File an appeal that the platform passes on; the same key and body again is the same appeal.

    Raises NotFoundError, NotAppealableError, AppealWindowClosedError, AppealFiledError, IdempotencyConflictError.
    """
    if (before := await _by_key(connection, filed)) is not None:
        return before
    body = filed.body
    row = await _standing(connection, body.decision_id, side=body.side, report=body.report_id, rules=rules)
    _require_appealable(row, body.side, rules.taxonomy)
    made = await _store(connection, filed, row, rules)
    if made is None:
        # The same call at the same moment was faster, or another appeal is there.
        if (before := await _by_key(connection, filed)) is not None:
            return before
        raise AppealFiledError("an appeal of this side is open already, or this appellant was answered before")
    return _accepted(made)


async def status_of(connection: AsyncConnection, appeal: UUID) -> AppealStatusOut:
    """How an appeal stands, for the platform: what can still be taken back is not told. Raises NotFoundError."""
    row = await store.status(connection, appeal)
    if row is None:
        raise NotFoundError(f"there is no appeal {appeal}")
    known = dict(row._mapping)
    told = known.pop("told_status")
    if known.pop("carried_out_at") is None:
        untold = ("outcome", "reason_code", "explanation", "reversed", "standing", "taken", "decided_at")
        known |= dict.fromkeys(untold)
    return AppealStatusOut(**known | {"status": told})


async def withdraw(connection: AsyncConnection, appeal: UUID, *, actor: UUID) -> None:
    """Withdraw an open appeal for whoever filed it. Raises NotFoundError, AppealClosedError."""
    case = await store.withdraw(connection, appeal)
    if case is None:
        await status_of(connection, appeal)
        raise AppealClosedError("this appeal is decided or was withdrawn before: it can no longer be withdrawn")
    await events.record(connection, "appeal.withdrawn", actor=actor, data={"appeal": str(appeal)})


def hash_of(token: str) -> bytes:
    """What is stored of an address."""
    return hashlib.sha256(token.encode()).digest()


async def _standing(
    connection: AsyncConnection, decision: UUID, *, side: Side, report: UUID | None, rules: FilingRules
) -> Row[Any]:
    values = {"decision_id": decision, "side": side, "report_id": report, "months": rules.months}
    row = await store.standing(connection, values)
    if row is None:
        raise NotFoundError(f"there is no decision {decision}")
    if report is not None and row.report_id is None:
        raise NotFoundError(f"there is no report {report} about what was decided")
    return row


def _require_appealable(row: Row[Any], side: Side, taxonomy: Taxonomy) -> None:
    why = _why_not(row, side, taxonomy)
    if why is not None:
        raise why


def _why_not(row: Row[Any], side: Side, taxonomy: Taxonomy) -> NotAppealableError | AppealWindowClosedError | None:
    enforces = any(action.enforces for action in taxonomy.actions if action.id in row.actions)
    if row.undone or row.undoable:
        return NotAppealableError("this decision was undone, or still can be: nobody outside knows of it")
    if side == "author" and not enforces:
        return NotAppealableError("this decision restricts nothing: there is nothing that its author could appeal")
    if side == "reporter" and (enforces or row.changed):
        return NotAppealableError("this report was acted on: a reporter can appeal where nothing was done")
    if row.late:
        return AppealWindowClosedError(f"appeals against this decision could be filed until {row.until.isoformat()}")
    return None


async def _answered(connection: AsyncConnection, row: Row[Any], side: Side) -> Row[Any] | None:
    return await store.answered(connection, row.decision_id, side=side, appellant=row.appellant, report=row.report_id)


async def _by_key(connection: AsyncConnection, filed: Filed) -> AppealAccepted | None:
    if filed.idempotency_key is None or filed.filed_by is None:
        return None
    row = await store.by_key(connection, filed.filed_by, filed.idempotency_key)
    if row is None:
        return None
    if bytes(row.request_hash) != _hash(filed.body):
        raise IdempotencyConflictError("this Idempotency-Key was used for another appeal; take a new one")
    return _accepted(row)


async def _store(connection: AsyncConnection, filed: Filed, row: Row[Any], rules: FilingRules) -> Row[Any] | None:
    appeal, body = new_id(), filed.body
    target = target_of(row.actions, rules.taxonomy)
    values = body.model_dump(exclude={"decision_id"}) | {
        "id": appeal,
        "appellant": row.appellant,
        "via": "link" if filed.filed_by is None else "api",
        "filed_by": filed.filed_by,
        "idempotency_key": filed.idempotency_key,
        "request_hash": _hash(body),
        "target": target,
        "hours": targets()[target].decide_hours,
        **{
            name: getattr(row, name)
            for name in ("decision_id", "case_id", "evidence_id", "severity", "actions", "policy_area")
        },
    }
    made = await store.file(connection, values)
    if made is None:
        return None
    data = {"appeal": str(appeal), "number": made.number, "decision": str(row.decision_id), "side": body.side}
    await events.record(connection, APPEAL_FILED, actor=filed.filed_by, data=data)
    message = {
        "appeal_id": str(appeal),
        "number": made.number,
        "reference": body.reference,
        "decision_id": str(row.decision_id),
        "case_id": str(row.case_id),
        "side": body.side,
        "report_id": None if row.report_id is None else str(row.report_id),
        "acknowledged_at": made.acknowledged_at.isoformat(),
        "due_at": made.due_at.isoformat(),
    }
    if not await outbox.publish(connection, rules.jobs, outbox.Message(APPEAL_FILED, message, case_id=row.case_id)):
        await events.record(connection, APPEAL_UNTOLD, data={"appeal": str(appeal)})
    return made


def _accepted(row: Row[Any]) -> AppealAccepted:
    return AppealAccepted(
        appeal_id=row.id, number=row.number, status=row.status, acknowledged_at=row.acknowledged_at, due_at=row.due_at
    )


def _hash(body: AppealIn) -> bytes:
    return hashlib.sha256(json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()).digest()
