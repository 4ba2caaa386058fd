"""What a crisis adds to the order for as long as it lasts: factors of areas, a wider guard, severity alone in some queues.

Nothing here knows the time: whether a crisis is at work is for whoever reads it to say. Of several at once, the largest
factor of an area and the widest guard count; they are never multiplied with each other. A guard can only become wider, and
no deadline is touched: what a law asks for is never softened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# The order of queues that go on under a plan: the gravest first, deadlines and latest starts before all as ever.
SEVERITY_ONLY = "tier+guard"
LEAST_FACTOR, MOST_FACTOR = 0.25, 16.0


@dataclass(frozen=True, slots=True)
class Overlay:
    """One crisis: `areas` are factors of the harm of policy areas; without markets or languages it holds for all of them."""

    id: str
    name: str
    until: datetime
    areas: Mapping[str, float] = field(default_factory=dict)
    guard_minutes: float | None = None
    markets: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    severity_only: frozenset[str] = frozenset()

    def holds_for(self, market: str | None, language: str) -> bool:
        """Whether it is about content of that market and language."""
        return (not self.markets or market in self.markets) and (not self.languages or language in self.languages)

    def to_json(self) -> dict[str, Any]:
        """What is kept with a rank, so that it can be explained when the crisis is over."""
        return {
            "id": self.id,
            "name": self.name,
            "until": self.until.astimezone(UTC).isoformat(),
            "areas": dict(self.areas),
            "guard_minutes": self.guard_minutes,
        }


@dataclass(frozen=True, slots=True)
class Overlays:
    """All that are at work at one moment, by one `key`: ranks under another key are out of date."""

    key: str = ""
    crises: tuple[Overlay, ...] = ()

    def about(self, market: str | None, language: str) -> tuple[Overlay, ...]:
        """Those that are about content of that market and language."""
        return tuple(one for one in self.crises if one.holds_for(market, language))


NO_OVERLAYS = Overlays()


def factor_of(area: str, crises: tuple[Overlay, ...]) -> float:
    """The largest factor that any of them gives the area; 1 where none names it."""
    return max((one.areas[area] for one in crises if area in one.areas), default=1.0)


def guard_of(minutes: float, crises: tuple[Overlay, ...]) -> float:
    """The widest guard in minutes: that of the rules of the order, or a wider one of a crisis."""
    return max([minutes, *(one.guard_minutes for one in crises if one.guard_minutes is not None)])


def policy_of(policy: str, queue: str, crises: tuple[Overlay, ...]) -> str:
    """The order of a queue: by severity alone where a plan says so, else that of the rules."""
    return SEVERITY_ONLY if any(queue in one.severity_only for one in crises) else policy
