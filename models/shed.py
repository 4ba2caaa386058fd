"""When more comes in than can be done: what may be given up, openly. One rule for the service and for the simulator.

    load = minutes of work that came in / minutes of work that was done, both expected, over the last `shed_window_hours`

A case is shed only while that load is surely above `shed_above_load`, only once its latest start is near (`guard_from`), and
never if a legal deadline, a special route or its severity speaks against it. What is shed is not hidden: it stays listed as
shed, with who owns the rule, can be taken back, and its reporters are told.

A window should hold a whole cycle of the work: a day, or a week (168) where nobody works at weekends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.rank import RankConfig, guard_from

# The load must exceed the bar by so many of its standard errors: about one window in twenty would by chance.
STANDARD_ERRORS = 1.645
# What came in and what was done are both counts that scatter, and cases differ in length.
SCATTER = 2.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Work of the last `hours`, in minutes that its decisions were expected to take: came in, done, decisions made.

    `late` says that a case whose latest start is over waits although nothing but the rule of shedding could free it.
    """

    arrived_minutes: float
    done_minutes: float
    decided: int
    hours: float
    late: bool = False


def load(flow: Flow) -> float:
    """Work that came in by work that was done; infinite where nothing was done of what came."""
    if flow.done_minutes > 0:
        return flow.arrived_minutes / flow.done_minutes
    return math.inf if flow.arrived_minutes > 0 else 0.0


def overloaded(flow: Flow, config: RankConfig) -> bool:
    """Whether more came in than could be done, by more than chance explains.

    Below capacity reviewers do what comes, and the measured load hovers around 1: a bar of 1 without a margin would be
    crossed every other day. A queue nobody works on is no overload but an outage: too few decisions, nothing concluded.
    Once a latest start has passed, the load itself decides: the bound is lost then, and to wait for certainty would mean
    that the case starves in silence.
    """
    if not config.shed or flow.hours < config.shed_least_history_hours:
        return False
    if flow.decided < max(config.shed_least_decisions, 1):
        return False
    margin = 0.0 if flow.late else STANDARD_ERRORS * math.sqrt(SCATTER / flow.decided)
    return load(flow) > config.shed_above_load * (1 + margin)


def may_shed(parts: Mapping[str, Any], *, special: bool, now: datetime, config: RankConfig) -> bool:
    """Whether a case with these rank parts may be given up at `now`, if the queue is overloaded.

    `special` are cases of special routes (child safety, threat to life, legal orders). Nothing is given up before its latest
    start is near, nothing with a legal or contractual deadline, nothing that is likely severe, and nothing that no model
    has assessed: there is no telling what it is.
    """
    if special or parts["deadline"] or not parts["scored"]:
        return False
    severity = parts["severity"]
    likely = max(range(len(severity)), key=lambda level: severity[level])
    return likely < config.shed_below_severity and guard_from(parts)[0] <= now
