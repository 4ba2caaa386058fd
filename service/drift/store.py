"""SQL of drift: windows of texts and decisions, references, and the monitors as they stand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Most rows of one window: far more would move no index by a hundredth.
WINDOW_ROWS = 5_000

# Of several workers one moves the clock, and holds its row until it has measured.
_TURN = text("""
    INSERT INTO drift_clock (single) VALUES (true)
    ON CONFLICT (single) DO UPDATE SET measured_at = now()
    WHERE drift_clock.measured_at < now() - make_interval(mins => :minutes)
    RETURNING measured_at
""")
# Texts that were scored when they came in: those that were scored anew say what is open, not what comes.
_TEXTS = """
    SELECT length(text) AS length, language, score -> 'areas' AS areas, scored_at AS at
    FROM evidence
    WHERE score_state = 'scored' AND bundle = :bundle AND scored_at > CAST(:after AS timestamptz)
      AND scored_at < captured_at + interval '1 hour'
"""
_DECISIONS = """
    SELECT d.policy_area = d.shown ->> 'primary_area' AS agrees, d.actions <@ CAST(:idle AS text[]) AS idle,
           d.decided_at AS at
    FROM decisions d
    WHERE d.bundle = :bundle AND d.decided_at > CAST(:after AS timestamptz) AND d.shown ->> 'primary_area' IS NOT NULL
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
"""
_FIRST_TEXTS = text(f"{_TEXTS} ORDER BY scored_at LIMIT :limit")
_LAST_TEXTS = text(f"{_TEXTS} ORDER BY scored_at DESC LIMIT :limit")
_FIRST_DECISIONS = text(f"{_DECISIONS} ORDER BY d.decided_at LIMIT :limit")
_LAST_DECISIONS = text(f"{_DECISIONS} ORDER BY d.decided_at DESC LIMIT :limit")
_REFERENCES = text("SELECT part, statistics, until FROM drift_references WHERE bundle = :bundle")
_SET_REFERENCE = text("""
    INSERT INTO drift_references (bundle, part, statistics, until)
    VALUES (:bundle, :part, CAST(:statistics AS jsonb), :until) ON CONFLICT DO NOTHING
""")
_NOW = text("SELECT now()")
_ALERTING = text(
    "SELECT alerting_since FROM drift_monitors WHERE monitor = :monitor AND bundle = :bundle FOR NO KEY UPDATE"
)
_SET_MONITOR = text("""
    INSERT INTO drift_monitors (monitor, bundle, value, threshold, samples, alerting_since)
    VALUES (:monitor, :bundle, :value, :threshold, :samples,
            CASE WHEN :alerts THEN coalesce(CAST(:since AS timestamptz), now()) END)
    ON CONFLICT (monitor) DO UPDATE
        SET bundle = EXCLUDED.bundle, value = EXCLUDED.value, threshold = EXCLUDED.threshold,
            samples = EXCLUDED.samples, measured_at = now(), alerting_since = EXCLUDED.alerting_since
""")
_FORGET_OTHERS = text("DELETE FROM drift_monitors WHERE bundle <> :bundle")
_MONITORS = text("""
    SELECT monitor, bundle, value, threshold, samples, measured_at, alerting_since FROM drift_monitors
    ORDER BY alerting_since IS NULL, monitor
""")


async def my_turn(connection: AsyncConnection, *, minutes: int) -> bool:
    """Whether it is time to measure and nobody else does; then it is not again for so long."""
    return (await connection.execute(_TURN, {"minutes": minutes})).one_or_none() is not None


async def database_now(connection: AsyncConnection) -> datetime:
    """The time by which rows are stamped."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now


async def texts(connection: AsyncConnection, bundle: str, *, after: datetime, first: bool) -> Sequence[Row[Any]]:
    """(length, language, areas, at) of texts that this bundle scored, the first or the last WINDOW_ROWS."""
    statement = _FIRST_TEXTS if first else _LAST_TEXTS
    return (await connection.execute(statement, {"bundle": bundle, "after": after, "limit": WINDOW_ROWS})).all()


async def decisions(
    connection: AsyncConnection, bundle: str, *, after: datetime, idle: Sequence[str], first: bool
) -> Sequence[Row[Any]]:
    """(agrees, idle, at) of decisions under scores of this bundle; `idle` are the actions that do nothing. As many as of texts."""
    statement = _FIRST_DECISIONS if first else _LAST_DECISIONS
    values = {"bundle": bundle, "after": after, "limit": WINDOW_ROWS, "idle": list(idle)}
    return (await connection.execute(statement, values)).all()


async def references(connection: AsyncConnection, bundle: str) -> dict[str, Row[Any]]:
    """By part, (statistics, until): what this bundle is compared with."""
    return {row.part: row for row in (await connection.execute(_REFERENCES, {"bundle": bundle})).all()}


async def set_reference(
    connection: AsyncConnection, bundle: str, *, part: str, statistics: str, until: datetime
) -> None:
    """Keep what this bundle is compared with from now on (JSON text)."""
    values = {"bundle": bundle, "part": part, "statistics": statistics, "until": until}
    await connection.execute(_SET_REFERENCE, values)


async def set_monitor(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a reading; returns whether the monitor had an alert before. Only one worker at a time may call it."""
    since = (await connection.execute(_ALERTING, values)).scalar_one_or_none()
    await connection.execute(_SET_MONITOR, {**values, "since": since})
    return since is not None


async def forget_others(connection: AsyncConnection, bundle: str) -> None:
    """Drop monitors of bundles that are no longer live; their alerts stay in the log of events."""
    await connection.execute(_FORGET_OTHERS, {"bundle": bundle})


async def monitors(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Every monitor as it stands, those with an alert first."""
    return (await connection.execute(_MONITORS)).all()
