"""First light: people, reports, cases, leases, decisions, media, outbox, events.

Revision ID: 20261123_0001
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "20261123_0001"
down_revision = None
branch_labels = None
depends_on = None

PEOPLE = """
CREATE TABLE principals (
    id uuid PRIMARY KEY,
    username text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    role text NOT NULL,
    password_hash text,
    active boolean NOT NULL DEFAULT true,
    sample boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE api_keys (
    key_hash bytea PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principals,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principals,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE TABLE sign_in_failures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_failures_recent ON sign_in_failures (username, at);
CREATE INDEX sign_in_failures_old ON sign_in_failures (at);
CREATE INDEX sessions_old ON sessions (expires_at);
"""

CONTENT = """
CREATE TABLE subjects (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    external_id text NOT NULL,
    author_id text,
    created_at timestamptz,
    views_per_hour double precision NOT NULL DEFAULT 0,
    sample boolean NOT NULL DEFAULT false,
    -- A post and an account may have the same id on the platform.
    UNIQUE (kind, external_id)
);
CREATE TABLE evidence (
    id uuid PRIMARY KEY,
    subject_id uuid NOT NULL REFERENCES subjects,
    content_hash bytea NOT NULL,
    text text NOT NULL,
    language text,
    captured_at timestamptz NOT NULL DEFAULT now(),
    score_state text NOT NULL DEFAULT 'waiting' CHECK (score_state IN ('waiting', 'scored', 'failed')),
    score_claimed_until timestamptz,
    score_attempts integer NOT NULL DEFAULT 0,
    score jsonb,
    bundle text,
    scored_at timestamptz,
    UNIQUE (subject_id, content_hash)
);
-- The unscored row is the job: this index is the queue of the scoring worker.
CREATE INDEX evidence_waiting ON evidence (captured_at) WHERE score_state = 'waiting';
CREATE TABLE media (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL,
    kind text NOT NULL,
    mime text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    frames integer NOT NULL,
    bytes bigint NOT NULL,
    stored_as text NOT NULL,
    uploaded_by uuid NOT NULL REFERENCES principals,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    sample boolean NOT NULL DEFAULT false
);
CREATE TABLE media_derivatives (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
    mime text NOT NULL,
    stored_as text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    PRIMARY KEY (media_id, level)
);
CREATE TABLE evidence_media (
    evidence_id uuid NOT NULL REFERENCES evidence,
    position smallint NOT NULL,
    media_id uuid NOT NULL REFERENCES media,
    PRIMARY KEY (evidence_id, position)
);
CREATE INDEX evidence_media_media ON evidence_media (media_id);
"""

CASES = """
CREATE TABLE cases (
    id uuid PRIMARY KEY,
    subject_id uuid NOT NULL REFERENCES subjects,
    evidence_id uuid NOT NULL REFERENCES evidence,
    queue text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'leased', 'decided')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    report_count integer NOT NULL DEFAULT 1,
    rank_value double precision NOT NULL,
    rank jsonb NOT NULL,
    lease_token uuid,
    lease_holder uuid REFERENCES principals,
    lease_expires_at timestamptz,
    lapses integer NOT NULL DEFAULT 0,
    decided_at timestamptz,
    sample boolean NOT NULL DEFAULT false,
    CHECK ((status = 'leased') = (lease_token IS NOT NULL))
);
CREATE UNIQUE INDEX cases_one_open_per_subject ON cases (subject_id) WHERE status <> 'decided';
-- The claim reads the first entry of this index, however long the queue is.
CREATE INDEX cases_next ON cases (queue, rank_value DESC, id) WHERE status = 'open';
CREATE INDEX cases_leased ON cases (lease_expires_at) WHERE status = 'leased';
CREATE INDEX cases_oldest ON cases (queue, opened_at) WHERE status <> 'decided';
CREATE INDEX cases_lapsed ON cases (lapses) WHERE status <> 'decided' AND lapses > 0;
CREATE INDEX cases_evidence ON cases (evidence_id);
CREATE TABLE reports (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    evidence_id uuid NOT NULL REFERENCES evidence,
    channel text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL DEFAULT '',
    reporter_id text,
    received_from uuid NOT NULL REFERENCES principals,
    received_at timestamptz NOT NULL DEFAULT now(),
    case_status text NOT NULL
);
CREATE INDEX reports_case ON reports (case_id, received_at);
CREATE TABLE idempotency_keys (
    principal_id uuid NOT NULL REFERENCES principals,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    report_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal_id, key)
);
CREATE TABLE leases (
    token uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    holder uuid NOT NULL REFERENCES principals,
    -- What the holder was shown; content that changes meanwhile has to be looked at before it can be decided.
    evidence_id uuid NOT NULL REFERENCES evidence,
    granted_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('decided', 'released', 'lapsed')),
    rank_value double precision NOT NULL,
    rank jsonb NOT NULL
);
CREATE INDEX leases_case ON leases (case_id);
CREATE TABLE drafts (
    case_id uuid NOT NULL REFERENCES cases,
    principal_id uuid NOT NULL REFERENCES principals,
    body jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, principal_id)
);
"""

DECISIONS = """
CREATE TABLE decisions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    evidence_id uuid NOT NULL REFERENCES evidence,
    lease_token uuid NOT NULL UNIQUE REFERENCES leases,
    decided_by uuid NOT NULL REFERENCES principals,
    actions text[] NOT NULL,
    policy_area text NOT NULL,
    severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
    note text NOT NULL DEFAULT '',
    taxonomy_version text NOT NULL,
    bundle text,
    shown jsonb NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    undo_until timestamptz NOT NULL
);
CREATE INDEX decisions_case ON decisions (case_id, decided_at);
CREATE TABLE decision_undos (
    decision_id uuid PRIMARY KEY REFERENCES decisions,
    undone_by uuid NOT NULL REFERENCES principals,
    undone_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE exposures (
    id uuid PRIMARY KEY,
    media_id uuid NOT NULL REFERENCES media,
    case_id uuid NOT NULL REFERENCES cases,
    principal_id uuid NOT NULL REFERENCES principals,
    lease_token uuid NOT NULL REFERENCES leases,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX exposures_person ON exposures (principal_id, at);
CREATE INDEX exposures_case ON exposures (case_id);
CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_by uuid NOT NULL REFERENCES principals,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
    decision_id uuid REFERENCES decisions,
    kind text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deliver_after timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered', 'cancelled', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    delivered_at timestamptz
);
CREATE INDEX outbox_decision ON outbox (decision_id);
CREATE INDEX outbox_waiting ON outbox (deliver_after) WHERE state IN ('pending', 'sending');
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    case_id uuid REFERENCES cases,
    actor uuid REFERENCES principals,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_case ON events (case_id, id);
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Sample cases are the one thing that may be removed; `seed --remove` says so in its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('triage.removing_samples', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON decision_undos FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exposures FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON events EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON decisions EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON decision_undos EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON exposures EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    connection = op.get_bind()
    for part in (PEOPLE, CONTENT, CASES, DECISIONS, APPEND_ONLY, SchemaManager.get_schema()):
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute(part)


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
