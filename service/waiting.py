"""Pauses that end early: what a loop does between two rounds, so that it stops as soon as it is asked to."""

import asyncio
from contextlib import suppress


async def happens(event: asyncio.Event, *, within: float) -> bool:
    """Wait until this event is set, at most so many seconds; returns whether it is."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within)
    return event.is_set()
