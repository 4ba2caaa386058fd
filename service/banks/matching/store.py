"""SQL of matching: known pictures among the hashes of banks, and media that a new hash is near to.

Exact search by Hamming distance with plain indexes, block by block (models/hamming.py), as for near-duplicates.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models import hamming, pdq
from service.db import fetch

BLOCKS = range(pdq.BITS // hamming.BLOCK)
# Of the hashes of one bank that a picture is near to, the nearest so many are kept.
MOST_OF_A_BANK = 10
# Whoever adds a medium holds this lock with others until its transaction ends; the worker waits until all are gone that may
# not have seen the hashes in its hands.
_LOCK = "hashtextextended('bank matches', 0)"


def _looked_up(place: int) -> str:
    """The expression is that of the indexes in the migrations: written otherwise, every row would be read."""
    start, length = hamming.BLOCK * place + 1, hamming.BLOCK
    block = f"CAST(substring(pdq FROM {start} FOR {length}) AS bit({length}))::int"
    return f"({block}) = ANY(CAST(:at_{chr(97 + place)} AS int[]))"


_APART = f"bit_count(pdq # CAST(CAST(:bits AS text) AS bit({pdq.BITS})))"
_ANY_BLOCK = " OR ".join(map(_looked_up, BLOCKS))
# One block after the other, each from its own index and nothing else.
_FOUND = " UNION ALL ".join(
    f"(SELECT id, {_APART} AS distance FROM bank_hashes WHERE {_looked_up(place)} AND {_APART} <= {pdq.RADIUS})"  # noqa: S608
    for place in BLOCKS
)
NEAR = text(f"SELECT DISTINCT id, distance FROM ({_FOUND}) AS found")  # noqa: S608 - put together from constants
_PRINTS = text(f"""
    SELECT id AS media_id, 0 AS position_ms, CAST(pdq AS text) AS pdq FROM media
    WHERE id = ANY(CAST(:media AS uuid[])) AND pdq_quality >= {pdq.LEAST_QUALITY}
    UNION ALL
    SELECT media_id, position_ms, CAST(pdq AS text) FROM media_frames
    WHERE media_id = ANY(CAST(:media AS uuid[])) AND pdq_quality >= {pdq.LEAST_QUALITY}
    ORDER BY 1, 2
""")  # noqa: S608 - put together from constants
_HOLD = text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
_WAIT = text(f"SELECT pg_advisory_lock({_LOCK}), pg_advisory_unlock({_LOCK})")
# A removed hash, a disabled bank and one that wants its matches nearer find nothing.
_ADD_MATCHES = text("""
    WITH near AS (
        SELECT h.id, b.id AS bank_id, b.match_share, found.distance,
               row_number() OVER (PARTITION BY b.id ORDER BY found.distance, h.id) AS place
        FROM unnest(CAST(:ids AS bigint[]), CAST(:distances AS int[])) AS found (id, distance)
        JOIN bank_hashes h ON h.id = found.id AND h.removed_at IS NULL
        JOIN hash_banks b ON b.id = h.bank_id AND b.active AND found.distance <= b.distance
    )
    INSERT INTO bank_matches AS known (media_id, hash_id, position_ms, distance, acts)
    SELECT CAST(:media_id AS uuid), id, :position_ms, distance, bank_acts(:media_id, bank_id, match_share) FROM near
    WHERE place <= :most
    ON CONFLICT (media_id, hash_id) DO UPDATE SET position_ms = EXCLUDED.position_ms, distance = EXCLUDED.distance,
        acts = EXCLUDED.acts
    WHERE known.distance > EXCLUDED.distance
    RETURNING acts
""")
# The other way round: every medium that is near one hash, by its nearest frame.
_ADD_MEDIA = text(f"""
    WITH found AS (
        SELECT id AS media_id, 0 AS position_ms, {_APART} AS distance FROM media
        WHERE ({_ANY_BLOCK}) AND {_APART} <= :radius AND pdq_quality >= {pdq.LEAST_QUALITY}
        UNION ALL
        SELECT media_id, position_ms, {_APART} FROM media_frames
        WHERE ({_ANY_BLOCK}) AND {_APART} <= :radius AND pdq_quality >= {pdq.LEAST_QUALITY}
    )
    INSERT INTO bank_matches AS known (media_id, hash_id, position_ms, distance, acts)
    SELECT DISTINCT ON (media_id) media_id, CAST(:hash_id AS bigint), position_ms, distance,
           bank_acts(media_id, :bank_id, CAST(:match_share AS real))
    FROM found ORDER BY media_id, distance, position_ms
    ON CONFLICT (media_id, hash_id) DO UPDATE SET position_ms = EXCLUDED.position_ms, distance = EXCLUDED.distance,
        acts = EXCLUDED.acts
    RETURNING media_id, acts
""")  # noqa: S608 - put together from constants
# Where few wait they go first: what somebody has just put in does not wait for hours behind a list of a million.
_WAITING_BANK = text("""
    SELECT b.id, b.distance, b.match_share, b.looked_for FROM hash_banks b CROSS JOIN LATERAL (
        SELECT count(*) AS number
        FROM (SELECT FROM bank_hashes h WHERE h.bank_id = b.id AND h.id > b.looked_for LIMIT :limit + 1) AS few
    ) AS waiting
    WHERE b.active AND waiting.number > 0
    ORDER BY waiting.number, b.made_at, b.id LIMIT 1 FOR NO KEY UPDATE OF b SKIP LOCKED
""")
_WAITING_HASHES = text("""
    SELECT id, CAST(pdq AS text) AS pdq, removed_at IS NOT NULL AS removed FROM bank_hashes
    WHERE bank_id = :bank_id AND id > :looked_for ORDER BY id LIMIT :limit
""")
_LOOKED_FOR = text("UPDATE hash_banks SET looked_for = :last WHERE id = :bank_id")
_UNSETTLED = text("""
    SELECT id, CAST(unsettled_since AS text) AS since FROM hash_banks WHERE unsettled_since IS NOT NULL
    ORDER BY unsettled_since LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
""")
_SETTLE_MATCHES = text("""
    UPDATE bank_matches m SET acts = NOT m.acts FROM bank_hashes h JOIN hash_banks b ON b.id = h.bank_id
    WHERE h.id = m.hash_id AND b.id = :bank_id
      AND m.acts <> (b.active AND h.removed_at IS NULL AND m.distance <= b.distance
                     AND bank_acts(m.media_id, b.id, b.match_share))
""")
# Those whose match has just ceased to act as well.
_CASES_OF_BANK = text("""
    SELECT DISTINCT c.id FROM bank_hashes h JOIN bank_matches m ON m.hash_id = h.id
    JOIN evidence_media e ON e.media_id = m.media_id JOIN cases c ON c.evidence_id = e.evidence_id
    WHERE h.bank_id = :bank_id AND c.status <> 'decided'
""")
_SETTLED = text("""
    UPDATE hash_banks SET unsettled_since = NULL
    WHERE id = :bank_id AND unsettled_since = CAST(CAST(:since AS text) AS timestamptz)
""")
_LOCK_CASES_OF = text("""
    SELECT id FROM cases
    WHERE evidence_id IN (SELECT evidence_id FROM evidence_media WHERE media_id = ANY(CAST(:media AS uuid[])))
      AND status <> 'decided'
    ORDER BY id FOR NO KEY UPDATE
""")
_LOCK_CASES = text(
    "SELECT id FROM cases WHERE id = ANY(CAST(:cases AS uuid[])) AND status <> 'decided' ORDER BY id FOR NO KEY UPDATE"
)


def values_of(bits: str) -> dict[str, Any]:
    """What the searches ask the database for, about one fingerprint of zeros and ones."""
    probes = hamming.probes(int(bits, 2), width=pdq.BITS, radius=pdq.RADIUS)
    return {f"at_{chr(97 + place)}": block for place, block in enumerate(probes)} | {"bits": bits}


async def near(connection: AsyncConnection, bits: str) -> list[Any]:
    """(id, distance) of every hash, of whatever bank, that differs from the fingerprint in at most 31 bits."""
    return await fetch(connection, NEAR, values_of(bits))


async def prints(connection: AsyncConnection, media: Sequence[UUID]) -> list[Any]:
    """(media_id, position_ms, pdq) of these media and their frames, as far as there is enough in the picture to tell."""
    return await fetch(connection, _PRINTS, {"media": list(media)})


async def hold_back_the_worker(connection: AsyncConnection) -> None:
    """Until this transaction ends the worker is not done with hashes that this transaction may not have seen."""
    await fetch(connection, _HOLD)


async def wait_for_media(connection: AsyncConnection) -> None:
    """Wait for transactions under way that add media; those that begin later see every hash that is committed by now."""
    await connection.execute(_WAIT)


async def add_matches(connection: AsyncConnection, print_: Any, found: Sequence[Any]) -> bool:
    """Keep what one fingerprint of a medium is near to; whether any of that acts and was not known so near before."""
    values = {
        "media_id": print_.media_id,
        "position_ms": print_.position_ms,
        "ids": [one.id for one in found],
        "distances": [one.distance for one in found],
        "most": MOST_OF_A_BANK,
    }
    return any(row.acts for row in await connection.execute(_ADD_MATCHES, values))


async def add_media(connection: AsyncConnection, bank: Row[Any], hash_: Row[Any]) -> list[UUID]:
    """Keep which media one hash of a bank is near to, and return those on which that acts."""
    values = values_of(hash_.pdq) | {
        "hash_id": hash_.id,
        "bank_id": bank.id,
        "radius": bank.distance,
        "match_share": bank.match_share,
    }
    return [row.media_id for row in await connection.execute(_ADD_MEDIA, values) if row.acts]


async def waiting_bank(connection: AsyncConnection, *, limit: int) -> Row[Any] | None:
    """(id, distance, match_share, looked_for) of a bank with hashes that were not looked for, locked for this transaction.

    Banks with the fewest go first, as far as they have no more than `limit`.
    """
    return (await connection.execute(_WAITING_BANK, {"limit": limit})).one_or_none()


async def waiting_hashes(connection: AsyncConnection, bank: Row[Any], *, limit: int) -> Sequence[Row[Any]]:
    """(id, pdq, removed) of the next of them."""
    values = {"bank_id": bank.id, "looked_for": bank.looked_for, "limit": limit}
    return (await connection.execute(_WAITING_HASHES, values)).all()


async def looked_for(connection: AsyncConnection, bank_id: UUID, last: int) -> None:
    """Note that media were searched for every hash of the bank up to this one."""
    await connection.execute(_LOOKED_FOR, {"bank_id": bank_id, "last": last})


async def unsettled(connection: AsyncConnection) -> Row[Any] | None:
    """(id, since) of a bank that was changed, locked for this transaction."""
    return (await connection.execute(_UNSETTLED)).one_or_none()


async def settle(connection: AsyncConnection, bank_id: UUID) -> list[UUID]:
    """Let exactly those matches of the bank act that should by now; returns the undecided cases that have any of its matches."""
    await connection.execute(_SETTLE_MATCHES, {"bank_id": bank_id})
    return list((await connection.execute(_CASES_OF_BANK, {"bank_id": bank_id})).scalars())


async def settled(connection: AsyncConnection, bank_id: UUID, since: str) -> None:
    """Note that a change has reached everything, unless there was another one meanwhile."""
    await connection.execute(_SETTLED, {"bank_id": bank_id, "since": since})


async def lock_cases_of(connection: AsyncConnection, media: Sequence[UUID]) -> list[UUID]:
    """Lock the undecided cases that show any of these media, in one order for all callers."""
    return list((await connection.execute(_LOCK_CASES_OF, {"media": list(media)})).scalars())


async def lock_cases(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Lock those of the cases that are undecided, in one order for all callers."""
    return list((await connection.execute(_LOCK_CASES, {"cases": list(cases)})).scalars())
