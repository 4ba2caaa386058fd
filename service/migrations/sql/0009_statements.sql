-- Statements of reasons (DSA Article 17): one for each decision that restricts, made in the transaction of the decision, and
-- the batches in which they are handed out for the Transparency Database.

CREATE TABLE statement_batches (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- "closed" batches were not taken as they were: their statements went on into others.
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'published', 'closed')),
    settled_by uuid REFERENCES principals,
    settled_at timestamptz,
    -- What was said of it, so that the same answer twice is one.
    answer jsonb,
    CHECK ((state = 'open') = (settled_at IS NULL))
);
CREATE INDEX statement_batches_open ON statement_batches (number) WHERE state = 'open';

CREATE TABLE statements (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    decision_id uuid NOT NULL REFERENCES decisions,
    case_id uuid NOT NULL REFERENCES cases,
    -- Of the earlier statement that this one takes the place of.
    replaces uuid REFERENCES statements,
    state text NOT NULL DEFAULT 'made' CHECK (state IN ('made', 'batched', 'published', 'refused', 'withdrawn', 'exempt')),
    exemption text CHECK (exemption IN ('high_volume', 'article_9_order')),
    -- Random, so that nothing of a person or a case can be told from it.
    puid text UNIQUE CHECK (puid ~ '^[A-Za-z0-9_-]+$' AND length(puid) <= 500),
    policy_area text NOT NULL,
    -- The record as the database gets it.
    payload jsonb,
    category text GENERATED ALWAYS AS (payload ->> 'category') STORED,
    ground text GENERATED ALWAYS AS (payload ->> 'decision_ground') STORED,
    source_type text GENERATED ALWAYS AS (payload ->> 'source_type') STORED,
    automated_detection text GENERATED ALWAYS AS (payload ->> 'automated_detection') STORED,
    automated_decision text GENERATED ALWAYS AS (payload ->> 'automated_decision') STORED,
    -- What the notice is made of beside the record: kind of subject, whether it was decided by likeness, policy.
    told jsonb NOT NULL,
    language text NOT NULL,
    notice text NOT NULL,
    assumed text[] NOT NULL DEFAULT '{}',
    edited text[] NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL DEFAULT now(),
    -- The end of the undo window: before it, it is nobody's but ours.
    ready_at timestamptz NOT NULL,
    batch bigint REFERENCES statement_batches,
    refused_message text,
    published_at timestamptz,
    withdrawn_at timestamptz,
    CHECK ((exemption IS NULL) = (payload IS NOT NULL)),
    CHECK ((exemption IS NULL) = (puid IS NOT NULL)),
    CHECK ((state = 'exempt') <= (exemption IS NOT NULL)),
    CHECK ((state = 'batched') <= (batch IS NOT NULL)),
    CHECK ((state = 'published') = (published_at IS NOT NULL)),
    CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL))
);
CREATE UNIQUE INDEX statements_first ON statements (decision_id) WHERE replaces IS NULL;
CREATE UNIQUE INDEX statements_replacing ON statements (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX statements_decision ON statements (decision_id);
CREATE INDEX statements_case ON statements (case_id);
CREATE INDEX statements_made ON statements (number) WHERE state = 'made';
CREATE INDEX statements_refused ON statements (number) WHERE state = 'refused';
CREATE INDEX statements_batch ON statements (batch) WHERE batch IS NOT NULL;

-- What a holder wrote before deciding; used by the decision under that lease.
CREATE TABLE statement_edits (
    lease_token uuid PRIMARY KEY REFERENCES leases,
    case_id uuid NOT NULL REFERENCES cases,
    policy_area text NOT NULL,
    body jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX statement_edits_case ON statement_edits (case_id);
