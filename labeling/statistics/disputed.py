"""A share of checks of which some are disputed: it lies somewhere between what either outcome of those would make of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labeling.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Bounded:
    """A share as if all that is disputed went against it, and as if all went for it.

    While anything is disputed it has no value, but an interval: from the low end of the one to the high end of the other. To
    leave out what is disputed would flatter, because agreement settles at once and disagreement waits.
    """

    worst: Estimate
    best: Estimate
    disputed: int = 0

    @property
    def n(self) -> int:
        """How many checks it rests on, the disputed ones included."""
        return self.worst.n

    @property
    def enough(self) -> bool:
        """Whether there are checks enough for a figure."""
        return self.worst.enough

    @property
    def value(self) -> float | None:
        """The share; None while some are disputed, and where there are too few."""
        return None if self.disputed else self.worst.value

    @property
    def low(self) -> float | None:
        return self.worst.low

    @property
    def high(self) -> float | None:
        return self.best.high

    def until_settled(self, what: str = "check") -> str:
        """What has to happen before there is a value, in words."""
        return f"until {self.disputed:,} disputed {what}{' is' if self.disputed == 1 else 's are'} settled"

    def __str__(self) -> str:
        if not self.disputed or self.low is None or self.high is None:
            return str(self.worst)
        return f"{self.low:.3f} to {self.high:.3f}, {self.until_settled()}"


def bounded(found: Sequence[float | None], share: Callable[[Sequence[float]], Estimate]) -> Bounded:
    """What `share` makes of checks that found 0 or 1, or None where that is disputed."""
    worst, best = (share([float(either if one is None else one) for one in found]) for either in (0, 1))
    return Bounded(worst, best, sum(one is None for one in found))
