"""The queue engine: what the claim orders and chooses by, clocks, holds, sheds, queues and what reviewers may be given.

Revision ID: 20261129_0005
"""

from alembic import op

revision = "20261129_0005"
down_revision = "20261123_0004"
branch_labels = None
depends_on = None

# Which people may be given a case, beside its queue, as one number: the claim reads the front of a few short lists
# instead of walking past what the reviewer may not have.
SCOPES = """
CREATE TABLE case_scopes (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    language text NOT NULL,
    high_exposure boolean NOT NULL,
    consent_area text NOT NULL,
    UNIQUE (queue, language, high_exposure, consent_area)
);
-- The first is that of a case of which nothing is known; there are few, and none is ever removed.
INSERT INTO case_scopes (queue, language, high_exposure, consent_area) VALUES ('default', 'und', false, '');
CREATE FUNCTION case_scope(text, text, boolean, text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    scope integer;
BEGIN
    LOOP
        SELECT id INTO scope FROM case_scopes
        WHERE queue = $1 AND language = $2 AND high_exposure = $3 AND consent_area = $4;
        IF FOUND THEN
            RETURN scope;
        END IF;
        -- Of two that add the same one at once, the second waits here and then finds it.
        INSERT INTO case_scopes (queue, language, high_exposure, consent_area) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING;
    END LOOP;
END $$;
"""

QUEUES = """
CREATE TABLE queues (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    -- Reviewers need all of these.
    skills text[] NOT NULL DEFAULT '{}',
    -- Roles that may take cases from it; NULL for every role that reviews.
    roles text[],
    -- Only the people named in queue_members see that it exists.
    restricted boolean NOT NULL DEFAULT false,
    -- The route that bypasses scores and rules and leads here.
    special text UNIQUE CHECK (special IN ('child_safety', 'threat_to_life', 'legal_order')),
    hidden_actions text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    -- What a special route brings is for named people alone.
    CHECK (special IS NULL OR restricted),
    -- Where everything else goes is there for everybody, always.
    CHECK (name <> 'default' OR (closed_at IS NULL AND NOT restricted AND roles IS NULL AND skills = '{}'))
);
INSERT INTO queues (name, title, description)
VALUES ('default', 'Everything else', 'Whatever no rule sends elsewhere.');
CREATE TABLE queue_members (
    queue text NOT NULL REFERENCES queues,
    principal_id uuid NOT NULL REFERENCES principals,
    added_by uuid REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, principal_id)
);
-- Ordered rules, first match wins; the newest version is at work.
CREATE TABLE routing_versions (
    version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rules jsonb NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    decided_on date NOT NULL,
    -- Cases that wait already are routed anew as well, by the worker.
    apply_to_open boolean NOT NULL DEFAULT false,
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON routing_versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON routing_versions EXECUTE FUNCTION refuse_change();
-- Actions that a role may not take, whatever the queue.
CREATE TABLE role_actions_denied (
    role text NOT NULL,
    action text NOT NULL,
    denied_by uuid REFERENCES principals,
    denied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (role, action)
);
-- NULL is no limit. Languages are primary subtags (BCP 47); consents are policy areas of high exposure.
ALTER TABLE principals ADD COLUMN languages text[], ADD COLUMN skills text[] NOT NULL DEFAULT '{}',
    ADD COLUMN consents text[];
-- Whether somebody may take cases from a queue or, when their role is one of those that oversee, see what is in it.
-- Who is in a restricted queue is a question of names, never of roles.
CREATE FUNCTION may_use_queue(wanted text, person uuid, overseeing text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM queues q, principals p
        WHERE q.name = wanted AND p.id = person AND p.active
          AND (NOT q.restricted OR EXISTS (SELECT FROM queue_members m WHERE m.queue = q.name AND m.principal_id = p.id))
          AND (p.role = ANY (overseeing)
               OR ((q.roles IS NULL OR p.role = ANY (q.roles)) AND q.skills <@ p.skills))
    )
$$;
"""

CASES = """
ALTER TABLE cases DROP CONSTRAINT cases_status_check, DROP CONSTRAINT cases_check;
ALTER TABLE cases
    ADD CONSTRAINT cases_status CHECK (status IN ('open', 'leased', 'held', 'shed', 'decided')),
    ADD CONSTRAINT cases_lease CHECK ((status = 'leased') = (lease_token IS NOT NULL)),
    ADD COLUMN scope_id integer NOT NULL DEFAULT 1 REFERENCES case_scopes,
    -- rank_value without log2 of the views; NULL where the order does not look at views.
    ADD COLUMN rank_base double precision,
    -- Versions of configuration and taxonomy that the rank was worked out by.
    ADD COLUMN ranked_under text,
    ADD COLUMN views_per_hour double precision NOT NULL DEFAULT 0,
    -- The nearest legal or contractual clock.
    ADD COLUMN deadline timestamptz,
    -- When the guard takes the case up: due, less the guard's margin and the expected handling.
    ADD COLUMN start_by timestamptz NOT NULL DEFAULT 'infinity',
    -- Where the case stands in the lottery of the random share.
    ADD COLUMN draw double precision NOT NULL DEFAULT random(),
    -- The special route that brought it, NULL for those that rules have routed.
    ADD COLUMN special text,
    ADD COLUMN flags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN routed_by integer REFERENCES routing_versions,
    ADD COLUMN route_reason text,
    -- Kept back from the queue until then, for this person.
    ADD COLUMN held_for uuid REFERENCES principals,
    ADD COLUMN held_until timestamptz,
    ADD COLUMN held_reason text,
    ADD COLUMN held_as text CHECK (held_as IN ('hold', 'hand_over', 'second_opinion')),
    ADD COLUMN shed_at timestamptz,
    ADD COLUMN shed_under text,
    ADD CONSTRAINT cases_held CHECK ((status = 'held') = (held_until IS NOT NULL)),
    ADD CONSTRAINT cases_shed CHECK ((status = 'shed') = (shed_at IS NOT NULL));
-- All are ranked anew by the worker, which finds their scope as well.
UPDATE cases SET views_per_hour = s.views_per_hour, rank = rank || jsonb_build_object('least_views_per_hour', coalesce(
    (SELECT (r.constants ->> 'least_views_per_hour')::float8 FROM rank_configs r WHERE r.version = rank ->> 'config_version'),
    1.0)) FROM subjects s WHERE s.id = cases.subject_id;
UPDATE leases SET rank = rank || '{"least_views_per_hour": 1.0}' WHERE NOT rank ? 'least_views_per_hour';
-- The rank is read with few cases but rewritten with every change: out of line, it is not copied when views change.
ALTER TABLE cases ALTER COLUMN rank SET STORAGE EXTERNAL;
ALTER TABLE cases SET (toast_tuple_target = 256, fillfactor = 90);
DROP INDEX cases_next;
CREATE INDEX cases_ranked ON cases (scope_id, rank_value DESC, id) WHERE status = 'open';
CREATE INDEX cases_legal ON cases (scope_id, start_by, id) WHERE status = 'open' AND deadline IS NOT NULL;
CREATE INDEX cases_bound ON cases (scope_id, start_by, id) WHERE status = 'open' AND deadline IS NULL;
CREATE INDEX cases_lottery ON cases (scope_id, draw, id) WHERE status = 'open';
CREATE INDEX cases_of_queue ON cases (queue, rank_value DESC, id) WHERE status = 'open';
CREATE INDEX cases_due ON cases (queue, start_by, id) WHERE status = 'open';
-- When a held case comes back: the guard does not wait for the hold to end.
CREATE INDEX cases_held ON cases (least(held_until, start_by)) WHERE status = 'held';
CREATE INDEX cases_held_for ON cases (held_for) WHERE held_for IS NOT NULL;
CREATE INDEX cases_shed ON cases (shed_at) WHERE status = 'shed';
CREATE INDEX cases_opened ON cases (opened_at);
CREATE INDEX cases_special ON cases (special) WHERE status <> 'decided' AND special IS NOT NULL;
CREATE INDEX cases_subject ON cases (subject_id, decided_at);
-- Who may see a case: its holder, whoever it is kept back for, and those who may use its queue. False where there is none.
CREATE FUNCTION may_see_case(case_id uuid, person uuid, overseeing text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM cases c
        WHERE c.id = may_see_case.case_id
          AND (c.lease_holder = person OR (c.status = 'held' AND c.held_for = person)
               OR may_use_queue(c.queue, person, overseeing))
    )
$$;
"""

LEASES = """
ALTER TABLE leases
    ADD COLUMN lane text NOT NULL DEFAULT 'ranked'
        CHECK (lane IN ('ranked', 'legal', 'bound', 'random', 'named')),
    -- Probability that this claim would hand out this very case: of the lottery for 'random', 1 for the others.
    ADD COLUMN propensity double precision NOT NULL DEFAULT 1 CHECK (propensity > 0 AND propensity <= 1),
    -- The random share that was at work when the claim was made.
    ADD COLUMN random_share double precision NOT NULL DEFAULT 0,
    -- The scopes that a draw was made from, NULL for other claims: what its propensity is about.
    ADD COLUMN pool integer[],
    ADD COLUMN ended_reason text,
    -- Fetched ahead and not opened yet: it ends soon, and nobody's lapse when it does.
    ADD COLUMN prefetched boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT leases_outcome_check,
    ADD CONSTRAINT leases_outcome_check CHECK (
        outcome IN ('decided', 'released', 'lapsed', 'held', 'handed_over', 'skipped', 'second_opinion', 'unopened')
    );
CREATE INDEX leases_granted ON leases (granted_at);
-- What somebody passed over does not come back to them at once.
CREATE TABLE skips (
    principal_id uuid NOT NULL REFERENCES principals,
    case_id uuid NOT NULL REFERENCES cases,
    until timestamptz NOT NULL,
    PRIMARY KEY (principal_id, case_id)
);
CREATE INDEX skips_until ON skips (until);
CREATE INDEX skips_case ON skips (case_id);
-- Why a case was skipped, by case alone: never who, and never that somebody was upset or did not want to say.
CREATE TABLE skip_reasons (
    case_id uuid NOT NULL REFERENCES cases,
    reason text NOT NULL CHECK (reason IN ('language', 'expertise', 'conflict_of_interest', 'technical')),
    times integer NOT NULL DEFAULT 1,
    PRIMARY KEY (case_id, reason)
);
-- By how many people the case was skipped, ever.
ALTER TABLE cases ADD COLUMN skipped_by integer NOT NULL DEFAULT 0;
CREATE INDEX cases_skipped ON cases (skipped_by) WHERE status <> 'decided' AND skipped_by > 0;
-- Cases that keep coming back: one row for each threshold that was crossed, so that each is told once.
CREATE TABLE lease_alerts (
    case_id uuid NOT NULL REFERENCES cases,
    cause text NOT NULL CHECK (cause IN ('lapses', 'skips')),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, cause)
);
"""

INTAKE = """
-- views_at: when the rate of views was measured; an older measurement that comes late does not replace it.
ALTER TABLE subjects ADD COLUMN market text, ADD COLUMN views_at timestamptz;
CREATE INDEX subjects_external_id ON subjects (external_id);
ALTER TABLE reports ADD COLUMN flags text[] NOT NULL DEFAULT '{}';
-- What a special route brought is read by people alone: no model sees it.
ALTER TABLE evidence DROP CONSTRAINT evidence_score_state_check,
    ADD CONSTRAINT evidence_score_state_check CHECK (score_state IN ('waiting', 'scored', 'failed', 'bypassed'));
"""

CLOCKS = """
CREATE TABLE clocks (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    kind text NOT NULL CHECK (kind IN ('legal', 'contract')),
    basis text NOT NULL,
    due_at timestamptz NOT NULL,
    set_by uuid NOT NULL REFERENCES principals,
    set_at timestamptz NOT NULL DEFAULT now(),
    -- A clock is never changed: a later one takes its place, with a reason.
    replaces uuid UNIQUE REFERENCES clocks,
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX clocks_case ON clocks (case_id);
CREATE INDEX cases_deadline ON cases (deadline) WHERE status <> 'decided' AND deadline IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON clocks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON clocks EXECUTE FUNCTION refuse_change();
"""

REPORTERS = """
-- What came of the reports of each reporter that a standing decision has judged, old outcomes faded against the newest
-- one, which is of `updated_at`. Always the sum of the rows of reporter_outcomes, so that an undo takes back exactly
-- what its decision gave.
CREATE TABLE reporters (
    id text PRIMARY KEY,
    upheld double precision NOT NULL DEFAULT 0,
    dismissed double precision NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE reporter_outcomes (
    decision_id uuid NOT NULL REFERENCES decisions,
    reporter_id text NOT NULL,
    upheld boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (decision_id, reporter_id)
);
CREATE INDEX reporter_outcomes_newest ON reporter_outcomes (reporter_id, decided_at DESC, decision_id);
CREATE INDEX reports_reporter ON reports (reporter_id) WHERE reporter_id IS NOT NULL;
"""

# Fingerprints are looked up block by block, 16 bits each (models/hamming.py): an exact search with plain indexes.
# Those of texts hold all that the search reads. None is partial: the planner takes no statistics from partial indexes.
_BLOCK = "(CAST(substring({bits} FROM {first} FOR 16) AS bit(16))::int)"
TEXT_BLOCKS = [
    f"CREATE INDEX text_prints_block_{place} ON text_prints"
    f" ({_BLOCK.format(bits='simhash', first=16 * place + 1)}, simhash) INCLUDE (evidence_id);"
    for place in range(4)
]
PICTURE_BLOCKS = [
    f"CREATE INDEX media_block_{place} ON media ({_BLOCK.format(bits='pdq', first=16 * place + 1)});"
    for place in range(16)
]
SIMILAR = f"""
-- 64 bits of which near-duplicate texts share nearly all (Charikar 2002). A row is made with the evidence and waits until
-- a worker has looked at it; NULL from then on for a text too short to tell. Apart from the evidence, because a search
-- reads thousands of these and none of the texts.
CREATE TABLE text_prints (
    evidence_id uuid PRIMARY KEY REFERENCES evidence ON DELETE CASCADE,
    simhash bit(64),
    made_at timestamptz
);
CREATE INDEX text_prints_waiting ON text_prints (evidence_id) WHERE made_at IS NULL;
{"".join(TEXT_BLOCKS)}
INSERT INTO text_prints (evidence_id) SELECT id FROM evidence WHERE text <> '';
ALTER TABLE media ADD COLUMN pdq bit(256), ADD COLUMN pdq_quality smallint CHECK (pdq_quality BETWEEN 0 AND 100);
{"".join(PICTURE_BLOCKS)}
CREATE TABLE cluster_decisions (
    id uuid PRIMARY KEY,
    decided_by uuid NOT NULL REFERENCES principals,
    seed_case uuid NOT NULL REFERENCES cases,
    decision_id uuid NOT NULL REFERENCES decisions,
    -- Decided, the one it started from among them; what the preview named; how far from it they may have been.
    cases integer NOT NULL,
    previewed integer NOT NULL,
    radius smallint NOT NULL,
    -- Previewed but not decided, with the reason of each.
    skipped jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    undo_until timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by uuid REFERENCES principals
);
ALTER TABLE decisions ADD COLUMN cluster_id uuid, ADD COLUMN basis text NOT NULL DEFAULT 'review'
    CHECK (basis IN ('review', 'cluster', 'second_opinion'));
CREATE INDEX decisions_cluster ON decisions (cluster_id) WHERE cluster_id IS NOT NULL;
"""  # noqa: S608 - put together from constants

DECISIONS = """
CREATE TABLE second_opinions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    asked_by uuid NOT NULL REFERENCES principals,
    question text NOT NULL,
    -- What the first person would decide; nobody else sees it before they have answered.
    proposal jsonb NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    answered_by uuid REFERENCES principals,
    answer jsonb,
    answered_at timestamptz,
    agreed boolean,
    -- The decision that answers; undone, the question waits again.
    decision_id uuid UNIQUE REFERENCES decisions,
    withdrawn_at timestamptz,
    CHECK (num_nulls(answered_at, answer, answered_by, agreed, decision_id) IN (0, 5)),
    CHECK (answered_at IS NULL OR withdrawn_at IS NULL),
    CHECK (answered_by IS NULL OR answered_by <> asked_by)
);
CREATE UNIQUE INDEX second_opinions_waiting ON second_opinions (case_id)
    WHERE answered_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX second_opinions_case ON second_opinions (case_id);
CREATE INDEX second_opinions_asked ON second_opinions (asked_by, asked_at);
CREATE INDEX second_opinions_answered ON second_opinions (answered_by, answered_at) WHERE answered_by IS NOT NULL;
-- Whether a decision is kept from everybody but who made it, because somebody may still have to answer a question on that
-- content and must not know it: an undone one until the answer stands, and the answer itself while it can be undone.
CREATE FUNCTION is_kept_back(decision_id uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM decisions d JOIN cases c ON c.id = d.case_id JOIN cases alike ON alike.subject_id = c.subject_id
        JOIN second_opinions o ON o.case_id = alike.id LEFT JOIN decisions answer ON answer.id = o.decision_id
        WHERE d.id = is_kept_back.decision_id AND d.decided_by <> person AND o.withdrawn_at IS NULL
          AND (o.answered_at IS NULL OR answer.undo_until > now())
          AND (o.decision_id = d.id OR EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id))
    )
$$;
-- Strikes against an author on the platform: one for each standing decision that enforced, until it expires.
CREATE TABLE strikes (
    id uuid PRIMARY KEY,
    author_id text NOT NULL,
    decision_id uuid NOT NULL UNIQUE REFERENCES decisions,
    policy_area text NOT NULL,
    severity smallint NOT NULL,
    weight double precision NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    reversed_at timestamptz
);
CREATE INDEX strikes_author ON strikes (author_id, given_at);
CREATE INDEX subjects_author ON subjects (author_id) WHERE author_id IS NOT NULL;
-- A message may be about a case without a decision: that it was shed, or taken back.
ALTER TABLE outbox ADD COLUMN case_id uuid REFERENCES cases;
CREATE TABLE delivery_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES outbox,
    at timestamptz NOT NULL DEFAULT now(),
    error text
);
CREATE INDEX delivery_attempts_message ON delivery_attempts (message_id);
CREATE INDEX outbox_failed ON outbox (created_at) WHERE state = 'failed';
"""


def upgrade() -> None:
    connection = op.get_bind()
    for part in (SCOPES, QUEUES, CASES, LEASES, INTAKE, CLOCKS, REPORTERS, SIMILAR, DECISIONS):
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute(part)


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
