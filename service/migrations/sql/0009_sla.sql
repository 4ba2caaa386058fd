-- Clocks of escalations: the matrix as versions that are only ever added, clocks and pauses as facts, and how targets were kept.

CREATE TABLE sla_matrices (
    version integer PRIMARY KEY,
    -- The matrix itself, as it was written; service/sla/matrix.py reads it.
    body text NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    -- Null for the one that comes with the product.
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    effective_at timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sla_matrices FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- By which version and which facts the clocks of a record were set last; whoever changes the facts need not know of clocks.
CREATE TABLE sla_applied (
    escalation_id uuid PRIMARY KEY REFERENCES escalations ON DELETE CASCADE,
    version integer NOT NULL REFERENCES sla_matrices,
    source text NOT NULL,
    trigger text NOT NULL,
    severity smallint,
    area text,
    jurisdiction text,
    resolved boolean NOT NULL,
    -- When whoever raised it last heard of it, whether a clock asked for that or not.
    answered_at timestamptz
);
CREATE INDEX sla_applied_open ON sla_applied (escalation_id) WHERE NOT resolved;

CREATE TABLE sla_clocks (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    target text NOT NULL CHECK (target IN ('first_response', 'next_update', 'decision')),
    kind text NOT NULL CHECK (kind IN ('legal', 'internal')),
    basis text NOT NULL,
    -- The row of the matrix, and the version that has it; both null for a deadline that somebody stated.
    row_name text,
    version integer REFERENCES sla_matrices,
    -- How long it runs: minutes, or working days of the calendar of that version.
    warn_seconds integer NOT NULL,
    on_breach text NOT NULL,
    hand_to text,
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    warn_at timestamptz NOT NULL,
    -- An internal one that stands still; until it goes on, due_at is what it was when the pause began.
    paused boolean NOT NULL DEFAULT false,
    met_at timestamptz,
    ended_at timestamptz,
    replaces uuid UNIQUE REFERENCES sla_clocks ON DELETE CASCADE,
    reason text NOT NULL DEFAULT '',
    set_by uuid REFERENCES principals,
    set_at timestamptz NOT NULL DEFAULT now(),
    warned_at timestamptz,
    breached_at timestamptz,
    -- Its record's cases are to be served first, because it ran out.
    fronted boolean NOT NULL DEFAULT false,
    CHECK ((row_name IS NULL) = (version IS NULL)),
    CHECK (kind = 'internal' OR NOT paused)
);
CREATE INDEX sla_clocks_of ON sla_clocks (escalation_id);
CREATE INDEX sla_clocks_due ON sla_clocks (due_at)
    WHERE met_at IS NULL AND ended_at IS NULL AND NOT paused AND breached_at IS NULL;
CREATE INDEX sla_clocks_warn ON sla_clocks (warn_at)
    WHERE met_at IS NULL AND ended_at IS NULL AND NOT paused AND warned_at IS NULL AND breached_at IS NULL;
CREATE INDEX sla_clocks_over ON sla_clocks (due_at) WHERE met_at IS NULL AND ended_at IS NULL AND breached_at IS NOT NULL;
CREATE INDEX sla_clocks_hard ON sla_clocks (escalation_id)
    WHERE met_at IS NULL AND ended_at IS NULL AND (kind = 'legal' OR fronted);

-- What a clock is about never changes, and the time of a legal one never does: another takes its place.
CREATE FUNCTION guard_sla_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF coalesce(current_setting('triage.removing_samples', true), '') = 'on' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'clocks are never deleted';
    END IF;
    IF (NEW.id, NEW.escalation_id, NEW.target, NEW.kind, NEW.basis, NEW.started_at, NEW.replaces, NEW.reason)
        IS DISTINCT FROM (OLD.id, OLD.escalation_id, OLD.target, OLD.kind, OLD.basis, OLD.started_at, OLD.replaces, OLD.reason)
        OR (NEW.kind = 'legal' AND NEW.due_at <> OLD.due_at)
        OR (OLD.met_at IS NOT NULL AND NEW.met_at IS DISTINCT FROM OLD.met_at)
        OR (OLD.breached_at IS NOT NULL AND NEW.breached_at IS DISTINCT FROM OLD.breached_at) THEN
        RAISE EXCEPTION 'a clock is replaced, not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guarded BEFORE UPDATE OR DELETE ON sla_clocks FOR EACH ROW EXECUTE FUNCTION guard_sla_clock();

-- Of a record, not of a clock: whatever takes a clock's place stands still for the same times.
CREATE TABLE sla_pauses (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    reason text NOT NULL,
    paused_at timestamptz NOT NULL,
    paused_by uuid REFERENCES principals,
    resumed_at timestamptz CHECK (resumed_at >= paused_at),
    resumed_by uuid REFERENCES principals
);
-- For several reasons at a time, for each once: the clocks go on when none of them holds any more.
CREATE UNIQUE INDEX sla_pauses_open ON sla_pauses (escalation_id, md5(reason)) WHERE resumed_at IS NULL;
CREATE INDEX sla_pauses_of ON sla_pauses (escalation_id, paused_at);

-- Whom a breach has to be told, until they say that they know.
CREATE TABLE sla_notices (
    clock_id uuid NOT NULL REFERENCES sla_clocks ON DELETE CASCADE,
    principal_id uuid NOT NULL REFERENCES principals,
    told_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz,
    PRIMARY KEY (clock_id, principal_id)
);
CREATE INDEX sla_notices_unseen ON sla_notices (principal_id) WHERE seen_at IS NULL;

-- Which clock of a review case stands for a record's clock; clock_id is null where the case could not be given one.
CREATE TABLE sla_case_clocks (
    case_id uuid NOT NULL REFERENCES cases,
    sla_clock_id uuid NOT NULL REFERENCES sla_clocks ON DELETE CASCADE,
    clock_id uuid REFERENCES clocks,
    PRIMARY KEY (case_id, sla_clock_id)
);

CREATE VIEW sla_facts AS
SELECT k.id AS clock_id, k.escalation_id, e.source, k.target, k.kind, k.row_name AS matrix_row, k.started_at, k.due_at,
       coalesce(k.met_at, CASE WHEN k.ended_at IS NULL THEN e.resolved_at END) AS met_at,
       date_trunc('month', k.started_at AT TIME ZONE 'UTC')::date AS month,
       CASE
           WHEN k.breached_at IS NOT NULL AND k.due_at < k.breached_at THEN 'missed'
           WHEN coalesce(k.met_at, k.ended_at, CASE WHEN k.ended_at IS NULL THEN e.resolved_at END) > k.due_at THEN 'missed'
           WHEN coalesce(k.met_at, e.resolved_at) IS NOT NULL THEN 'met'
           WHEN NOT k.paused AND k.due_at < now() THEN 'missed'
           ELSE 'running'
       END AS outcome
FROM sla_clocks k JOIN escalations e ON e.id = k.escalation_id
WHERE NOT e.sample AND e.confidentiality <> 'restricted'
  -- One that another took the place of, or that fell away, counts where it had run out by then.
  AND (k.ended_at IS NULL OR k.due_at < k.ended_at)
  AND NOT EXISTS (SELECT FROM sla_clocks later WHERE later.replaces = k.id AND later.breached_at IS NOT NULL);

CREATE VIEW sla_attainment AS
SELECT month, source, target, kind, count(*) AS clocks, count(*) FILTER (WHERE outcome = 'met') AS met,
       count(*) FILTER (WHERE outcome = 'missed') AS missed, count(*) FILTER (WHERE outcome = 'running') AS running,
       round(count(*) FILTER (WHERE outcome = 'met')::numeric
             / nullif(count(*) FILTER (WHERE outcome <> 'running'), 0), 4)::float8 AS share_met
FROM sla_facts GROUP BY month, source, target, kind;

COMMENT ON VIEW sla_facts IS 'One row for each clock of an escalation, without samples and restricted paths. One that another took the place of is here only where it had run out by then.';
COMMENT ON COLUMN sla_facts.clock_id IS 'the clock';
COMMENT ON COLUMN sla_facts.escalation_id IS 'its record';
COMMENT ON COLUMN sla_facts.source IS 'who raised the record';
COMMENT ON COLUMN sla_facts.target IS 'what has to be done: first_response, next_update or decision';
COMMENT ON COLUMN sla_facts.kind IS 'legal, which never pauses, or internal';
COMMENT ON COLUMN sla_facts.matrix_row IS 'the row of the matrix that set it; null for a deadline that an order stated';
COMMENT ON COLUMN sla_facts.started_at IS 'from when it counts';
COMMENT ON COLUMN sla_facts.due_at IS 'when it runs out, pauses counted';
COMMENT ON COLUMN sla_facts.met_at IS 'when what it asks for was done, or its record was resolved; null while neither happened';
COMMENT ON COLUMN sla_facts.month IS 'first day of the month in which it began, UTC';
COMMENT ON COLUMN sla_facts.outcome IS 'met, missed or running; one that is still open and overdue is missed';

COMMENT ON VIEW sla_attainment IS 'How targets of escalations were kept, by month, source, target and kind. Clocks that are still open and overdue count as missed.';
COMMENT ON COLUMN sla_attainment.month IS 'first day of the month in which the clocks began, UTC';
COMMENT ON COLUMN sla_attainment.source IS 'who raised the records';
COMMENT ON COLUMN sla_attainment.target IS 'what had to be done';
COMMENT ON COLUMN sla_attainment.kind IS 'legal or internal';
COMMENT ON COLUMN sla_attainment.clocks IS 'how many clocks began';
COMMENT ON COLUMN sla_attainment.met IS 'how many of these were met in time';
COMMENT ON COLUMN sla_attainment.missed IS 'how many were met late, or are still open and overdue';
COMMENT ON COLUMN sla_attainment.running IS 'how many still run and are not overdue';
COMMENT ON COLUMN sla_attainment.share_met IS 'met of met and missed, 0 to 1; null where there is neither';
