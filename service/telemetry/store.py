"""SQL of view telemetry: the rate of a subject, and the place of its case, which follows from it by one addition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of views by column, one row for each subject; `levels` are what they add to a rank."""

    kinds: Sequence[str]
    ids: Sequence[str]
    views: Sequence[float]
    levels: Sequence[float]
    moments: Sequence[datetime]


# Subjects first, cases second, both by id: the order in which reports and reopened cases lock them too.
_SET_RATES = text("""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:views AS float8[]),
                             CAST(:moments AS timestamptz[])) AS one (kind, external_id, views, at)
    ), found AS MATERIALIZED (
        SELECT s.id, s.kind, s.external_id, s.views_per_hour, s.views_at, given.views, given.at
        FROM given JOIN subjects s ON s.kind = given.kind AND s.external_id = given.external_id
        ORDER BY s.id FOR NO KEY UPDATE OF s
    ), written AS (
        UPDATE subjects SET views_per_hour = found.views, views_at = found.at FROM found
        WHERE subjects.id = found.id AND (found.views_at IS NULL OR found.views_at <= found.at)
    )
    SELECT kind, external_id, views_per_hour = views AS same, coalesce(views_at > at, false) AS late FROM found
""")
# A statement of its own, after the subjects are locked: only so does it see a case that was opened meanwhile. It reads
# and writes no JSON; the sum is the one of models.rank, and both sides add the same two double precision numbers.
_RERANK = text("""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:views AS float8[]),
                             CAST(:levels AS float8[])) AS one (kind, external_id, views, level)
    ), found AS MATERIALIZED (
        SELECT c.id, given.views, given.level
        FROM given
        JOIN subjects s ON s.kind = given.kind AND s.external_id = given.external_id
        JOIN cases c ON c.subject_id = s.id
        -- What came too late did not become the subject's rate.
        WHERE c.status <> 'decided' AND s.views_per_hour = given.views AND c.views_per_hour <> given.views
        ORDER BY c.id FOR NO KEY UPDATE OF c
    )
    UPDATE cases SET views_per_hour = found.views, rank_value = coalesce(rank_base + found.level, rank_value)
    FROM found WHERE cases.id = found.id
    RETURNING cases.id
""")
_KINDS = text("SELECT kind FROM subjects WHERE external_id = :id ORDER BY kind LIMIT 10")


async def set_rates(connection: AsyncConnection, rates: Rates) -> list[Any]:
    """Lock these subjects and store their rates; (kind, external_id, same, late) of each that there is."""
    values = {"kinds": rates.kinds, "ids": rates.ids, "views": rates.views, "moments": rates.moments}
    return await fetch(connection, _SET_RATES, values)


async def rerank(connection: AsyncConnection, rates: Rates) -> int:
    """Put the undecided cases of these subjects where their rates put them; returns how many moved."""
    values = {"kinds": rates.kinds, "ids": rates.ids, "views": rates.views, "levels": rates.levels}
    return len(await fetch(connection, _RERANK, values))


async def kinds_of(connection: AsyncConnection, external_id: str) -> list[str]:
    """The kinds of the subjects that have this id on the platform, at most ten."""
    return [row.kind for row in await fetch(connection, _KINDS, {"id": external_id})]
