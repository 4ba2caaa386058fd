-- How a record is worked on: which change one last saw, what it waits for, since when nobody has it, and hand-overs.

ALTER TABLE escalations
    -- Counts changes, so that nobody overwrites what they have not seen.
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN waiting_for text CHECK (waiting_for IN ('consult', 'requester', 'other_team', 'third_party')),
    -- Since when it is open without anybody working on it, and when that was told.
    ADD COLUMN unowned_since timestamptz,
    ADD COLUMN unowned_told_at timestamptz;
CREATE INDEX escalations_untold ON escalations (unowned_since) WHERE unowned_since IS NOT NULL;
CREATE INDEX escalations_resolved ON escalations (resolved_at) WHERE status = 'resolved';
CREATE INDEX escalations_area ON escalations (policy_area, resolved_at) WHERE status = 'resolved';
CREATE INDEX escalations_trigger ON escalations (trigger, resolved_at) WHERE status = 'resolved';
CREATE INDEX escalations_words ON escalations USING gin (to_tsvector('simple', title || ' ' || summary));
CREATE INDEX escalation_links_other ON escalation_links (other_id) WHERE other_id IS NOT NULL;
CREATE INDEX escalation_watchers_of ON escalation_watchers (principal_id);
CREATE INDEX escalation_attachments_of ON escalation_attachments (media_id);

-- Whoever changes a record, by whichever way: none of this can be forgotten.
CREATE FUNCTION keep_escalation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- As when a breach hands it to somebody: what has an owner is worked on.
    IF NEW.owner IS NOT NULL AND NEW.status = 'new' THEN
        NEW.status := 'working';
    END IF;
    IF NEW.owner IS NULL AND NEW.status <> 'resolved' THEN
        NEW.unowned_since := coalesce(NEW.unowned_since, now());
    ELSE
        NEW.unowned_since := NULL;
        NEW.unowned_told_at := NULL;
    END IF;
    IF NEW.status <> 'waiting' THEN
        NEW.waiting_for := NULL;
    END IF;
    -- That the alarm was raised is no change of the record.
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'unowned_told_at' IS DISTINCT FROM to_jsonb(OLD) - 'unowned_told_at' THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON escalations FOR EACH ROW EXECUTE FUNCTION keep_escalation();

-- That a hand-over note was read by whoever has the record now.
CREATE TABLE escalation_handover_reads (
    message_id uuid PRIMARY KEY REFERENCES escalation_messages ON DELETE CASCADE,
    read_by uuid NOT NULL REFERENCES principals,
    read_at timestamptz NOT NULL DEFAULT now()
);
