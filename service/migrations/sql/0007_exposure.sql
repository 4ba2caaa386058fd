-- How long somebody looks at what, and when that ended.

ALTER TABLE exposures
    -- whole: a picture; lens: a part of it at a time; video, audio: as it plays.
    ADD COLUMN kind text NOT NULL DEFAULT 'whole' CHECK (kind IN ('whole', 'lens', 'video', 'audio')),
    -- The blur that the picture was under when it was revealed: how graphic it is held to be. NULL: before it was kept.
    ADD COLUMN level smallint CHECK (level BETWEEN 0 AND 4);
-- Without a row here an exposure lasted until its address ran out.
CREATE TABLE exposure_ends (
    exposure_id uuid PRIMARY KEY REFERENCES exposures,
    at timestamptz NOT NULL DEFAULT now(),
    why text NOT NULL CHECK (why IN ('closed', 'left', 'hidden', 'idle', 'lease'))
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exposure_ends FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON exposure_ends EXECUTE FUNCTION refuse_change();
