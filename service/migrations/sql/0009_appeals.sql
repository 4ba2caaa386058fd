-- Appeals: complaints about decisions (Regulation (EU) 2022/2065, Art. 20), judged by somebody else than decided.

-- Addresses that let an author or a reporter complain without an account. Only hashes: an address is shown once, to the platform.
CREATE TABLE appeal_links (
    token_hash bytea PRIMARY KEY,
    decision_id uuid NOT NULL REFERENCES decisions,
    side text NOT NULL CHECK (side IN ('author', 'reporter')),
    -- The notice that was not acted on; none where the author complains.
    report_id uuid REFERENCES reports,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- Until when the address was to work when it was made: what it is about is kept as long.
    until timestamptz NOT NULL,
    CHECK ((side = 'reporter') = (report_id IS NOT NULL))
);
CREATE INDEX appeal_links_decision ON appeal_links (decision_id);

CREATE TABLE appeals (
    id uuid PRIMARY KEY,
    -- What people call it by: A-1001.
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) UNIQUE,
    decision_id uuid NOT NULL REFERENCES decisions,
    case_id uuid NOT NULL REFERENCES cases,
    -- What the decision was about: this is judged, however the content was edited since.
    evidence_id uuid NOT NULL REFERENCES evidence,
    side text NOT NULL CHECK (side IN ('author', 'reporter')),
    report_id uuid REFERENCES reports,
    -- The platform's id of whoever complains, where it is known.
    appellant text,
    via text NOT NULL CHECK (via IN ('link', 'api')),
    filed_by uuid REFERENCES principals,
    -- The platform's own name for it.
    reference text NOT NULL DEFAULT '',
    idempotency_key text,
    request_hash bytea NOT NULL,
    reasons text NOT NULL,
    language text NOT NULL DEFAULT 'und',
    contact text NOT NULL DEFAULT '',
    -- A row of service/appeals/targets.toml.
    target text NOT NULL,
    severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
    -- What is complained about, as it stood when it was filed.
    actions text[] NOT NULL,
    policy_area text NOT NULL,
    filed_at timestamptz NOT NULL DEFAULT now(),
    acknowledged_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'decided', 'withdrawn')),
    lease_token uuid UNIQUE,
    lease_holder uuid REFERENCES principals,
    lease_expires_at timestamptz,
    decided_by uuid REFERENCES principals,
    decided_at timestamptz,
    -- upheld: the decision holds; overturned: it does not; partly: some of its actions stand.
    outcome text CHECK (outcome IN ('upheld', 'overturned', 'partly')),
    reason_code text,
    -- For whoever complains.
    explanation text,
    -- For colleagues.
    note text NOT NULL DEFAULT '',
    reversed text[],
    standing text[],
    -- What is done instead of nothing, where a reporter was right.
    taken text[],
    right_area text,
    right_severity smallint CHECK (right_severity BETWEEN 0 AND 4),
    taxonomy_version text,
    -- Until then it can be taken back; from then on the worker carries it out, once.
    effect_at timestamptz,
    carried_out_at timestamptz,
    withdrawn_at timestamptz,
    escalation_id uuid REFERENCES escalations ON DELETE SET NULL,
    CHECK ((side = 'reporter') = (report_id IS NOT NULL)),
    CHECK ((via = 'api') = (filed_by IS NOT NULL)),
    CHECK (num_nonnulls(lease_token, lease_holder, lease_expires_at) IN (0, 3)),
    CHECK (status = 'open' OR lease_token IS NULL),
    CHECK (num_nonnulls(decided_by, decided_at, outcome, reason_code, explanation, reversed, standing, taken, right_area,
                        right_severity, taxonomy_version, effect_at) = CASE status WHEN 'decided' THEN 12 ELSE 0 END),
    CHECK (carried_out_at IS NULL OR status = 'decided'),
    CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL))
);
-- What can still be taken back may be open again.
CREATE UNIQUE INDEX appeals_one_open ON appeals (decision_id, side)
    WHERE status = 'open' OR (status = 'decided' AND carried_out_at IS NULL);
-- Whoever was answered was answered; what was withdrawn may be filed again.
CREATE UNIQUE INDEX appeals_once ON appeals (decision_id, side, coalesce(appellant, CAST(report_id AS text), '')) WHERE status <> 'withdrawn';
CREATE UNIQUE INDEX appeals_key ON appeals (filed_by, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX appeals_waiting ON appeals (due_at) WHERE status = 'open';
CREATE INDEX appeals_to_carry_out ON appeals (effect_at) WHERE status = 'decided' AND carried_out_at IS NULL;
CREATE INDEX appeals_decision ON appeals (decision_id);
CREATE INDEX appeals_case ON appeals (case_id);
CREATE INDEX appeals_evidence ON appeals (evidence_id) WHERE status = 'open';
CREATE INDEX appeals_holder ON appeals (lease_holder) WHERE lease_holder IS NOT NULL;
CREATE INDEX appeals_appellant ON appeals (appellant, filed_at) WHERE appellant IS NOT NULL;
CREATE INDEX appeals_escalation ON appeals (escalation_id) WHERE escalation_id IS NOT NULL;

-- Every time that one was in somebody's hands: originals are opened under it.
CREATE TABLE appeal_claims (
    token uuid PRIMARY KEY,
    appeal_id uuid NOT NULL REFERENCES appeals,
    holder uuid NOT NULL REFERENCES principals,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('decided', 'released', 'lapsed', 'withdrawn')),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX appeal_claims_appeal ON appeal_claims (appeal_id);
ALTER TABLE exposures ALTER COLUMN lease_token DROP NOT NULL,
    ADD COLUMN appeal_claim uuid REFERENCES appeal_claims,
    ADD CONSTRAINT exposures_under CHECK (num_nonnulls(lease_token, appeal_claim) = 1);
CREATE FUNCTION close_appeal_exposures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO exposure_ends (exposure_id, at, why)
    SELECT x.id, NEW.ended_at, 'lease' FROM exposures x WHERE x.appeal_claim = NEW.token AND x.expires_at > NEW.ended_at
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE INDEX exposures_appeal ON exposures (appeal_claim) WHERE appeal_claim IS NOT NULL;
CREATE TRIGGER close_exposures AFTER UPDATE OF ended_at ON appeal_claims FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION close_appeal_exposures();

-- What those are told whose decision did not hold, or not whole.
CREATE TABLE appeal_feedback (
    appeal_id uuid NOT NULL REFERENCES appeals,
    person uuid NOT NULL REFERENCES principals,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (appeal_id, person)
);
CREATE INDEX appeal_feedback_person ON appeal_feedback (person, told_at);

-- Out-of-court dispute settlement (Art. 21): which body, its reference, and what it came to.
CREATE TABLE appeal_disputes (
    id uuid PRIMARY KEY,
    appeal_id uuid NOT NULL REFERENCES appeals,
    body text NOT NULL,
    reference text NOT NULL,
    recorded_by uuid NOT NULL REFERENCES principals,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    outcome text CHECK (outcome IN ('for_appellant', 'for_platform', 'settled', 'inadmissible', 'withdrawn')),
    settled_by uuid REFERENCES principals,
    settled_at timestamptz,
    CHECK (num_nonnulls(outcome, settled_by, settled_at) IN (0, 3)),
    UNIQUE (appeal_id, body, reference)
);

-- Whether somebody had a part in a decision: made it or another one on that case or of its cluster, asked or answered a second
-- opinion, checked or settled it for quality, looked again at its label, or judged another appeal on that case.
-- `person` is qualified: a column of qa_feedback has that name too.
CREATE FUNCTION took_part(appealed uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM decisions d WHERE d.id = took_part.appealed AND (
            EXISTS (SELECT FROM decisions o WHERE o.decided_by = took_part.person AND (o.case_id = d.case_id OR o.cluster_id = d.cluster_id))
            OR EXISTS (SELECT FROM cluster_decisions k WHERE k.id = d.cluster_id AND k.decided_by = took_part.person)
            OR EXISTS (SELECT FROM second_opinions o
                       WHERE (o.case_id = d.case_id OR o.decision_id = d.id) AND took_part.person IN (o.asked_by, o.answered_by))
            OR EXISTS (SELECT FROM qa_items i WHERE i.case_id = d.case_id AND (
                EXISTS (SELECT FROM qa_reviews r WHERE r.item_id = i.id AND r.reviewer = took_part.person AND r.answered_at IS NOT NULL)
                OR EXISTS (SELECT FROM qa_settlements s LEFT JOIN qa_feedback f ON f.settlement_id = s.id
                           WHERE s.item_id = i.id AND (s.settled_by = took_part.person OR f.resolved_by = took_part.person))))
            OR EXISTS (SELECT FROM label_suspects l WHERE l.decision_id = d.id AND l.resolved_by = took_part.person)
            OR EXISTS (SELECT FROM appeals a WHERE a.case_id = d.case_id AND a.decided_by = took_part.person)
        )
    )
$$;

-- The end of the period for a complaint: so many months after the day on which its subject could first know, whole days (Art. 20(1)
-- and (2); Regulation 1182/71, Art. 3: the day itself does not count, and the last one does to its end, in UTC).
CREATE FUNCTION appeal_until(decision uuid, months integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT ((date_trunc('day', greatest(
                d.undo_until,
                (SELECT max(o.delivered_at) FROM outbox o WHERE o.decision_id = d.id AND o.kind = 'decision.made'),
                (SELECT max(a.carried_out_at) FROM appeals a WHERE a.decision_id = d.id AND cardinality(a.taken) > 0)
            ) AT TIME ZONE 'UTC') + make_interval(months => appeal_until.months) + interval '1 day') AT TIME ZONE 'UTC')
    FROM decisions d WHERE d.id = appeal_until.decision
$$;

-- The last line of what the workflow holds: whatever calls it, nobody judges what they had a part in, and what somebody complained
-- of and wrote stays as it was.
CREATE FUNCTION guard_appeal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.decision_id, OLD.evidence_id, OLD.reasons, OLD.side, OLD.filed_at)
        IS DISTINCT FROM (NEW.decision_id, NEW.evidence_id, NEW.reasons, NEW.side, NEW.filed_at) THEN
        RAISE EXCEPTION 'what was appealed, and why, does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'decided' AND OLD.status <> 'decided' AND took_part(NEW.decision_id, NEW.decided_by) THEN
        RAISE EXCEPTION 'somebody else has to decide this appeal' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.carried_out_at IS NOT NULL AND (OLD.outcome, OLD.status) IS DISTINCT FROM (NEW.outcome, NEW.status) THEN
        RAISE EXCEPTION 'an appeal that was carried out is final' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON appeals FOR EACH ROW EXECUTE FUNCTION guard_appeal();
CREATE TRIGGER kept BEFORE DELETE ON appeals FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was decided on is kept as it was while somebody may still complain about it, or has: six months at least, longer where
-- an address was given that works longer.
CREATE FUNCTION is_appealable(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM decisions d WHERE d.evidence_id = wanted AND (
            appeal_until(d.id, 6) > now()
            OR EXISTS (SELECT FROM appeal_links l WHERE l.decision_id = d.id AND l.until > now()))
    ) OR EXISTS (
        SELECT FROM appeals a WHERE a.evidence_id = wanted AND (a.status = 'open' OR (a.status = 'decided' AND a.carried_out_at IS NULL))
    )
$$;
CREATE FUNCTION keep_appealable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kept uuid;
BEGIN
    IF TG_TABLE_NAME = 'evidence' THEN kept := OLD.id; ELSE kept := OLD.evidence_id; END IF;
    IF current_setting('triage.removing_samples', true) IS DISTINCT FROM 'on' AND is_appealable(kept) THEN
        RAISE EXCEPTION 'evidence % is kept while it can be appealed', kept USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER kept_changed BEFORE UPDATE OF text, content_hash ON evidence FOR EACH ROW EXECUTE FUNCTION keep_appealable();
CREATE TRIGGER kept_deleted BEFORE DELETE ON evidence FOR EACH ROW EXECUTE FUNCTION keep_appealable();
CREATE TRIGGER kept_media BEFORE UPDATE OR DELETE ON evidence_media FOR EACH ROW EXECUTE FUNCTION keep_appealable();

-- Whoever has an appeal in hand must not learn elsewhere what else was said about that content, or by whom: as for blind checks.
CREATE OR REPLACE FUNCTION is_checking(subject uuid, cluster uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id JOIN cases c ON c.id = i.case_id
        WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL AND i.state = 'waiting'
          AND (c.subject_id = subject
               OR EXISTS (SELECT FROM decisions alike WHERE alike.case_id = i.case_id AND alike.cluster_id = cluster))
    ) OR EXISTS (
        SELECT FROM appeals a JOIN cases c ON c.id = a.case_id
        WHERE a.lease_holder = person AND a.lease_expires_at > now()
          AND (c.subject_id = subject
               OR EXISTS (SELECT FROM decisions alike WHERE alike.case_id = a.case_id AND alike.cluster_id = cluster))
    )
$$;

-- The same for searches, which ask for all that somebody is kept from at once (0008_search.sql).
CREATE OR REPLACE FUNCTION kept_back_from(person uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    WITH checked AS (
        SELECT i.case_id FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id
        WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL
        UNION SELECT a.case_id FROM appeals a WHERE a.lease_holder = person AND a.lease_expires_at > now()
    ), subjects AS (
        SELECT k.subject_id FROM second_opinions o JOIN cases k ON k.id = o.case_id LEFT JOIN decisions a ON a.id = o.decision_id
        WHERE o.withdrawn_at IS NULL AND (o.answered_at IS NULL OR a.undo_until > now())
        UNION SELECT k.subject_id FROM checked JOIN cases k ON k.id = checked.case_id
        UNION SELECT k.subject_id FROM checked JOIN decisions m ON m.case_id = checked.case_id
            JOIN decisions a ON a.cluster_id = m.cluster_id JOIN cases k ON k.id = a.case_id
    )
    SELECT d.id FROM subjects JOIN cases c ON c.subject_id = subjects.subject_id JOIN decisions d ON d.case_id = c.id
    WHERE is_kept_back(d.id, person)
$$;
CREATE OR REPLACE FUNCTION notes_kept_from(person uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT n.id FROM second_opinions o JOIN case_notes n ON n.case_id = o.case_id AND n.written_by = o.asked_by
    WHERE o.answered_at IS NULL AND o.withdrawn_at IS NULL AND n.written_by <> person
    UNION SELECT n.id FROM (
        SELECT i.case_id FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id AND i.state = 'waiting'
        WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL
        UNION SELECT a.case_id FROM appeals a WHERE a.lease_holder = person AND a.lease_expires_at > now()
    ) AS judged
        JOIN cases k ON k.id = judged.case_id JOIN cases c ON c.subject_id = k.subject_id JOIN case_notes n ON n.case_id = c.id
    WHERE n.written_by <> person
$$;

CREATE VIEW appeal_outcomes AS
SELECT a.id AS appeal_id, a.decision_id, a.case_id, c.person, c.vendor, c.site, a.side, c.area,
       (SELECT r.channel FROM reports r WHERE r.case_id = a.case_id ORDER BY r.received_at, r.id LIMIT 1) AS source,
       coalesce(s.market, 'unknown') AS market, c.language, coalesce(d.bundle, 'none') AS bundle, c.basis, c.severity,
       a.filed_at, a.decided_at, a.decided_at <= a.due_at AS in_time, a.outcome, a.outcome <> 'upheld' AS overturned, a.reason_code
FROM appeals a JOIN counted_decisions c ON c.decision_id = a.decision_id JOIN decisions d ON d.id = a.decision_id
JOIN cases k ON k.id = a.case_id JOIN subjects s ON s.id = k.subject_id
WHERE a.status = 'decided' AND a.carried_out_at IS NOT NULL;
COMMENT ON VIEW appeal_outcomes IS
    'What appeals came to, once they were carried out: one row for each. Of what was appealed, not of all that was decided.';
COMMENT ON COLUMN appeal_outcomes.appeal_id IS 'the appeal';
COMMENT ON COLUMN appeal_outcomes.decision_id IS 'the decision that it was against';
COMMENT ON COLUMN appeal_outcomes.case_id IS 'the case of that decision';
COMMENT ON COLUMN appeal_outcomes.person IS 'who made that decision';
COMMENT ON COLUMN appeal_outcomes.vendor IS 'whom they work for';
COMMENT ON COLUMN appeal_outcomes.site IS 'where they work';
COMMENT ON COLUMN appeal_outcomes.side IS 'author, or reporter whose notice was not acted on';
COMMENT ON COLUMN appeal_outcomes.area IS 'the policy area that was decided';
COMMENT ON COLUMN appeal_outcomes.source IS 'the channel of the first report of the case';
COMMENT ON COLUMN appeal_outcomes.market IS 'the market of the content; unknown where the platform did not say';
COMMENT ON COLUMN appeal_outcomes.language IS 'the language of the content, und where nobody said';
COMMENT ON COLUMN appeal_outcomes.bundle IS 'the model bundle that had scored what was decided; none without a score';
COMMENT ON COLUMN appeal_outcomes.basis IS 'how the decision was made: review, cluster or second_opinion';
COMMENT ON COLUMN appeal_outcomes.severity IS 'the severity that was decided';
COMMENT ON COLUMN appeal_outcomes.filed_at IS 'when it was filed';
COMMENT ON COLUMN appeal_outcomes.decided_at IS 'when it was decided';
COMMENT ON COLUMN appeal_outcomes.in_time IS 'whether that was before it was due';
COMMENT ON COLUMN appeal_outcomes.outcome IS 'upheld: the decision holds; overturned; partly: some of its actions stand';
COMMENT ON COLUMN appeal_outcomes.overturned IS 'whether the decision did not hold, or not whole';
COMMENT ON COLUMN appeal_outcomes.reason_code IS 'why, from the closed list';
