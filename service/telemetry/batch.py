"""What a large call holds, and how its work leaves room for everybody else's."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from service.telemetry.schemas import ViewsUpdate

# As long as the work took, and never so long that a slow database makes a call wait for nothing.
MOST_PAUSE_SECONDS = 0.25


class Batch:
    """The updates of one call; of several for one subject the last one.

    Kept as plain tuples, which the garbage collector does not look into: a hundred thousand objects would make it stop
    the process, and with it every claim, for a tenth of a second at a time.
    """

    def __init__(self, updates: Iterable[ViewsUpdate] = ()) -> None:
        self._last: dict[tuple[str, str], tuple[float, datetime | None]] = {}
        self.sent = 0
        self.add(updates)

    def __len__(self) -> int:
        """How many subjects it names."""
        return len(self._last)

    def add(self, updates: Iterable[ViewsUpdate]) -> None:
        """Take further updates."""
        for one in updates:
            self._last[one.kind, one.id] = (one.views_per_hour, one.at)
            self.sent += 1

    def chunks(self, size: int) -> Iterator[list[ViewsUpdate]]:
        """All of them, each subject once, `size` at a time."""
        rows = iter(self._last.items())
        # They were validated when they came in.
        while chunk := [
            ViewsUpdate.model_construct(kind=kind, id=external_id, views_per_hour=views, at=at)
            for (kind, external_id), (views, at) in islice(rows, size)
        ]:
            yield chunk


class GivingWay:
    """Between two pieces of work, rests for as long as the last one took.

    What waits for this process, for a core or for the disk comes in meanwhile, and the busier the machine is, the more
    room it is given.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def rest(self) -> None:
        """Rest once; the next piece of work begins when this returns."""
        await asyncio.sleep(min(time.monotonic() - self._since, MOST_PAUSE_SECONDS))
        self._since = time.monotonic()
