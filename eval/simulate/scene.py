"""What happens whatever the order: cases that come, and reviewers who are there or not. Invented or from a log."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.rank import Rank, reproduce

Values = NDArray[np.float64]
Sessions = tuple[tuple[float, float], ...]
# More cases than this are no simulation of a few minutes any more.
MOST_CASES = 200_000


class SimulationError(ValueError):
    """Parameters or a log that describe no world; the message names the one."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n cases in order of arrival: hours from the start, truth, and how long a decision takes.

    `harm_per_view` is that of the true severity, 0 for harmless cases. `severity` is -1 where nobody knows the truth.
    `legal` is the deadline in hours, infinite where there is none. `decay` is the rate at which views fall off, for each
    hour; `told` is what the service hears of the views, as a factor of the truth.
    """

    at: Values
    severity: NDArray[np.int64]
    harm_per_view: Values
    views: Values
    decay: Values
    minutes: Values
    legal: Values
    told: Values

    def __len__(self) -> int:
        return len(self.at)

    def views_told(self, index: NDArray[np.int64], hour: float) -> Values:
        """Views an hour of cases at a moment, as the service hears of them."""
        found: Values = (self.views * self.told)[index] * np.exp(-self.decay[index] * (hour - self.at[index]))
        return found

    def harm(self, start: Values, end: Values) -> Values:
        """Harm-weighted views of each case between two moments after its report."""
        first, last = np.exp(-self.decay * (start - self.at)), np.exp(-self.decay * (end - self.at))
        found: Values = self.harm_per_view * self.views / self.decay * (first - last)
        return found

    def only(self, chosen: NDArray[np.int64]) -> "Arrivals":
        """The cases with these numbers and no others."""
        return Arrivals(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Team:
    """When each reviewer is at work, as (begin, end) hours one after the other, and how often views are told.

    A case is begun within a session and finished even when it is over.
    """

    sessions: tuple[Sessions, ...]
    end: float
    telemetry_hours: float

    def at_work(self, who: int, now: float) -> float:
        """The moment itself where that reviewer is at work, otherwise the next begin; infinite after the last session."""
        mine = self.sessions[who]
        place = bisect_right(mine, (now, np.inf)) - 1
        if place >= 0 and now < mine[place][1]:
            return now
        return mine[place + 1][0] if place + 1 < len(mine) else np.inf

    def minutes(self, begins: Values, length: float, *, over: float = 0.0) -> Values:
        """Minutes of review in each of the pieces of time of that length in hours, sessions running over by so many."""
        total = np.zeros(len(begins))
        for mine in self.sessions:
            following = [begin for begin, _ in mine[1:]] + [np.inf]
            for (begin, end), then in zip(mine, following, strict=True):
                latest = max(end, min(end + over, then))
                total += np.clip(np.minimum(latest, begins + length) - np.maximum(begin, begins), 0, None)
        return 60 * total

    @property
    def capacity(self) -> float:
        """Minutes of review until the end."""
        return float(self.minutes(np.zeros(1), self.end)[0])


@dataclass(frozen=True, slots=True)
class Scene:
    """Cases, reviewers, and the rank of each case; `zero` is the hour since the epoch from which hours are counted."""

    arrivals: Arrivals
    team: Team
    ranks: list[Rank]
    zero: float = 0.0

    def ranked_by(self, policy: str) -> list[Rank]:
        """The ranks under another policy, from the same parts: the service's own function."""
        return [Rank(**reproduce({**one.parts, "policy": policy})) for one in self.ranks]

    def only(self, chosen: NDArray[np.int64]) -> "Scene":
        """The same reviewers with these cases alone."""
        return Scene(self.arrivals.only(chosen), self.team, [self.ranks[one] for one in chosen.tolist()], self.zero)
