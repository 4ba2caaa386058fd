"""The search is exact: on real tables it finds what looking at every row finds, through the indexes."""

import json
import random
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from models import hamming, pdq, simhash
from service.db import create_engine
from service.similar import store
from tests.service.steps import query

ROWS = 3_000


@pytest.fixture
async def connection(database: str) -> AsyncIterator[AsyncConnection]:
    engine = create_engine(database, pool=1)
    async with engine.connect() as one:
        yield one
    await engine.dispose()


def around(centre: int, width: int, most: int, chance: random.Random) -> int:
    """A fingerprint that differs from another in up to so many bits."""
    return centre ^ sum(1 << place for place in chance.sample(range(width), chance.randint(0, most)))


def fingerprints(width: int, most: int) -> tuple[list[int], list[int]]:
    """Some to ask about, and many of which a part lies around them, at and beyond the radius."""
    chance = random.Random(width)
    centres = [chance.getrandbits(width) for _ in range(12)]
    many = [
        around(chance.choice(centres), width, most, chance) if number % 2 else chance.getrandbits(width)
        for number in range(ROWS)
    ]
    return centres, many


def add_texts(database: str, prints: list[int]) -> list[str]:
    """Evidence with these fingerprints, straight into the tables; returns the ids in the order given."""
    rows = query(
        database,
        """
        WITH made AS (
            SELECT number, gen_random_uuid() AS id, bits
            FROM unnest(CAST(%s AS text[])) WITH ORDINALITY AS given (bits, number)
        ), s AS (INSERT INTO subjects (id, external_id, kind) SELECT id, 'seeded-' || number, 'post' FROM made
        ), e AS (INSERT INTO evidence (id, subject_id, content_hash, text) SELECT id, id, '\\x00', 'text' FROM made
        ), p AS (INSERT INTO text_prints (evidence_id, simhash, made_at)
                 SELECT id, CAST(bits AS bit(64)), now() FROM made)
        SELECT CAST(id AS text) FROM made ORDER BY number
        """,
        [hamming.bits(one, simhash.BITS) for one in prints],
    )
    return [one for (one,) in rows]


def add_pictures(database: str, prints: list[int]) -> list[tuple[str, str, int]]:
    """Pictures with these fingerprints, straight into the table, a part of them of too little quality."""
    query(database, "INSERT INTO principals (id, username, role) VALUES (gen_random_uuid(), 'uploader', 'platform')")
    return query(
        database,
        """
        INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by, pdq, pdq_quality)
        SELECT gen_random_uuid(), '\\x00', 'image', 'image/png', 1, 1, 1, 1, 'x', p.id, CAST(bits AS bit(256)),
               40 + number %% 20
        FROM unnest(CAST(%s AS text[])) WITH ORDINALITY AS given (bits, number), principals p
        RETURNING CAST(id AS text), CAST(pdq AS text), pdq_quality
        """,
        [hamming.bits(one, pdq.BITS) for one in prints],
    )


@pytest.mark.parametrize("radius", [0, 3, 7, simhash.RADIUS])
async def test_texts_within_the_radius_are_found_and_no_others(
    database: str, connection: AsyncConnection, radius: int
) -> None:
    centres, many = fingerprints(simhash.BITS, 16)
    ids = dict(zip(add_texts(database, many), many, strict=True))
    for centre in centres:
        values = store.search_values(hamming.bits(centre, simhash.BITS), radius=radius) | {"most": ROWS}
        rows = (await connection.execute(text(store.NEAR_TEXTS), values)).all()
        expected = {one: (bits ^ centre).bit_count() for one, bits in ids.items()}
        assert {str(one): apart for one, apart in rows} == {
            one: apart for one, apart in expected.items() if apart <= radius
        }


async def test_pictures_within_the_radius_are_found_unless_there_is_too_little_in_them(
    database: str, connection: AsyncConnection
) -> None:
    centres, many = fingerprints(pdq.BITS, 45)
    rows = add_pictures(database, many)
    for centre in centres:
        found = await store.alike_pictures(connection, hamming.bits(centre, pdq.BITS), radius=pdq.RADIUS, most=ROWS)
        assert {str(one.id): one.distance for one in found} == {
            one: apart
            for one, bits, quality in rows
            if quality >= pdq.LEAST_QUALITY and (apart := (int(bits, 2) ^ centre).bit_count()) <= pdq.RADIUS
        }


@pytest.mark.parametrize(
    ("table", "statement", "width", "radius"),
    [
        ("text_prints", store.NEAR_TEXTS, simhash.BITS, simhash.RADIUS),
        ("media", store.NEAR_PICTURES, pdq.BITS, pdq.RADIUS),
    ],
)
async def test_the_search_reads_the_indexes_of_all_blocks(
    database: str, connection: AsyncConnection, table: str, statement: str, width: int, radius: int
) -> None:
    """The expressions of the query are those of the indexes; a full table is only where no index fits."""
    # Of a few rows, or of none, the planner takes whatever index it likes.
    add = add_texts if table == "text_prints" else add_pictures
    add(database, fingerprints(width, radius)[1])
    await connection.execute(text(f"ANALYZE {table}"))
    for name in ("enable_seqscan", "enable_indexscan"):
        await connection.execute(text(f"SET LOCAL {name} = off"))
    values = store._search(hamming.bits(5, width), width=width, radius=radius) | {"most": 10}
    plan = (await connection.execute(text(f"EXPLAIN (FORMAT json) {statement}"), values)).scalar_one()
    read = json.dumps(plan)
    assert "Seq Scan" not in read
    assert [one for one in range(width // hamming.BLOCK) if f'"{table}_block_{one}"' not in read] == [], read
