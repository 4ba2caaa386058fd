"""SQL of blurred media: who may see which, their renderings, what is known of them, and wishes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_one
from service.media.derivatives import Variant
from service.security import ESCALATION_OVERSEERS, ESCALATION_WORKERS

# A picture is as hidden as the cases that show it and the escalations that it came with; one that neither shows is hidden
# from nobody.
_SEEN = text("""
    SELECT m.id, m.status, m.failure FROM media m
    LEFT JOIN evidence_media e ON e.media_id = m.id
    LEFT JOIN evidence v ON v.id = e.evidence_id
    LEFT JOIN cases c ON c.subject_id = v.subject_id
    LEFT JOIN escalation_attachments a ON a.media_id = m.id
    WHERE m.id = :id
      AND ((c.id IS NULL AND a.media_id IS NULL)
           OR (c.id IS NOT NULL AND may_see_case(c.id, :viewer, CAST(:overseeing AS text[])))
           OR (a.media_id IS NOT NULL
               AND EXISTS (SELECT FROM principals p WHERE p.id = :viewer AND p.role = ANY(CAST(:workers AS text[])))
               AND may_see_escalation(a.escalation_id, :viewer, CAST(:overseers AS text[]))))
    LIMIT 1
""")
_COLUMNS = """
    m.id, m.kind, m.mime, m.width, m.height, m.status, m.failure, m.duration_ms, m.sound, m.assess_state,
    m.assessment -> 'classes' AS classes, m.read_state, t.score ->> 'primary_area' AS text_area,
    ARRAY(SELECT line ->> 'text' FROM jsonb_array_elements(t.lines) WITH ORDINALITY AS one (line, place)
          ORDER BY place) AS lines,
    (SELECT array_agg(DISTINCT d.variant) FROM media_derivatives d WHERE d.media_id = m.id) AS variants
"""
_TEXTS = "LEFT JOIN media_texts t ON t.media_id = m.id AND m.read_state = 'read'"
_OF_EVIDENCE = text(f"""
    SELECT {_COLUMNS} FROM evidence_media e JOIN media m ON m.id = e.media_id {_TEXTS}
    WHERE e.evidence_id = :evidence_id ORDER BY e.position
""")  # noqa: S608 - put together from constants
_NAMED = text(f"""
    SELECT {_COLUMNS} FROM media m {_TEXTS} WHERE m.id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608 - put together from constants
# One row for each piece of evidence that shows the picture, with why its subject is or was last under review; one row
# without any for a picture that nothing shows. A case may have moved on to newer evidence, so it is found by its subject,
# and once it is decided by any of its reports.
_CONTEXTS = text("""
    WITH pictures AS MATERIALIZED (
        SELECT m.id, media_facts(m) AS facts FROM media m WHERE m.id = ANY(CAST(:ids AS uuid[]))
    )
    SELECT p.id AS media_id, p.facts, e.score -> 'areas' AS areas, coalesce(e.score_state = 'failed', false) AS failed,
           told.reasons, told.channels,
           EXISTS (SELECT FROM escalation_attachments a JOIN escalations x ON x.id = a.escalation_id
                   WHERE a.media_id = p.id AND x.path IS NOT NULL) AS restricted
    FROM pictures p LEFT JOIN evidence_media m ON m.media_id = p.id LEFT JOIN evidence e ON e.id = m.evidence_id
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT r.reason) AS reasons, array_agg(DISTINCT r.channel) AS channels
        FROM cases c JOIN reports r ON r.case_id = c.id
        WHERE c.subject_id = e.subject_id
          AND (c.status <> 'decided' OR c.evidence_id = e.id
               OR EXISTS (SELECT FROM reports o WHERE o.case_id = c.id AND o.evidence_id = e.id))
    ) AS told ON true
""")
_DERIVATIVE = text("""
    SELECT d.stored_as, d.mime FROM media_derivatives d
    WHERE d.media_id = :media_id AND d.variant = :variant AND d.level = :level
""")
# One's own wish, else that of the organisation.
_PREFERENCES = text("""
    SELECT level, colour, lines_first, mask_text FROM (
        SELECT 1 AS place, level, colour, lines_first, mask_text FROM media_preferences WHERE principal_id = :principal_id
        UNION ALL SELECT 2, level, colour, lines_first, mask_text FROM media_defaults
    ) AS found ORDER BY place LIMIT 1
""")
_DEFAULTS = text("""
    SELECT d.level, d.colour, d.lines_first, d.mask_text, p.username AS set_by, d.set_at
    FROM media_defaults d LEFT JOIN principals p ON p.id = d.set_by
""")
_SET_DEFAULTS = text("""
    INSERT INTO media_defaults (level, colour, lines_first, mask_text, set_by)
    VALUES (:level, :colour, :lines_first, :mask_text, :actor)
    ON CONFLICT (one) DO UPDATE SET level = EXCLUDED.level, colour = EXCLUDED.colour,
        lines_first = EXCLUDED.lines_first, mask_text = EXCLUDED.mask_text, set_by = EXCLUDED.set_by, set_at = now()
""")
_PREFER = text("""
    INSERT INTO media_preferences (principal_id, level, colour, lines_first, mask_text)
    VALUES (:principal_id, :level, :colour, :lines_first, :mask_text)
    ON CONFLICT (principal_id) DO UPDATE SET level = EXCLUDED.level, colour = EXCLUDED.colour,
        lines_first = EXCLUDED.lines_first, mask_text = EXCLUDED.mask_text, set_at = now()
""")


async def seen(
    connection: AsyncConnection, media_id: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """(id, status, failure) of a medium, if this person may see a case that shows it, or an escalation it came with."""
    values = {
        "id": media_id,
        "viewer": viewer,
        "overseeing": list(overseeing),
        "workers": list(ESCALATION_WORKERS),
        "overseers": list(ESCALATION_OVERSEERS),
    }
    return (await connection.execute(_SEEN, values)).one_or_none()


async def of_evidence(connection: AsyncConnection, evidence_id: UUID) -> list[Any]:
    """The media of one piece of evidence, in the order in which they were named."""
    return await fetch(connection, _OF_EVIDENCE, {"evidence_id": evidence_id})


async def named(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Any]:
    """The media of these ids."""
    return await fetch(connection, _NAMED, {"ids": list(ids)})


async def contexts(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Any]:
    """What is known wherever these are shown: (media_id, facts, areas, failed, reasons, channels), all but the first two
    None for one that nothing shows.
    """
    return await fetch(connection, _CONTEXTS, {"ids": list(ids)})


async def derivative(connection: AsyncConnection, media_id: UUID, *, variant: Variant, level: int) -> Row[Any] | None:
    """Where that derivative lies: (stored_as, mime)."""
    values = {"media_id": media_id, "variant": variant, "level": level}
    return (await connection.execute(_DERIVATIVE, values)).one_or_none()


async def preferences(connection: AsyncConnection, person: UUID) -> Any | None:
    """(level, colour, lines_first, mask_text) as that person set them, or the organisation; None when neither did."""
    return await fetch_one(connection, _PREFERENCES, {"principal_id": person})


async def prefer(connection: AsyncConnection, person: UUID, values: dict[str, Any]) -> None:
    """Keep how this person wants media shown."""
    await connection.execute(_PREFER, {**values, "principal_id": person})


async def defaults(connection: AsyncConnection) -> Row[Any] | None:
    """What the organisation set, by whom and when; None while it is as the product ships."""
    return (await connection.execute(_DEFAULTS)).one_or_none()


async def set_defaults(connection: AsyncConnection, values: dict[str, Any], *, actor: UUID) -> None:
    """Keep how the organisation wants media shown to those who never said it."""
    await connection.execute(_SET_DEFAULTS, {**values, "actor": actor})
