"""Labels and quality: policy versions, checks of decisions, golden items, calibration, feedback, and whom people work for.

Revision ID: 20261129_0006
"""

from pathlib import Path

from alembic import op

revision = "20261129_0006"
down_revision = "20261129_0005"
branch_labels = None
depends_on = None

# Vendor, site and tenure are what quality is told by: never the person alone.
PEOPLE = """
ALTER TABLE principals ADD COLUMN vendor text, ADD COLUMN site text, ADD COLUMN started_on date,
    ADD COLUMN hourly_cost numeric(10, 2) CHECK (hourly_cost >= 0);
"""

# A draft has no effective date. What is published never changes; the next version takes its place.
POLICIES = """
CREATE TABLE policy_versions (
    id uuid PRIMARY KEY,
    area text NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    title text NOT NULL,
    body text NOT NULL,
    -- [{"text", "verdict": "violating" | "allowed", "severity", "why"}]
    examples jsonb NOT NULL DEFAULT '[]',
    -- What changed, in words for those who apply it.
    digest text NOT NULL,
    -- Reviewers confirm that they have read it before they are handed another case.
    acknowledge boolean NOT NULL DEFAULT false,
    owner text NOT NULL,
    reason text NOT NULL,
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- Title, text or examples: what was said by a former text is not said by this one.
    changed_at timestamptz NOT NULL DEFAULT now(),
    effective_at timestamptz,
    published_by uuid REFERENCES principals,
    published_at timestamptz,
    withdrawn_at timestamptz,
    UNIQUE (area, number),
    CHECK (num_nulls(effective_at, published_at) IN (0, 2)),
    CHECK (published_at IS NULL OR digest <> '')
);
CREATE INDEX policy_versions_effective ON policy_versions (area, effective_at) WHERE effective_at IS NOT NULL;
-- Every claim asks it: mostly there is nothing to look at.
CREATE INDEX policy_versions_to_read ON policy_versions (effective_at)
    WHERE acknowledge AND effective_at IS NOT NULL AND withdrawn_at IS NULL;
-- Of each area the published version that took effect last.
CREATE VIEW policies_in_force AS
    SELECT id, area, number, title, body, examples, digest, acknowledge, owner, reason, made_at, effective_at, published_at,
           withdrawn_at
    FROM policy_versions v
    WHERE v.effective_at <= now() AND v.withdrawn_at IS NULL
      AND NOT EXISTS (SELECT FROM policy_versions later
                      WHERE later.area = v.area AND later.effective_at <= now() AND later.withdrawn_at IS NULL
                        AND (later.effective_at, later.number) > (v.effective_at, v.number));
COMMENT ON VIEW policies_in_force IS 'The policy version in force of each area: the published one that took effect last.';
COMMENT ON COLUMN policies_in_force.id IS 'the version';
COMMENT ON COLUMN policies_in_force.area IS 'the policy area';
COMMENT ON COLUMN policies_in_force.number IS 'its number within the area';
COMMENT ON COLUMN policies_in_force.title IS 'title of the policy';
COMMENT ON COLUMN policies_in_force.body IS 'its text, in Markdown';
COMMENT ON COLUMN policies_in_force.examples IS 'texts, each with the verdict that the version asks for';
COMMENT ON COLUMN policies_in_force.digest IS 'what changed, in words';
COMMENT ON COLUMN policies_in_force.acknowledge IS 'whether reviewers confirm it before their next case';
COMMENT ON COLUMN policies_in_force.owner IS 'who answers for it, as the version says';
COMMENT ON COLUMN policies_in_force.reason IS 'why it was made';
COMMENT ON COLUMN policies_in_force.made_at IS 'when it was begun';
COMMENT ON COLUMN policies_in_force.effective_at IS 'since when it is in force';
COMMENT ON COLUMN policies_in_force.published_at IS 'when it was published';
COMMENT ON COLUMN policies_in_force.withdrawn_at IS 'always null: what was withdrawn is not in force';
CREATE TABLE policy_acknowledgements (
    policy_id uuid NOT NULL REFERENCES policy_versions,
    principal_id uuid NOT NULL REFERENCES principals,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (policy_id, principal_id)
);
-- What asks to be confirmed and is unread by a person: neither that version nor a later one of its area that has taken effect.
-- One statement, so that the planner looks into it and asks the index.
CREATE FUNCTION unread_policies(person uuid) RETURNS SETOF policy_versions LANGUAGE sql STABLE AS $$
    SELECT v.* FROM policy_versions v
    WHERE v.acknowledge AND v.effective_at <= now() AND v.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT FROM policy_acknowledgements k JOIN policy_versions r ON r.id = k.policy_id
        WHERE k.principal_id = person AND r.area = v.area
          AND (r.id = v.id OR (r.effective_at <= now() AND r.withdrawn_at IS NULL
                               AND (r.effective_at, r.number) > (v.effective_at, v.number))))
$$;
-- The version in force for the area decided, at the moment of the decision; null where the library has none.
ALTER TABLE decisions ADD COLUMN policy_id uuid REFERENCES policy_versions;
CREATE TABLE policy_replays (
    id uuid PRIMARY KEY,
    policy_id uuid NOT NULL REFERENCES policy_versions,
    asked_by uuid REFERENCES principals,
    asked_at timestamptz NOT NULL DEFAULT now(),
    decisions integer NOT NULL,
    result jsonb NOT NULL
);
CREATE INDEX policy_replays_policy ON policy_replays (policy_id, asked_at);
-- Decisions refer to what is published: it can be taken back before it takes effect, and is otherwise as it was read.
CREATE FUNCTION keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL THEN
        IF OLD.published_at IS NULL THEN
            RETURN NEW;
        END IF;
        IF NEW.withdrawn_at IS NOT NULL AND OLD.effective_at > now()
           AND to_jsonb(NEW) - 'withdrawn_at' = to_jsonb(OLD) - 'withdrawn_at' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a published policy version never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_published BEFORE UPDATE OR DELETE ON policy_versions FOR EACH ROW EXECUTE FUNCTION keep_published();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON policy_versions EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON policy_acknowledgements FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON policy_acknowledgements EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON policy_replays FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON policy_replays EXECUTE FUNCTION refuse_change();
"""

# A plan draws its items once, by seed, and keeps the chance that each had. A golden item stands among them like any other.
QUALITY = """
CREATE TABLE golden_items (
    id uuid PRIMARY KEY,
    evidence_id uuid NOT NULL REFERENCES evidence,
    case_id uuid NOT NULL REFERENCES cases,
    -- {"policy_area", "severity", "actions"}
    answer jsonb NOT NULL,
    rationale text NOT NULL,
    policy_id uuid REFERENCES policy_versions,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
CREATE UNIQUE INDEX golden_items_evidence ON golden_items (evidence_id) WHERE retired_at IS NULL;
CREATE INDEX golden_items_case ON golden_items (case_id);
CREATE TABLE qa_plans (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('random', 'stratified', 'doubt', 'policy')),
    -- What strata are made of, of: area, vendor, language, tenure.
    strata text[] NOT NULL DEFAULT '{}',
    -- Which decisions: {"since", "until", "areas", "queues", "languages", "vendors", "from": ["human", "automated", "leave_up"]}
    scope jsonb NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    reviews smallint NOT NULL DEFAULT 1 CHECK (reviews BETWEEN 1 AND 5),
    -- How a stratified plan shares its size out, and how many each stratum has at least.
    allocation text CHECK (allocation IN ('proportional', 'equal')),
    least integer NOT NULL DEFAULT 1 CHECK (least > 0),
    golden_share double precision NOT NULL DEFAULT 0 CHECK (golden_share >= 0 AND golden_share <= 0.5),
    policy_id uuid REFERENCES policy_versions,
    -- The policy was a draft when the plan was made: what it makes of decisions measures nobody.
    draft boolean NOT NULL DEFAULT false,
    seed bigint NOT NULL,
    population integer NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE TABLE qa_items (
    id uuid PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES qa_plans,
    -- The order in which items are handed out says nothing of what they are.
    place double precision NOT NULL,
    case_id uuid NOT NULL REFERENCES cases,
    evidence_id uuid NOT NULL REFERENCES evidence,
    decision_id uuid REFERENCES decisions,
    golden_id uuid REFERENCES golden_items,
    stratum text NOT NULL,
    -- The chance that the plan had to draw this one, and the weight that follows from it.
    chance double precision NOT NULL CHECK (chance > 0 AND chance <= 1),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'disputed', 'settled', 'void')),
    CHECK (num_nonnulls(decision_id, golden_id) = 1),
    UNIQUE (plan_id, decision_id),
    UNIQUE (plan_id, golden_id)
);
-- What nobody has answered yet falls away; what is disputed is still settled. The plans that were open.
CREATE FUNCTION close_plans(plans uuid[]) RETURNS SETOF uuid LANGUAGE sql AS $$
    WITH closed AS (
        UPDATE qa_plans SET closed_at = now() WHERE id = ANY (plans) AND closed_at IS NULL RETURNING id
    ), gone AS (
        UPDATE qa_items SET state = 'void' FROM closed WHERE plan_id = closed.id AND state = 'waiting'
    )
    SELECT id FROM closed
$$;
-- Of all plans together: whoever claims is handed the first of them.
CREATE INDEX qa_items_waiting ON qa_items (place, id) WHERE state = 'waiting';
CREATE INDEX qa_items_disputed ON qa_items (place, id) WHERE state = 'disputed';
CREATE INDEX qa_items_case ON qa_items (case_id);
CREATE INDEX qa_items_decision ON qa_items (decision_id) WHERE decision_id IS NOT NULL;
-- One blind answer each; an unanswered one is a lease of the item, with a token as any lease has.
CREATE TABLE qa_reviews (
    token uuid PRIMARY KEY,
    item_id uuid NOT NULL REFERENCES qa_items,
    reviewer uuid NOT NULL REFERENCES principals,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- Given back: it does not come to this person again.
    released_at timestamptz,
    answered_at timestamptz,
    -- {"policy_area", "severity", "actions", "confidence": 1-3, "note"}
    answer jsonb,
    UNIQUE (item_id, reviewer),
    CHECK (num_nulls(answered_at, answer) IN (0, 2)),
    CHECK (released_at IS NULL OR answered_at IS NULL)
);
CREATE INDEX qa_reviews_reviewer ON qa_reviews (reviewer, claimed_at);
CREATE INDEX qa_reviews_open ON qa_reviews (reviewer) WHERE answered_at IS NULL AND released_at IS NULL;
-- What holds in the end: by agreement, by a further person who saw all answers, or after a dispute.
CREATE TABLE qa_settlements (
    id uuid PRIMARY KEY,
    item_id uuid NOT NULL REFERENCES qa_items,
    by text NOT NULL CHECK (by IN ('agreement', 'adjudication', 'dispute')),
    settled_by uuid REFERENCES principals,
    answer jsonb NOT NULL,
    -- What was wrong with the decision, in the order of the field's error types; null where nothing was.
    error text CHECK (error IN ('false_positive', 'false_negative', 'wrong_area', 'wrong_severity', 'wrong_action')),
    note text NOT NULL DEFAULT '',
    settled_at timestamptz NOT NULL DEFAULT now(),
    -- The settlement that a later one takes the place of.
    replaces uuid UNIQUE REFERENCES qa_settlements
);
CREATE INDEX qa_settlements_item ON qa_settlements (item_id);
CREATE UNIQUE INDEX qa_settlements_first ON qa_settlements (item_id) WHERE replaces IS NULL;
-- What those are told who said something else than what holds in the end, and their objection. One of the future is not shown
-- yet: that it came at once would say that the answer had been known before.
CREATE TABLE qa_feedback (
    id uuid PRIMARY KEY,
    settlement_id uuid NOT NULL REFERENCES qa_settlements,
    person uuid NOT NULL REFERENCES principals,
    told_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz,
    disputed_at timestamptz,
    objection text,
    resolved_at timestamptz,
    resolved_by uuid REFERENCES principals,
    upheld boolean,
    reply text,
    UNIQUE (settlement_id, person),
    CHECK (num_nulls(disputed_at, objection) IN (0, 2)),
    CHECK (num_nulls(resolved_at, resolved_by, upheld, reply) IN (0, 4))
);
CREATE INDEX qa_feedback_person ON qa_feedback (person, told_at);
CREATE INDEX qa_feedback_unseen ON qa_feedback (person, told_at) WHERE seen_at IS NULL;
CREATE INDEX qa_feedback_disputed ON qa_feedback (disputed_at) WHERE disputed_at IS NOT NULL AND resolved_at IS NULL;
CREATE TABLE calibration_sessions (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    guidance text NOT NULL DEFAULT ''
);
CREATE TABLE calibration_items (
    session_id uuid NOT NULL REFERENCES calibration_sessions,
    item_id uuid NOT NULL REFERENCES qa_items,
    agreed jsonb,
    note text NOT NULL DEFAULT '',
    agreed_at timestamptz,
    PRIMARY KEY (session_id, item_id)
);
-- Who was shown what was said about a case in a list of disputes, of objections or of labels in doubt, and so checks nothing of it
-- blindly.
CREATE TABLE qa_looks (
    case_id uuid NOT NULL REFERENCES cases,
    person uuid NOT NULL REFERENCES principals,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, person)
);
-- Labels that look wrong to the model, to be looked at again. Where one is wrong, what holds instead: area, severity and, for
-- those who read the case, why; by the taxonomy of that day.
CREATE TABLE label_suspects (
    decision_id uuid PRIMARY KEY REFERENCES decisions,
    bundle text NOT NULL,
    -- From 0, surely wrong, to 1.
    quality double precision NOT NULL CHECK (quality >= 0 AND quality <= 1),
    suggested_area text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by uuid REFERENCES principals,
    outcome text CHECK (outcome IN ('label_stands', 'label_wrong')),
    right_area text CHECK (char_length(right_area) BETWEEN 1 AND 100),
    right_severity smallint CHECK (right_severity BETWEEN 0 AND 4),
    taxonomy_version text,
    note text CHECK (char_length(note) <= 10000),
    CHECK (num_nulls(resolved_at, resolved_by, outcome) IN (0, 3)),
    CHECK (num_nulls(right_area, right_severity, taxonomy_version, note)
           = CASE WHEN outcome = 'label_wrong' THEN 0 ELSE 4 END)
);
CREATE INDEX label_suspects_open ON label_suspects (quality, decision_id) WHERE resolved_at IS NULL;
-- The settled check of a decision that counts: the newest that no later settlement took the place of. What a draft would make of
-- it is none, as it is not in force; golden items name no decision.
CREATE FUNCTION counted_check(decision_id uuid) RETURNS SETOF qa_settlements LANGUAGE sql STABLE AS $$
    SELECT s.* FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id JOIN qa_settlements s ON s.item_id = i.id
    WHERE i.decision_id = counted_check.decision_id AND i.state <> 'void' AND NOT p.draft
      AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = s.id)
    ORDER BY s.settled_at DESC, s.id DESC LIMIT 1
$$;
"""

# Whoever has a check in hand, or let it run out and may take it up again, must not learn what was decided on that content:
# neither by the case itself nor by another one that the same decision was made for.
BLINDNESS = """
CREATE FUNCTION is_checking(subject uuid, cluster uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id JOIN cases c ON c.id = i.case_id
        WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL AND i.state = 'waiting'
          AND (c.subject_id = subject
               OR EXISTS (SELECT FROM decisions alike WHERE alike.case_id = i.case_id AND alike.cluster_id = cluster))
    )
$$;
CREATE FUNCTION is_checking_case(case_id uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM cases c LEFT JOIN decisions d ON d.case_id = c.id
        WHERE c.id = is_checking_case.case_id AND is_checking(c.subject_id, d.cluster_id, person)
    )
$$;
-- What is shown of the reports on content that is judged again. Not who reported: what came of their reports can be read elsewhere.
-- No date and no id: golden items are older than what is drawn with them.
CREATE FUNCTION told_reports(of_case uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('channel', one.channel, 'reason', one.reason, 'note', one.note)
                              ORDER BY one.received_at), '[]')
    FROM (SELECT channel, reason, note, received_at FROM reports
          WHERE case_id = of_case ORDER BY received_at DESC LIMIT 100) AS one
$$;
-- Languages that somebody reads, and what they did not opt out of: as for the claim of a case.
CREATE FUNCTION suited_scopes(person uuid) RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT s.id FROM case_scopes s JOIN principals p ON p.id = suited_scopes.person
    WHERE p.active AND (p.languages IS NULL OR s.language = 'und' OR s.language = ANY (p.languages))
      AND (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)
$$;
CREATE FUNCTION is_checking_decision(decision_id uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM decisions d JOIN cases c ON c.id = d.case_id
        WHERE d.id = is_checking_decision.decision_id AND is_checking(c.subject_id, d.cluster_id, person)
    )
$$;
CREATE OR REPLACE FUNCTION is_kept_back(decision_id uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM decisions d JOIN cases c ON c.id = d.case_id JOIN cases alike ON alike.subject_id = c.subject_id
        JOIN second_opinions o ON o.case_id = alike.id LEFT JOIN decisions answer ON answer.id = o.decision_id
        WHERE d.id = is_kept_back.decision_id AND d.decided_by <> person AND o.withdrawn_at IS NULL
          AND (o.answered_at IS NULL OR answer.undo_until > now())
          AND (o.decision_id = d.id OR EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id))
    ) OR is_checking_decision(is_kept_back.decision_id, person)
$$;
"""
# The views that scorecards are made from, with what each column means: a file that people can read beside a database.
SCORECARDS = (Path(__file__).resolve().parents[1] / "sql" / "0006_scorecards.sql").read_text(encoding="utf-8")


def upgrade() -> None:
    connection = op.get_bind()
    for part in (PEOPLE, POLICIES, QUALITY, BLINDNESS, SCORECARDS):
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute(part)


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
