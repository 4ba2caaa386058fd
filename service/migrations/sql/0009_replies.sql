-- Replies: templates with versions, what is being written, and what goes out.

-- '' in source and area: for every one. Version 1 of what comes with the product is in its files, not here.
CREATE TABLE reply_templates (
    id uuid PRIMARY KEY,
    source text NOT NULL DEFAULT '',
    area text NOT NULL DEFAULT '',
    language text NOT NULL,
    purpose text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    subject text NOT NULL,
    body text NOT NULL,
    -- False takes a template out of use without removing it.
    offered boolean NOT NULL DEFAULT true,
    owner text NOT NULL,
    reason text NOT NULL,
    effective_at timestamptz NOT NULL,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_by uuid REFERENCES principals,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    UNIQUE (source, area, language, purpose, version)
);

-- What somebody writes to whoever raised a record. One at a time is open for each record: two would answer the same person twice.
CREATE TABLE replies (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    purpose text NOT NULL,
    language text NOT NULL,
    -- One of the table above or of those that come with the product; NULL where it was begun without.
    template_id uuid,
    template_version integer,
    -- How it was chosen: what was looked for, one step after the other, and whether it was there.
    steps jsonb NOT NULL DEFAULT '[]',
    subject text NOT NULL,
    body text NOT NULL,
    recipients text[] NOT NULL DEFAULT '{}',
    -- Counts the changes: whoever changes, approves or sends names the one that they saw.
    version integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'waiting', 'approved', 'sent', 'discarded')),
    -- Everybody who wrote in it: none of them approves it.
    writers uuid[] NOT NULL,
    approved_by uuid REFERENCES principals,
    approved_at timestamptz,
    -- SHA-256 of what was approved: subject, text, language and recipients.
    approved_hash bytea,
    returned_by uuid REFERENCES principals,
    returned_reason text,
    made_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((approved_hash IS NULL) = (approved_by IS NULL)),
    CHECK (state <> 'approved' OR approved_hash IS NOT NULL),
    CHECK (approved_by IS NULL OR approved_by <> ALL (writers))
);
CREATE UNIQUE INDEX replies_open ON replies (escalation_id) WHERE state IN ('draft', 'waiting', 'approved');
CREATE INDEX replies_of ON replies (escalation_id, made_at);
CREATE INDEX replies_waiting ON replies (changed_at) WHERE state = 'waiting';

-- What goes out. The row is the job: a worker takes it for a while, and another one takes it over where that ends without a result.
CREATE TABLE reply_deliveries (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    reply_id uuid REFERENCES replies ON DELETE CASCADE,
    -- The message of the record, written when it is sent for the first time: until then it can be taken back.
    message_id uuid UNIQUE REFERENCES escalation_messages ON DELETE CASCADE,
    sender text NOT NULL CHECK (sender IN ('smtp', 'webhook')),
    recipients text[] NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    language text NOT NULL,
    -- Message-ID of the mail, the same in every attempt.
    mail_id text NOT NULL UNIQUE,
    -- Written by the product by itself, such as a receipt.
    automatic boolean NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered', 'cancelled', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    -- Recipients whose server has taken it: it is not sent to them again.
    accepted text[] NOT NULL DEFAULT '{}',
    deliver_after timestamptz NOT NULL,
    taken_until timestamptz,
    -- Tells apart who has taken it: a worker that comes back late changes nothing.
    taken_by uuid,
    sent_by uuid REFERENCES principals,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz
);
CREATE INDEX reply_deliveries_due ON reply_deliveries (deliver_after) WHERE state IN ('pending', 'sending');
CREATE INDEX reply_deliveries_failed ON reply_deliveries (created_at) WHERE state = 'failed';
CREATE INDEX reply_deliveries_of ON reply_deliveries (escalation_id, created_at);
-- A reply goes out once.
CREATE UNIQUE INDEX reply_deliveries_reply ON reply_deliveries (reply_id) WHERE state <> 'cancelled';
CREATE INDEX escalation_messages_automatic ON escalation_messages (written_at)
    WHERE direction = 'outbound' AND kind IN ('receipt', 'question');

-- What was sent never becomes another text.
CREATE FUNCTION refuse_other_reply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.subject, OLD.body, OLD.language, OLD.recipients, OLD.mail_id) IS DISTINCT FROM
       (NEW.subject, NEW.body, NEW.language, NEW.recipients, NEW.mail_id) THEN
        RAISE EXCEPTION 'the text of a reply that goes out stays as it is';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER same_text BEFORE UPDATE ON reply_deliveries FOR EACH ROW EXECUTE FUNCTION refuse_other_reply();

CREATE TABLE reply_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES reply_deliveries ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    -- NULL where every recipient's server took it.
    error text
);
CREATE INDEX reply_attempts_of ON reply_attempts (delivery_id);

-- Texts that must not go out with a reply of this record: what was said among colleagues, and to and by those who were
-- consulted. Reads tables of 0009_consults.sql, which comes before this file by its name.
CREATE FUNCTION withheld_texts(wanted uuid) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT m.body FROM escalation_messages m WHERE m.escalation_id = wanted AND m.direction = 'internal'
    UNION ALL SELECT c.question FROM consults c WHERE c.escalation_id = wanted
    UNION ALL SELECT c.answer FROM consults c WHERE c.escalation_id = wanted AND c.answer IS NOT NULL
    UNION ALL SELECT m.body FROM consult_messages m JOIN consults c ON c.id = m.consult_id WHERE c.escalation_id = wanted
$$;
