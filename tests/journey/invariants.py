"""What must be true after any crash, read from the database alone and compared with what was promised."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from service.db import libpq_url
from tests.journey.people import Ledger
from tests.journey.receiver import Inbox

_QUIET = """
    SELECT (SELECT count(*) FROM evidence WHERE score_state = 'waiting')
         + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending'))
         + (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')) AS left_to_do
"""
_STANDING = "SELECT d.* FROM decisions d WHERE NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)"
# How a lease ends, and the event that says so.
_ENDS = """('decided', 'case.decided'), ('released', 'lease.released'), ('lapsed', 'lease.lapsed'), ('held', 'case.held'),
    ('handed_over', 'case.handed_over'), ('skipped', 'case.skipped'), ('second_opinion', 'opinion.asked'),
    ('unopened', 'lease.unopened')"""
# Each of these finds rows that contradict each other; none may find one.
_CONTRADICTIONS: dict[str, LiteralString] = {
    "a subject has two open cases": """
        SELECT subject_id FROM cases WHERE status <> 'decided' GROUP BY 1 HAVING count(*) > 1""",
    "a case counts other reports than it has": """
        SELECT c.id, c.report_count, count(r.id) FROM cases c LEFT JOIN reports r ON r.case_id = c.id
        GROUP BY c.id HAVING c.report_count <> count(r.id)""",
    "a report shows other content than its case's subject": """
        SELECT r.id FROM reports r JOIN cases c ON c.id = r.case_id JOIN evidence e ON e.id = r.evidence_id
        WHERE e.subject_id <> c.subject_id""",
    "a case has two decisions that stand": f"""
        SELECT case_id FROM ({_STANDING}) AS standing GROUP BY 1 HAVING count(*) > 1""",
    "a case is decided without a decision that stands, or open with one": f"""
        SELECT c.id, c.status, count(d.id) FROM cases c LEFT JOIN ({_STANDING}) AS d ON d.case_id = c.id
        WHERE EXISTS (SELECT FROM reports r WHERE r.case_id = c.id)
        GROUP BY c.id HAVING (c.status = 'decided') <> (count(d.id) = 1)""",
    "a case lost its reports without being merged": """
        SELECT c.id FROM cases c WHERE NOT EXISTS (SELECT FROM reports r WHERE r.case_id = c.id)
        AND NOT EXISTS (SELECT FROM events e WHERE e.case_id = c.id AND e.kind = 'case.merged')""",
    "a lease led to two decisions": """
        SELECT lease_token FROM decisions GROUP BY 1 HAVING count(*) > 1""",
    "a lease says it led to a decision and there is none, or the reverse": """
        SELECT l.token, l.outcome, d.id FROM leases l LEFT JOIN decisions d ON d.lease_token = l.token
        WHERE (l.outcome IS NOT DISTINCT FROM 'decided') <> (d.id IS NOT NULL)""",
    "a lease goes on although its case is not leased under it": """
        SELECT l.token FROM leases l LEFT JOIN cases c ON c.lease_token = l.token
        WHERE (l.ended_at IS NULL) <> (c.id IS NOT NULL)""",
    "a decision has no event, or an event no decision": """
        SELECT d.id, e.id FROM decisions d
        FULL JOIN (SELECT id, data ->> 'decision' AS decision FROM events WHERE kind = 'case.decided') AS e
        ON e.decision = d.id::text WHERE d.id IS NULL OR e.id IS NULL""",
    "a case was opened without exactly one event of it": """
        SELECT c.id, count(e.id) FROM cases c LEFT JOIN events e ON e.case_id = c.id AND e.kind = 'case.opened'
        GROUP BY c.id HAVING count(e.id) <> 1""",
    "a report has no event, or two": """
        SELECT r.id, count(e.id) FROM reports r LEFT JOIN events e ON e.data ->> 'report' = r.id::text
        GROUP BY r.id HAVING count(e.id) <> 1""",
    "an idempotency key points to no report": """
        SELECT k.key FROM idempotency_keys k WHERE NOT EXISTS (SELECT FROM reports r WHERE r.id = k.report_id)""",
    "a decision has not exactly one message for each endpoint": """
        SELECT d.id, e.id, count(o.id) FROM decisions d CROSS JOIN webhook_endpoints e
        LEFT JOIN outbox o ON o.decision_id = d.id AND o.endpoint_id = e.id
        GROUP BY d.id, e.id HAVING count(o.id) <> 1""",
    "a message of an undone decision was sent, or one of a standing decision was not": """
        SELECT o.id, o.state FROM outbox o LEFT JOIN decision_undos u ON u.decision_id = o.decision_id
        WHERE o.state <> CASE WHEN u.decision_id IS NULL THEN 'delivered' ELSE 'cancelled' END""",
    "a message does not name exactly the reports that its decision answers": f"""
        WITH made AS MATERIALIZED (SELECT id, data ->> 'decision' AS decision FROM events WHERE kind = 'case.decided'),
        late AS MATERIALIZED (
            SELECT id, data ->> 'report' AS report FROM events WHERE kind = 'case.reported_after_decision')
        SELECT o.id FROM outbox o JOIN ({_STANDING}) AS d ON d.id = o.decision_id JOIN made ON made.decision = d.id::text
        WHERE (SELECT jsonb_agg(r.id ORDER BY r.id) FROM reports r LEFT JOIN late ON late.report = r.id::text
               -- Reports that came after it were answered with it at once.
               WHERE r.case_id = d.case_id AND (late.id IS NULL OR late.id < made.id)) IS DISTINCT FROM
              (SELECT jsonb_agg(named ORDER BY named) FROM jsonb_array_elements(o.payload::jsonb #> '{{data,reports}}') AS named)""",
    "a standing decision that enforces has no strike, or another one has": f"""
        SELECT d.id, s.weight FROM decisions d JOIN cases c ON c.id = d.case_id JOIN subjects b ON b.id = c.subject_id
        LEFT JOIN strikes s ON s.decision_id = d.id AND s.reversed_at IS NULL
        WHERE (s.id IS NOT NULL) <> (d.actions <> '{{no_violation}}' AND b.author_id IS NOT NULL
                                     AND d.id IN (SELECT id FROM ({_STANDING}) AS standing))""",
    "a message was delivered without an attempt that arrived": """
        SELECT o.id FROM outbox o WHERE o.state = 'delivered' AND NOT EXISTS (
            SELECT FROM delivery_attempts a WHERE a.message_id = o.id AND a.error IS NULL)""",
    "a question was answered by a decision that does not stand, or by whoever asked": f"""
        SELECT o.id FROM second_opinions o JOIN decisions d ON d.id = o.decision_id
        WHERE d.id NOT IN (SELECT id FROM ({_STANDING}) AS standing) OR d.decided_by = o.asked_by
           OR d.basis <> 'second_opinion'""",
    "evidence has no score": """
        SELECT id, score_state FROM evidence
        WHERE score_state NOT IN ('scored', 'bypassed') OR (score IS NULL) <> (score_state = 'bypassed')""",
    "a rank does not know the score of its evidence": """
        SELECT c.id FROM cases c JOIN evidence e ON e.id = c.evidence_id
        WHERE c.status <> 'decided' AND (c.rank ->> 'scored')::boolean IS DISTINCT FROM (e.score IS NOT NULL)""",
    "a held case is kept for nobody, or although its time has come": """
        SELECT id, held_until, start_by FROM cases WHERE status = 'held' AND (
            held_for IS NULL OR held_as IS NULL OR least(held_until, start_by) < now() - interval '15 seconds')""",
    "a lease ran out and its case has not been given back": """
        SELECT id FROM cases WHERE status = 'leased' AND lease_expires_at < now() - interval '15 seconds'""",
    "a case was shed under no rule": "SELECT id FROM cases WHERE status = 'shed' AND coalesce(shed_under, '') = ''",
    "leases of a case ended otherwise than its events say": f"""
        SELECT coalesce(l.case_id, e.case_id), l.outcome, l.times, e.times
        FROM (SELECT case_id, outcome, count(*) AS times FROM leases WHERE outcome IS NOT NULL GROUP BY 1, 2) AS l
        FULL JOIN (
            SELECT e.case_id, o.outcome, count(*) AS times FROM events e JOIN (VALUES {_ENDS}) AS o (outcome, kind)
            ON o.kind = e.kind GROUP BY 1, 2
        ) AS e ON (e.case_id, e.outcome) = (l.case_id, l.outcome)
        WHERE l.times IS DISTINCT FROM e.times""",
    "cases were handed out in other lanes than their events say": """
        SELECT coalesce(l.case_id, e.case_id), coalesce(l.lane, e.lane), l.times, e.times
        FROM (SELECT case_id, lane, count(*) AS times FROM leases GROUP BY 1, 2) AS l
        FULL JOIN (
            SELECT case_id, data ->> 'lane' AS lane, count(*) AS times FROM events WHERE kind = 'case.claimed' GROUP BY 1, 2
        ) AS e ON (e.case_id, e.lane) = (l.case_id, l.lane)
        WHERE l.times IS DISTINCT FROM e.times""",
    "a case came by chance without a chance, or for certain with one": """
        SELECT token, lane, propensity, random_share FROM leases
        WHERE CASE lane WHEN 'random' THEN random_share = 0 ELSE propensity <> 1 END""",
    "a case came for its deadline and never had one": """
        SELECT l.token FROM leases l JOIN cases c ON c.id = l.case_id WHERE l.lane = 'legal' AND NOT EXISTS (
            SELECT FROM clocks k JOIN cases o ON o.id = k.case_id WHERE o.subject_id = c.subject_id)""",
    "a case lost its reports to another one, which lacks its deadline": """
        SELECT k.id FROM clocks k JOIN cases c ON c.id = k.case_id
        WHERE NOT EXISTS (SELECT FROM reports r WHERE r.case_id = c.id)
        AND NOT EXISTS (SELECT FROM clocks AS later WHERE later.replaces = k.id)
        AND NOT EXISTS (SELECT FROM clocks m JOIN cases o ON o.id = m.case_id WHERE o.subject_id = c.subject_id
                        AND o.id <> c.id AND (m.kind, m.basis, m.due_at) = (k.kind, k.basis, k.due_at))""",
    "a case is ranked by other views than its subject has": """
        SELECT c.id FROM cases c JOIN subjects s ON s.id = c.subject_id
        WHERE c.status <> 'decided' AND c.views_per_hour <> s.views_per_hour""",
    "a case has another deadline than its nearest clock": """
        SELECT c.id FROM cases c WHERE c.status <> 'decided' AND c.deadline IS DISTINCT FROM (
            SELECT min(k.due_at) FROM clocks k
            WHERE k.case_id = c.id AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id))""",
    "a decision that was taken back still says something of reporters": """
        SELECT decision_id FROM reporter_outcomes JOIN decision_undos USING (decision_id)""",
    "a reporter has a tally without outcomes, or outcomes without a tally": """
        SELECT reporter_id FROM (SELECT DISTINCT reporter_id FROM reporter_outcomes) AS judged
        FULL JOIN reporters ON reporters.id = judged.reporter_id
        WHERE reporters.id IS NULL OR judged.reporter_id IS NULL""",
    "media has not its four previews": """
        SELECT m.id, count(d.level) FROM media m
        LEFT JOIN media_derivatives d ON d.media_id = m.id AND d.variant = 'gray' AND d.level > 0
        WHERE m.status = 'ready' AND m.kind <> 'audio' GROUP BY m.id HAVING count(d.level) <> 4""",
    "an exposure was not under a lease of that case and person": """
        SELECT x.id FROM exposures x JOIN leases l ON l.token = x.lease_token
        WHERE (x.case_id, x.principal_id) IS DISTINCT FROM (l.case_id, l.holder)""",
}


@contextmanager
def reading(database: str) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
    """A cursor on the database, with rows as dictionaries; what it changes is committed at once."""
    with (
        psycopg.connect(libpq_url(database), autocommit=True, row_factory=dict_row) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def is_quiet(database: str) -> bool:
    """Whether the worker has nothing left to do."""
    with reading(database) as cursor:
        row = cursor.execute(_QUIET).fetchone()
    return row is not None and row["left_to_do"] == 0


def end_leases(database: str) -> None:
    """Let every lease lapse, as a long wait would."""
    with reading(database) as cursor:
        cursor.execute("UPDATE cases SET lease_expires_at = now() WHERE status = 'leased'")


def end_undo_windows(database: str) -> None:
    """Let every undo window pass, as a long wait would."""
    with reading(database) as cursor:
        cursor.execute("UPDATE outbox SET deliver_after = now() WHERE deliver_after > now()")
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now()")


def check(database: str, ledger: Ledger, inbox: Inbox) -> None:
    """Fail with everything that is not as it must be."""
    problems = broken(database, ledger, inbox)
    assert not problems, "\n".join(problems)


def broken(database: str, ledger: Ledger, inbox: Inbox) -> list[str]:
    """Everything that is not as it must be."""
    with reading(database) as cursor:
        found = {name: cursor.execute(query).fetchall() for name, query in _CONTRADICTIONS.items()}
    problems = [f"{name}: {rows}" for name, rows in found.items() if rows]
    problems += [*_broken_promises(database, ledger), *_wrong_webhooks(database, inbox)]
    problems += [f"two people had case {case} at the same time" for case in double_leases(ledger)]
    return problems


def double_leases(ledger: Ledger) -> list[str]:
    """Cases that were surely in two hands at once, as their holders saw it."""
    doubles: list[str] = []
    last: dict[str, float] = {}
    for one in sorted(ledger.tenures.values(), key=lambda one: one.since):
        if one.since < last.get(one.case_id, one.since):
            doubles.append(one.case_id)
        last[one.case_id] = max(one.until, last.get(one.case_id, one.until))
    return doubles


def _broken_promises(database: str, ledger: Ledger) -> Iterator[str]:
    with reading(database) as cursor:
        reports = {str(row["id"]) for row in cursor.execute("SELECT id FROM reports").fetchall()}
        decisions = {str(row["id"]) for row in cursor.execute("SELECT id FROM decisions").fetchall()}
        undone = {str(row["decision_id"]) for row in cursor.execute("SELECT decision_id FROM decision_undos")}
        exposures = {str(row["id"]) for row in cursor.execute("SELECT id FROM exposures").fetchall()}
        media = {str(row["id"]) for row in cursor.execute("SELECT id FROM media").fetchall()}
    reports -= ledger.before
    by_key = {key: {answer["report_id"] for answer in answers} for key, answers in ledger.accepted.items()}
    yield from (f"key {key} gave several reports: {ids}" for key, ids in by_key.items() if len(ids) != 1)
    promised = set().union(*by_key.values())
    if reports != promised:
        yield f"reports lost {promised - reports}, reports nobody has an answer for {reports - promised}"
    if len(promised) != len(by_key):
        yield f"{len(by_key)} keys gave {len(promised)} reports"
    yield from (f"decision lost: {one}" for one in set(ledger.decisions) - decisions)
    yield from (f"undo lost: {one}" for one in set(ledger.undone) - undone)
    yield from (f"an address was handed out without exposure {one}" for one in set(ledger.exposures) - exposures)
    yield from (f"media lost: {one}" for one in set(ledger.media) - media)


def _wrong_webhooks(database: str, inbox: Inbox) -> Iterator[str]:
    with reading(database) as cursor:
        standing = {str(row["id"]) for row in cursor.execute(_STANDING).fetchall()}
        messages = {str(row["id"]): row for row in cursor.execute("SELECT id, state, payload FROM outbox").fetchall()}
        endpoint = cursor.execute("SELECT id FROM webhook_endpoints").fetchone()
    if endpoint is None:
        yield "there is no webhook endpoint"
        return
    payloads = {one.id: one.payload for one in inbox.deliveries}
    told = Counter(one["data"]["decision_id"] for one in payloads.values() if one["type"] == "decision.made")
    if told != Counter(standing):
        yield f"told more than once or never {told - Counter(standing)}, {Counter(standing) - told}"
    delivered = {one for one, row in messages.items() if row["state"] == "delivered"}
    if delivered != inbox.ids:
        yield f"noted as delivered and never seen {delivered - inbox.ids}, the reverse {inbox.ids - delivered}"
    bodies = {(one.id, one.body) for one in inbox.deliveries}
    if len(bodies) != len(inbox.ids):
        yield "one webhook id came with different bodies"
    yield from (f"{one} came with another body" for one, body in bodies if body.decode() != messages[one]["payload"])
    if inbox.forged:
        yield f"{inbox.forged} deliveries without a right signature"
