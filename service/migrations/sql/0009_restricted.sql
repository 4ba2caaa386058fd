-- Restricted material: who is named on a path, what is preserved for whom and until when, and what was put together for a person
-- to file. Nothing here is filed by the system, and nothing that is preserved ends by itself.

-- Somebody is put on a path by two people; taken off by one, at once.
CREATE TABLE path_changes (
    id uuid PRIMARY KEY,
    path text NOT NULL CHECK (path IN ('child_safety', 'law_enforcement')),
    principal_id uuid NOT NULL REFERENCES principals,
    change text NOT NULL CHECK (change IN ('add', 'remove')),
    reason text NOT NULL,
    asked_by uuid NOT NULL REFERENCES principals,
    asked_at timestamptz NOT NULL DEFAULT now(),
    settled_by uuid REFERENCES principals,
    settled_at timestamptz,
    confirmed boolean,
    CHECK ((settled_at IS NULL) = (confirmed IS NULL)),
    CHECK (change = 'remove' OR confirmed IS NOT true OR (settled_by <> asked_by AND settled_by <> principal_id))
);
CREATE UNIQUE INDEX path_changes_waiting ON path_changes (path, principal_id) WHERE settled_at IS NULL;
-- Which alarm was raised, so that each is raised once until it has passed.
CREATE TABLE path_alarms (
    path text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('few_members', 'nobody_may_open')),
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (path, kind)
);

CREATE TABLE preservations (
    id uuid PRIMARY KEY,
    -- The record that it is for: whoever may see that, may see this.
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    -- What is kept: all that belongs to the record, or one case, piece of evidence, subject or medium.
    scope text NOT NULL CHECK (scope IN ('record', 'case', 'evidence', 'subject', 'media')),
    case_id uuid REFERENCES cases,
    evidence_id uuid REFERENCES evidence,
    subject_id uuid REFERENCES subjects,
    media_id uuid REFERENCES media,
    basis text NOT NULL,
    reason text NOT NULL,
    starts_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    set_by uuid NOT NULL REFERENCES principals,
    set_at timestamptz NOT NULL DEFAULT now(),
    -- For which end it was told ahead that it comes near.
    told_for timestamptz,
    ended_at timestamptz,
    CHECK (until > starts_at),
    CHECK ((scope = 'case') = (case_id IS NOT NULL)),
    CHECK ((scope = 'evidence') = (evidence_id IS NOT NULL)),
    CHECK ((scope = 'subject') = (subject_id IS NOT NULL)),
    CHECK ((scope = 'media') = (media_id IS NOT NULL))
);
CREATE INDEX preservations_of ON preservations (escalation_id);
CREATE INDEX preservations_until ON preservations (until) WHERE ended_at IS NULL;
CREATE INDEX preservations_case ON preservations (case_id) WHERE ended_at IS NULL AND case_id IS NOT NULL;
CREATE INDEX preservations_evidence ON preservations (evidence_id) WHERE ended_at IS NULL AND evidence_id IS NOT NULL;
CREATE INDEX preservations_subject ON preservations (subject_id) WHERE ended_at IS NULL AND subject_id IS NOT NULL;
CREATE INDEX preservations_media ON preservations (media_id) WHERE ended_at IS NULL AND media_id IS NOT NULL;

-- Every change of its end. `until` NULL asks for its end at once.
CREATE TABLE preservation_changes (
    id uuid PRIMARY KEY,
    preservation_id uuid NOT NULL REFERENCES preservations ON DELETE CASCADE,
    until timestamptz,
    reason text NOT NULL,
    asked_by uuid NOT NULL REFERENCES principals,
    asked_at timestamptz NOT NULL DEFAULT now(),
    settled_by uuid REFERENCES principals,
    settled_at timestamptz,
    -- NULL while a second person is waited for.
    confirmed boolean,
    CHECK ((settled_at IS NULL) = (confirmed IS NULL))
);
CREATE INDEX preservation_changes_of ON preservation_changes (preservation_id, asked_at);
CREATE UNIQUE INDEX preservation_changes_waiting ON preservation_changes (preservation_id) WHERE settled_at IS NULL;

-- Whatever the code above does: a preservation ends sooner than it said only where two people wanted it.
CREATE FUNCTION keep_preservation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF old.ended_at IS NOT NULL AND current_setting('triage.removing_samples', true) = 'on' THEN
            RETURN old;
        END IF;
        RAISE EXCEPTION 'a preservation is ended, never removed';
    END IF;
    IF (new.until < old.until OR (new.ended_at IS NOT NULL AND old.ended_at IS NULL AND old.until > now()))
       AND NOT EXISTS (
           SELECT FROM preservation_changes c
           -- In this transaction: what was confirmed once shortens nothing twice.
           WHERE c.preservation_id = old.id AND c.confirmed AND c.settled_by <> c.asked_by AND c.settled_at = now()
             AND (new.ended_at IS NULL AND c.until = new.until OR new.ended_at IS NOT NULL AND c.until IS NULL)
       ) THEN
        RAISE EXCEPTION 'a preservation is shortened by two people, never by one';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER keep_preservation BEFORE UPDATE OR DELETE ON preservations FOR EACH ROW EXECUTE FUNCTION keep_preservation();

-- The files of what is preserved, by name: they stay stored even where a medium no longer names them.
CREATE TABLE preserved_files (
    preservation_id uuid NOT NULL REFERENCES preservations ON DELETE CASCADE,
    stored_as text NOT NULL,
    PRIMARY KEY (preservation_id, stored_as)
);
CREATE INDEX preserved_files_named ON preserved_files (hashtextextended(stored_as, 0));
CREATE TRIGGER leave_files AFTER DELETE ON preserved_files FOR EACH ROW EXECUTE FUNCTION leave_files();

-- What an unended preservation keeps. A record keeps the cases that it names, their subjects with all evidence, and what was
-- attached to it.
CREATE FUNCTION preserved_cases() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT p.case_id FROM preservations p WHERE p.ended_at IS NULL AND p.case_id IS NOT NULL
    UNION SELECT l.case_id FROM preservations p JOIN escalation_links l ON l.escalation_id = p.escalation_id
          WHERE p.ended_at IS NULL AND p.scope = 'record' AND l.case_id IS NOT NULL
    UNION SELECT c.id FROM preservations p JOIN evidence e ON e.id = p.evidence_id JOIN cases c ON c.subject_id = e.subject_id
          WHERE p.ended_at IS NULL
    UNION SELECT c.id FROM preservations p JOIN cases c ON c.subject_id = p.subject_id WHERE p.ended_at IS NULL
    UNION SELECT c.id FROM preservations p JOIN evidence_media m ON m.media_id = p.media_id
          JOIN evidence e ON e.id = m.evidence_id JOIN cases c ON c.subject_id = e.subject_id WHERE p.ended_at IS NULL
$$;
CREATE FUNCTION preserved_media() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT p.media_id FROM preservations p WHERE p.ended_at IS NULL AND p.media_id IS NOT NULL
    UNION SELECT a.media_id FROM preservations p JOIN escalation_attachments a ON a.escalation_id = p.escalation_id
          WHERE p.ended_at IS NULL AND p.scope = 'record'
    UNION SELECT m.media_id FROM cases c JOIN evidence e ON e.subject_id = c.subject_id
          JOIN evidence_media m ON m.evidence_id = e.id WHERE c.id IN (SELECT preserved_cases())
$$;
-- Stops any clearing job, whoever wrote it: what is preserved is neither removed nor emptied, nor parted from its media.
CREATE FUNCTION refuse_preserved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- Not every table has each of these.
    own uuid := to_jsonb(old) ->> 'id';
    medium uuid := to_jsonb(old) ->> 'media_id';
BEGIN
    IF EXISTS (SELECT FROM preservations WHERE ended_at IS NULL) AND (CASE TG_TABLE_NAME
        WHEN 'cases' THEN own IN (SELECT preserved_cases())
        WHEN 'media' THEN own IN (SELECT preserved_media())
        WHEN 'evidence' THEN own IN (
            SELECT e.id FROM evidence e JOIN cases c ON c.subject_id = e.subject_id WHERE c.id IN (SELECT preserved_cases()))
        WHEN 'subjects' THEN own IN (SELECT c.subject_id FROM cases c WHERE c.id IN (SELECT preserved_cases()))
        WHEN 'evidence_media' THEN medium IN (SELECT preserved_media())
        WHEN 'escalation_attachments' THEN medium IN (SELECT preserved_media())
        WHEN 'escalations' THEN EXISTS (SELECT FROM preservations WHERE ended_at IS NULL AND escalation_id = own)
        ELSE (to_jsonb(old) ->> 'case_id')::uuid IN (SELECT preserved_cases())
        END) THEN
        RAISE EXCEPTION '% % is preserved', TG_TABLE_NAME, coalesce(own, medium);
    END IF;
    IF TG_OP = 'UPDATE' THEN RETURN new; END IF;
    RETURN old;
END $$;
CREATE TRIGGER refuse_preserved BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON media FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON evidence FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_emptying BEFORE UPDATE OF text, content_hash ON evidence FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE UPDATE OR DELETE ON evidence_media FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE UPDATE OR DELETE ON escalation_attachments FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON subjects FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON escalations FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON reports FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE TRIGGER refuse_preserved BEFORE DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION refuse_preserved();
CREATE INDEX escalation_attachments_media ON escalation_attachments (media_id);

-- What was put together for a person to file with an authority, word for word. It holds hashes and ids, no bytes of media.
CREATE TABLE hand_off_packages (
    id uuid PRIMARY KEY,
    escalation_id uuid NOT NULL REFERENCES escalations ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('ncmec', 'nca', 'law_enforcement')),
    body jsonb NOT NULL,
    sha256 text NOT NULL,
    made_by uuid NOT NULL REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hand_off_packages_of ON hand_off_packages (escalation_id, made_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hand_off_packages FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Entered by a person after they filed it somewhere else.
CREATE TABLE hand_off_filings (
    package_id uuid PRIMARY KEY REFERENCES hand_off_packages ON DELETE CASCADE,
    filed_on date NOT NULL,
    filed_with text NOT NULL,
    reference text NOT NULL,
    entered_by uuid NOT NULL REFERENCES principals,
    entered_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hand_off_filings FOR EACH ROW EXECUTE FUNCTION refuse_change();
