"""SQL of search: words as tsqueries, the cases that fulfil conditions, what is shown of them, facets, and cases from before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.search.conditions import STANDING, Conditions, Scope

_FORMS = text("""
    SELECT CAST(search_query(said, exact, beginning) AS text) AS query
    FROM unnest(CAST(:said AS text[]), CAST(:exact AS boolean[]), CAST(:beginning AS boolean[]))
         WITH ORDINALITY AS asked (said, exact, beginning, place) ORDER BY place
""")
_RARE = text("""
    SELECT search_rare(CAST(q AS tsquery), CAST(:kept AS uuid[]), :most) AS cases
    FROM unnest(CAST(:asked AS text[])) WITH ORDINALITY AS each (q, place) ORDER BY place
""")
_DECODED = text("""
    SELECT w AS word, ARRAY(SELECT search_decoded(search_fold(w))) AS says FROM unnest(CAST(:words AS text[])) AS w
""")
# The queues are few and looked at once; only of cases in none of those is each one asked about.
_VISIBLE = """(c.queue = ANY(CAST(:seen AS text[])) OR may_see_case(c.id, :viewer, CAST(:overseeing AS text[])))"""
# How the answers are ordered, and what they are ordered by; relevance is worked out for the newest ones.
_ORDERS = {
    "newest": ("opened_at", "timestamptz"),
    "relevance": ("opened_at", "timestamptz"),
    "risk": ("rank_value", "float8"),
}
# Of a case the best of its documents counts; of one with very many, of the first ones.
_RELEVANCE = """(SELECT max(ts_rank('{0.1, 0.3, 0.7, 1.0}', f.words, CAST(CAST(:found AS text) AS tsquery), 1)) FROM (
        SELECT d.words FROM search_documents d
        WHERE d.case_id = m.id AND d.id <> ALL(CAST(:kept AS uuid[])) ORDER BY d.id LIMIT 30
    ) AS f)"""
_NOT_SCORED = "NULL"
_DECISION = f"""LEFT JOIN LATERAL (
        SELECT d.policy_area, d.severity, d.actions, d.note FROM decisions d
        WHERE d.case_id = c.id AND {STANDING} ORDER BY d.decided_at DESC LIMIT 1
    ) AS made ON true"""  # noqa: S608 - put together from constants
_SHOWN = text(f"""
    SELECT c.id, c.status, c.queue, c.opened_at, c.report_count, c.special, c.deadline, c.rank_value AS risk,
           s.external_id AS subject_id, s.kind AS subject_kind, s.author_id, e.language,
           coalesce(made.policy_area, e.score ->> 'primary_area') AS area,
           coalesce(made.severity, likely_severity(e.score)) AS severity, made.actions, made.note AS decision_note,
           left(e.text, :characters) AS content,
           (SELECT coalesce(jsonb_object_agg(kind, number), '{{}}') FROM (
                SELECT p.kind, count(*) AS number FROM evidence_media m JOIN media p ON p.id = m.media_id
                WHERE m.evidence_id = c.evidence_id GROUP BY p.kind) AS kinds) AS media,
           (SELECT left(string_agg(line ->> 'text', ' '), :characters) FROM evidence_media m
            JOIN media_texts t ON t.media_id = m.media_id CROSS JOIN LATERAL jsonb_array_elements(t.lines) AS line
            WHERE m.evidence_id = c.evidence_id) AS picture,
           ARRAY(SELECT left(r.note, :characters) FROM reports r WHERE r.case_id = c.id AND r.note <> ''
                 ORDER BY r.received_at DESC LIMIT 20) AS told,
           ARRAY(SELECT left(n.body, :characters) FROM case_notes n
                 WHERE n.case_id = c.id AND n.id <> ALL(CAST(:kept AS uuid[])) ORDER BY n.written_at DESC LIMIT 20) AS notes
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id {_DECISION}
    WHERE c.id = ANY(CAST(:cases AS uuid[])) ORDER BY array_position(CAST(:cases AS uuid[]), c.id)
""")  # noqa: S608 - put together from constants
_FACETS = text(f"""
    WITH answers AS (
        SELECT c.status, c.queue, p.language AS lang, s.kind, coalesce(made.policy_area, e.score ->> 'primary_area') AS area
        FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
        JOIN case_scopes p ON p.id = c.scope_id {_DECISION}
        WHERE c.id = ANY(CAST(:cases AS uuid[]))
    )
    SELECT CASE WHEN grouping(status) = 0 THEN 'status' WHEN grouping(area) = 0 THEN 'area' WHEN grouping(queue) = 0 THEN 'queue'
                WHEN grouping(lang) = 0 THEN 'lang' ELSE 'kind' END AS facet,
           coalesce(status, area, queue, lang, kind) AS value, count(*) AS count
    FROM answers GROUP BY GROUPING SETS ((status), (area), (queue), (lang), (kind))
    HAVING coalesce(status, area, queue, lang, kind) IS NOT NULL ORDER BY count DESC, value
""")  # noqa: S608 - put together from constants
_NAMES = text("""
    SELECT (SELECT array_agg(q.name ORDER BY q.name) FROM queues q
            WHERE may_use_queue(q.name, :viewer, CAST(:overseeing AS text[]))) AS queues,
           (SELECT jsonb_object_agg(language, scopes ORDER BY language) FROM (
                SELECT s.language, array_agg(s.id) AS scopes FROM case_scopes s GROUP BY s.language) AS of_one) AS languages,
           ARRAY(SELECT kept_back_from(:viewer) UNION ALL SELECT notes_kept_from(:viewer)) AS kept, now() AS now
""")
# Each transaction takes the next cases below the place where the one before it stopped; a case that a trigger has taken in
# meanwhile is newer than what would be written here.
_BACKFILL = text("""
    WITH place AS (SELECT below FROM search_backfill FOR UPDATE),
    batch AS MATERIALIZED (SELECT c.id FROM cases c, place WHERE c.id < place.below ORDER BY c.id DESC LIMIT :limit)
    SELECT (SELECT array_agg(batch.id) FROM batch) AS cases FROM place
""")
_TAKE_IN = text("""
    SELECT search_refresh(c.id) FROM cases c
    WHERE c.id = ANY(CAST(:cases AS uuid[])) AND NOT EXISTS (SELECT FROM search_documents f WHERE f.id = c.id)
      AND c.id IN (SELECT k.id FROM cases k WHERE k.id = ANY(CAST(:cases AS uuid[])) ORDER BY k.id FOR NO KEY UPDATE)
""")
_TAKE_NOTES = text("""
    SELECT search_note(d.id, d.case_id, NULL, d.note, 'D') FROM decisions d WHERE d.case_id = ANY(CAST(:cases AS uuid[]))
    UNION ALL
    SELECT search_note(r.id, r.case_id, r.reporter_id, r.note, 'C') FROM reports r WHERE r.case_id = ANY(CAST(:cases AS uuid[]))
    UNION ALL
    SELECT search_note(o.id, o.case_id, NULL, o.question, 'C') FROM second_opinions o
    WHERE o.case_id = ANY(CAST(:cases AS uuid[])) AND o.answered_at IS NULL AND o.withdrawn_at IS NULL
""")
_STAND_AT = text("UPDATE search_backfill SET below = :below")
_DONE = text("DELETE FROM search_backfill")


async def forms(connection: AsyncConnection, said: Sequence[tuple[str, bool, bool]]) -> list[str | None]:
    """The tsquery of each (text, exact, beginning); None where nothing of it is a word."""
    texts, exact, beginning = (list(column) for column in zip(*said, strict=True))
    rows = await connection.execute(_FORMS, {"said": texts, "exact": exact, "beginning": beginning})
    return [row.query for row in rows]


async def rare(
    connection: AsyncConnection, asked: Sequence[str], kept: Sequence[UUID], *, most: int
) -> list[Sequence[UUID] | None]:
    """The cases that answer each tsquery; None where more than `most` texts do."""
    rows = await connection.execute(_RARE, {"asked": list(asked), "kept": list(kept), "most": most})
    return [row.cases for row in rows]


async def decoded(connection: AsyncConnection, words: Sequence[str]) -> dict[str, list[str]]:
    """What words say that are written past a filter."""
    rows = await connection.execute(_DECODED, {"words": list(words)})
    return {row.word: row.says for row in rows}


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the answers: in which order, those opened by `as_of`, at most `most`, behind the (value, id) `after`.

    `found` is the tsquery by which relevance is worked out.
    """

    order: str
    as_of: datetime
    most: int
    after: tuple[Any, UUID] | None = None
    found: str | None = None


async def matching(
    connection: AsyncConnection, made: Conditions, part: Part, *, overseeing: Sequence[str]
) -> Sequence[Row[Any]]:
    """(id, value, score) of cases that fulfil the conditions and that this person may see, in order."""
    column, kind = _ORDERS[part.order]
    behind = f"AND (c.{column}, c.id) < (CAST(:after_value AS {kind}), CAST(:after_id AS uuid))" if part.after else ""
    score = _RELEVANCE if part.order == "relevance" and part.found is not None else _NOT_SCORED
    statement = f"""WITH matching AS MATERIALIZED (
            SELECT c.id, c.{column} AS value FROM cases c
            WHERE {made.text} AND {_VISIBLE} AND c.opened_at <= CAST(:as_of AS timestamptz) {behind}
            ORDER BY c.{column} DESC, c.id DESC LIMIT :most
        )
        SELECT m.id, m.value, {score} AS score FROM matching m ORDER BY m.value DESC, m.id DESC"""  # noqa: S608 - constants
    given = made.values | made.scope.values()
    given |= {
        "overseeing": list(overseeing),
        "as_of": part.as_of,
        "most": part.most,
    }
    if part.after:
        given |= {"after_value": part.after[0], "after_id": part.after[1]}
    if score is _RELEVANCE:
        given["found"] = part.found
    return (await connection.execute(text(statement), given)).all()


async def shown(
    connection: AsyncConnection, cases: Sequence[UUID], scope: Scope, *, characters: int
) -> Sequence[Row[Any]]:
    """What is shown of these cases, in their order, with the texts that words may be found in."""
    values = scope.values() | {"cases": list(cases), "characters": characters}
    return (await connection.execute(_SHOWN, values)).all()


async def facets(connection: AsyncConnection, cases: Sequence[UUID], scope: Scope) -> Sequence[Row[Any]]:
    """(facet, value, count) over these cases, the most frequent first."""
    return (await connection.execute(_FACETS, scope.values() | {"cases": list(cases)})).all()


async def names(connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str]) -> Row[Any]:
    """(queues, languages with their scopes) that this person may ask for, what they are `kept` from, and the time."""
    return (await connection.execute(_NAMES, {"viewer": viewer, "overseeing": list(overseeing)})).one()


async def take_in_batch(connection: AsyncConnection, *, limit: int) -> int:
    """Take in the next cases from before; returns how many there were, 0 when none is left."""
    row = (await connection.execute(_BACKFILL, {"limit": limit})).one_or_none()
    if row is None:
        return 0
    if not row.cases:
        await connection.execute(_DONE)
        return 0
    await connection.execute(_TAKE_IN, {"cases": row.cases})
    await connection.execute(_TAKE_NOTES, {"cases": row.cases})
    await connection.execute(_STAND_AT, {"below": min(row.cases)})
    return len(row.cases)
