-- Escalations: records of what people and authorities raise, worked against clocks to a documented end. First of its
-- migration: other files of it refer to these tables.

CREATE TABLE escalations (
    id uuid PRIMARY KEY,
    -- What people call it by: E-1042.
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) UNIQUE,
    source text NOT NULL,
    -- What came in: a row of the matrix of clocks, such as removal_order or press_query.
    trigger text NOT NULL,
    title text NOT NULL,
    summary text NOT NULL DEFAULT '',
    -- What the form of its source asks for, by field; its shape is checked where it comes in.
    fields jsonb NOT NULL DEFAULT '{}',
    language text NOT NULL DEFAULT 'und',
    jurisdiction text,
    policy_area text,
    severity smallint CHECK (severity BETWEEN 0 AND 4),
    confidentiality text NOT NULL DEFAULT 'normal' CHECK (confidentiality IN ('normal', 'confidential', 'restricted')),
    -- A path of named people: whoever is not one of them does not learn that the record exists.
    path text CHECK (path IN ('child_safety', 'law_enforcement')),
    high_profile boolean NOT NULL DEFAULT false,
    at_risk boolean NOT NULL DEFAULT false,
    grey_area boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'new'
        CHECK (status IN ('new', 'needs_information', 'working', 'waiting', 'resolved')),
    owner uuid REFERENCES principals,
    -- Whoever raised it, as far as they said; never somebody of the staff.
    requester jsonb NOT NULL DEFAULT '{}',
    opened_by uuid NOT NULL REFERENCES principals,
    received_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    resolution text,
    resolution_note text,
    resolved_at timestamptz,
    sample boolean NOT NULL DEFAULT false,
    CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK ((status = 'resolved') = (resolution IS NOT NULL)),
    CHECK ((confidentiality = 'restricted') = (path IS NOT NULL))
);
-- What hangs on a record goes with it; and a record goes only as a sample.
CREATE TRIGGER never_deleted BEFORE DELETE ON escalations FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX escalations_open ON escalations (opened_at) WHERE status <> 'resolved';
CREATE INDEX escalations_owner ON escalations (owner) WHERE status <> 'resolved';
CREATE INDEX escalations_unowned ON escalations (opened_at) WHERE status <> 'resolved' AND owner IS NULL;

-- What it is about: cases, accounts and business assets, and other records. Links are ended, never removed.
CREATE TABLE escalation_links (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('case', 'escalation', 'account', 'page', 'business', 'ad_account', 'ad', 'post', 'domain')),
    case_id uuid REFERENCES cases,
    other_id uuid REFERENCES escalations ON DELETE CASCADE,
    -- The platform's own id of an account or asset.
    external_id text,
    added_by uuid NOT NULL REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    ended_by uuid REFERENCES principals,
    ended_at timestamptz,
    CHECK (num_nonnulls(case_id, other_id, external_id) = 1),
    CHECK ((kind = 'case') = (case_id IS NOT NULL)),
    CHECK ((kind = 'escalation') = (other_id IS NOT NULL))
);
CREATE UNIQUE INDEX escalation_links_case ON escalation_links (case_id, escalation_id) WHERE ended_at IS NULL;
CREATE INDEX escalation_links_of ON escalation_links (escalation_id);
CREATE INDEX escalation_links_external ON escalation_links (external_id) WHERE external_id IS NOT NULL;

CREATE TABLE escalation_watchers (
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    principal_id uuid NOT NULL REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (escalation_id, principal_id)
);

-- What was said: among colleagues ("internal"), by whoever raised it ("inbound"), and to them ("outbound"). Never mixed:
-- nothing internal leaves the system.
CREATE TABLE escalation_messages (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    direction text NOT NULL CHECK (direction IN ('internal', 'inbound', 'outbound')),
    -- What it is: a note, a hand-over to the next shift, a reply, a receipt, a question for missing facts, a mail that came in.
    kind text NOT NULL DEFAULT 'note',
    body text NOT NULL,
    language text NOT NULL DEFAULT 'und',
    written_by uuid REFERENCES principals,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX escalation_messages_of ON escalation_messages (escalation_id, written_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON escalation_messages FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Pictures, clips and sound that came with it, by way of the media pipeline; what is neither of them stays with its message.
CREATE TABLE escalation_attachments (
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    media_id uuid NOT NULL REFERENCES media,
    name text NOT NULL DEFAULT '',
    added_by uuid NOT NULL REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (escalation_id, media_id)
);

-- Whether somebody may read what Legal answered under privilege: given by name, never by role.
ALTER TABLE principals ADD COLUMN privileged boolean NOT NULL DEFAULT false;

CREATE TABLE path_members (
    path text NOT NULL CHECK (path IN ('child_safety', 'law_enforcement')),
    principal_id uuid NOT NULL REFERENCES principals,
    added_by uuid REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (path, principal_id)
);

ALTER TABLE events ADD COLUMN escalation_id uuid REFERENCES escalations ON DELETE CASCADE;
CREATE INDEX events_escalation ON events (escalation_id, id) WHERE escalation_id IS NOT NULL;

-- Whether somebody who works on escalations may see this one: all what is not confidential; what is, those who oversee, opened, own or
-- watch it; what takes a restricted path, whoever is named there, whatever their role.
CREATE FUNCTION may_see_escalation(wanted uuid, person uuid, overseeing text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM escalations e, principals p
        WHERE e.id = wanted AND p.id = person AND p.active
          AND CASE e.confidentiality
              WHEN 'normal' THEN true
              WHEN 'confidential' THEN p.role = ANY (overseeing) OR p.id IN (e.owner, e.opened_by)
                  OR EXISTS (SELECT FROM escalation_watchers w WHERE w.escalation_id = e.id AND w.principal_id = p.id)
              ELSE EXISTS (SELECT FROM path_members m WHERE m.path = e.path AND m.principal_id = p.id)
              END
    )
$$;
