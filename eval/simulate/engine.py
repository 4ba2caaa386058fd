"""The queue of the simulator, event by event: reviewers take what the service's own ranking code puts first."""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.simulate.world import Arrivals, Values, World, hour_of
from labeling.taxonomy import Taxonomy
from models.rank import GUARD, Rank, RankConfig, guard_from, rank, with_views

# Work of so many hours decides whether the load is more than the reviewers can do.
FORECAST_HOURS = 24.0
# Of a shorter history nothing is concluded.
LEAST_HISTORY_HOURS = 6.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How the queue is run: the ranking with its constants, and the share of claims that are drawn at random."""

    taxonomy: Taxonomy
    ranking: RankConfig
    random_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each case (n,): hour of its start, infinite where it never came up, and hour of its shedding.

    `reviewer` is who took it, -1 for nobody; `drawn` marks those of the random share.
    """

    start: Values
    shed: Values
    reviewer: NDArray[np.int64]
    drawn: NDArray[np.bool_]


def simulate(arrivals: Arrivals, world: World, rules: Rules, *, seed: int) -> Outcome:
    """Run one policy over the arrivals until the days of the world are over."""
    queue = _Queue(arrivals, world, rules)
    chance = np.random.default_rng([seed, 1])
    end = world.days * 24
    free = [(start, number) for number, (start, _) in enumerate(world.shifts)]
    heapq.heapify(free)
    while free:
        now, who = heapq.heappop(free)
        if now >= end:
            continue
        begin = _at_work(now, world.shifts[who])
        if begin > now:
            heapq.heappush(free, (begin, who))
            continue
        queue.advance(now)
        drawn = bool(chance.random() < rules.random_share)
        taken = queue.draw(chance) if drawn else queue.take(now)
        if taken is None:
            if queue.next_arrival < end:
                heapq.heappush(free, (queue.next_arrival, who))
            continue
        queue.outcome.start[taken], queue.outcome.reviewer[taken], queue.outcome.drawn[taken] = now, who, drawn
        heapq.heappush(free, (now + float(arrivals.minutes[taken]) / 60, who))
    return queue.outcome


def _at_work(now: float, shift: tuple[float, float]) -> float:
    """The moment itself where the shift is on, otherwise its next begin."""
    day, hour = divmod(now, 24)
    if shift[0] <= hour < shift[1]:
        return now
    return (day + (hour >= shift[0])) * 24 + shift[0]


@dataclass(slots=True)
class _Queue:
    """Open cases by value, and beside it the times at which the guard takes them up."""

    arrivals: Arrivals
    world: World
    rules: Rules
    outcome: Outcome = field(init=False)
    value: Values = field(init=False)
    ranks: list[Rank] = field(default_factory=list)
    waiting: list[tuple[float, float, int]] = field(default_factory=list)
    urgent: list[tuple[float, int]] = field(default_factory=list)
    told: float = 0.0
    work: Values = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.arrivals.at)
        self.outcome = Outcome(np.full(n, np.inf), np.full(n, np.inf), np.full(n, -1), np.zeros(n, bool))
        self.value = np.full(n, -np.inf)
        self.work = np.zeros(n)

    @property
    def next_arrival(self) -> float:
        """Hour of the first case that has not come yet; infinite after the last."""
        come = len(self.ranks)
        return float(self.arrivals.at[come]) if come < len(self.arrivals.at) else float("inf")

    def advance(self, now: float) -> None:
        """Let everything happen that lies before `now`: arrivals, and news of views every so often."""
        while self.next_arrival <= now:
            index = len(self.ranks)
            found = rank(self.arrivals.inputs[index], self.rules.taxonomy, self.rules.ranking)
            self.ranks.append(found)
            self.value[index] = found.value
            self.work[index] = found.parts["handling_minutes"]
            begin, due = guard_from(found.parts)
            heapq.heappush(self.waiting, (hour_of(begin), hour_of(due), index))
        if now - self.told >= self.world.telemetry_minutes / 60:
            self.told = now
            self._hear_of_views(now)

    def take(self, now: float) -> int | None:
        """The case that comes next, taken out of the queue; None when it is empty."""
        if self.rules.ranking.policy.endswith(GUARD):
            guarded = self._guarded(now)
            if guarded is not None:
                return guarded
        best = int(self.value.argmax())
        return self._remove(best) if self.value[best] > -np.inf else None

    def draw(self, chance: np.random.Generator) -> int | None:
        """Any open case, each as likely as the next."""
        still = np.flatnonzero(self.value > -np.inf)
        return self._remove(int(chance.choice(still))) if len(still) else None

    def _guarded(self, now: float) -> int | None:
        while self.waiting and self.waiting[0][0] <= now:
            _, due, index = heapq.heappop(self.waiting)
            heapq.heappush(self.urgent, (due, index))
        while self.urgent:
            due, index = heapq.heappop(self.urgent)
            if self.value[index] == -np.inf:
                continue
            # Only a latest start may be given up, never a deadline, and only while more comes than can be done.
            if np.isinf(self.arrivals.legal[index]) and self._overloaded(now):
                self.outcome.shed[self._remove(index)] = now
                continue
            return self._remove(index)
        return None

    def _overloaded(self, now: float) -> bool:
        """Whether more work came in over the last day than reviewers could do."""
        since = max(0.0, now - FORECAST_HOURS)
        if now - since < LEAST_HISTORY_HOURS:
            return False
        first = int(np.searchsorted(self.arrivals.at, since))
        came = float(self.work[first : len(self.ranks)].sum())
        return came > self.world.reviewers * (now - since) * 60

    def _hear_of_views(self, now: float) -> None:
        if not self.rules.ranking.policy.startswith("harm-rate"):
            return
        still = np.flatnonzero(self.value > -np.inf)
        for index, views in zip(still.tolist(), self.arrivals.views_at(still, now).tolist(), strict=True):
            self.ranks[index] = with_views(self.ranks[index], views)
            self.value[index] = self.ranks[index].value

    def _remove(self, index: int) -> int:
        self.value[index] = -np.inf
        return index
