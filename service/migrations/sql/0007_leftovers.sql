-- Files of the media storage that a row has stopped to name, or that rows are yet to name: to be removed once it is time and
-- certain that none names them.

CREATE TABLE media_leftovers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Not unique: whoever looks at a row may be too early to see what another transaction has just let go.
    stored_as text NOT NULL,
    -- A file that could not be removed is tried again later, so that it keeps no other from being removed.
    due_at timestamptz NOT NULL DEFAULT now()
);
-- In the order of sweeps: what one transaction lets go is due at one time, however much it is.
CREATE INDEX media_leftovers_due ON media_leftovers (due_at, id);

-- Files are looked for by exactly their name; these are a quarter of the size of indexes on such long ones. Not USING hash:
-- there each row about a file that very many rows name, as those of a picture that is sent again and again, costs more.
CREATE INDEX media_named_clean ON media (hashtextextended(stored_as, 0)) WHERE stored_as IS NOT NULL;
CREATE INDEX media_named_upload ON media (hashtextextended(uploaded_as, 0)) WHERE uploaded_as IS NOT NULL;
CREATE INDEX media_named_derivative ON media_derivatives (hashtextextended(stored_as, 0));

CREATE FUNCTION leave_files() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named text[] := ARRAY[to_jsonb(old) ->> 'stored_as', to_jsonb(old) ->> 'uploaded_as'];
    still text[] := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        still := ARRAY[to_jsonb(new) ->> 'stored_as', to_jsonb(new) ->> 'uploaded_as'];
    END IF;
    INSERT INTO media_leftovers (stored_as)
    SELECT DISTINCT one FROM unnest(named) one WHERE one IS NOT NULL AND (one = ANY(still)) IS NOT TRUE;
    RETURN NULL;
END $$;
CREATE TRIGGER leave_files AFTER DELETE OR UPDATE OF stored_as, uploaded_as ON media
    FOR EACH ROW EXECUTE FUNCTION leave_files();
CREATE TRIGGER leave_files AFTER DELETE OR UPDATE OF stored_as ON media_derivatives
    FOR EACH ROW EXECUTE FUNCTION leave_files();
