-- Clocks of cases that end with that of their record, and statements of reasons that are made afterwards.

-- A clock of a case that stands for one of a record ends when that one is over: met, or dropped by what the record became. As a
-- clock is never changed, that it ended is a row of its own.
CREATE TABLE clock_ends (
    clock_id uuid PRIMARY KEY REFERENCES clocks,
    ended_at timestamptz NOT NULL DEFAULT now(),
    because text NOT NULL CHECK (because IN ('met', 'dropped'))
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON clock_ends FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON clock_ends EXECUTE FUNCTION refuse_change();
-- Settled: the clock of the record is over, and so is that of the case.
ALTER TABLE sla_case_clocks ADD COLUMN settled boolean NOT NULL DEFAULT false;
CREATE INDEX sla_case_clocks_unsettled ON sla_case_clocks (sla_clock_id) WHERE NOT settled;

CREATE OR REPLACE VIEW decision_facts AS
SELECT c.decision_id, c.case_id, c.person, c.vendor, c.site, c.language, c.area, c.policy_id, c.policy, c.basis,
       c.decided_at AS at, c.month, c.undone_at IS NOT NULL AS undone, due.at AS due_at, c.decided_at <= due.at AS deadline_met,
       wrong.how IS NOT NULL AS overturned, wrong.how AS overturned_by, asked.number > 0 AS escalated,
       asked.was_right AS escalation_right
FROM counted_decisions c JOIN cases k ON k.id = c.case_id
-- The nearest clock that ran when it was decided; a decision that was taken back kept no deadline and missed none.
CROSS JOIN LATERAL (
    SELECT min(t.due_at) AS at FROM clocks t
    WHERE c.undone_at IS NULL AND t.case_id = c.case_id AND t.set_at <= c.decided_at
      AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = t.id AND later.set_at <= c.decided_at)
      AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = t.id AND o.ended_at <= c.decided_at)
) AS due
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN EXISTS (SELECT FROM quality_checks q WHERE q.decision_id = c.decision_id AND NOT q.correct)
        THEN 'quality_check'
        WHEN EXISTS (
            SELECT FROM cases alike JOIN decisions o ON o.case_id = alike.id
            WHERE alike.subject_id = k.subject_id AND o.evidence_id = c.evidence_id AND o.basis = 'second_opinion'
              AND o.decided_at > c.decided_at AND o.undo_until <= now()
              AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = o.id)
              AND NOT same_judgement(
                  jsonb_build_object('policy_area', c.area, 'severity', c.severity, 'actions', c.actions),
                  jsonb_build_object('policy_area', o.policy_area, 'severity', o.severity, 'actions', o.actions)))
        THEN 'second_opinion'
        WHEN c.undone_at IS NOT NULL THEN 'undo'
    END AS how
) AS wrong
CROSS JOIN LATERAL (
    SELECT count(*) AS number, bool_and(f.was_right) AS was_right FROM escalation_facts f
    WHERE f.case_id = c.case_id AND f.decision_id = c.decision_id
) AS asked
UNION ALL
SELECT NULL, c.case_id, c.person, p.vendor, p.site, language_group(e.language), e.score ->> 'primary_area', NULL, NULL, NULL,
       c.deadline, date_trunc('month', c.deadline AT TIME ZONE 'UTC')::date, false, c.deadline, false, false, NULL, false, NULL
FROM counted_cases c JOIN evidence e ON e.id = c.evidence_id LEFT JOIN principals p ON p.id = c.person
WHERE c.status <> 'decided' AND c.deadline <= now();

-- Decisions that restrict and have no statement of reasons that holds: what they are now, and what the statement lacked. Made up for
-- by a person, or closed because nothing is due any more.
CREATE TABLE statement_gaps (
    decision_id uuid PRIMARY KEY REFERENCES decisions,
    case_id uuid NOT NULL REFERENCES cases,
    policy_area text NOT NULL,
    actions text[] NOT NULL,
    lacks text NOT NULL DEFAULT '',
    noticed_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX statement_gaps_open ON statement_gaps (noticed_at) WHERE closed_at IS NULL;
CREATE INDEX statement_gaps_case ON statement_gaps (case_id);
-- Whoever made a statement after its decision had been without; made_at says when.
ALTER TABLE statements ADD COLUMN afterwards_by uuid REFERENCES principals;
INSERT INTO statement_gaps (decision_id, case_id, policy_area, actions, noticed_at)
SELECT DISTINCT ON (a.decision_id) a.decision_id, a.case_id, a.right_area, a.standing || a.taken, e.at
FROM events e JOIN appeals a ON a.id = CAST(e.data ->> 'appeal' AS uuid)
WHERE e.kind = 'statement.missing' AND a.right_area IS NOT NULL
  -- Unless it has been made since, or a later review took back what it was about. One from before, handed out or not, tells of
  -- what no longer holds.
  AND NOT EXISTS (SELECT FROM statements s WHERE s.decision_id = a.decision_id AND s.made_at > e.at)
  AND NOT EXISTS (SELECT FROM events later WHERE later.case_id = e.case_id AND later.kind = 'statement.reviewed' AND later.at > e.at
                  AND later.data ->> 'decision' = CAST(a.decision_id AS text))
ORDER BY a.decision_id, e.at DESC;
