"""Releases: which bundles serve, scores of the shadow, drift monitors.

Revision ID: 20261123_0002
"""

from alembic import op

revision = "20261123_0002"
down_revision = "20261123_0001"
branch_labels = None
depends_on = None

TABLES = """
-- The bundle that was asked to score this text anew and could not; it keeps the score it has.
ALTER TABLE evidence ADD COLUMN refused_by text;
-- What the workers last said of each part that the releases name.
CREATE TABLE release_states (
    part text PRIMARY KEY,
    bundle text,
    problem text,
    at timestamptz NOT NULL DEFAULT now()
);
-- A waiting row is the job, as with the live score.
CREATE TABLE shadow_scores (
    bundle text NOT NULL,
    evidence_id uuid NOT NULL REFERENCES evidence ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'scored', 'failed')),
    claimed_until timestamptz,
    added_at timestamptz NOT NULL DEFAULT now(),
    scored_at timestamptz,
    score jsonb,
    -- The rank its case would have had, and what that was worked out from: it is worked out anew where those differ.
    rank_value double precision,
    case_id uuid,
    reports integer,
    rank_rules text,
    PRIMARY KEY (bundle, evidence_id)
);
CREATE INDEX shadow_scores_evidence ON shadow_scores (evidence_id);
CREATE INDEX shadow_scores_old ON shadow_scores (added_at);
CREATE INDEX shadow_scores_waiting ON shadow_scores (bundle, added_at) WHERE state = 'waiting';
CREATE TABLE drift_references (
    bundle text NOT NULL,
    part text NOT NULL CHECK (part IN ('texts', 'decisions')),
    statistics jsonb NOT NULL,
    until timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bundle, part)
);
CREATE TABLE drift_monitors (
    monitor text PRIMARY KEY,
    bundle text NOT NULL,
    value double precision NOT NULL,
    threshold double precision NOT NULL,
    samples integer NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT now(),
    alerting_since timestamptz
);
-- One row: of several workers, the one that moves it measures.
CREATE TABLE drift_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    measured_at timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    # The driver's own cursor: the script holds several statements.
    op.get_bind().connection.cursor().execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
