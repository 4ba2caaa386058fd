"""What one reviewer did in the hours before now, written straight into the tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig, RankInputs, rank
from tests.service.scorecards.world import World

Span = tuple[float, float]


@dataclass
class Shift:
    """Rows of one person; times are minutes from now, so those before are negative."""

    world: World
    person: UUID

    def case(self, *, high: bool = False, waits: bool = False) -> UUID:
        """A case, decided unless it waits; what waits is more urgent the more graphic it is."""
        scope = self.world.value("SELECT case_scope('default', 'en', %s, '')", high)
        status, value = ("open", 2.0 if high else 1.0) if waits else ("decided", 0.0)
        return self.world.case(-600, status=status, scope_id=scope, rank_value=value, rank=parts())

    def had(self, span: Span, *, high: bool = False, since: float | None = None, **fields: Any) -> UUID:
        """A case that was in hand for that time, since when work had begun; returns its lease."""
        begun = self.world.at(span[0] if since is None else since)
        values: dict[str, Any] = {"high_exposure": high, "working_since": begun, "shift_since": begun, **fields}
        return self.world.lease(self.case(high=high), self.person, span, **values)

    def opened(self, *spans: Span, level: int | None = 3, lease: UUID | None = None) -> None:
        """Originals that were open for those times."""
        with self.world.together():
            lease = lease or self.world.lease(self.case(), self.person, (-600, -600))
            case = self.world.value("SELECT case_id FROM leases WHERE token = %s", lease)
            for span in spans:
                self.world.expose(self.person, case, lease, span, level=level)

    def ended(self, minute: float) -> None:
        """The exposure that began last was over by then."""
        self.world.connection.execute(
            "INSERT INTO exposure_ends (exposure_id, at, why)"
            " SELECT id, %s, 'left' FROM exposures ORDER BY at DESC LIMIT 1",
            [self.world.at(minute)],
        )


@cache
def parts() -> str:
    """A rank as it is stored, so that the case can be looked at."""
    inputs = RankInputs(score=None, reasons=["harassment"], views_per_hour=1, pictures=0, received_at=datetime.now(UTC))
    return json.dumps(rank(inputs, load_taxonomy(), RankConfig()).parts)


def shift_of(world: World, person: UUID) -> Shift:
    """A person at work now."""
    world.start = datetime.now(UTC)
    return Shift(world, person)


def seconds_of(spans: Sequence[Span]) -> float:
    """Length of a union of spans of minutes, in seconds: by sweeping over them, with nothing of the database."""
    total, reached = 0.0, float("-inf")
    for since, until in sorted(spans):
        total += max(0.0, until - max(since, reached))
        reached = max(reached, until)
    return total * 60
