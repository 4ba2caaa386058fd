"""SQL of media: what was uploaded, its derivatives, what is known about their cases, and exposures."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_one
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
    SELECT m.id, m.status, m.failure FROM media m
    LEFT JOIN evidence_media e ON e.media_id = m.id
    LEFT JOIN evidence v ON v.id = e.evidence_id
    LEFT JOIN cases c ON c.subject_id = v.subject_id
    WHERE m.id = :id AND (c.id IS NULL OR may_see_case(c.id, :viewer, CAST(:overseeing AS text[])))
    LIMIT 1
""")
_OF_EVIDENCE = text("""
    SELECT m.id, m.kind, m.mime, m.width, m.height, m.status, m.failure, m.duration_ms, m.sound, m.assess_state,
           m.assessment -> 'classes' AS classes,
           (SELECT array_agg(DISTINCT d.variant) FROM media_derivatives d WHERE d.media_id = m.id) AS variants
    FROM evidence_media e JOIN media m ON m.id = e.media_id
    WHERE e.evidence_id = :evidence_id ORDER BY e.position
""")
# One row for each piece of evidence that shows the picture, with why its subject is or was last under review; one row
# without any for a picture that nothing shows. The open case may have moved on to newer evidence, so it is found by its
# subject.
_CONTEXTS = text("""
    WITH pictures AS MATERIALIZED (
        SELECT m.id, media_facts(m) AS facts FROM media m WHERE m.id = ANY(CAST(:ids AS uuid[]))
    )
    SELECT p.id AS media_id, p.facts, e.score -> 'areas' AS areas, coalesce(e.score_state = 'failed', false) AS failed,
           told.reasons, told.channels
    FROM pictures p LEFT JOIN evidence_media m ON m.media_id = p.id LEFT JOIN evidence e ON e.id = m.evidence_id
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT r.reason) AS reasons, array_agg(DISTINCT r.channel) AS channels
        FROM cases c JOIN reports r ON r.case_id = c.id
        WHERE c.evidence_id = e.id OR (c.subject_id = e.subject_id AND c.status <> 'decided')
    ) AS told ON true
""")
_DERIVATIVE = text("""
    SELECT d.stored_as, d.mime FROM media_derivatives d
    WHERE d.media_id = :media_id AND d.variant = :variant AND d.level = :level
""")
# Media of the case that is in somebody's hands, those of its older reports as well.
_SHOWN = """
    c.lease_token = :token AND c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now()
    AND EXISTS (
        SELECT FROM evidence_media e
        WHERE e.media_id = m.id
          AND (e.evidence_id = c.evidence_id
               OR e.evidence_id IN (SELECT r.evidence_id FROM reports r WHERE r.case_id = c.id)))
"""
_PLAIN = "d.media_id = m.id AND d.variant = 'colour' AND d.level = 0"
# One statement decides and records: the lease is live and the caller's, its case shows this medium, and there is something
# to be looked at: the file itself, or its small plain picture, which is what the lens looks at.
_EXPOSE = text(f"""
    INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, kind, level, expires_at)
    SELECT :id, m.id, c.id, c.lease_holder, c.lease_token, :reason,
           CASE WHEN CAST(:lens AS boolean) THEN 'lens' WHEN m.kind = 'image' THEN 'whole' ELSE m.kind END, :level,
           least(now() + make_interval(secs => CASE WHEN CAST(:lens AS boolean) OR m.kind = 'image' THEN :seconds
                                                    ELSE :clip_seconds END), c.lease_expires_at)
    FROM media m JOIN cases c ON {_SHOWN}
    WHERE m.id = :media_id AND m.status = 'ready'
      AND (NOT CAST(:lens AS boolean) OR EXISTS (SELECT FROM media_derivatives d WHERE {_PLAIN}))
    RETURNING case_id, expires_at, kind
""")  # noqa: S608 - put together from constants
_IN_HAND = text(f"""
    SELECT m.kind, m.status, m.failure FROM media m JOIN cases c ON {_SHOWN} WHERE m.id = :media_id
""")  # noqa: S608 - put together from constants
_EXPOSURE = text(f"""
    SELECT x.lease_token, x.kind, x.expires_at <= now() AS expired,
           EXISTS (SELECT FROM exposure_ends n WHERE n.exposure_id = x.id) AS ended,
           m.mime, m.stored_as, d.mime AS plain_mime, d.stored_as AS plain_stored_as
    FROM exposures x JOIN media m ON m.id = x.media_id LEFT JOIN media_derivatives d ON {_PLAIN}
    WHERE x.id = :id AND x.media_id = :media_id AND x.principal_id = :principal_id
""")  # noqa: S608 - put together from constants
_END = text("""
    WITH own AS (SELECT id FROM exposures WHERE id = :id AND principal_id = :principal_id
    ), ended AS (
        INSERT INTO exposure_ends (exposure_id, why) SELECT id, :why FROM own ON CONFLICT DO NOTHING
    )
    SELECT id FROM own
""")
_PREFERENCES = text(
    "SELECT level, colour, lines_first, mask_text FROM media_preferences WHERE principal_id = :principal_id"
)
_PREFER = text("""
    INSERT INTO media_preferences (principal_id, level, colour, lines_first, mask_text)
    VALUES (:principal_id, :level, :colour, :lines_first, :mask_text)
    ON CONFLICT (principal_id) DO UPDATE SET level = EXCLUDED.level, colour = EXCLUDED.colour,
        lines_first = EXCLUDED.lines_first, mask_text = EXCLUDED.mask_text, set_at = now()
""")


async def insert(connection: AsyncConnection, values: dict[str, Any], derivatives: Sequence[dict[str, Any]]) -> None:
    """Add a medium with what was made of it."""
    await connection.execute(_INSERT, values)
    await connection.execute(_INSERT_DERIVATIVE, list(derivatives))


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are uploaded media."""
    return set((await connection.execute(_KNOWN, {"ids": list(ids)})).scalars())


async def seen(
    connection: AsyncConnection, media_id: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """(id, status, failure) of a medium, if this person may see a case that shows it."""
    values = {"id": media_id, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_SEEN, values)).one_or_none()


async def of_evidence(connection: AsyncConnection, evidence_id: UUID) -> list[Any]:
    """The media of one piece of evidence, in the order in which they were named."""
    return await fetch(connection, _OF_EVIDENCE, {"evidence_id": evidence_id})


async def contexts(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Any]:
    """What is known wherever these are shown: (media_id, facts, areas, failed, reasons, channels), all but the first two
    None for one that nothing shows.
    """
    return await fetch(connection, _CONTEXTS, {"ids": list(ids)})


async def derivative(connection: AsyncConnection, media_id: UUID, *, variant: Variant, level: int) -> Row[Any] | None:
    """Where that derivative lies: (stored_as, mime)."""
    values = {"media_id": media_id, "variant": variant, "level": level}
    return (await connection.execute(_DERIVATIVE, values)).one_or_none()


async def expose(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Record an exposure under a live lease on a case with this medium: (case_id, expires_at, kind), or None."""
    return (await connection.execute(_EXPOSE, values)).one_or_none()


async def in_hand(connection: AsyncConnection, media_id: UUID, *, token: UUID, holder: UUID) -> Row[Any] | None:
    """(kind, status, failure) of a medium of the case under that live lease."""
    values = {"media_id": media_id, "token": token, "holder": holder}
    return (await connection.execute(_IN_HAND, values)).one_or_none()


async def exposure(connection: AsyncConnection, exposure_id: UUID, *, media_id: UUID, holder: UUID) -> Row[Any] | None:
    """The person's exposure to that medium, with where it and its plain derivative lie.

    (lease_token, kind, expired, ended, mime, stored_as, plain_mime, plain_stored_as)
    """
    values = {"id": exposure_id, "media_id": media_id, "principal_id": holder}
    return (await connection.execute(_EXPOSURE, values)).one_or_none()


async def end(connection: AsyncConnection, exposure_id: UUID, *, holder: UUID, why: str) -> bool:
    """Note the end of the person's exposure, unless it has one already; False when it is not theirs."""
    values = {"id": exposure_id, "principal_id": holder, "why": why}
    return (await connection.execute(_END, values)).one_or_none() is not None


async def preferences(connection: AsyncConnection, person: UUID) -> Any | None:
    """(level, colour, lines_first, mask_text) as that person set them; None when they never did."""
    return await fetch_one(connection, _PREFERENCES, {"principal_id": person})


async def prefer(connection: AsyncConnection, person: UUID, values: dict[str, Any]) -> None:
    """Keep how this person wants media shown."""
    await connection.execute(_PREFER, {**values, "principal_id": person})
