-- What those who follow a record have not looked at yet: a line for each event and follower, gone once they have looked. Lines
-- rather than a mark of how far somebody read: of two events, the one with the smaller number may become visible later.

CREATE TABLE escalation_news (
    escalation_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    event_id bigint NOT NULL REFERENCES events ON DELETE CASCADE,
    -- As the event says: every page counts these lines, and looks no event up for it.
    privileged boolean NOT NULL,
    PRIMARY KEY (principal_id, escalation_id, event_id),
    -- Whoever follows it no longer has no news of it.
    FOREIGN KEY (escalation_id, principal_id) REFERENCES escalation_watchers ON DELETE CASCADE
);
CREATE INDEX escalation_news_event ON escalation_news (event_id);
CREATE INDEX escalation_news_of ON escalation_news (escalation_id, principal_id);

-- By whichever way something happens. Nobody is told what they did themselves.
CREATE FUNCTION tell_followers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO escalation_news (escalation_id, principal_id, event_id, privileged)
    SELECT w.escalation_id, w.principal_id, NEW.id, NEW.data @> '{"privileged": true}' FROM escalation_watchers w
    WHERE w.escalation_id = NEW.escalation_id AND w.principal_id IS DISTINCT FROM NEW.actor
    -- Waits for somebody who is about to follow it no longer, and leaves them out then.
    FOR KEY SHARE;
    RETURN NULL;
END
$$;
-- What it comes to: changes of state and hands, what was said, clocks that ran out, answers of other teams. A reason is told
-- with what it is a reason of.
CREATE TRIGGER tell_followers AFTER INSERT ON events FOR EACH ROW
    WHEN (NEW.escalation_id IS NOT NULL AND NEW.kind IN (
              'escalation.taken', 'escalation.assigned', 'escalation.released', 'escalation.waits', 'escalation.needs_information',
              'escalation.goes_on', 'escalation.resolved', 'escalation.taken_up', 'escalation.said', 'sla.breached',
              'consult.answered')
          AND NOT NEW.data @> '{"kind": "reason"}')
    EXECUTE FUNCTION tell_followers();

-- What somebody has not looked at yet, of what they may know by now: of records that they may see, and nothing that is privileged
-- without that right. Who may see a record is asked once, however much happened to it.
CREATE FUNCTION escalation_news_of(person uuid, overseeing text[]) RETURNS TABLE (record uuid, event bigint)
LANGUAGE sql STABLE AS $$
    WITH about AS MATERIALIZED (
        SELECT escalation_id FROM escalation_news WHERE principal_id = person GROUP BY escalation_id
    ), seen AS MATERIALIZED (
        SELECT escalation_id FROM about WHERE may_see_escalation(escalation_id, person, overseeing)
    )
    SELECT n.escalation_id, n.event_id
    FROM escalation_news n JOIN seen USING (escalation_id) JOIN principals p ON p.id = n.principal_id
    WHERE n.principal_id = person AND (p.privileged OR NOT n.privileged)
$$;
