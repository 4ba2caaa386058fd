"""SQL of scorecards: the views, summed by group; the group column is one of a fixed few, everything else is a parameter."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

GROUPS = ("vendor", "site", "language", "policy", "area")

# What the scorecard is about.
_ASKED = """{at} >= :since AND {at} < :until
      AND (CAST(:vendor AS text) IS NULL OR v.vendor = :vendor) AND (CAST(:site AS text) IS NULL OR v.site = :site)
      AND (CAST(:language AS text) IS NULL OR v.language = :language) AND (CAST(:area AS text) IS NULL OR v.area = :area)"""
# Each statement gives one row for each group, `whole` false, and one for all together, which is there even when no group is.
_SHAPE = """
    SELECT grouping({by}) = 1 AS whole, {by} AS name, {figures} FROM {source}
    WHERE {which} AND {asked}
    GROUP BY GROUPING SETS (({by}), ())
"""


# The plans that drew from everything the scorecard is about: every queue and every kind of decision, and no areas, languages
# or vendors but those that are asked for alone. One of which nothing is answered is no help, and would take its part of the
# weights.
_COVERING = """
    SELECT p.id, p.name, p.made_at, (p.scope ->> 'since')::timestamptz AS since, (p.scope ->> 'until')::timestamptz AS until
    FROM qa_plans p
    WHERE p.kind <> 'policy' AND EXISTS (SELECT FROM plan_strata s WHERE s.plan_id = p.id AND s.{answered} > 0)
      AND coalesce(p.scope -> 'queues', '[]') = '[]'
      AND coalesce(p.scope -> 'from' @> '["human", "automated", "leave_up"]', true)
      AND (coalesce(p.scope -> 'areas', '[]') = '[]' OR p.scope -> 'areas' @> to_jsonb(CAST(:area AS text)))
      AND (coalesce(p.scope -> 'languages', '[]') = '[]' OR p.scope -> 'languages' @> to_jsonb(CAST(:language AS text)))
      AND (coalesce(p.scope -> 'vendors', '[]') = '[]' OR p.scope -> 'vendors' @> to_jsonb(CAST(:vendor AS text)))
"""
# One row for each decision, however many of these plans drew it: what its newest check found, null while one is disputed.
# One that more of them could have drawn would count more often: its weights are shared out among those (the multiplicity
# estimator of Mecatti, Survey Methodology 33, 2007).
_CHECKED = """(
        WITH covering AS MATERIALIZED ({covering})
        SELECT c.decision_id, c.decided_at, c.vendor, c.site, c.language, c.policy, c.area,
               (array_agg({column} ORDER BY c.settled_at DESC NULLS FIRST, c.check_id))[1] AS found,
               (SELECT count(*) FROM covering k
                WHERE d.undo_until <= k.made_at AND (k.since IS NULL OR d.decided_at >= k.since)
                  AND (k.until IS NULL OR d.decided_at < k.until)) / sum({weight}) AS chance
        FROM covering p JOIN quality_checks c ON c.plan_id = p.id JOIN decisions d ON d.id = c.decision_id
        WHERE c.decided_at >= :since AND c.decided_at < :until AND {weight} IS NOT NULL
        GROUP BY d.id, c.decision_id, c.decided_at, c.vendor, c.site, c.language, c.policy, c.area
    ) AS v"""
_FOUND = """coalesce(array_agg(v.found::integer ORDER BY v.decision_id), '{}') AS found,
           coalesce(array_agg(v.chance ORDER BY v.decision_id), '{}') AS chances"""


def _checked(column: str, weight: str, *, answered: str) -> str:
    """What was found in `column`, where it has its `weight`, by the plans of which something is `answered`."""
    return _CHECKED.format(covering=_COVERING.format(answered=answered), column=column, weight=weight)


def _times(column: str) -> str:
    return f"""percentile_cont(0.5) WITHIN GROUP (ORDER BY v.{column}_seconds) / 60 AS {column}_median,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY v.{column}_seconds) / 60 AS {column}_p90"""


# figures, source, time, which
_PARTS: Mapping[str, tuple[str, str, str, str]] = {
    "accuracy": (_FOUND, _checked("c.correct", "c.weight", answered="answered"), "v.decided_at", "true"),
    "ceiling": (
        _FOUND,
        _checked("c.experts_agree", "c.experts_weight", answered="answered_twice"),
        "v.decided_at",
        "true",
    ),
    "facts": (
        """count(v.decision_id) FILTER (WHERE NOT v.undone) AS decisions, count(v.decision_id) AS made,
           count(DISTINCT v.person) FILTER (WHERE v.decision_id IS NOT NULL) AS people,
           count(v.deadline_met) AS deadlines, count(*) FILTER (WHERE v.deadline_met) AS met,
           count(*) FILTER (WHERE v.decision_id IS NULL) AS open_overdue,
           count(*) FILTER (WHERE v.overturned) AS overturned""",
        "decision_facts v",
        "v.at",
        "true",
    ),
    "times": (
        f"""count(*) AS timed, {_times("wait")}, {_times("touch")}, {_times("total")},
           count(*) FILTER (WHERE p.hourly_cost IS NULL) AS unpriced,
           coalesce(sum(v.own_touch_seconds / 3600 * p.hourly_cost::float8), 0) AS cost""",
        "handling_times v JOIN principals p ON p.id = v.person",
        "v.decided_at",
        "NOT v.undone AND v.basis <> 'cluster'",
    ),
    "escalations": (
        "count(v.was_right) AS judged, count(*) FILTER (WHERE v.was_right) AS was_right",
        "escalation_facts v",
        "v.at",
        "true",
    ),
    "exposures": (
        "coalesce(sum(v.seconds), 0) / 3600 AS hours, count(DISTINCT v.person) AS exposed",
        "exposure_seconds v",
        "(v.day::timestamp AT TIME ZONE 'UTC')",
        "true",
    ),
}


def _statement(part: str, by: str) -> TextClause:
    figures, source, at, which = _PARTS[part]
    return text(_SHAPE.format(by=f"v.{by}", figures=figures, source=source, asked=_ASKED.format(at=at), which=which))


_STATEMENTS = {(part, by): _statement(part, by) for part in _PARTS for by in GROUPS}
_PLANS = text(f"""
    WITH covering AS MATERIALIZED ({_COVERING.format(answered="answered")})
    SELECT p.name, (
        SELECT count(*) FROM plan_strata s WHERE s.plan_id = p.id AND s.answered = 0 AND EXISTS (
            SELECT FROM qa_items i JOIN counted_decisions v ON v.decision_id = i.decision_id
            WHERE i.plan_id = s.plan_id AND i.stratum = s.stratum AND {_ASKED.format(at="v.decided_at")})
    ) AS unanswered
    FROM covering p
    WHERE EXISTS (SELECT FROM quality_checks v WHERE v.plan_id = p.id AND {_ASKED.format(at="v.decided_at")})
    ORDER BY p.made_at, p.name LIMIT :most
""")  # noqa: S608 - put together from constants
_CHOICES = text("""
    SELECT array(SELECT DISTINCT vendor FROM principals WHERE vendor IS NOT NULL ORDER BY vendor LIMIT :most) AS vendor,
           array(SELECT DISTINCT site FROM principals WHERE site IS NOT NULL ORDER BY site LIMIT :most) AS site,
           array(SELECT DISTINCT language FROM case_scopes ORDER BY language LIMIT :most) AS language
""")
_VIEWS = text("""
    SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS about, a.attname AS column,
           format_type(a.atttypid, a.atttypmod) AS type, col_description(c.oid, a.attnum) AS meaning
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'v' AND n.nspname = 'public' AND a.attnum > 0
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname, a.attnum
""")


async def sums(connection: AsyncConnection, part: str, by: str, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """One part of the figures, for each group and for all together: (whole, name) and what `_PARTS` names."""
    return (await connection.execute(_STATEMENTS[part, by], dict(values))).all()


async def plans(connection: AsyncConnection, values: Mapping[str, Any], *, most: int) -> Sequence[Row[Any]]:
    """The plans that accuracy rests on, the oldest first: (name, unanswered), of how many strata nothing is answered
    though it drew from them what is asked about.
    """
    return (await connection.execute(_PLANS, {**values, "most": most})).all()


async def choices(connection: AsyncConnection, *, most: int) -> Row[Any]:
    """What decisions can be narrowed to: (vendor, site, language), each a list by name."""
    return (await connection.execute(_CHOICES, {"most": most})).one()


async def views(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Every column of every view: (name, about, column, type, meaning)."""
    return (await connection.execute(_VIEWS)).all()
