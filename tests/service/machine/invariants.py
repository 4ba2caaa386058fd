"""What must be true of the queues after every single step, asked of the database as it stands."""

import math
from typing import Any

from models.rank import reproduce, with_live_views
from tests.service.machine.world import World

# Each names what is wrong and where; the whole gives no row.
BROKEN = """
    SELECT 'a report in no case, or not in the case of its subject', r.id::text
    FROM reports r JOIN cases c ON c.id = r.case_id JOIN evidence e ON e.id = r.evidence_id
    WHERE e.subject_id <> c.subject_id
    UNION ALL
    SELECT 'a count of reports that is wrong', c.id::text FROM cases c
    WHERE c.report_count <> (SELECT count(*) FROM reports r WHERE r.case_id = c.id)
    UNION ALL
    SELECT 'two undecided cases of a subject', subject_id::text FROM cases WHERE status <> 'decided'
    GROUP BY subject_id HAVING count(*) > 1
    UNION ALL
    SELECT 'a leased case without exactly its one live lease', c.id::text FROM cases c
    WHERE c.status = 'leased' AND 1 <> (
        SELECT count(*) FROM leases l
        WHERE l.case_id = c.id AND l.ended_at IS NULL AND l.token = c.lease_token AND l.holder = c.lease_holder)
    UNION ALL
    SELECT 'a live lease of a case that is not leased', l.token::text FROM leases l JOIN cases c ON c.id = l.case_id
    WHERE l.ended_at IS NULL AND c.lease_token IS DISTINCT FROM l.token
    UNION ALL
    SELECT 'a lease with more than one decision', lease_token::text FROM decisions GROUP BY lease_token HAVING count(*) > 1
    UNION ALL
    SELECT 'a decided case without a standing decision', c.id::text FROM cases c
    WHERE c.status = 'decided' AND NOT EXISTS (
        SELECT FROM decisions d LEFT JOIN decision_undos u ON u.decision_id = d.id
        WHERE d.case_id = c.id AND u.decision_id IS NULL)
      AND EXISTS (SELECT FROM reports r WHERE r.case_id = c.id)
    UNION ALL
    SELECT 'a standing decision without its one message', d.id::text FROM decisions d
    LEFT JOIN decision_undos u ON u.decision_id = d.id
    WHERE u.decision_id IS NULL
      AND 1 <> (SELECT count(*) FROM outbox o WHERE o.decision_id = d.id AND o.state <> 'cancelled')
    UNION ALL
    SELECT 'an undone decision whose message goes out', d.id::text
    FROM decisions d JOIN decision_undos u ON u.decision_id = d.id JOIN outbox o ON o.decision_id = d.id
    WHERE o.state <> 'cancelled'
    UNION ALL
    SELECT 'a message of a decision without a job', o.id::text FROM outbox o
    WHERE o.state = 'pending' AND NOT EXISTS (
        SELECT FROM procrastinate_jobs j WHERE j.args ->> 'message' = o.id::text)
    UNION ALL
    SELECT 'a case that stands in the scope of another queue', c.id::text
    FROM cases c JOIN case_scopes s ON s.id = c.scope_id WHERE s.queue <> c.queue
    UNION ALL
    SELECT 'an undecided case that no guard will ever serve', id::text FROM cases
    WHERE status <> 'decided' AND start_by > opened_at + interval '72 hours'
    UNION ALL
    SELECT 'a deadline that is not that of its nearest clock', c.id::text FROM cases c
    WHERE c.status <> 'decided' AND c.deadline IS DISTINCT FROM (
        SELECT min(k.due_at) FROM clocks k
        WHERE k.case_id = c.id AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id))
    UNION ALL
    SELECT 'a given-up case with a deadline', id::text FROM cases WHERE status = 'shed' AND deadline IS NOT NULL
    UNION ALL
    SELECT 'a strike of a decision that was undone', s.decision_id::text
    FROM strikes s JOIN decision_undos u ON u.decision_id = s.decision_id WHERE s.reversed_at IS NULL
"""
_RANKS = """
    SELECT c.id, c.rank_value, c.rank, c.views_per_hour, s.views_per_hour
    FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.status <> 'decided'
"""
_GROWING = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM decisions), (SELECT count(*) FROM reports)"


def check(world: World) -> None:
    """Raises AssertionError that names what is broken."""
    broken = world.rows(BROKEN)
    assert not broken, broken
    stored = {str(report): str(case) for report, case in world.rows("SELECT id, case_id FROM reports")}
    assert set(stored) == set(world.ledger.accepted), "reports that were accepted are stored, and no others"
    for case, value, parts, live, told in world.rows(_RANKS):
        assert live == told, f"{case} is ranked by other views than its subject has"
        again = reproduce(with_live_views(parts, live))
        assert math.isclose(again["value"], value, rel_tol=0, abs_tol=0), f"{case}: the parts do not give the rank"


def check_returned(world: World) -> None:
    """Raises AssertionError when something that is due again does not wait after the worker has looked."""
    kept = world.rows("SELECT id::text FROM cases WHERE status = 'held' AND least(held_until, start_by) <= now()")
    lapsed = world.rows("SELECT id::text FROM cases WHERE status = 'leased' AND lease_expires_at <= now()")
    assert not kept, f"kept back beyond their end or their latest start: {kept}"
    assert not lapsed, f"leased beyond the end of the lease: {lapsed}"


def appended(world: World) -> tuple[Any, ...]:
    """How many rows the tables hold that may only grow."""
    return world.rows(_GROWING)[0]
