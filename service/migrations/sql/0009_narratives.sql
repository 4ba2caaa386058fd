-- Narratives of escalations as they were given out: each stays as it was, with its figures and the hash of its content.
CREATE TABLE narratives (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    -- Within its record: 1, 2, 3 …
    version integer NOT NULL,
    audience text NOT NULL CHECK (audience IN ('internal', 'leadership', 'partner', 'regulator')),
    form text NOT NULL CHECK (form IN ('brief', 'full')),
    -- Whether a person wrote the bottom line; else it is what the rules proposed.
    written boolean NOT NULL,
    -- The document as service/narratives/model.py has it, figures with their queries and results in it.
    document jsonb NOT NULL,
    content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    -- The instant at which every fact and figure was read, in one transaction.
    facts_at timestamptz NOT NULL,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (escalation_id, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON narratives FOR EACH ROW EXECUTE FUNCTION refuse_change();
