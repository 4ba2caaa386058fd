"""What a continuity plan would do with what is there: a pure function of cases, people and deadlines."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from service.crisis.plans.schemas import Hole, PlanSpec, QueueDrill
from service.floor.breaches import Pace, predict

ASSUMPTION = (
    "The stated share of those who may take a queue is there and works all the time; whoever may take several queues with "
    "cases divides their time evenly; a case takes the minutes that its rank expects; deadlines come first, the nearest "
    "before the others; nothing new comes in."
)


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue as it is: its undecided cases by lane, and the minutes that one of them takes on average."""

    cases: int
    legal: int
    bound: int
    minutes: float
    overdue: int
    restricted: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a drill looks at. `takers` and `takers_with` are the people who may take each queue, by the claim's rule.

    `people` says of everybody whom the plan names whether they are active and review.
    """

    now: datetime
    queues: Mapping[str, QueueNow]
    due: Mapping[str, Sequence[datetime]]
    takers: Mapping[str, frozenset[str]]
    takers_with: Mapping[str, frozenset[str]]
    sheddable: Mapping[str, int]
    people: Mapping[str, bool]


def drilled(plan: PlanSpec, scene: Scene) -> tuple[list[QueueDrill], list[Hole]]:
    """Each queue without the plan and with it, and the holes of the plan."""
    instead = {one.queue: one.into for one in plan.stopped}
    cases = {name: one.cases for name, one in scene.queues.items()}
    cases_with: Counter[str] = Counter()
    overdue_with: Counter[str] = Counter()
    due_with: dict[str, list[datetime]] = defaultdict(list)
    for name, one in scene.queues.items():
        into = instead.get(name, name)
        cases_with[into] += one.cases
        overdue_with[into] += one.overdue
        due_with[into].extend(scene.due.get(name, ()))
    share = plan.present_share
    per_hour = _per_hour(scene, cases, scene.takers, share)
    per_hour_with = _per_hour(scene, cases_with, scene.takers_with, share)
    rows = [
        QueueDrill(
            queue=name,
            goes="still" if name in instead else "by severity" if name in plan.severity_only else "on",
            cases=one.cases,
            legal=one.legal,
            bound=one.bound,
            ranked=one.cases - one.legal - one.bound,
            people=len(scene.takers.get(name, ())),
            people_with=len(scene.takers_with.get(name, ())),
            per_hour=per_hour[name],
            per_hour_with=per_hour_with[name],
            cases_with=cases_with[name],
            sheddable=scene.sheddable.get(name, 0),
            overdue=one.overdue,
            missed=_missed(scene.due.get(name, ()), per_hour[name], scene.now, one.overdue),
            missed_with=_missed(due_with[name], per_hour_with[name], scene.now, overdue_with[name]),
        )
        for name, one in scene.queues.items()
    ]
    return rows, [*_of_queues(rows), *_of_plan(plan, scene)]


def _per_hour(
    scene: Scene, cases: Mapping[str, int], takers: Mapping[str, frozenset[str]], share: float
) -> dict[str, float]:
    """Cases an hour of each queue, where everybody divides their time among the queues with cases that they may take."""
    busy = Counter(person for queue, people in takers.items() if cases.get(queue, 0) for person in people)
    return {
        name: share * sum(1 / max(busy[person], 1) for person in takers.get(name, ())) * 60 / max(one.minutes, 0.01)
        for name, one in scene.queues.items()
    }


def _missed(due: Sequence[datetime], per_hour: float, now: datetime, overdue: int) -> int:
    return predict(due, Pace(per_hour), now=now, before=overdue).missed


def _of_queues(rows: Sequence[QueueDrill]) -> list[Hole]:
    found = []
    for one in rows:
        if one.goes != "still" and not one.people_with:
            text = f"nobody may take {one.queue}, where {one.cases_with} cases would wait"
            found.append(Hole(kind="nobody", queue=one.queue, text=text))
        if one.missed_with:
            text = f"{one.missed_with} deadlines of {one.queue} would be missed ({one.missed} without the plan)"
            found.append(Hole(kind="deadline", queue=one.queue, text=text))
    return found


def _of_plan(plan: PlanSpec, scene: Scene) -> list[Hole]:
    named = {*plan.severity_only, *(one.queue for one in plan.stopped), *(one.into for one in plan.stopped)}
    named |= {queue for one in plan.reskilled for queue in one.queues}
    found = [
        Hole(kind="queue", queue=name, text=f"there is no open queue {name}")
        for name in sorted(named - set(scene.queues))
    ]
    for one in plan.stopped:
        if one.queue in scene.queues and scene.queues[one.queue].restricted:
            text = f"{one.queue} is restricted: its cases would be seen by others than its members"
            found.append(Hole(kind="queue", queue=one.queue, text=text))
    for helper in plan.reskilled:
        if not scene.people.get(helper.person, False):
            found.append(Hole(kind="person", text=f"{helper.person} is not active or does not review"))
        elif _expired(helper.valid_until, scene.now.date()):
            text = f"the training of {helper.person} for {', '.join(helper.queues)} ended on {helper.valid_until}"
            found.append(Hole(kind="training", text=text))
    return found


def _expired(until: date | None, today: date) -> bool:
    return until is not None and until < today
