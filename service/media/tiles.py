"""How many tiles of a lens one exposure may fetch."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from uuid import UUID

from service.errors.availability import OverloadedError

# A lens that follows a pointer asks for the next tile when the last one came; more is no hand that moves it.
A_SECOND = 20
AT_ONCE = 40
# Exposures that are remembered; the one that was asked for longest ago is forgotten first.
KEPT = 1_000


class Tiles:
    """Counts tiles by exposure in this process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def take(self, exposure: UUID) -> None:
        """Count one tile. Raises OverloadedError."""
        now = self._clock()
        left, since = self._left.pop(exposure, (float(AT_ONCE), now))
        left = min(float(AT_ONCE), left + (now - since) * A_SECOND)
        allowed = left >= 1
        self._left[exposure] = (left - allowed, now)
        if len(self._left) > KEPT:
            self._left.popitem(last=False)
        if not allowed:
            raise OverloadedError("too many tiles at once; move the lens more slowly", retry_after=1)
