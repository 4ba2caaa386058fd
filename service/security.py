"""Who is calling and what they may do: roles are sets of capabilities, and every route names the one it needs."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork, fetch_together
from service.errors.access import CrossSiteRequestError, ForbiddenError, NotSignedInError
from service.sessions import find_session, session_token, token_hash

API_KEY_PREFIX = "ct_"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Capability(StrEnum):
    """What a route can ask of its caller."""

    REPORT_WRITE = "report.write"
    MEDIA_WRITE = "media.write"
    MEDIA_PREVIEW = "media.preview"
    MEDIA_REVEAL = "media.reveal"
    SCORE = "score"
    QUEUE_READ = "queue.read"
    CASE_READ = "case.read"
    CASE_REVIEW = "case.review"
    LABELS_EXPORT = "labels.export"
    PEOPLE_MANAGE = "people.manage"
    WEBHOOKS_MANAGE = "webhooks.manage"
    MODELS_READ = "models.read"
    VIEWS_WRITE = "views.write"
    CLOCK_SET = "clock.set"
    CASE_BULK = "case.bulk"
    QUEUES_MANAGE = "queues.manage"
    SHED_MANAGE = "shed.manage"
    FLOOR_READ = "floor.read"
    POLICIES_MANAGE = "policies.manage"
    QA_REVIEW = "qa.review"
    QA_MANAGE = "qa.manage"
    QA_ADJUDICATE = "qa.adjudicate"
    SCORECARDS_READ = "scorecards.read"
    BANKS_READ = "banks.read"
    BANKS_ADD = "banks.add"
    BANKS_MANAGE = "banks.manage"
    AUDIT_READ = "audit.read"
    AUDIT_ALL = "audit.all"
    ESCALATION_OPEN = "escalation.open"
    ESCALATION_WORK = "escalation.work"
    ESCALATION_MANAGE = "escalation.manage"
    CONSULT_ANSWER = "consult.answer"
    CONSULT_READ = "consult.read"
    STATEMENTS_EXPORT = "statements.export"
    APPEAL_FILE = "appeal.file"
    APPEAL_DECIDE = "appeal.decide"
    SELF = "self"


_REVIEW = frozenset(
    {
        Capability.QUEUE_READ,
        Capability.CASE_READ,
        Capability.CASE_REVIEW,
        Capability.MEDIA_PREVIEW,
        Capability.MEDIA_REVEAL,
        Capability.QA_REVIEW,
        Capability.BANKS_READ,
        Capability.SELF,
    }
)

ROLES: dict[str, frozenset[Capability]] = {
    "platform": frozenset(
        {
            Capability.REPORT_WRITE,
            Capability.MEDIA_WRITE,
            Capability.VIEWS_WRITE,
            Capability.CLOCK_SET,
            Capability.SCORE,
            Capability.WEBHOOKS_MANAGE,
            Capability.ESCALATION_OPEN,
            Capability.STATEMENTS_EXPORT,
            Capability.APPEAL_FILE,
            Capability.SELF,
        }
    ),
    # Whoever may raise something may send what came with it.
    "reviewer": _REVIEW | {Capability.ESCALATION_OPEN, Capability.MEDIA_WRITE},
    "specialist": _REVIEW
    | {
        Capability.ESCALATION_OPEN,
        Capability.ESCALATION_WORK,
        Capability.CONSULT_READ,
        Capability.APPEAL_DECIDE,
        Capability.REPORT_WRITE,
        Capability.MEDIA_WRITE,
        Capability.SCORE,
        Capability.CLOCK_SET,
        Capability.CASE_BULK,
        Capability.QA_ADJUDICATE,
        Capability.BANKS_ADD,
    },
    # Legal, Public Policy, Sales, Product: asked about escalations, and shown what they are asked about.
    "adviser": frozenset({Capability.CONSULT_ANSWER, Capability.CONSULT_READ, Capability.SELF}),
    "lead": _REVIEW
    | {
        Capability.ESCALATION_OPEN,
        Capability.MEDIA_WRITE,
        Capability.ESCALATION_WORK,
        Capability.ESCALATION_MANAGE,
        Capability.CONSULT_ANSWER,
        Capability.CONSULT_READ,
        Capability.STATEMENTS_EXPORT,
        Capability.APPEAL_DECIDE,
        Capability.LABELS_EXPORT,
        Capability.SCORE,
        Capability.MODELS_READ,
        Capability.CLOCK_SET,
        Capability.CASE_BULK,
        Capability.QUEUES_MANAGE,
        Capability.SHED_MANAGE,
        Capability.FLOOR_READ,
        Capability.POLICIES_MANAGE,
        Capability.QA_MANAGE,
        Capability.QA_ADJUDICATE,
        Capability.SCORECARDS_READ,
        Capability.BANKS_ADD,
        Capability.BANKS_MANAGE,
        Capability.AUDIT_READ,
    },
    "ml": frozenset(
        {
            Capability.SCORE,
            Capability.LABELS_EXPORT,
            Capability.QUEUE_READ,
            Capability.MODELS_READ,
            Capability.SELF,
        }
    ),
    "admin": frozenset(
        {
            Capability.MODELS_READ,
            Capability.PEOPLE_MANAGE,
            Capability.QUEUES_MANAGE,
            Capability.FLOOR_READ,
            Capability.POLICIES_MANAGE,
            Capability.SCORECARDS_READ,
            Capability.BANKS_READ,
            Capability.BANKS_MANAGE,
            Capability.WEBHOOKS_MANAGE,
            Capability.AUDIT_READ,
            Capability.AUDIT_ALL,
            Capability.QUEUE_READ,
            Capability.LABELS_EXPORT,
            Capability.SCORE,
            Capability.SELF,
        }
    ),
}


# Roles that work on escalations, and those that oversee what is confidential among them.
ESCALATION_WORKERS = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_WORK in may)
ESCALATION_OVERSEERS = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_MANAGE in may)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a person or a machine with exactly one role; `scopes` are those of the key, None for all of the role."""

    id: UUID
    username: str
    role: str
    scopes: frozenset[str] | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the role allows, as far as the key does too; nothing for a role that no longer exists."""
        allowed = ROLES.get(self.role, frozenset())
        return allowed if self.scopes is None else frozenset(one for one in allowed if one in self.scopes)


def new_api_key() -> str:
    """A key of 256 random bits; only its hash is ever stored."""
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


_BY_KEY = text(
    "SELECT p.id, p.username, p.role, k.scopes,"
    " coalesce(k.last_used_at < now() - interval '1 minute', true) AS use_unnoted"
    " FROM api_keys k JOIN principals p ON p.id = k.principal_id"
    " WHERE k.key_hash = :hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND p.active"
)
# Once a minute at most, and nobody waits for another call with the same key: it may be in a long transaction.
_NOTE_USE = text(
    "UPDATE api_keys SET last_used_at = now() WHERE key_hash ="
    " (SELECT key_hash FROM api_keys WHERE key_hash = :hash"
    " AND coalesce(last_used_at < now() - interval '1 minute', true) FOR NO KEY UPDATE SKIP LOCKED)"
    " RETURNING true AS noted"
)


async def find_principal(request: Request, connection: AsyncConnection) -> Principal | None:
    """The caller by bearer key or, failing that, by session cookie; None when neither is given or known."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return await _find_by_key(connection, token_hash(key.strip()))
    if token := session_token(request):
        refuse_cross_site(request)
        found = await find_session(request, connection, token)
        return Principal(found.id, found.username, found.role) if found else None
    return None


async def _find_by_key(connection: AsyncConnection, key_hash: bytes) -> Principal | None:
    # Mostly the first statement of its transaction: together, so that the BEGIN is no round trip of its own.
    [rows] = await fetch_together(connection, (_BY_KEY, {"hash": key_hash}))
    if not rows:
        return None
    found = rows[0]
    if found.use_unnoted:
        await fetch_together(connection, (_NOTE_USE, {"hash": key_hash}))
    scopes = None if found.scopes is None else frozenset(found.scopes)
    return Principal(found.id, found.username, found.role, scopes)


async def identify(request: Request, connection: AsyncConnection, capability: Capability) -> Principal:
    """The caller, who must have the capability. Raises NotSignedInError, ForbiddenError, CrossSiteRequestError."""
    return _allowed(await find_principal(request, connection), capability)


def refuse_cross_site(request: Request) -> None:
    """Stop a state-changing call that another site's page makes with this browser's cookie.

    Browsers send `Sec-Fetch-Site`, and `Origin` with every POST (OWASP, cross-site request forgery prevention); a
    caller that sends neither is no browser page.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    # Both have to hold, so a proxy in front must pass the Host header through.
    same_origin = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if (site is not None and site not in {"same-origin", "none"}) or not same_origin:
        raise CrossSiteRequestError("this call came from another site; open the console directly")


def require(capability: Capability) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives the caller, or answers 401 or 403."""

    async def caller(request: Request, connection: UnitOfWork) -> Principal:
        return _allowed(await find_principal(request, connection), capability)

    caller.capability = capability  # type: ignore[attr-defined]
    return caller


def require_first(capability: Capability) -> Callable[..., Awaitable[Principal]]:
    """As `require`, in a transaction that ends before the handler begins.

    For handlers that wait long for something else: they must not keep a database connection to themselves.
    """

    async def caller(request: Request) -> Principal:
        async with request.app.state.engine.begin() as connection:
            return _allowed(await find_principal(request, connection), capability)

    caller.capability = capability  # type: ignore[attr-defined]
    return caller


def _allowed(principal: Principal | None, capability: Capability) -> Principal:
    if principal is None:
        raise NotSignedInError(
            "send a valid key as 'Authorization: Bearer <key>' or sign in; it may be unknown, expired or revoked"
        )
    if capability not in principal.capabilities:
        if capability in ROLES.get(principal.role, ()):
            raise ForbiddenError(
                f"this key of role {principal.role!r} is not made for {capability.value!r}: it is not in its scopes"
            )
        raise ForbiddenError(f"role {principal.role!r} lacks the capability {capability.value!r}")
    return principal


def require_whole(caller: Principal, role: str) -> None:
    """Refuse a key with scopes what would open an account of that role, if it manages people. Raises ForbiddenError.

    With such an account, or a password or key of one, the key could do all that it was not made for.
    """
    if caller.scopes is not None and Capability.PEOPLE_MANAGE in ROLES.get(role, frozenset()):
        raise ForbiddenError(
            f"a key with scopes opens no account of the role {role!r}: sign in, or use a key for everything the role may do"
        )


ReportWriter = Annotated[Principal, Depends(require(Capability.REPORT_WRITE))]
MediaWriter = Annotated[Principal, Depends(require_first(Capability.MEDIA_WRITE))]
MediaViewer = Annotated[Principal, Depends(require(Capability.MEDIA_PREVIEW))]
FirstViewer = Annotated[Principal, Depends(require_first(Capability.MEDIA_PREVIEW))]
FirstRevealer = Annotated[Principal, Depends(require_first(Capability.MEDIA_REVEAL))]
MediaRevealer = Annotated[Principal, Depends(require(Capability.MEDIA_REVEAL))]
ScoreCaller = Annotated[Principal, Depends(require_first(Capability.SCORE))]
QueueReader = Annotated[Principal, Depends(require(Capability.QUEUE_READ))]
CaseReader = Annotated[Principal, Depends(require(Capability.CASE_READ))]
CaseReviewer = Annotated[Principal, Depends(require(Capability.CASE_REVIEW))]
LabelExporter = Annotated[Principal, Depends(require(Capability.LABELS_EXPORT))]
PeopleManager = Annotated[Principal, Depends(require(Capability.PEOPLE_MANAGE))]
WebhookManager = Annotated[Principal, Depends(require(Capability.WEBHOOKS_MANAGE))]
ModelReader = Annotated[Principal, Depends(require(Capability.MODELS_READ))]
FirstModelReader = Annotated[Principal, Depends(require_first(Capability.MODELS_READ))]
ViewsWriter = Annotated[Principal, Depends(require_first(Capability.VIEWS_WRITE))]
ClockSetter = Annotated[Principal, Depends(require(Capability.CLOCK_SET))]
BulkDecider = Annotated[Principal, Depends(require(Capability.CASE_BULK))]
QueueManager = Annotated[Principal, Depends(require(Capability.QUEUES_MANAGE))]
ShedManager = Annotated[Principal, Depends(require(Capability.SHED_MANAGE))]
FloorReader = Annotated[Principal, Depends(require(Capability.FLOOR_READ))]
FirstFloorReader = Annotated[Principal, Depends(require_first(Capability.FLOOR_READ))]
PolicyManager = Annotated[Principal, Depends(require(Capability.POLICIES_MANAGE))]
QaReviewer = Annotated[Principal, Depends(require(Capability.QA_REVIEW))]
QaManager = Annotated[Principal, Depends(require(Capability.QA_MANAGE))]
QaAdjudicator = Annotated[Principal, Depends(require(Capability.QA_ADJUDICATE))]
ScorecardReader = Annotated[Principal, Depends(require(Capability.SCORECARDS_READ))]
BanksReader = Annotated[Principal, Depends(require(Capability.BANKS_READ))]
BanksAdder = Annotated[Principal, Depends(require(Capability.BANKS_ADD))]
BanksManager = Annotated[Principal, Depends(require(Capability.BANKS_MANAGE))]
BanksImporter = Annotated[Principal, Depends(require_first(Capability.BANKS_MANAGE))]
AuditReader = Annotated[Principal, Depends(require(Capability.AUDIT_READ))]
EscalationOpener = Annotated[Principal, Depends(require(Capability.ESCALATION_OPEN))]
EscalationWorker = Annotated[Principal, Depends(require(Capability.ESCALATION_WORK))]
FirstEscalationWorker = Annotated[Principal, Depends(require_first(Capability.ESCALATION_WORK))]
EscalationManager = Annotated[Principal, Depends(require(Capability.ESCALATION_MANAGE))]
ConsultReader = Annotated[Principal, Depends(require(Capability.CONSULT_READ))]
ConsultAnswerer = Annotated[Principal, Depends(require(Capability.CONSULT_ANSWER))]
StatementsExporter = Annotated[Principal, Depends(require(Capability.STATEMENTS_EXPORT))]
AppealFiler = Annotated[Principal, Depends(require(Capability.APPEAL_FILE))]
AppealDecider = Annotated[Principal, Depends(require(Capability.APPEAL_DECIDE))]
SignedIn = Annotated[Principal, Depends(require(Capability.SELF))]
