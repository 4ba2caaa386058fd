-- Intake of escalations: what a form still lacks, which evidence was looked at, and mails that came in.

-- The same key and body again give the same answer. The answer holds the number and the receipt, nothing of the record.
CREATE TABLE intake_keys (
    principal_id uuid NOT NULL REFERENCES principals,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    escalation_id uuid REFERENCES escalations ON DELETE CASCADE,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal_id, key)
);

-- A record that came in incomplete: by which form, and what is missing as [{"field", "problem"}]; empty once all is there.
CREATE TABLE intake_needs (
    escalation_id uuid PRIMARY KEY REFERENCES escalations ON DELETE CASCADE,
    form_version text NOT NULL,
    missing jsonb NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz
);

-- Items of a record's checklist that somebody has looked at. Ticking and unticking are events; this is what holds now.
CREATE TABLE intake_checks (
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    item text NOT NULL,
    ticked_by uuid NOT NULL REFERENCES principals,
    ticked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (escalation_id, item)
);

-- Every mail that was taken in, once: the hash is that of the whole message as it came.
CREATE TABLE intake_mails (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE,
    -- A new record, one that was there already, or kept aside because a machine wrote it about nothing of ours.
    outcome text NOT NULL CHECK (outcome IN ('opened', 'joined', 'set_aside')),
    escalation_id uuid REFERENCES escalations ON DELETE CASCADE,
    message_id text NOT NULL DEFAULT '',
    sender text NOT NULL DEFAULT '',
    subject text NOT NULL DEFAULT '',
    -- What a host that is trusted said of the sender; never what the mail says of itself.
    verified boolean NOT NULL,
    -- Written by a machine: never answered.
    automatic boolean NOT NULL,
    -- The text was longer than what is kept.
    cut boolean NOT NULL DEFAULT false,
    -- [{"name", "bytes", "sha256", "mime", "media"}]; without media it was not kept.
    attachments jsonb NOT NULL DEFAULT '[]',
    -- Of one that was set aside; otherwise its text is a message of the record.
    body text NOT NULL DEFAULT '',
    -- Of one that was set aside: who may see it, as of a record that it would have opened.
    confidentiality text NOT NULL DEFAULT 'normal' CHECK (confidentiality IN ('normal', 'confidential', 'restricted')),
    path text CHECK (path IN ('child_safety', 'law_enforcement')),
    taken_by uuid NOT NULL REFERENCES principals,
    taken_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((confidentiality = 'restricted') = (path IS NOT NULL)),
    CHECK ((outcome = 'set_aside') = (escalation_id IS NULL))
);
CREATE INDEX intake_mails_of ON intake_mails (escalation_id, taken_at) WHERE escalation_id IS NOT NULL;
CREATE INDEX intake_mails_sender ON intake_mails (sender, taken_at);
CREATE INDEX intake_mails_aside ON intake_mails (taken_at) WHERE escalation_id IS NULL;
