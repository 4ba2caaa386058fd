"""Drift: whether texts, scores and decisions are still like those after the live bundle was promoted."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.drift import store
from service.drift.schemas import DriftOut, MonitorOut
from service.drift.statistics import (
    DecisionWindow,
    Limits,
    Reading,
    TextWindow,
    compare_decisions,
    compare_texts,
    text_window,
)
from service.settings import Settings

EVER = datetime(2000, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


async def measure_if_due(
    connection: AsyncConnection, bundle: str, *, taxonomy: Taxonomy, settings: Settings
) -> list[Reading] | None:
    """Measure if the interval has passed and no other worker does; None when it is not time."""
    if not settings.drift_minutes or not await store.my_turn(connection, minutes=settings.drift_minutes):
        return None
    return await measure(connection, bundle, taxonomy=taxonomy, settings=settings)


async def measure(connection: AsyncConnection, bundle: str, *, taxonomy: Taxonomy, settings: Settings) -> list[Reading]:
    """Compare the recent window with the reference of this bundle, store the readings, raise and end alerts.

    The first window that is long or large enough becomes the reference; until then there are no readings.
    """
    window = Windows(connection, bundle, taxonomy=taxonomy, settings=settings)
    limits = Limits(stability=settings.drift_stability, change=settings.drift_change)
    readings = [*await window.text_readings(limits), *await window.decision_readings(limits)]
    await store.forget_others(connection, bundle)
    for reading in readings:
        await _store(connection, bundle, reading)
    return readings


async def standing(connection: AsyncConnection) -> DriftOut:
    """The monitors as they stand."""
    rows = await store.monitors(connection)
    fields = MonitorOut.model_fields
    monitors = [MonitorOut(**{name: getattr(row, name) for name in fields}) for row in rows]
    return DriftOut(
        bundle=rows[0].bundle if rows else None,
        alerts=sum(one.alerting_since is not None for one in monitors),
        monitors=monitors,
    )


class Windows:
    """Reads windows of one bundle, and makes its references out of the first of them."""

    def __init__(self, connection: AsyncConnection, bundle: str, *, taxonomy: Taxonomy, settings: Settings) -> None:
        self._connection = connection
        self._bundle = bundle
        self._idle = [action.id for action in taxonomy.actions if not action.enforces]
        self._settings = settings

    async def text_readings(self, limits: Limits) -> list[Reading]:
        """Readings of inputs and scores; none while there are too few texts."""
        reference = await self._reference("texts")
        rows = await self._texts(after=await self._start(reference), first=reference is None)
        if reference is None:
            await self._keep("texts", rows)
            return []
        if len(rows) < self._settings.drift_samples:
            return []
        recent = await to_thread.run_sync(_text_window, rows)
        return compare_texts(TextWindow.from_json(reference.statistics), recent, limits)

    async def decision_readings(self, limits: Limits) -> list[Reading]:
        """Readings of decisions; none while there are too few."""
        reference = await self._reference("decisions")
        rows = await self._decisions(after=await self._start(reference), first=reference is None)
        if reference is None:
            await self._keep("decisions", rows)
            return []
        if len(rows) < self._settings.drift_samples:
            return []
        return compare_decisions(DecisionWindow(**reference.statistics), _decision_window(rows), limits)

    async def _reference(self, part: str) -> Row[Any] | None:
        return (await store.references(self._connection, self._bundle)).get(part)

    async def _start(self, reference: Row[Any] | None) -> datetime:
        """Where the window begins: never before the reference ends."""
        if reference is None:
            return EVER
        now = await store.database_now(self._connection)
        until: datetime = reference.until
        return max(until, now - timedelta(hours=self._settings.drift_window_hours))

    async def _texts(self, *, after: datetime, first: bool) -> Sequence[Row[Any]]:
        return await store.texts(self._connection, self._bundle, after=after, first=first)

    async def _decisions(self, *, after: datetime, first: bool) -> Sequence[Row[Any]]:
        return await store.decisions(self._connection, self._bundle, after=after, idle=self._idle, first=first)

    async def _keep(self, part: str, rows: Sequence[Row[Any]]) -> None:
        """Make the first rows the reference once they fill a window, by number or by time."""
        if len(rows) < self._settings.drift_samples:
            return
        end = rows[0].at + timedelta(hours=self._settings.drift_window_hours)
        if len(rows) < store.WINDOW_ROWS and await store.database_now(self._connection) < end:
            return
        enough = [row for row in rows if row.at <= end]
        rows = enough if len(enough) >= self._settings.drift_samples else rows[: self._settings.drift_samples]
        made = await to_thread.run_sync(_text_window, rows) if part == "texts" else _decision_window(rows)
        await store.set_reference(
            self._connection, self._bundle, part=part, statistics=json.dumps(asdict(made)), until=rows[-1].at
        )
        log.info("drift.reference", bundle=self._bundle, part=part, samples=len(rows))


async def _store(connection: AsyncConnection, bundle: str, reading: Reading) -> None:
    values = {**asdict(reading), "bundle": bundle, "alerts": reading.alerts}
    alerted = await store.set_monitor(connection, values)
    if reading.alerts == alerted:
        return
    kind = "drift.raised" if reading.alerts else "drift.ended"
    said = {"bundle": bundle, **asdict(reading)}
    await events.record(connection, kind, data=said)
    (log.warning if reading.alerts else log.info)(kind, **said)


def _text_window(rows: Sequence[Row[Any]]) -> TextWindow:
    return text_window([row.length for row in rows], [row.language for row in rows], [row.areas for row in rows])


def _decision_window(rows: Sequence[Row[Any]]) -> DecisionWindow:
    return DecisionWindow(len(rows), sum(row.agrees for row in rows), sum(row.idle for row in rows))
