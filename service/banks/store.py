"""SQL of banks: what they are, their hashes, and how they do."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.pdq import BITS
from service.db import fetch

# Of decisions made while the match was known; those carried over to near-duplicates are not opinions of their own.
_BANKS = text("""
    WITH lately AS MATERIALIZED (
        SELECT h.bank_id, count(*) FILTER (WHERE m.acts) AS acting, count(*) FILTER (WHERE NOT m.acts) AS counted
        FROM bank_matches m JOIN bank_hashes h ON h.id = m.hash_id
        WHERE m.matched_at > now() - interval '7 days' GROUP BY 1
    ), judged AS MATERIALIZED (
        SELECT one.bank_id, count(*) AS decided, count(*) FILTER (WHERE one.right) AS right FROM (
            SELECT DISTINCT h.bank_id, d.id, d.policy_area = b.policy_area AS right
            FROM bank_matches m JOIN bank_hashes h ON h.id = m.hash_id JOIN hash_banks b ON b.id = h.bank_id
            JOIN evidence_media e ON e.media_id = m.media_id
            JOIN decisions d ON d.evidence_id = e.evidence_id AND d.decided_at > m.matched_at
            WHERE m.matched_at > now() - interval '90 days' AND d.basis = 'review'
              AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
        ) AS one GROUP BY 1
    )
    SELECT b.id, b.name, b.purpose, b.owner, b.policy_area, b.level, b.distance, b.match_share, b.active, b.disabled_note,
           b.made_at, coalesce(l.acting, 0) AS acting, coalesce(l.counted, 0) AS counted,
           coalesce(j.decided, 0) AS decided, coalesce(j.right, 0) AS right,
           (SELECT count(*) FROM bank_hashes h WHERE h.bank_id = b.id AND h.removed_at IS NULL) AS hashes,
           (SELECT count(*) FROM bank_hashes h WHERE h.bank_id = b.id AND h.removed_at IS NULL AND h.id > b.looked_for)
               AS waiting
    FROM hash_banks b LEFT JOIN lately l ON l.bank_id = b.id LEFT JOIN judged j ON j.bank_id = b.id
    WHERE CAST(:bank_id AS uuid) IS NULL OR b.id = :bank_id ORDER BY b.name
""")
_NAME = text("SELECT name FROM hash_banks WHERE id = :bank_id")
_OF_AREA = text("SELECT id, name FROM hash_banks WHERE policy_area = :area AND active ORDER BY name")
_COUNT = text("SELECT count(*) FROM hash_banks")
_BY_NAME = text("SELECT id FROM hash_banks WHERE name = :name")
_ADD_BANK = text("""
    INSERT INTO hash_banks (id, name, purpose, owner, policy_area, level, distance, match_share, made_by)
    VALUES (:id, :name, :purpose, :owner, :policy_area, :level, :distance, :match_share, :made_by)
    ON CONFLICT (name) DO NOTHING RETURNING id
""")
_LOCK_BANK = text("""
    SELECT id, name, purpose, owner, policy_area, level, distance, match_share, active, disabled_note FROM hash_banks
    WHERE id = :bank_id FOR NO KEY UPDATE
""")
# What is farther than before, or was not looked at while the bank was disabled, is looked for again.
_CHANGE_BANK = text("""
    UPDATE hash_banks SET purpose = :purpose, owner = :owner, level = :level, match_share = :match_share,
           distance = :distance, active = :active, disabled_note = :disabled_note, unsettled_since = clock_timestamp(),
           looked_for = CASE WHEN :distance > distance OR (:active AND NOT active) THEN 0 ELSE looked_for END
    WHERE id = :bank_id
""")
_ADD_CHANGE = text("""
    INSERT INTO bank_changes (bank_id, changed, note, made_by) VALUES (:bank_id, CAST(:changed AS jsonb), :note, :made_by)
""")
_CHANGES = text("""
    SELECT c.changed, c.note, p.username AS made_by, c.made_at
    FROM bank_changes c LEFT JOIN principals p ON p.id = c.made_by
    WHERE c.bank_id = :bank_id ORDER BY c.id DESC LIMIT :limit
""")
_ADD_HASHES = text(f"""
    INSERT INTO bank_hashes (bank_id, pdq, note, tags, confirmed, source, decision_id, added_by)
    SELECT CAST(:bank_id AS uuid), CAST(new.bits AS bit({BITS})), :note,
           coalesce(string_to_array(nullif(new.tags, ''), ' '), CAST(ARRAY[] AS text[])), new.confirmed,
           :source, CAST(:decision_id AS uuid), CAST(:added_by AS uuid)
    FROM unnest(CAST(:bits AS text[]), CAST(:tags AS text[]), CAST(:confirmed AS boolean[]))
         WITH ORDINALITY AS new (bits, tags, confirmed, place)
    ORDER BY new.place
    ON CONFLICT (bank_id, pdq) WHERE removed_at IS NULL DO NOTHING
    RETURNING id
""")  # noqa: S608 - put together from constants
# Of those that are in: a lead that is confirmed by now, and what nothing of ours was decided on.
_CONFIRM = text(f"""
    UPDATE bank_hashes h SET confirmed = true, decision_id = coalesce(h.decision_id, CAST(:decision_id AS uuid))
    FROM unnest(CAST(:bits AS text[]), CAST(:confirmed AS boolean[])) AS new (bits, confirmed)
    WHERE h.bank_id = :bank_id AND h.pdq = CAST(new.bits AS bit({BITS})) AND h.removed_at IS NULL AND new.confirmed
      AND (NOT h.confirmed OR (h.decision_id IS NULL AND CAST(:decision_id AS uuid) IS NOT NULL))
    RETURNING h.id
""")  # noqa: S608 - put together from constants
_STANDING = text(f"""
    SELECT id FROM bank_hashes
    WHERE bank_id = :bank_id AND pdq = CAST(CAST(:bits AS text) AS bit({BITS})) AND removed_at IS NULL
""")  # noqa: S608 - put together from constants
# What was decided here is not for others to take back.
_WITHDRAW = text(f"""
    UPDATE bank_hashes SET removed_at = now(), removed_by = :removed_by, removed_note = :note
    FROM unnest(CAST(:bits AS text[])) AS gone (bits)
    WHERE bank_id = :bank_id AND pdq = CAST(gone.bits AS bit({BITS})) AND removed_at IS NULL
      AND decision_id IS NULL
    RETURNING id
""")  # noqa: S608 - put together from constants
_REMOVE = text("""
    UPDATE bank_hashes SET removed_at = now(), removed_by = :removed_by, removed_note = :note
    WHERE id = :hash_id AND bank_id = :bank_id AND removed_at IS NULL RETURNING id
""")
_UNSETTLE = text("UPDATE hash_banks SET unsettled_since = clock_timestamp() WHERE id = :bank_id")
_HASHES = text("""
    SELECT id, CAST(pdq AS text) AS pdq, note, tags, confirmed, source, decision_id, added_at, removed_at, removed_note
    FROM bank_hashes WHERE bank_id = :bank_id AND (CAST(:before AS bigint) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit
""")
_EXPORTED = text("""
    SELECT CAST(pdq AS text) AS pdq, tags, confirmed FROM bank_hashes
    WHERE bank_id = :bank_id AND removed_at IS NULL ORDER BY id
""")
_DECIDED = text("""
    SELECT d.policy_area, d.undo_until > now() AS undoable, m.pdq_quality, CAST(m.pdq AS text) AS pdq,
           EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id) AS undone
    FROM decisions d JOIN evidence_media e ON e.evidence_id = d.evidence_id JOIN media m ON m.id = e.media_id
    WHERE d.id = :decision_id AND m.id = :media_id
      AND may_see_case(d.case_id, :viewer, CAST(:overseeing AS text[])) AND NOT is_kept_back(d.id, :viewer)
""")
# The nearest hash of each bank that acts. What was decided before on the picture: the decision that it was put into the bank
# for, else the newest one on a case whose picture is near the same hash.
_KNOWN = text("""
    SELECT DISTINCT ON (m.media_id, b.level, b.name) m.media_id, b.id AS bank_id, b.name AS bank, b.policy_area, b.level,
           m.distance, m.position_ms, h.note, h.source, h.confirmed, to_jsonb(earlier) AS earlier
    FROM bank_matches m JOIN bank_hashes h ON h.id = m.hash_id AND h.removed_at IS NULL
    JOIN hash_banks b ON b.id = h.bank_id AND b.active
    LEFT JOIN LATERAL (
        SELECT d.case_id, d.actions, d.policy_area, d.severity, d.decided_at, d.id IS NOT DISTINCT FROM h.decision_id AS own
        FROM (
            SELECT h.decision_id AS id
            UNION
            (SELECT made.id FROM bank_matches o JOIN evidence_media e ON e.media_id = o.media_id
             JOIN decisions made ON made.evidence_id = e.evidence_id
             WHERE o.hash_id = h.id ORDER BY made.decided_at DESC LIMIT :looked_at)
        ) AS candidates JOIN decisions d ON d.id = candidates.id
        WHERE d.case_id <> :case_id AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
          AND may_see_case(d.case_id, :viewer, CAST(:overseeing AS text[])) AND NOT is_kept_back(d.id, :viewer)
        ORDER BY own DESC, d.decided_at DESC LIMIT 1
    ) AS earlier ON true
    WHERE m.media_id = ANY(CAST(:media AS uuid[])) AND m.acts
    ORDER BY m.media_id, b.level DESC, b.name, earlier.case_id IS NULL, m.distance, h.id
""")


async def banks(connection: AsyncConnection, bank_id: UUID | None = None) -> Sequence[Row[Any]]:
    """Every bank by name, or the one of that id, with its figures."""
    return (await connection.execute(_BANKS, {"bank_id": bank_id})).all()


async def name_of(connection: AsyncConnection, bank_id: UUID) -> str | None:
    """What the bank is called; None when there is none."""
    found: str | None = (await connection.execute(_NAME, {"bank_id": bank_id})).scalar_one_or_none()
    return found


async def of_area(connection: AsyncConnection, area: str) -> Sequence[Row[Any]]:
    """(id, name) of the banks at work that hold pictures of the area, by name."""
    return (await connection.execute(_OF_AREA, {"area": area})).all()


async def count(connection: AsyncConnection) -> int:
    """How many banks there are."""
    return int((await connection.execute(_COUNT)).scalar_one())


async def by_name(connection: AsyncConnection, name: str) -> UUID | None:
    """The bank of that name."""
    found: UUID | None = (await connection.execute(_BY_NAME, {"name": name})).scalar_one_or_none()
    return found


async def add_bank(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Add a bank; False when the name is taken."""
    return (await connection.execute(_ADD_BANK, dict(values))).one_or_none() is not None


async def lock_bank(connection: AsyncConnection, bank_id: UUID) -> Row[Any] | None:
    """The bank, which nobody else changes or adds hashes to until this transaction ends."""
    return (await connection.execute(_LOCK_BANK, {"bank_id": bank_id})).one_or_none()


async def change_bank(connection: AsyncConnection, bank_id: UUID, values: Mapping[str, Any]) -> None:
    """Set the fields that can change; the worker takes them to matches and cases."""
    await connection.execute(_CHANGE_BANK, {**values, "bank_id": bank_id})


async def add_change(
    connection: AsyncConnection, bank_id: UUID, changed: Mapping[str, Any], *, note: str, made_by: UUID | None
) -> None:
    """Keep who changed what; `changed` holds (before, after) by field."""
    values = {"bank_id": bank_id, "changed": json.dumps(changed), "note": note, "made_by": made_by}
    await connection.execute(_ADD_CHANGE, values)


async def changes(connection: AsyncConnection, bank_id: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """(changed, note, made_by, made_at), the newest first."""
    return (await connection.execute(_CHANGES, {"bank_id": bank_id, "limit": limit})).all()


async def add_hashes(connection: AsyncConnection, values: Mapping[str, Any]) -> list[int]:
    """Add hashes that the bank does not have; `bits`, `tags` and `confirmed` are lists. Returns the ids of those added."""
    return list((await connection.execute(_ADD_HASHES, dict(values))).scalars())


async def confirm(connection: AsyncConnection, values: Mapping[str, Any]) -> list[int]:
    """Confirm hashes that the bank has as leads, and note a decision where there is none; returns the ids of those changed."""
    return list((await connection.execute(_CONFIRM, dict(values))).scalars())


async def standing(connection: AsyncConnection, bank_id: UUID, bits: str) -> int:
    """The id of a hash that the bank has."""
    return int((await connection.execute(_STANDING, {"bank_id": bank_id, "bits": bits})).scalar_one())


async def withdraw(
    connection: AsyncConnection, bank_id: UUID, bits: Sequence[str], *, removed_by: UUID | None, note: str
) -> int:
    """Take hashes out by their bits; returns how many were in."""
    values = {"bank_id": bank_id, "bits": list(bits), "removed_by": removed_by, "note": note}
    return len((await connection.execute(_WITHDRAW, values)).all())


async def remove(connection: AsyncConnection, bank_id: UUID, hash_id: int, *, removed_by: UUID, note: str) -> bool:
    """Take a hash out; False when it is not in."""
    values = {"bank_id": bank_id, "hash_id": hash_id, "removed_by": removed_by, "note": note}
    return (await connection.execute(_REMOVE, values)).one_or_none() is not None


async def unsettle(connection: AsyncConnection, bank_id: UUID) -> None:
    """Have the worker look which matches of the bank still act."""
    await connection.execute(_UNSETTLE, {"bank_id": bank_id})


async def hashes(connection: AsyncConnection, bank_id: UUID, *, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Hashes of a bank, removed ones too, the newest first."""
    return (await connection.execute(_HASHES, {"bank_id": bank_id, "before": before, "limit": limit})).all()


async def exported(connection: AsyncConnection, bank_id: UUID) -> AsyncGenerator[Row[Any]]:
    """(pdq, tags, confirmed) of every hash that is in, the oldest first."""
    async with connection.stream(_EXPORTED, {"bank_id": bank_id}, execution_options={"yield_per": 5_000}) as rows:
        async for row in rows:
            yield row


async def decided(connection: AsyncConnection, values: Mapping[str, Any]) -> Row[Any] | None:
    """(policy_area, undoable, undone, pdq, pdq_quality) of a picture in a decision that this person may see."""
    return (await connection.execute(_DECIDED, dict(values))).one_or_none()


async def known(connection: AsyncConnection, values: Mapping[str, Any]) -> list[Any]:
    """Banks that know a medium, the strongest first, one row for each."""
    return await fetch(connection, _KNOWN, values)
