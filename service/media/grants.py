"""Signed, short-lived permission to fetch one original. The exposure row it names is what counts; this only points."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

_SALT = "service.media.original"


@dataclass(frozen=True, slots=True)
class Grant:
    """Which person may fetch which picture, under which exposure row."""

    exposure_id: UUID
    media_id: UUID
    principal_id: UUID


def sign(grant: Grant, key: str) -> str:
    """The grant as text for an address."""
    return _serializer(key).dumps([grant.exposure_id.hex, grant.media_id.hex, grant.principal_id.hex])


def read(token: str, key: str) -> Grant | None:
    """The grant; None when we did not sign it."""
    try:
        exposure_id, media_id, principal_id = _serializer(key).loads(token)
        return Grant(UUID(exposure_id), UUID(media_id), UUID(principal_id))
    except (BadData, ValueError):
        return None


def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})
