"""How long a search takes among many cases: the whole call, from the question to what is shown of its answers."""

import itertools
import statistics
import time
from uuid import UUID

import psycopg
import uvloop

from bench.database import connect, empty_database
from bench.measure import BenchError, Result, hardware, say
from bench.people import add_accounts
from labeling.taxonomy import load_taxonomy
from service.db import create_engine
from service.masking import configured
from service.search.schemas import CaseSearchIn
from service.search.workflow import SearchRules, search
from service.security import Principal
from service.settings import Settings

NAME = "search_p95_ms"

# Words by rank and how often: the first stand in many texts, the last in a few, as in any language (Zipf). One case in ten is
# decided with a note, one in twenty has a report with a rare word.
_FILL = """
    SELECT setseed(0.5);
    CREATE TEMPORARY TABLE made AS
    SELECT number, gen_random_uuid() AS id, now() - number * interval '1 minute' AS at FROM generate_series(1, %(cases)s) AS number;
    INSERT INTO subjects (id, external_id, kind, author_id)
    SELECT id, 'seeded-' || number, (ARRAY['post', 'comment', 'profile'])[1 + number %% 3], 'author_' || number %% 5000 FROM made;
    INSERT INTO evidence (id, subject_id, content_hash, text, language, score_state, score)
    SELECT id, id, '\\x00', (SELECT string_agg('word' || floor(exp(random() * 9.2))::int, ' ') FROM generate_series(1, 40 + number * 0)),
           (ARRAY['en', 'es', 'de'])[1 + number %% 3], 'scored',
           jsonb_build_object('primary_area', (ARRAY['spam', 'harassment', 'fraud_scam', 'self_harm'])[1 + number %% 4],
                              'severity', CASE WHEN number %% 49 = 8 THEN '[0, 0, 0, 0.2, 0.8]'::jsonb ELSE '[0.8, 0.2, 0, 0, 0]' END)
    FROM made;
    SELECT case_scope('default', language, false, '') FROM unnest(ARRAY['en', 'es', 'de']) AS language;
    INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank, opened_at, scope_id)
    SELECT id, id, id, 'default', CASE WHEN number %% 10 = 0 THEN 'decided' ELSE 'open' END, random(), '{}', at,
           case_scope('default', (ARRAY['en', 'es', 'de'])[1 + number %% 3], false, '') FROM made;
    INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, received_at, case_status)
    SELECT gen_random_uuid(), id, id, 'user', 'spam', CASE WHEN number %% 20 = 0 THEN 'rare' || number %% 1000 ELSE '' END,
           'reporter_' || number %% 9000, (SELECT p.id FROM principals p LIMIT 1), at, 'open' FROM made;
"""
_DECIDE = """
    INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank, ended_at, outcome)
    SELECT id, id, (SELECT p.id FROM principals p LIMIT 1), id, 0, '{}', now(), 'decided' FROM made WHERE number %% 10 = 0;
    INSERT INTO decisions (id, case_id, evidence_id, lease_token, decided_by, actions, policy_area, severity, note,
                           taxonomy_version, shown, undo_until)
    SELECT gen_random_uuid(), id, id, id, (SELECT p.id FROM principals p LIMIT 1), ARRAY['remove'], 'spam', 2,
           'noted word' || number %% 300, '1', '{}', now() FROM made WHERE number %% 10 = 0;
"""
# What people ask: common and rare words, several, other forms, parts of handles, filters that many and few fulfil, each order.
_ASKED = (
    ("word1", "relevance"),
    ("word4000", "relevance"),
    ("word12 word30", "relevance"),
    ("rare40", "newest"),
    ('"word2 word3"', "relevance"),
    ("word5 -word1 status:open", "newest"),
    ("author:thor_123", "newest"),
    ("reporter:reporter_77", "newest"),
    ("area:spam severity:>=3", "risk"),
    ("status:open", "risk"),
    ("lang:es kind:comment word20", "relevance"),
    ("decided:me action:remove", "newest"),
    ("noted status:decided", "relevance"),
    ("opened:7d -area:harassment", "newest"),
    ("area:self_harm severity:4 lang:de", "newest"),
    ("", "newest"),
)


def run(*, quick: bool) -> Result:
    """The 95th percentile over questions of many kinds, each asked again and again."""
    cases, times = (2_000, 2) if quick else (100_000, 15)
    with empty_database() as url:
        viewer = add_accounts(url, "lead", 1)[0].id
        say(f"{NAME}: filling {cases:,} cases")
        filling = _fill(url, cases)
        say(f"{NAME}: asking {times} times {len(_ASKED)} questions")
        taken = uvloop.run(_ask(url, viewer, times))
    every = sorted(itertools.chain.from_iterable(taken.values()))
    slowest = sorted(((statistics.median(of), asked) for asked, of in taken.items()), reverse=True)[:3]
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(every), 1),
        "p99_ms": round(every[int(0.99 * (len(every) - 1))], 1),
        "slowest": "; ".join(f"{' by '.join(asked)}: {of:.0f}" for of, asked in slowest),
        "cases": cases,
        "times": len(every),
        "index_ms_a_case": round(filling / cases, 2),
    }
    return Result(NAME, every[int(0.95 * (len(every) - 1))], "ms", detail | hardware())


def _fill(url: str, cases: int) -> float:
    """Returns the milliseconds that cases and their reports took, which is nearly all the making of what is searched."""
    with connect(url) as connection, psycopg.ClientCursor(connection) as cursor:
        started = time.perf_counter()
        cursor.execute(_FILL, {"cases": cases})
        filling = 1000 * (time.perf_counter() - started)
        cursor.execute(_DECIDE, {"cases": cases})
        for table in ("subjects", "evidence", "cases", "reports", "decisions", "search_documents"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    return filling


async def _ask(url: str, viewer: UUID, times: int) -> dict[tuple[str, str], list[float]]:
    engine = create_engine(url, pool=1)
    me = Principal(viewer, "bench-lead-0", "lead")
    rules = SearchRules(load_taxonomy(), configured(Settings()))
    taken: dict[tuple[str, str], list[float]] = {asked: [] for asked in _ASKED}
    for turn in range(times + 1):
        for said, order in _ASKED:
            started = time.perf_counter()
            async with engine.begin() as connection:
                found = await search(
                    connection, CaseSearchIn.model_validate({"query": said, "order": order}), me=me, rules=rules
                )
            if turn:
                taken[said, order].append(1000 * (time.perf_counter() - started))
            if not found.cases:
                raise BenchError(f"{said!r} found nothing, so that nothing is measured")
    await engine.dispose()
    return taken
