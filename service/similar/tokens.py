"""What a preview showed, signed: a cluster decision decides these cases with this content and nothing else."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

# How long a preview may be looked at before it is decided on.
PREVIEW_SECONDS = 900
_SALT = "service.similar.preview"


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with the evidence it showed."""

    case_id: UUID
    evidence_id: UUID


@dataclass(frozen=True, slots=True)
class Preview:
    """Who was shown what: the seed first, then the cases that would be decided with it."""

    viewer: UUID
    radius: int
    seed: Shown
    others: tuple[Shown, ...]


def sign(preview: Preview, key: str) -> str:
    """The preview as text."""
    shown = [[one.case_id.hex, one.evidence_id.hex] for one in (preview.seed, *preview.others)]
    return _serializer(key).dumps([preview.viewer.hex, preview.radius, shown])


def read(token: str, key: str) -> Preview | None:
    """The preview; None when we did not sign it or it is too old."""
    try:
        viewer, radius, shown = _serializer(key).loads(token, max_age=PREVIEW_SECONDS)
        seed, *others = [Shown(UUID(case_id), UUID(evidence_id)) for case_id, evidence_id in shown]
        return Preview(UUID(viewer), int(radius), seed, tuple(others))
    except (BadData, ValueError, TypeError):
        return None


def _serializer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})
