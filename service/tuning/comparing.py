"""Two orders of the same cases beside each other: a pure function."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """What decides where a case stands: deadline or latest start near (`start_by` reached), else its value."""

    value: float
    start_by: datetime
    has_deadline: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An open case in both orders, with what is known of it by the rules at work."""

    case_id: UUID
    now: Place
    then: Place
    wait_seconds: float
    area: str
    severity: float
    harm_per_hour: float
    minutes: float
    scored: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """The first cases of both orders, positions of all from 1, and likely areas of the first now and then."""

    now: list[Standing]
    then: list[Standing]
    position_now: dict[UUID, int]
    position_then: dict[UUID, int]
    areas: list[tuple[str, int, int]]

    @property
    def enter(self) -> list[Standing]:
        """Those that would come to be among the first, in their order then."""
        return [one for one in self.then if one not in self.now]

    @property
    def leave(self) -> list[Standing]:
        """Those that would no longer be among the first, in their order now."""
        return [one for one in self.now if one not in self.then]


def compare(cases: Sequence[Standing], *, top: int, at: datetime) -> Compared:
    """Put the cases into both orders as the claim would at that moment."""
    now = sorted(cases, key=lambda one: _key(one.now, one.case_id, at))
    then = sorted(cases, key=lambda one: _key(one.then, one.case_id, at))
    before, after = Counter(one.area for one in now[:top]), Counter(one.area for one in then[:top])
    areas = sorted(before | after, key=lambda area: (-max(before[area], after[area]), area))
    return Compared(
        now=now[:top],
        then=then[:top],
        position_now={one.case_id: place for place, one in enumerate(now, start=1)},
        position_then={one.case_id: place for place, one in enumerate(then, start=1)},
        areas=[(area, before[area], after[area]) for area in areas],
    )


def median_wait(cases: Sequence[Standing]) -> float | None:
    """Seconds that half of them have waited at most; None without any."""
    return statistics.median(one.wait_seconds for one in cases) if cases else None


def _key(place: Place, case_id: UUID, at: datetime) -> tuple[int, float, UUID]:
    """The lanes of the claim: deadlines that the guard serves, latest starts that it serves, then the value."""
    if place.start_by > at:
        return (2, -place.value, case_id)
    return (0 if place.has_deadline else 1, place.start_by.timestamp(), case_id)
