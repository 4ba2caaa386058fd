"""How often a page without an account may be opened: so many times a minute by one address, and in all by this process."""

import time
from collections import Counter

from fastapi import Request

from service.errors.availability import OverloadedError

EACH = 30
ALL = 600
WINDOW_SECONDS = 60


class Pace:
    """Counts by the minute; what was counted before is forgotten, so that it holds at most ALL addresses."""

    def __init__(self, each: int = EACH, most: int = ALL) -> None:
        self._each = each
        self._all = most
        self._window = -1
        self._seen: Counter[str] = Counter()

    def step(self, request: Request) -> None:
        """Count one more of whoever asks, before anything is looked up. Raises OverloadedError."""
        window = int(time.monotonic() // WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._seen.clear()
        who = request.client.host if request.client else ""
        if self._seen[who] >= self._each or self._seen.total() >= self._all:
            raise OverloadedError("too many calls; wait a minute, then try again", retry_after=WINDOW_SECONDS)
        self._seen[who] += 1
