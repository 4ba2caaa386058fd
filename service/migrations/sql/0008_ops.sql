-- An endpoint can be paused, and be told of some kinds of messages only (NULL: of all). An attempt keeps what was answered.
ALTER TABLE webhook_endpoints
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN kinds text[] CHECK (cardinality(kinds) > 0),
    ADD CHECK (active OR paused_at IS NULL);
ALTER TABLE delivery_attempts
    ADD COLUMN status smallint,
    ADD COLUMN milliseconds integer;
CREATE INDEX outbox_endpoint ON outbox (endpoint_id, created_at DESC, id DESC);
CREATE INDEX delivery_attempts_at ON delivery_attempts (at);
-- The log of events is read by kind and by person as well as by case; times of neighbouring rows are alike.
CREATE INDEX events_kind ON events (kind text_pattern_ops, id);
CREATE INDEX events_actor ON events (actor, id) WHERE actor IS NOT NULL;
CREATE INDEX events_at ON events USING brin (at);
CREATE INDEX decisions_person ON decisions (decided_by, decided_at DESC);
