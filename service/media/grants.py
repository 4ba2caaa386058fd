"""Signed, short-lived permission to fetch one original. The exposure row it names is what counts; this only points."""

import hashlib
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

Way = Literal["whole", "lens"]

_SALT = "service.media.original"


@dataclass(frozen=True, slots=True)
class Grant:
    """Which person may fetch which medium, whole or through the lens, under which exposure row."""

    exposure_id: UUID
    media_id: UUID
    principal_id: UUID
    way: Way = "whole"


def sign(grant: Grant, key: str) -> str:
    """The grant as text for an address."""
    ids = [grant.exposure_id.hex, grant.media_id.hex, grant.principal_id.hex]
    return _serializer(key, grant.way).dumps(ids)


def read(token: str, key: str, *, way: Way) -> Grant | None:
    """The grant; None when we did not sign it, or for the other way of looking."""
    try:
        exposure_id, media_id, principal_id = _serializer(key, way).loads(token)
        return Grant(UUID(exposure_id), UUID(media_id), UUID(principal_id), way)
    except (BadData, ValueError):
        return None


def _serializer(key: str, way: Way) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=f"{_SALT}.{way}", signer_kwargs={"digest_method": hashlib.sha256})
