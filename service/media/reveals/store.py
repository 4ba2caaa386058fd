"""SQL of exposures: recorded under a live lease before anything is shown, and their ends."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

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
# The same under an appeal that is in somebody's hands: the media of what was decided on.
_SHOWN_ON_APPEAL = """
    a.lease_token = :token AND a.lease_holder = :holder AND a.status = 'open' AND a.lease_expires_at > now()
    AND EXISTS (SELECT FROM evidence_media e WHERE e.media_id = m.id AND e.evidence_id = a.evidence_id)
"""
_EXPOSE_ON_APPEAL = text(f"""
    INSERT INTO exposures (id, media_id, case_id, principal_id, appeal_claim, reason, kind, level, expires_at)
    SELECT :id, m.id, a.case_id, a.lease_holder, a.lease_token, :reason,
           CASE WHEN CAST(:lens AS boolean) THEN 'lens' WHEN m.kind = 'image' THEN 'whole' ELSE m.kind END, :level,
           least(now() + make_interval(secs => CASE WHEN CAST(:lens AS boolean) OR m.kind = 'image' THEN :seconds
                                                    ELSE :clip_seconds END), a.lease_expires_at)
    FROM media m JOIN appeals a ON {_SHOWN_ON_APPEAL}
    WHERE m.id = :media_id AND m.status = 'ready'
      AND (NOT CAST(:lens AS boolean) OR EXISTS (SELECT FROM media_derivatives d WHERE {_PLAIN}))
    RETURNING case_id, expires_at, kind
""")  # noqa: S608 - put together from constants
_IN_HAND = text(f"""
    SELECT m.kind, m.status, m.failure FROM media m JOIN cases c ON {_SHOWN} WHERE m.id = :media_id
    UNION ALL
    SELECT m.kind, m.status, m.failure FROM media m JOIN appeals a ON {_SHOWN_ON_APPEAL} WHERE m.id = :media_id
""")  # noqa: S608 - put together from constants
_EXPOSURE = text(f"""
    SELECT x.lease_token, x.appeal_claim IS NOT NULL AS on_appeal,
           EXISTS (SELECT FROM appeals a WHERE a.lease_token = x.appeal_claim AND a.lease_holder = x.principal_id
                   AND a.lease_expires_at > now()) AS appeal_live, x.kind, x.expires_at <= now() AS expired,
           EXISTS (SELECT FROM exposure_ends n WHERE n.exposure_id = x.id) AS ended,
           m.mime, m.stored_as, d.stored_as AS plain_stored_as
    FROM exposures x JOIN media m ON m.id = x.media_id LEFT JOIN media_derivatives d ON {_PLAIN}
    WHERE x.id = :id AND x.media_id = :media_id AND x.principal_id = :principal_id
""")  # noqa: S608 - put together from constants
_HOLDS_APPEAL = text("""
    SELECT EXISTS (SELECT FROM appeals
                   WHERE lease_token = :token AND lease_holder = :holder AND lease_expires_at > now() AND status = 'open')
""")
_END = text("""
    WITH own AS (SELECT id FROM exposures WHERE id = :id AND principal_id = :principal_id
    ), ended AS (
        INSERT INTO exposure_ends (exposure_id, why) SELECT id, :why FROM own ON CONFLICT DO NOTHING
    )
    SELECT id FROM own
""")


async def expose(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Record an exposure under a live lease on a case or an appeal with this medium: (case_id, expires_at, kind), or None."""
    row = (await connection.execute(_EXPOSE, values)).one_or_none()
    return row or (await connection.execute(_EXPOSE_ON_APPEAL, values)).one_or_none()


async def in_hand(connection: AsyncConnection, media_id: UUID, *, token: UUID, holder: UUID) -> Row[Any] | None:
    """(kind, status, failure) of a medium of the case under that live lease."""
    values = {"media_id": media_id, "token": token, "holder": holder}
    return (await connection.execute(_IN_HAND, values)).one_or_none()


async def holds_appeal(connection: AsyncConnection, token: UUID, *, holder: UUID) -> bool:
    """Whether this is the live lease of an appeal in this person's hands."""
    return bool((await connection.execute(_HOLDS_APPEAL, {"token": token, "holder": holder})).scalar_one())


async def exposure(connection: AsyncConnection, exposure_id: UUID, *, media_id: UUID, holder: UUID) -> Row[Any] | None:
    """The person's exposure to that medium, with where it and its plain derivative lie.

    (lease_token, on_appeal, appeal_live, kind, expired, ended, mime, stored_as, plain_stored_as)
    """
    values = {"id": exposure_id, "media_id": media_id, "principal_id": holder}
    return (await connection.execute(_EXPOSURE, values)).one_or_none()


async def end(connection: AsyncConnection, exposure_id: UUID, *, holder: UUID, why: str) -> bool:
    """Note the end of the person's exposure, unless it has one already; False when it is not theirs."""
    values = {"id": exposure_id, "principal_id": holder, "why": why}
    return (await connection.execute(_END, values)).one_or_none() is not None
