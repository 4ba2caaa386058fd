-- Questions about escalations to people beside them: Legal, Public Policy, Communications, Sales, Product and others.

-- Why somebody may read what is privileged, or may no longer.
ALTER TABLE principals ADD COLUMN privileged_reason text;

-- What was set about a team. Those that the product ships have no row before somebody changes them.
CREATE TABLE consult_teams (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL,
    -- Within so many minutes an answer is due, where the asker says nothing else.
    minutes integer NOT NULL CHECK (minutes BETWEEN 5 AND 43200),
    closed boolean NOT NULL DEFAULT false,
    set_by uuid NOT NULL REFERENCES principals,
    set_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE consult_members (
    team text NOT NULL,
    principal_id uuid NOT NULL REFERENCES principals,
    added_by uuid NOT NULL REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team, principal_id)
);
CREATE INDEX consult_members_of ON consult_members (principal_id);

CREATE TABLE consults (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    team text NOT NULL,
    question text NOT NULL,
    language text NOT NULL DEFAULT 'und',
    -- Hidden from everybody but the asker, the team and those named by an administrator.
    privileged boolean NOT NULL,
    -- What the asker chose to show of the record, as it was then: the team sees this and not the record.
    shown jsonb NOT NULL DEFAULT '{}',
    -- An earlier question that this one asks anew.
    again_of uuid REFERENCES consults ON DELETE CASCADE,
    asked_by uuid NOT NULL REFERENCES principals,
    asked_at timestamptz NOT NULL DEFAULT now(),
    warn_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    -- Whether the internal clocks of the record wait for the answer.
    pauses boolean NOT NULL,
    status text NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'taken', 'asked_back', 'answered', 'withdrawn')),
    taken_by uuid REFERENCES principals,
    taken_at timestamptz,
    answer text,
    answered_by uuid REFERENCES principals,
    answered_at timestamptz,
    withdrawn_at timestamptz,
    -- Kept for later cases under a short neutral title.
    precedent_title text,
    precedent_by uuid REFERENCES principals,
    CHECK (due_at > asked_at AND warn_at <= due_at),
    CHECK ((status = 'answered') = (answer IS NOT NULL)),
    CHECK ((status = 'answered') = (answered_at IS NOT NULL)),
    CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL)),
    CHECK (precedent_title IS NULL OR status = 'answered')
);
CREATE INDEX consults_of ON consults (escalation_id, asked_at);
CREATE INDEX consults_waiting ON consults (team, due_at) WHERE status IN ('waiting', 'taken', 'asked_back');
CREATE INDEX consults_precedents ON consults
    USING gin (to_tsvector('simple', precedent_title || ' ' || question || ' ' || answer)) WHERE precedent_title IS NOT NULL;

-- What the two sides say to each other before the answer.
CREATE TABLE consult_messages (
    id uuid PRIMARY KEY,
    consult_id uuid NOT NULL REFERENCES consults ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('asked_back', 'explained')),
    body text NOT NULL,
    written_by uuid NOT NULL REFERENCES principals,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consult_messages_of ON consult_messages (consult_id, written_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consult_messages FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whether somebody is of the team that was asked: in it, of a role that answers, and named on the path of the record, if it
-- takes one. Of what is privileged, whoever works on the record sees only what they asked themselves, or what an
-- administrator named them for.
CREATE FUNCTION is_asked_consult(wanted uuid, person uuid, answering text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM consults c
        JOIN escalations e ON e.id = c.escalation_id
        JOIN consult_members m ON m.team = c.team AND m.principal_id = person
        JOIN principals p ON p.id = person
        WHERE c.id = wanted AND p.active AND p.role = ANY (answering)
          AND (e.path IS NULL
               OR EXISTS (SELECT FROM path_members n WHERE n.path = e.path AND n.principal_id = person))
    )
$$;
CREATE FUNCTION may_read_consult(wanted uuid, person uuid, working text[], overseeing text[], answering text[])
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT is_asked_consult(wanted, person, answering) OR EXISTS (
        SELECT FROM consults c, principals p
        WHERE c.id = wanted AND p.id = person AND p.active AND p.role = ANY (working)
          AND may_see_escalation(c.escalation_id, person, overseeing)
          AND (NOT c.privileged OR c.asked_by = person OR p.privileged)
    )
$$;
