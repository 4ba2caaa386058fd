"""Fills a database with cases as they come out of intake and scoring, in a few statements on the server."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from bench.database import connect
from labeling.taxonomy import load_taxonomy
from models.inference import ConstantScorer
from models.rank import RankConfig, RankInputs, rank
from service.cases.placing import Place, Scope, placed
from service.scoring.live_model import as_json

LANGUAGES = ["en", "es", "pt", "de", "fr", "id", "ms", "zh", "hi", "ta", "ko", "ar"]
CONSENT_AREA = "self_harm"

# The number of a row makes its identifier, in order, as a version 7 UUID would be.
_ID = "CAST('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"
_ROWS = (
    f"""INSERT INTO subjects (id, external_id, kind, author_id, created_at, views_per_hour)
    SELECT {_ID}, 'post-' || n, 'post', 'author-' || mod(n, 1000), now(), mod(n, 5000)
    FROM generate_series(1, %(cases)s) AS n""",  # noqa: S608 - no value of a caller is in it
    f"""INSERT INTO evidence (id, subject_id, content_hash, text, language, score_state, score, bundle, scored_at)
    SELECT {_ID}, {_ID}, sha256(convert_to(n::text, 'UTF8')), repeat('See you at the market. ', 5) || n, 'en', 'scored',
           CAST(%(score)s AS jsonb), 'bench', now()
    FROM generate_series(1, %(cases)s) AS n""",  # noqa: S608
    # Ranks without order in time; the first `leased` numbers are in somebody's hands, whatever their rank. Languages,
    # exposure and consent lie across the queue; every hundredth case has a deadline, far off but for one in ten thousand.
    f"""INSERT INTO cases (id, subject_id, evidence_id, queue, scope_id, status, rank_value, rank_base, rank, ranked_under,
                       views_per_hour, deadline, start_by, lease_token, lease_holder, lease_expires_at)
    SELECT {_ID}, {_ID}, {_ID}, 'default', (%(scopes)s::integer[])[1 + mod(abs(hashint8(n)), %(of_scopes)s)],
           CASE WHEN n <= %(leased)s THEN 'leased' ELSE 'open' END,
           %(value)s + hashint8(n) / 1e9, %(base)s + hashint8(n) / 1e9, CAST(%(rank)s AS jsonb), %(under)s,
           120, CASE WHEN mod(n, 100) = 0 THEN now() + interval '9 days' END,
           CASE WHEN mod(n, 10000) = 0 THEN now() - interval '1 minute' ELSE now() + interval '3 days' END
           + n * interval '1 millisecond',
           CASE WHEN n <= %(leased)s THEN {_ID} END, CASE WHEN n <= %(leased)s THEN CAST(%(holder)s AS uuid) END,
           CASE WHEN n <= %(leased)s THEN now() + interval '1 hour' + n * interval '1 millisecond' END
    FROM generate_series(1, %(cases)s) AS n""",  # noqa: S608
    f"""INSERT INTO leases (token, case_id, evidence_id, holder, rank_value, rank)
    SELECT {_ID}, {_ID}, {_ID}, %(holder)s, %(value)s, CAST(%(rank)s AS jsonb)
    FROM generate_series(1, %(leased)s) AS n""",  # noqa: S608
    f"""INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, case_status)
    SELECT {_ID}, {_ID}, {_ID}, 'user', 'harassment', 'seen today', 'reporter-' || n, %(holder)s, 'open'
    FROM generate_series(1, %(cases)s) AS n""",  # noqa: S608
    f"""INSERT INTO events (kind, case_id, actor)
    SELECT 'case.opened', {_ID}, %(holder)s FROM generate_series(1, %(cases)s) AS n""",  # noqa: S608
)
_MEDIA = """
    INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by)
    SELECT %(holder)s, '', 'image', 'image/png', 1, 1, 1, 1, 'none', %(holder)s
"""
_EXPOSURES = """
    INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, at, expires_at)
    SELECT gen_random_uuid(), %(holder)s, l.case_id, %(holder)s, l.token, 'bench', now() - n * interval '10 minutes',
           now() - n * interval '10 minutes' + interval '72 seconds'
    FROM generate_series(1, 50) AS n, (SELECT case_id, token FROM leases LIMIT 1) AS l
"""


def fill_cases(url: str, *, open_cases: int, leased: int, holder: UUID) -> None:
    """Add scored, ranked cases with subject, evidence, report and event each; `leased` more are held by `holder`."""
    taxonomy = load_taxonomy()
    scorer = ConstantScorer(taxonomy.area_ids, trained_areas=taxonomy.area_ids, bundle_hash="bench")
    # As a model leaves it: few areas are likely, about a dozen of them weigh enough to be kept with the rank.
    areas = {area: 0.6 / (place + 1) ** 2 for place, area in enumerate(taxonomy.area_ids)}
    score = as_json(replace(scorer.score([""])[0], areas=areas), scorer)
    inputs = RankInputs(
        score=score, reasons=["harassment"], views_per_hour=120, pictures=0, received_at=datetime.now(UTC)
    )
    ranked = rank(inputs, taxonomy, RankConfig())
    placed_as = placed(
        holder,
        ranked,
        views=120,
        place=Place("default", None, ""),
        scope=Scope("en", high_exposure=False, consent_area=""),
    )
    values: dict[str, Any] = {
        "base": placed_as.base,
        "under": placed_as.under,
        "cases": open_cases + leased,
        "leased": leased,
        "holder": holder,
        "score": json.dumps(score),
        "rank": json.dumps(ranked.parts),
        "value": ranked.value,
    }
    with connect(url) as connection:
        with connection.transaction():
            # Every reference in these rows is right by construction; checking each of a million takes minutes.
            connection.execute("SET LOCAL session_replication_role = replica")
            values["scopes"] = _scopes(connection)
            values["of_scopes"] = len(values["scopes"])
            for statement in _ROWS:
                connection.execute(statement, values)
        settle(connection)


def limit_reviewers(url: str, holders: Sequence[UUID]) -> None:
    """Give each holder half of the languages, one consent, and an hour of exposure in fifty pictures of today."""
    with connect(url) as connection:
        for holder in holders:
            connection.execute(
                "UPDATE principals SET languages = %s, consents = %s WHERE id = %s",
                [LANGUAGES[: len(LANGUAGES) // 2], [CONSENT_AREA], holder],
            )
            connection.execute(_MEDIA, {"holder": holder})
            connection.execute(_EXPOSURES, {"holder": holder})
        settle(connection)


def _scopes(connection: psycopg.Connection[Any]) -> list[int]:
    """Every language, a fifth of the cases with high exposure, a tenth asking for consent."""
    kinds = [(False, "")] * 7 + [(False, CONSENT_AREA), (True, ""), (True, "")]
    rows = [
        connection.execute("SELECT case_scope('default', %s, %s, %s)", [language, *kind]).fetchone()
        for language in LANGUAGES
        for kind in kinds
    ]
    return [int(row[0]) for row in rows if row is not None]


def settle(connection: psycopg.Connection[Any]) -> None:
    """Do now what the server would do in the background soon, in the middle of a measurement."""
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
