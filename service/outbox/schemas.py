"""Wire types of webhooks."""

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field


def _safe_address(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password:
        raise ValueError("leave user name and password out of the address; verify the signature instead")
    host = (url.host or "").strip("[]")
    if url.scheme == "https" or host == "localhost":
        return url
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError("a webhook address must use https; http is allowed for this machine only")
    return url


def _distinct(kinds: list[str] | None) -> list[str] | None:
    return None if kinds is None else sorted(set(kinds))


# What an endpoint can choose to be told. A test message goes to whoever it is made for.
MessageKind = Literal[
    "decision.made",
    "case.shed",
    "case.unshed",
    "reply.sent",
    "appeal.filed",
    "appeal.decided",
    "crisis.told",
    "statement.made",
]
Kinds = Annotated[
    list[MessageKind] | None,
    Field(
        min_length=1, max_length=10, description="Kinds of messages that are sent; null for all, those to come as well."
    ),
    AfterValidator(_distinct),
]
State = Literal["pending", "sending", "delivered", "cancelled", "failed"]


class WebhookIn(BaseModel):
    """Where decisions are sent to."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[AnyHttpUrl, AfterValidator(_safe_address)]
    kinds: Kinds = None


class WebhookChangeIn(BaseModel):
    """What is named changes. While an endpoint is paused, its messages wait and none is lost."""

    model_config = ConfigDict(extra="forbid")

    paused: bool = False
    kinds: Kinds = None


class WebhookCreatedOut(BaseModel):
    """A new endpoint. The secret verifies signatures (Standard Webhooks) and is shown this once."""

    id: UUID
    url: str
    secret: str


class WebhookOut(BaseModel):
    """An endpoint and how its deliveries are doing."""

    id: UUID
    url: str
    active: bool
    created_at: datetime
    paused_at: datetime | None
    kinds: list[str] | None
    pending: int
    delivered: int
    failed: int
    last_success: datetime | None
    attempts_24h: Annotated[int, Field(description="Attempts of the last 24 hours, whatever came of them.")]
    failed_24h: Annotated[int, Field(description="Of these, the ones that the receiver did not answer with success.")]


class WebhooksOut(BaseModel):
    """Every endpoint, newest first."""

    webhooks: list[WebhookOut]


class EndpointRef(BaseModel):
    """The endpoint of a message."""

    id: UUID
    url: str
    active: bool


class DeadLetterOut(BaseModel):
    """A message that was given up. `attempts` are those since it was stored or last replayed, `error` is the last one."""

    message: UUID
    endpoint: EndpointRef
    kind: str
    decision_id: UUID | None
    case_id: UUID | None
    created_at: datetime
    attempts: int
    error: str | None


class DeadLettersOut(BaseModel):
    """Messages that were given up, oldest first."""

    dead_letters: list[DeadLetterOut]
    next: Annotated[UUID | None, Field(description="`after` of the next page; null on the last one.")]


class AttemptOut(BaseModel):
    """One attempt to deliver; `error` is null where the receiver answered with success.

    `status` is that of the answer, null where none came; of attempts before this was kept, both are null.
    """

    at: datetime
    error: str | None
    status: int | None
    milliseconds: int | None


class WebhookMessageOut(BaseModel):
    """A message and its newest 200 attempts, newest first, those before a replay included."""

    message: UUID
    endpoint: EndpointRef
    kind: str
    state: State
    decision_id: UUID | None
    case_id: UUID | None
    created_at: datetime
    deliver_after: datetime
    delivered_at: datetime | None
    attempts: list[AttemptOut]


class LoggedMessageOut(BaseModel):
    """A message and the last attempt to deliver it, if there was one."""

    message: UUID
    endpoint_id: UUID
    kind: str
    state: State
    case_id: UUID | None
    created_at: datetime
    deliver_after: datetime
    delivered_at: datetime | None
    last: AttemptOut | None


class DeliveryLogOut(BaseModel):
    """Messages of an endpoint, newest first."""

    messages: list[LoggedMessageOut]
    next: Annotated[UUID | None, Field(description="`after` of the next page; null on the last one.")]


class QueuedOut(BaseModel):
    """The message waits to be sent, under this id."""

    message: UUID


class DeadLetterReplayIn(BaseModel):
    """Optional: the closed endpoint whose messages this one takes over, with their ids and bodies."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[UUID | None, Field(alias="from")] = None


class ReplayedOut(BaseModel):
    """How many messages wait to be sent again, and how many of those asked for are still given up."""

    replayed: int
    left: int
