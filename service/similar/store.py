"""SQL of near-duplicates: exact search by Hamming distance, and decisions that are made for many cases at once.

A search looks fingerprints up block by block (models/hamming.py) and then counts the bits in which they differ.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models import hamming, pdq, simhash

TEXT_BLOCKS = simhash.BITS // hamming.BLOCK
PICTURE_BLOCKS = pdq.BITS // hamming.BLOCK


def _looked_up(column: str, place: int) -> str:
    """The expression is that of the index in the migration: written otherwise, every row would be read."""
    start, length = hamming.BLOCK * place + 1, hamming.BLOCK
    block = f"CAST(substring({column} FROM {start} FOR {length}) AS bit({length}))::int"
    return f"({block}) = ANY(CAST(:block_{place} AS int[]))"


def _apart(column: str, blocks: int) -> str:
    return f"bit_count({column} # CAST(CAST(:bits AS text) AS bit({hamming.BLOCK * blocks})))"


# One after the other, each from its own index and nothing else: together, the table would be read for every candidate.
NEAR_TEXTS = " UNION ".join(
    f"(SELECT evidence_id, {_apart('simhash', TEXT_BLOCKS)} AS distance FROM text_prints"  # noqa: S608 - constants
    f" WHERE {_looked_up('simhash', place)} AND {_apart('simhash', TEXT_BLOCKS)} <= :radius LIMIT :most)"
    for place in range(TEXT_BLOCKS)
)
NEAR_PICTURES = f"""
    SELECT media.id, {_apart("pdq", PICTURE_BLOCKS)} AS distance FROM media
    WHERE ({" OR ".join(_looked_up("pdq", place) for place in range(PICTURE_BLOCKS))})
      AND {_apart("pdq", PICTURE_BLOCKS)} <= :radius AND pdq_quality >= {pdq.LEAST_QUALITY} LIMIT :most
"""  # noqa: S608 - put together from constants
# The queues are few and looked at once; only of cases in none of those that this person may see is each one asked about.
VISIBLE = """
    (c.queue IN (SELECT q.name FROM queues q WHERE may_use_queue(q.name, :viewer, CAST(:overseeing AS text[])))
     OR may_see_case(c.id, :viewer, CAST(:overseeing AS text[])))"""
_SEED = text(f"""
    SELECT c.id, c.evidence_id, e.text, e.language, e.score, CAST(p.simhash AS text) AS simhash,
           p.evidence_id IS NOT NULL AND p.made_at IS NULL AS print_waits,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'pdq', CAST(m.pdq AS text), 'quality', m.pdq_quality)
                                      ORDER BY em.position), '[]')
            FROM evidence_media em JOIN media m ON m.id = em.media_id WHERE em.evidence_id = e.id) AS pictures
    FROM cases c JOIN evidence e ON e.id = c.evidence_id LEFT JOIN text_prints p ON p.evidence_id = e.id
    WHERE c.id = :case_id AND {VISIBLE}
""")  # noqa: S608 - put together from constants
_PICTURES = text(NEAR_PICTURES)
# Every piece of evidence that is near, by its nearer side; whichever case shows it now, or was decided on it.
_FOUND = f"""
    near AS MATERIALIZED (
        (SELECT evidence_id, distance, 'text' AS kind FROM ({NEAR_TEXTS}) AS texts)
        UNION ALL
        (SELECT em.evidence_id, alike.distance, 'image' FROM unnest(CAST(:media AS uuid[]), CAST(:distances AS int[]))
             AS alike (media_id, distance) JOIN evidence_media em ON em.media_id = alike.media_id
         LIMIT :most)
    ), found AS MATERIALIZED (
        SELECT DISTINCT ON (c.id) c.id, c.evidence_id, c.subject_id, c.status, c.opened_at, c.decided_at, c.special,
               c.report_count, near.distance, near.kind
        FROM near JOIN cases c ON c.evidence_id = near.evidence_id
        WHERE c.id <> :case_id AND {VISIBLE}
        ORDER BY c.id, near.kind DESC, near.distance
    )"""  # noqa: S608 - put together from constants
_SIMILAR = text(f"""
    WITH {_FOUND}, first AS MATERIALIZED (
        SELECT *, count(*) OVER () AS others, count(*) FILTER (WHERE status = 'decided') OVER () AS decided_others
        FROM found ORDER BY status = 'decided' DESC, distance, coalesce(decided_at, opened_at) DESC, id LIMIT :listed
    )
    SELECT first.*, s.kind AS subject_kind, to_jsonb(d) AS decided
    FROM first JOIN subjects s ON s.id = first.subject_id
    LEFT JOIN LATERAL (
        SELECT made.actions, made.policy_area, made.severity, made.decided_at FROM decisions made
        WHERE made.case_id = first.id AND first.status = 'decided'
          AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = made.id)
          AND NOT is_kept_back(made.id, :viewer)
        ORDER BY made.decided_at DESC LIMIT 1
    ) AS d ON true
    ORDER BY first.status = 'decided' DESC, first.distance, coalesce(first.decided_at, first.opened_at) DESC, first.id
""")  # noqa: S608 - put together from constants
_UNDECIDED = text(f"""
    WITH {_FOUND}, first AS MATERIALIZED (
        SELECT *, count(*) OVER () AS undecided, (SELECT count(*) FROM found WHERE status = 'decided') AS decided
        FROM found WHERE status <> 'decided' ORDER BY distance, opened_at, id LIMIT :listed
    )
    SELECT first.*, s.kind AS subject_kind, e.language, e.score,
           e.text = own.text OR coalesce({_apart("p.simhash", TEXT_BLOCKS)} <= :radius, false) AS alike_text,
           (SELECT count(*) = :pictures AND coalesce(bool_and(em.media_id = ANY(CAST(:media AS uuid[]))), true)
            FROM evidence_media em WHERE em.evidence_id = e.id) AS alike_pictures
    FROM first JOIN subjects s ON s.id = first.subject_id JOIN evidence e ON e.id = first.evidence_id
    LEFT JOIN text_prints p ON p.evidence_id = e.id AND CAST(:has_text AS boolean)
    JOIN evidence own ON own.id = :evidence_id
    ORDER BY first.distance, first.opened_at, first.id
""")  # noqa: S608 - put together from constants
# In one order for everybody who locks several. First the lock, then, in a statement of its own, the reading: it is of the
# rows as they are once they are locked.
_LOCK = text("SELECT id FROM cases WHERE id = ANY(CAST(:cases AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
_LOCKED = text(f"""
    SELECT c.id, c.status, c.evidence_id, c.special, {VISIBLE} AS visible FROM cases c
    WHERE c.id = ANY(CAST(:cases AS uuid[]))
""")  # noqa: S608 - put together from constants
# The claim's own copy of the rank, under a lease of its own that ends with the decision in this transaction.
_GRANT = text("""
    WITH granted AS (
        UPDATE cases SET status = 'leased', lease_token = :token, lease_holder = :holder,
               lease_expires_at = now() + interval '1 minute'
        WHERE id = :case_id AND status = 'open' AND evidence_id = :evidence_id
        RETURNING id, evidence_id, rank_value, rank, views_per_hour
    )
    INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank, lane)
    SELECT :token, id, :holder, evidence_id, rank_value,
           rank || jsonb_build_object('views_per_hour', greatest(
               views_per_hour, (rank ->> 'least_views_per_hour')::float8)), 'named'
    FROM granted RETURNING token
""")
_ADD_CLUSTER = text("""
    INSERT INTO cluster_decisions (id, decided_by, seed_case, decision_id, cases, previewed, radius, skipped, undo_until)
    SELECT :id, :decided_by, :seed_case, :decision_id, :cases, :previewed, :radius, CAST(:skipped AS jsonb), d.undo_until
    FROM decisions d WHERE d.id = :decision_id
""")
# All of its decisions say the same, so as long as one has to stay unknown to this person, so has the cluster.
_CLUSTER = text("""
    SELECT k.id, CASE WHEN may_see_case(k.seed_case, :viewer, CAST(:overseeing AS text[])) THEN k.seed_case END AS seed_case,
           (SELECT coalesce(jsonb_agg(s.one ORDER BY s.place), '[]')
            FROM jsonb_array_elements(k.skipped) WITH ORDINALITY AS s (one, place)
            WHERE may_see_case(CAST(s.one ->> 'case_id' AS uuid), :viewer, CAST(:overseeing AS text[]))) AS skipped,
           k.previewed, k.radius, k.made_at, k.undo_until, k.undone_at, k.decided_by = :viewer AS yours
    FROM cluster_decisions k
    WHERE k.id = :id AND NOT EXISTS (SELECT FROM decisions d WHERE d.cluster_id = k.id AND is_kept_back(d.id, :viewer))
""")
_DECISIONS = text(f"""
    SELECT d.id AS decision_id, d.case_id, d.actions, d.policy_area, d.severity, u.undone_at
    FROM decisions d JOIN cases c ON c.id = d.case_id LEFT JOIN decision_undos u ON u.decision_id = d.id
    WHERE d.cluster_id = :id AND {VISIBLE} ORDER BY d.basis = 'review' DESC, d.case_id
""")  # noqa: S608 - put together from constants
# By subject, which is what taking a decision back locks: two clusters that share subjects never wait for each other.
_STANDING = text("""
    SELECT d.id, d.case_id, u.undone_at FROM decisions d JOIN cases c ON c.id = d.case_id
    LEFT JOIN decision_undos u ON u.decision_id = d.id
    WHERE d.cluster_id = :id ORDER BY c.subject_id, d.case_id
""")
_BEGIN_UNDO = text("""
    UPDATE cluster_decisions SET undone_at = now(), undone_by = :person
    WHERE id = :id AND decided_by = :person AND undone_at IS NULL AND undo_until > now() RETURNING seed_case
""")
_TAKE_TEXTS = text("""
    SELECT e.id, e.text FROM text_prints p JOIN evidence e ON e.id = p.evidence_id
    WHERE p.made_at IS NULL ORDER BY p.evidence_id DESC LIMIT :limit FOR NO KEY UPDATE OF p SKIP LOCKED
""")
_SAVE_PRINTS = text("""
    UPDATE text_prints SET simhash = CAST(new.bits AS bit(64)), made_at = now()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:bits AS text[])) AS new (id, bits) WHERE evidence_id = new.id
""")
_WAITING = text("SELECT count(*) FROM text_prints WHERE made_at IS NULL")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and the roles that see queues which they could not take cases from."""

    id: UUID
    overseeing: Sequence[str] = ()

    def values(self) -> dict[str, Any]:
        """As the statements take it."""
        return {"viewer": self.id, "overseeing": list(self.overseeing)}


async def seed(connection: AsyncConnection, case_id: UUID, viewer: Viewer) -> Row[Any] | None:
    """What a case shows now, with its fingerprints; None when there is no such case for this person."""
    return (await connection.execute(_SEED, {"case_id": case_id} | viewer.values())).one_or_none()


async def alike_pictures(connection: AsyncConnection, bits: str, *, radius: int, most: int) -> Sequence[Row[Any]]:
    """(id, distance) of pictures within the radius, those with too little in them left out."""
    values = _search(bits, width=pdq.BITS, radius=radius) | {"most": most}
    return (await connection.execute(_PICTURES, values)).all()


async def similar(connection: AsyncConnection, values: Mapping[str, Any], *, listed: int) -> Sequence[Row[Any]]:
    """The first cases near the seed, decided ones in front; `others` and `decided_others` count all that were found."""
    return (await connection.execute(_SIMILAR, {**values, "listed": listed})).all()


async def undecided(connection: AsyncConnection, values: Mapping[str, Any], *, listed: int) -> Sequence[Row[Any]]:
    """The nearest cases without a decision and what tells them from the seed; `undecided` and `decided` count all."""
    return (await connection.execute(_UNDECIDED, {**values, "listed": listed})).all()


def search_values(bits: str | None, *, radius: int) -> dict[str, Any]:
    """What the search for texts takes; without a fingerprint it finds none."""
    if bits is None:
        blocks: dict[str, Any] = {f"block_{place}": [] for place in range(TEXT_BLOCKS)}
        return blocks | {"bits": hamming.bits(0, simhash.BITS), "radius": radius, "has_text": False}
    return _search(bits, width=simhash.BITS, radius=radius) | {"has_text": True}


async def lock(connection: AsyncConnection, cases: Sequence[UUID], viewer: Viewer) -> dict[UUID, Row[Any]]:
    """Lock these cases in one order for all callers: (id, status, evidence_id, special, visible) by id."""
    await connection.execute(_LOCK, {"cases": list(cases)})
    rows = await connection.execute(_LOCKED, {"cases": list(cases)} | viewer.values())
    return {row.id: row for row in rows}


async def grant(connection: AsyncConnection, *, case_id: UUID, evidence_id: UUID, token: UUID, holder: UUID) -> bool:
    """Lease a locked case for a decision in the same transaction; False when it is not open with that evidence."""
    values = {"case_id": case_id, "evidence_id": evidence_id, "token": token, "holder": holder}
    return (await connection.execute(_GRANT, values)).one_or_none() is not None


async def add_cluster(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep who decided what for how many; `skipped` is a list for JSON."""
    await connection.execute(_ADD_CLUSTER, {**values, "skipped": json.dumps(values["skipped"])})


async def cluster(connection: AsyncConnection, cluster_id: UUID, viewer: Viewer) -> Row[Any] | None:
    """A decision that was made for many cases, if there is one of that id; it names only cases that this person may see."""
    return (await connection.execute(_CLUSTER, {"id": cluster_id} | viewer.values())).one_or_none()


async def decisions(connection: AsyncConnection, cluster_id: UUID, viewer: Viewer) -> Sequence[Row[Any]]:
    """What was decided in it, on cases that this person may see; the case it started from in front."""
    return (await connection.execute(_DECISIONS, {"id": cluster_id} | viewer.values())).all()


async def standing(connection: AsyncConnection, cluster_id: UUID) -> Sequence[Row[Any]]:
    """(id, case_id, undone_at) of every decision in it, in the order in which they are taken back."""
    return (await connection.execute(_STANDING, {"id": cluster_id})).all()


async def begin_undo(connection: AsyncConnection, cluster_id: UUID, *, person: UUID) -> UUID | None:
    """Mark it as taken back: the case it started from, or None when it is not theirs, too late or done before."""
    return (await connection.execute(_BEGIN_UNDO, {"id": cluster_id, "person": person})).scalar_one_or_none()


async def take_texts(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Lock texts that nobody has looked at, newest first: (id, text). Others skip them until the transaction ends."""
    return (await connection.execute(_TAKE_TEXTS, {"limit": limit})).all()


async def save_prints(connection: AsyncConnection, ids: Sequence[UUID], bits: Sequence[str | None]) -> None:
    """Store fingerprints; None for texts too short to tell."""
    await connection.execute(_SAVE_PRINTS, {"ids": list(ids), "bits": list(bits)})


async def waiting(connection: AsyncConnection) -> int:
    """Texts that nobody has looked at."""
    return int((await connection.execute(_WAITING)).scalar_one())


def _search(bits: str, *, width: int, radius: int) -> dict[str, Any]:
    looked_up = hamming.probes(int(bits, 2), width=width, radius=radius)
    return {f"block_{place}": block for place, block in enumerate(looked_up)} | {"bits": bits, "radius": radius}
