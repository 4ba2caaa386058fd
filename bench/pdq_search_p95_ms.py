"""How long it takes to look a picture up among a million hashes of banks, and whether everything near it is found."""

import statistics
import time
from collections.abc import Sequence

import numpy as np
import psycopg
import uvloop
from numpy.typing import NDArray

from bench.database import connect, empty_database
from bench.measure import BenchError, Result, hardware, say
from models import hamming, pdq
from service.banks.matching.store import near
from service.db import create_engine

NAME = "pdq_search_p95_ms"
WARM = 20
SEED = 20_261_130
# So many planted hashes lie around each picture that is asked about, up to a bit beyond the radius.
PLANTED = 4
BYTES = pdq.BITS // 8

Rows = NDArray[np.uint8]

_BANK = """
    INSERT INTO hash_banks (id, name, purpose, owner, policy_area)
    VALUES ('00000000-0000-7000-8000-000000000001', 'bench', 'bench', 'bench', 'bench')
"""
_COPY = "COPY bank_hashes (bank_id, pdq) FROM STDIN"
_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'bank_hashes' AND indexname LIKE 'bank_block%%'"
)


def run(*, quick: bool) -> Result:
    """The 95th percentile of the search; half of the pictures that are asked about have hashes planted near them."""
    count, times = (2_000, 40) if quick else (1_000_000, 1_000)
    chance = np.random.default_rng(SEED)
    asked = chance.integers(0, 256, size=(times + WARM, BYTES), dtype=np.uint8)
    stored = chance.integers(0, 256, size=(count, BYTES), dtype=np.uint8)
    stored[: PLANTED * len(asked[::2])] = _around(np.repeat(asked[::2], PLANTED, axis=0), chance)
    with empty_database() as url:
        say(f"{NAME}: filling {count:,} hashes")
        started = time.perf_counter()
        indexes = _fill(url, stored)
        filling = time.perf_counter() - started
        say(f"{NAME}: asking for {times} pictures")
        taken, found = uvloop.run(_ask(url, asked))
    expected = _by_brute_force(asked, stored)
    if any(set(found[place]) - set(expected[place]) for place in range(len(asked))):
        raise BenchError("the search found what is beyond the radius")
    near_ones = sum(map(len, expected))
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * (len(taken) - 1))], 2),
        "recall": sum(map(len, found)) / near_ones,
        "within_31_bits": near_ones,
        "hashes": count,
        "indexes_mb": round(indexes / 1e6),
        "filling_seconds": round(filling, 1),
        "times": len(taken),
    }
    return Result(NAME, taken[int(0.95 * (len(taken) - 1))], "ms", detail | hardware())


def _around(centres: Rows, chance: np.random.Generator) -> Rows:
    """Each row with 0 to 32 of its bits changed: the last are just too far."""
    changed = np.unpackbits(centres, axis=1)
    for place, row in enumerate(changed):
        row[chance.choice(pdq.BITS, size=place % (pdq.RADIUS + 2), replace=False)] ^= 1
    return np.packbits(changed, axis=1)


def _fill(url: str, stored: Rows) -> int:
    """Returns how many bytes all indexes of the hashes take."""
    with connect(url) as connection:
        connection.execute(_BANK)
        # Sixteen indexes are made sooner at once than row by row.
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(psycopg.sql.SQL("DROP INDEX {}").format(psycopg.sql.Identifier(name)))
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in np.unpackbits(stored, axis=1) + ord("0"):
                copy.write(b"00000000-0000-7000-8000-000000000001\t" + row.tobytes() + b"\n")
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE bank_hashes")
        [size] = connection.execute("SELECT pg_indexes_size('bank_hashes')").fetchone() or (0,)
    return int(size)


async def _ask(url: str, asked: Rows) -> tuple[list[float], list[list[int]]]:
    """Times in milliseconds, in order, and the numbers of the rows that were found for each, from 0."""
    engine = create_engine(url, pool=1)
    taken, found = [], []
    async with engine.connect() as connection:
        for row in asked:
            bits = hamming.bits(int.from_bytes(row.tobytes(), "big"), pdq.BITS)
            started = time.perf_counter()
            rows = await near(connection, bits)
            taken.append(1000 * (time.perf_counter() - started))
            found.append([one.id - 1 for one in rows])
    await engine.dispose()
    return sorted(taken[WARM:]), found


def _by_brute_force(asked: Rows, stored: Rows) -> Sequence[Sequence[int]]:
    """By counting the bits in which every row differs."""
    words = stored.view(np.uint64)
    return [
        np.flatnonzero(np.bitwise_count(words ^ row.view(np.uint64)).sum(axis=1) <= pdq.RADIUS).tolist()
        for row in asked
    ]
