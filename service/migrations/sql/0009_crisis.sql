-- Crises: overlays on order, routing and guidance that end by themselves; plans for when few people are there; drills of them.

CREATE TABLE continuity_plans (
    name text PRIMARY KEY,
    -- Counts changes: a drill is of one of them.
    version integer NOT NULL DEFAULT 1,
    title text NOT NULL,
    owner uuid NOT NULL REFERENCES principals,
    -- What it does, who may take which queue meanwhile, and whom to call: service/crisis/plans/schemas.py.
    plan jsonb NOT NULL,
    saved_by uuid NOT NULL REFERENCES principals,
    saved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE crises (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('crisis', 'continuity')),
    -- The plan that was put to work; its content is in `spec` as it was then.
    plan text REFERENCES continuity_plans,
    name text NOT NULL,
    reason text NOT NULL,
    -- Who answers for it.
    owner uuid NOT NULL REFERENCES principals,
    -- What it does: service/crisis/schemas.py.
    spec jsonb NOT NULL,
    -- Counts changes of the draft: what was looked at is what is approved.
    revision integer NOT NULL DEFAULT 1,
    drafted_at timestamptz NOT NULL DEFAULT now(),
    until timestamptz NOT NULL,
    began_at timestamptz,
    -- A second person. A crisis that began without one ends four hours later unless one is found.
    approved_at timestamptz,
    approved_by uuid REFERENCES principals,
    extended_at timestamptz,
    ended_at timestamptz,
    -- When its end was written to the log, and when its review was last asked for: neither makes it end.
    noted_at timestamptz,
    asked_at timestamptz,
    CHECK (approved_by <> owner),
    CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
    CHECK (began_at IS NOT NULL OR (approved_at IS NULL AND ended_at IS NULL AND extended_at IS NULL)),
    -- The minute is that between the clock of whoever asks and the transaction's.
    CHECK (until <= coalesce(extended_at, began_at, drafted_at) + interval '14 days 1 minute')
);
CREATE INDEX crises_began ON crises (until) WHERE began_at IS NOT NULL AND ended_at IS NULL;

-- When a crisis ends or has ended; of a draft, when it would. This and the clock are all there is to its end.
CREATE FUNCTION crisis_end(c crises) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(c.until, c.ended_at, CASE WHEN c.approved_at IS NULL THEN c.began_at + interval '4 hours' END)
$$;
-- Crises at work at a moment, that which began last first: it is the one whose rules of routing go before the others'.
CREATE FUNCTION crises_at_work(at timestamptz DEFAULT now()) RETURNS SETOF crises LANGUAGE sql STABLE AS $$
    SELECT c.* FROM crises c WHERE c.began_at <= at AND at < crisis_end(c) ORDER BY c.began_at DESC, c.id DESC
$$;
-- One word for them: another one as soon as one begins, ends or is extended. Ranks are stored with it.
CREATE FUNCTION crises_key(at timestamptz DEFAULT now()) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(left(md5(string_agg(c.id || ':' || extract(epoch FROM crisis_end(c)), ',' ORDER BY c.id)), 12), '')
    FROM crises_at_work(at) c
$$;

-- As before, and beside skills that a person has: whom a plan at work lets take a queue meanwhile. Nothing is written to
-- the person, so nothing has to be taken back; who is in a restricted queue stays a question of names.
CREATE OR REPLACE FUNCTION may_use_queue(wanted text, person uuid, overseeing text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM queues q, principals p
        WHERE q.name = wanted AND p.id = person AND p.active
          AND (NOT q.restricted OR EXISTS (SELECT FROM queue_members m WHERE m.queue = q.name AND m.principal_id = p.id))
          AND (p.role = ANY (overseeing)
               OR ((q.roles IS NULL OR p.role = ANY (q.roles))
                   AND (q.skills <@ p.skills OR EXISTS (
                       SELECT FROM crises_at_work() c, jsonb_array_elements(c.spec -> 'reskilled') one
                       WHERE one ->> 'person' = p.username AND one -> 'queues' ? q.name
                         AND coalesce((one ->> 'valid_until')::date >= (now() AT TIME ZONE 'UTC')::date, true)))))
    )
$$;

-- Every moment of a crisis, with the reason that was given for it. Never changed.
CREATE TABLE crisis_moments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    crisis_id uuid NOT NULL REFERENCES crises,
    kind text NOT NULL CHECK (kind IN ('drafted', 'changed', 'begun', 'begun_alone', 'approved', 'extended', 'ended',
                                       'expired', 'reviewed', 'review_asked')),
    reason text NOT NULL DEFAULT '',
    until timestamptz,
    spec jsonb,
    actor uuid REFERENCES principals,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX crisis_moments_of ON crisis_moments (crisis_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crisis_moments FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE crisis_reads (
    crisis_id uuid NOT NULL REFERENCES crises,
    revision integer NOT NULL,
    principal_id uuid NOT NULL REFERENCES principals,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (crisis_id, revision, principal_id)
);

-- What is said of a crisis when it is over; a later one adds to an earlier one.
CREATE TABLE crisis_reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    crisis_id uuid NOT NULL REFERENCES crises,
    happened text NOT NULL,
    worked text NOT NULL,
    decisions text NOT NULL,
    -- Each {"title", "owner", "due_on"}.
    actions jsonb NOT NULL,
    written_by uuid NOT NULL REFERENCES principals,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX crisis_reviews_of ON crisis_reviews (crisis_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crisis_reviews FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE continuity_drills (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan text NOT NULL REFERENCES continuity_plans,
    version integer NOT NULL,
    holes integer NOT NULL,
    found jsonb NOT NULL,
    ran_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX continuity_drills_of ON continuity_drills (plan, ran_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON continuity_drills FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Reports by stated reason, during a crisis and in as long a time before it, each `hours` long.
CREATE FUNCTION crisis_volume(crisis uuid) RETURNS TABLE (area text, before bigint, during bigint, hours double precision)
LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT c.began_at AS since, least(crisis_end(c), now()) AS until FROM crises c WHERE c.id = crisis
    )
    SELECT r.reason, count(*) FILTER (WHERE r.received_at < s.since), count(*) FILTER (WHERE r.received_at >= s.since),
           extract(epoch FROM max(s.until) - max(s.since))::double precision / 3600
    FROM span s JOIN reports r ON r.received_at >= s.since - (s.until - s.since) AND r.received_at < s.until
    GROUP BY r.reason ORDER BY 3 DESC, 1
$$;
