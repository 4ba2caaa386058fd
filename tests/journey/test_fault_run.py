"""A short fault run: the whole command but for its minutes."""

from pathlib import Path

import pytest

from tests.journey.faults import Plan, run

pytestmark = pytest.mark.kill

# Short leases and undo windows, so that some run out. With this seed the first fault takes everything at once.
SHORT = Plan(
    seconds=8,
    seed=307,
    every=2.5,
    beside=0,
    reviewers=4,
    lease=3,
    undo=1,
    pace={"between_reports": 0.2, "between_views": 0.5, "look": 0.2},
    waits=False,
)


async def test_short_fault_run_breaks_nothing(tmp_path: Path) -> None:
    outcome = await run(SHORT, tmp_path)
    assert outcome.broken == []
    counted = outcome.figures
    # A run in which nothing happened would pass whatever the service did.
    assert counted["faults"]["kill -9 of PostgreSQL, API and worker"] == 1
    assert counted["reports"]["stored"] == counted["reports"]["sent"] > 10
    assert counted["decisions"]["made"] > 0
    assert counted["answers to callers"]["no answer"] > 0
