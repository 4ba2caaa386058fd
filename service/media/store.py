"""SQL of media: what was uploaded, its derivatives, what is known about their cases, and exposures."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.media.derivatives import Variant

_INSERT = text("""
    INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by, sample, pdq,
                       pdq_quality)
    VALUES (:id, :sha256, 'image', :mime, :width, :height, :frames, :bytes, :stored_as, :uploaded_by, :sample,
            CAST(CAST(:pdq AS text) AS bit(256)), :pdq_quality)
""")
_INSERT_DERIVATIVE = text("""
    INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)
    VALUES (:media_id, :variant, :level, :mime, :stored_as, :width, :height)
""")
_KNOWN = text("SELECT id FROM media WHERE id = ANY(CAST(:ids AS uuid[]))")
# A picture is as hidden as the cases that show it; one that no case shows is hidden from nobody.
_SEEN = text("""
    SELECT m.id FROM media m
    LEFT JOIN evidence_media e ON e.media_id = m.id
    LEFT JOIN evidence v ON v.id = e.evidence_id
    LEFT JOIN cases c ON c.subject_id = v.subject_id
    WHERE m.id = :id AND (c.id IS NULL OR may_see_case(c.id, :viewer, CAST(:overseeing AS text[])))
    LIMIT 1
""")
_OF_EVIDENCE = text("""
    SELECT m.id, m.kind, m.mime, m.width, m.height
    FROM evidence_media e JOIN media m ON m.id = e.media_id
    WHERE e.evidence_id = :evidence_id ORDER BY e.position
""")
# One row for each piece of evidence that shows the picture, with why its subject is or was last under review. The open
# case may have moved on to newer evidence, so it is found by its subject.
_CONTEXTS = text("""
    SELECT m.media_id, e.score, e.score_state = 'failed' AS failed,
           (SELECT array_agg(DISTINCT r.reason) FROM cases c JOIN reports r ON r.case_id = c.id
            WHERE c.evidence_id = e.id OR (c.subject_id = e.subject_id AND c.status <> 'decided')) AS reasons
    FROM evidence_media m JOIN evidence e ON e.id = m.evidence_id
    WHERE m.media_id = ANY(CAST(:ids AS uuid[]))
""")
_DERIVATIVE = text("""
    SELECT d.stored_as, d.mime FROM media_derivatives d
    WHERE d.media_id = :media_id AND d.variant = :variant AND d.level = :level
""")
# One statement decides and records: the lease is live and the caller's, and its case shows this picture.
_EXPOSE = text("""
    INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, expires_at)
    SELECT :id, :media_id, c.id, c.lease_holder, c.lease_token, :reason,
           least(now() + make_interval(secs => :seconds), c.lease_expires_at)
    FROM cases c
    WHERE c.lease_token = :token AND c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now()
      AND EXISTS (
          SELECT FROM evidence_media m
          WHERE m.media_id = :media_id
            AND (m.evidence_id = c.evidence_id
                 OR m.evidence_id IN (SELECT r.evidence_id FROM reports r WHERE r.case_id = c.id)))
    RETURNING case_id, expires_at
""")
_EXPOSURE = text("""
    SELECT x.lease_token, x.expires_at <= now() AS expired, m.mime, m.stored_as
    FROM exposures x JOIN media m ON m.id = x.media_id
    WHERE x.id = :id AND x.media_id = :media_id AND x.principal_id = :principal_id
""")


async def insert(connection: AsyncConnection, values: dict[str, Any], derivatives: Sequence[dict[str, Any]]) -> None:
    """Add a medium with what was made of it."""
    await connection.execute(_INSERT, values)
    await connection.execute(_INSERT_DERIVATIVE, list(derivatives))


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are uploaded media."""
    return set((await connection.execute(_KNOWN, {"ids": list(ids)})).scalars())


async def seen(connection: AsyncConnection, media_id: UUID, *, viewer: UUID, overseeing: Sequence[str]) -> bool:
    """Whether there is such a picture and this person may see a case that shows it."""
    values = {"id": media_id, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_SEEN, values)).one_or_none() is not None


async def of_evidence(connection: AsyncConnection, evidence_id: UUID) -> Sequence[Row[Any]]:
    """The pictures of one piece of evidence, in the order in which they were named."""
    return (await connection.execute(_OF_EVIDENCE, {"evidence_id": evidence_id})).all()


async def contexts(connection: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Score and reported reasons wherever these pictures are shown: (media_id, score, failed, reasons or None)."""
    return (await connection.execute(_CONTEXTS, {"ids": list(ids)})).all()


async def derivative(connection: AsyncConnection, media_id: UUID, *, variant: Variant, level: int) -> Row[Any] | None:
    """Where that derivative lies: (stored_as, mime)."""
    values = {"media_id": media_id, "variant": variant, "level": level}
    return (await connection.execute(_DERIVATIVE, values)).one_or_none()


async def expose(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Record an exposure under a live lease on a case with this picture: (case_id, expires_at), or None."""
    return (await connection.execute(_EXPOSE, values)).one_or_none()


async def exposure(connection: AsyncConnection, exposure_id: UUID, *, media_id: UUID, holder: UUID) -> Row[Any] | None:
    """The person's exposure to that picture: (lease_token, expired, mime, stored_as)."""
    values = {"id": exposure_id, "media_id": media_id, "principal_id": holder}
    return (await connection.execute(_EXPOSURE, values)).one_or_none()
