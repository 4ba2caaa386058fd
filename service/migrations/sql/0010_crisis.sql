-- What happens to a crisis is told to everybody who leads, until each of them has confirmed it.

-- Whether a moment is told: it began, lasts longer, or is over. Those before were told by nobody.
ALTER TABLE crisis_moments ADD COLUMN told boolean NOT NULL DEFAULT false;
CREATE INDEX crisis_moments_told ON crisis_moments (crisis_id, id) WHERE told;

CREATE TABLE crisis_seen (
    moment_id bigint NOT NULL REFERENCES crisis_moments,
    principal_id uuid NOT NULL REFERENCES principals,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (moment_id, principal_id)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crisis_seen FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whether somebody has still to confirm a moment: told since they have an account, and done by somebody else.
CREATE FUNCTION crisis_unseen(m crisis_moments, p principals) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT m.told AND m.actor IS DISTINCT FROM p.id AND m.at >= p.created_at
       AND NOT EXISTS (SELECT FROM crisis_seen s WHERE s.moment_id = m.id AND s.principal_id = p.id)
$$;
