"""What came of a fault run, as one object and as a table."""

from typing import Any, LiteralString

from tests.journey.invariants import double_leases, reading
from tests.journey.outages import Outages
from tests.journey.shift import Shift
from tests.journey.world import World

_COUNTS: dict[str, dict[str, LiteralString]] = {
    "reports": {
        "stored": "SELECT count(*) AS n FROM reports",
        "stored in exactly one case": "SELECT count(*) AS n FROM reports r JOIN cases c ON c.id = r.case_id",
    },
    "cases": {
        "all": "SELECT count(*) AS n FROM cases",
        "most undecided of one subject": """
            SELECT coalesce(max(n), 0) AS n FROM (
                SELECT count(*) AS n FROM cases WHERE status <> 'decided' GROUP BY subject_id) AS every""",
    },
    "leases": {
        "granted": "SELECT count(*) AS n FROM leases",
        "live at the end": "SELECT count(*) AS n FROM cases WHERE status = 'leased' AND lease_expires_at > now()",
    },
    "decisions": {
        "made": "SELECT count(*) AS n FROM decisions",
        "most under one lease": """
            SELECT coalesce(max(n), 0) AS n FROM (SELECT count(*) AS n FROM decisions GROUP BY lease_token) AS every""",
        "undone": "SELECT count(*) AS n FROM decision_undos",
    },
    "webhooks": {
        "messages expected": "SELECT count(*) AS n FROM outbox WHERE state <> 'cancelled'",
        "cancelled by an undo": "SELECT count(*) AS n FROM outbox WHERE state = 'cancelled'",
        "given up": "SELECT count(*) AS n FROM outbox WHERE state = 'failed'",
    },
}
_GROUPS: dict[str, LiteralString] = {
    "cases": "SELECT status AS name, count(*) AS n FROM cases GROUP BY 1 ORDER BY 1",
    "leases": "SELECT coalesce(outcome, 'going on') AS name, count(*) AS n FROM leases GROUP BY 1 ORDER BY 1",
    "lanes": "SELECT lane AS name, count(*) AS n FROM leases GROUP BY 1 ORDER BY 1",
}


def figures(world: World, shift: Shift, outages: Outages) -> dict[str, dict[str, Any]]:
    """Everything that was counted, by what it is about."""
    ledger, inbox = world.ledger, world.inbox
    with reading(world.database) as cursor:
        counted = {
            about: {name: _number(cursor.execute(query).fetchone()) for name, query in queries.items()}
            for about, queries in _COUNTS.items()
        }
        for about, query in _GROUPS.items():
            counted.setdefault(about, {}).update({row["name"]: row["n"] for row in cursor.execute(query).fetchall()})
    before = len(ledger.before)
    counted["reports"] = {
        "sent": len(ledger.reports),
        "answered with success": len(ledger.accepted),
        **{name: number - before for name, number in counted["reports"].items()},
        "samples that were there before": before,
    }
    counted["leases"]["in two hands at once"] = len(double_leases(ledger))
    contents = {(one.id, one.body) for one in inbox.deliveries}
    counted["webhooks"] |= {
        "delivered at least once": len(inbox.ids),
        "ids with more than one content": len(contents) - len(inbox.ids),
        "received again under the same id": len(inbox.deliveries) - len(inbox.ids),
        "without a right signature": inbox.forged,
    }
    return {
        "faults": dict(sorted(outages.struck.items())),
        "work": dict(sorted(shift.done.items())),
        "answers to callers": dict(sorted(ledger.outcomes.items())),
        "outages": {"longest that a caller saw, in seconds": round(ledger.longest_outage, 1)},
        **counted,
        "receiver": {str(mood): number for mood, number in sorted(inbox.moods.items())},
    }


def table(counted: dict[str, dict[str, Any]]) -> str:
    """The figures as Markdown."""
    rows = [f"| {about} | {name} | {number:,} |" for about, every in counted.items() for name, number in every.items()]
    return "\n".join(["| about | what | number |", "|---|---|---:|", *rows])


def _number(row: dict[str, Any] | None) -> int:
    assert row is not None
    return int(row["n"])
