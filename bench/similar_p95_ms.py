"""How long the look for near-duplicates of a case takes among many: an absolute figure, exact search included."""

import statistics
import time
from uuid import UUID

import psycopg
import uvloop

from bench.database import connect, empty_database
from bench.measure import Result, hardware, say
from bench.people import add_accounts
from service.db import create_engine
from service.similar.workflow import similar

NAME = "similar_p95_ms"
WARM = 20

# Of a hundred texts one is a copy of one of a few originals, with some bits changed; the others are by themselves.
_FILL = """
    CREATE TEMPORARY TABLE made AS
    SELECT number, gen_random_uuid() AS id,
           (('x' || substr(md5(CASE WHEN number %% 100 = 0 THEN 'copy' || number %% 5000 ELSE 'own' || number END), 1, 16)
           )::bit(64)) # (CASE WHEN number %% 100 = 0 THEN (1::bigint << (number %% 61)::int) ELSE 0 END)::bit(64) AS print
    FROM generate_series(1, %(texts)s) AS number;
    INSERT INTO subjects (id, external_id, kind) SELECT id, 'seeded-' || number, 'post' FROM made;
    INSERT INTO evidence (id, subject_id, content_hash, text)
    SELECT id, id, '\\x00', repeat('a text of usual length, ', 6) || number FROM made;
    INSERT INTO text_prints (evidence_id, simhash, made_at) SELECT id, print, now() FROM made;
    INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank)
    SELECT id, id, id, 'default', 'open', number, '{}' FROM made;
    INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by, pdq, pdq_quality)
    SELECT gen_random_uuid(), '\\x00', 'image', 'image/png', 1, 1, 1, 1, number, p.id, bits, 100
    FROM generate_series(1, %(pictures)s) AS number, principals p,
         LATERAL (SELECT ('x' || encode(sha256(CAST(number AS text)::bytea), 'hex'))::bit(256) AS bits) AS drawn;
    INSERT INTO evidence_media (evidence_id, position, media_id)
    SELECT made.id, 1, m.id FROM made JOIN media m ON m.stored_as = CAST(made.number / 10 AS text) WHERE made.number %% 10 = 0;
"""


def run(*, quick: bool) -> Result:
    """The 95th percentile of asking for what is similar to a case; one in ten cases has a picture."""
    texts, times = (2_000, 40) if quick else (1_000_000, 1_000)
    with empty_database() as url:
        viewer = add_accounts(url, "reviewer", 1)[0].id
        say(f"{NAME}: filling {texts:,} texts and {texts // 10:,} pictures")
        cases = _fill(url, texts, times)
        say(f"{NAME}: asking for {times} cases")
        taken = sorted(uvloop.run(_ask(url, cases, viewer))[WARM:])
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * (len(taken) - 1))], 2),
        "texts": texts,
        "pictures": texts // 10,
        "times": len(taken),
    }
    return Result(NAME, taken[int(0.95 * (len(taken) - 1))], "ms", detail | hardware())


def _fill(url: str, texts: int, times: int) -> list[UUID]:
    with connect(url) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(_FILL, {"texts": texts, "pictures": texts // 10})
        for table in ("subjects", "evidence", "text_prints", "cases", "media", "evidence_media"):
            cursor.execute(f"VACUUM ANALYZE {table}")
        rows = cursor.execute("SELECT id FROM cases ORDER BY md5(CAST(id AS text)) LIMIT %s", [times]).fetchall()
    return [one for (one,) in rows]


async def _ask(url: str, cases: list[UUID], viewer: UUID) -> list[float]:
    engine = create_engine(url, pool=1)
    taken = []
    for case_id in cases:
        started = time.perf_counter()
        async with engine.begin() as connection:
            await similar(connection, case_id, viewer=viewer)
        taken.append(1000 * (time.perf_counter() - started))
    await engine.dispose()
    return taken
