"""Wire types of webhooks."""

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict


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


class WebhookIn(BaseModel):
    """Where decisions are sent to."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[AnyHttpUrl, AfterValidator(_safe_address)]


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
    pending: int
    delivered: int
    failed: int


class WebhooksOut(BaseModel):
    """Every endpoint, newest first."""

    webhooks: list[WebhookOut]
