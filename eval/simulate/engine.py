"""The queue of the simulator, event by event: reviewers take what the service's own ranking code puts first."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from eval.simulate.scene import Scene, Values
from labeling.taxonomy import Taxonomy
from models.rank import BY_HARM, EPOCH, GUARD, Rank, RankConfig, guard_from
from models.shed import Flow, may_shed, overloaded

# Hours between two looks of the worker, who learns of views and sheds even while nobody reviews.
TICK = 0.25
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """How the queue is run."""

    taxonomy: Taxonomy
    ranking: RankConfig


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each case (n,): hour of its start, infinite where it never came up, and hour of its shedding.

    `reviewer` is who took it, -1 for nobody; `propensity` is the chance by which the random share drew it, 0 where the
    order handed it out.
    """

    start: Values
    shed: Values
    reviewer: NDArray[np.int64]
    propensity: Values


def simulate(scene: Scene, rules: Rules, *, seed: int) -> Outcome:
    """Run one policy over the arrivals until the time of the team is over."""
    queue = _Queue(scene, rules)
    team, chance = scene.team, np.random.default_rng([seed, 1])
    free = [(0.0, _NOBODY), *((team.at_work(who, 0.0), who) for who in range(len(team.sessions)))]
    heapq.heapify(free)
    while free:
        now, who = heapq.heappop(free)
        if now >= team.end:
            continue
        if who == _NOBODY:
            queue.advance(now)
            heapq.heappush(free, (now + TICK, _NOBODY))
            continue
        begin = team.at_work(who, now)
        if begin > now:
            heapq.heappush(free, (begin, who))
            continue
        queue.advance(now)
        drawn = bool(chance.random() < rules.ranking.random_share) and not queue.deadline_is_near
        taken = queue.draw(chance, who) if drawn else queue.take(who)
        if taken is not None:
            heapq.heappush(free, (queue.finish(taken), who))
        elif queue.next_arrival < team.end:
            heapq.heappush(free, (queue.next_arrival, who))
    return queue.outcome


@dataclass(slots=True)
class _Queue:
    """Open cases by value, and beside it when the guard takes them up: those with a deadline, and those with a bound."""

    scene: Scene
    rules: Rules
    now: float = 0.0
    come: int = 0
    told: float = 0.0
    outcome: Outcome = field(init=False)
    value: Values = field(init=False)
    base: Values = field(init=False)
    ranks: list[Rank] = field(init=False)
    legal: list[tuple[float, int]] = field(default_factory=list)
    bound: list[tuple[float, int]] = field(default_factory=list)
    flow: "_Flow" = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.scene.arrivals)
        self.outcome = Outcome(np.full(n, np.inf), np.full(n, np.inf), np.full(n, -1), np.zeros(n))
        self.value = np.full(n, -np.inf)
        self.ranks = self.scene.ranked_by(self.rules.ranking.policy)
        self.base = np.array([one.parts["base"] or 0.0 for one in self.ranks])
        self.flow = _Flow(self.scene.arrivals.at, [one.parts["handling_minutes"] for one in self.ranks])

    @property
    def next_arrival(self) -> float:
        """Hour of the first case that has not come yet; infinite after the last."""
        at = self.scene.arrivals.at
        return float(at[self.come]) if self.come < len(at) else float("inf")

    @property
    def deadline_is_near(self) -> bool:
        """Whether a deadline of the law or of a contract goes before everything else, the random share included."""
        return self._guards and self._first_due(self.legal)

    def advance(self, now: float) -> None:
        """Let everything happen that lies before `now`: arrivals, news of views every so often, and shedding."""
        self.now = now
        while self.next_arrival <= now:
            found = self.ranks[self.come]
            self.value[self.come] = found.value
            lane = self.legal if found.parts["deadline"] else self.bound
            heapq.heappush(lane, (self._hour(guard_from(found.parts)[0]), self.come))
            self.come += 1
        if now - self.told >= self.scene.team.telemetry_hours:
            self.told = now
            self._hear_of_views()
        self.flow.advance(now)
        if self._guards and self._first_due(self.bound):
            self._shed()

    def take(self, who: int) -> int | None:
        """The case that comes next, taken out of the queue; None when it is empty."""
        if self._guards:
            for lane in (self.legal, self.bound):
                if self._first_due(lane):
                    return self._hand_out(heapq.heappop(lane)[1], who)
        best = int(self.value.argmax())
        return self._hand_out(best, who) if self.value[best] > -np.inf else None

    def draw(self, chance: np.random.Generator, who: int) -> int | None:
        """Any open case, each as likely as the next."""
        still = self._open()
        if not len(still):
            return None
        taken = self._hand_out(int(chance.choice(still)), who)
        self.outcome.propensity[taken] = 1 / len(still)
        return taken

    def finish(self, taken: int) -> float:
        """The hour at which the case that was just handed out is decided."""
        return self.now + float(self.scene.arrivals.minutes[taken]) / 60

    @property
    def _guards(self) -> bool:
        return self.rules.ranking.policy.endswith(GUARD)

    def _first_due(self, lane: list[tuple[float, int]]) -> bool:
        """Whether the first open case of the lane is to be begun by now; those no longer open are dropped."""
        while lane and self.value[lane[0][1]] == -np.inf:
            heapq.heappop(lane)
        return bool(lane) and lane[0][0] <= self.now

    def _shed(self) -> None:
        """Give up openly what is near its latest start, while more comes in than can be done."""
        config, moment = self.rules.ranking, EPOCH + timedelta(hours=self.now + self.scene.zero)
        due = self._hour(guard_from(self.ranks[self.bound[0][1]].parts)[1])
        if not overloaded(self.flow.of(self.now, self.come, config.shed_window_hours, late=due <= self.now), config):
            return
        kept = []
        while self._first_due(self.bound):
            entry = heapq.heappop(self.bound)
            if may_shed(self.ranks[entry[1]].parts, special=False, now=moment, config=config):
                self.value[entry[1]] = -np.inf
                self.outcome.shed[entry[1]] = self.now
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(self.bound, entry)

    def _hear_of_views(self) -> None:
        """`value_of` for every open case at once."""
        if self.rules.ranking.policy in BY_HARM:
            still = self._open()
            told = self.scene.arrivals.views_told(still, self.now)
            self.value[still] = self.base[still] + np.log2(np.maximum(told, self.rules.ranking.least_views_per_hour))

    def _open(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.value > -np.inf)

    def _hand_out(self, index: int, who: int) -> int:
        self.value[index] = -np.inf
        self.outcome.start[index], self.outcome.reviewer[index] = self.now, who
        self.flow.begun(self.finish(index), index)
        return index

    def _hour(self, at: datetime) -> float:
        return (at - EPOCH).total_seconds() / 3600 - self.scene.zero


class _Flow:
    """Work that came and was done within the last hours, in expected minutes."""

    def __init__(self, at: Values, minutes: list[float]) -> None:
        self._at, self._minutes = at, minutes
        self._until = [0.0, *accumulate(minutes)]
        self._begun: list[tuple[float, int]] = []
        self._done: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def begun(self, finish: float, index: int) -> None:
        """A case is in somebody's hands and will be decided at that hour."""
        heapq.heappush(self._begun, (finish, index))

    def advance(self, now: float) -> None:
        """What has been decided by now counts as done."""
        while self._begun and self._begun[0][0] <= now:
            finish, index = heapq.heappop(self._begun)
            self._done.append((finish, self._minutes[index]))
            self._sum += self._minutes[index]

    def of(self, now: float, come: int, hours: float, *, late: bool) -> Flow:
        """The flow of the last `hours`, or since the start."""
        since = max(0.0, now - hours)
        while self._done and self._done[0][0] <= since:
            self._sum -= self._done.popleft()[1]
        arrived = self._until[come] - self._until[int(np.searchsorted(self._at, since))]
        return Flow(arrived, max(self._sum, 0.0), len(self._done), now - since, late=late)
