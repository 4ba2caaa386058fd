-- Why escalations came about, what is done about it, and whether they come back.

-- One finding, never changed: a later one takes its place for the records that it names.
CREATE TABLE root_causes (
    id uuid PRIMARY KEY,
    code text NOT NULL CHECK (code IN ('policy', 'product', 'process', 'quality', 'abuse')),
    -- One of the list in service/causes/codes.toml.
    subcode text NOT NULL,
    -- Up to five steps, each {"why": ..., "because": ...}.
    whys jsonb NOT NULL,
    factors text[] NOT NULL DEFAULT '{}',
    found_by uuid NOT NULL REFERENCES principals,
    found_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON root_causes FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE root_cause_records (
    cause_id uuid NOT NULL REFERENCES root_causes,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    ended_at timestamptz,
    PRIMARY KEY (cause_id, escalation_id)
);
CREATE UNIQUE INDEX root_cause_records_one ON root_cause_records (escalation_id) WHERE ended_at IS NULL;

-- What is done about it: upstream, where it came from, or downstream, where it was met.
CREATE TABLE improvements (
    id uuid PRIMARY KEY,
    -- What people call it by: I-101.
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) UNIQUE,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    direction text NOT NULL CHECK (direction IN ('upstream', 'downstream')),
    title text NOT NULL,
    team text NOT NULL DEFAULT '',
    owner uuid REFERENCES principals,
    due_on date NOT NULL,
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'agreed', 'doing', 'done', 'dropped')),
    -- The named query that tells whether it helped.
    measure text NOT NULL,
    done_on date,
    note text NOT NULL DEFAULT '',
    -- Counts changes: who saves an older state than there is, is told.
    revision integer NOT NULL DEFAULT 1,
    added_by uuid NOT NULL REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    CHECK (team <> '' OR owner IS NOT NULL),
    CHECK ((state = 'done') = (done_on IS NOT NULL))
);
CREATE INDEX improvements_of ON improvements (escalation_id);
CREATE INDEX improvements_done ON improvements (done_on) WHERE state = 'done';

-- Whether records of the same kind came in once an action was done: looked at 30 and 90 days later.
CREATE TABLE recurrence_checks (
    improvement_id uuid NOT NULL REFERENCES improvements ON DELETE CASCADE,
    done_on date NOT NULL,
    days smallint NOT NULL,
    alike_before integer NOT NULL,
    alike_after integer NOT NULL,
    same_cause_after integer NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (improvement_id, done_on, days)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON recurrence_checks FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Named queries count records of one kind over some weeks; those of reports read the table in the order in which it grew.
CREATE INDEX escalations_alike ON escalations (trigger, policy_area, received_at);
CREATE INDEX reports_received ON reports USING brin (received_at);
