-- When a session was used last, to the minute: one that nobody uses ends before its time.
ALTER TABLE sessions ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX sessions_open ON sessions (principal_id) WHERE revoked_at IS NULL;

-- Another role, another password or a closed account: whoever is signed in has to sign in again, whatever made the change.
CREATE FUNCTION end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET revoked_at = now() WHERE principal_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER end_sessions AFTER UPDATE OF role, password_hash, active ON principals FOR EACH ROW
    WHEN (OLD.role <> NEW.role OR OLD.password_hash IS DISTINCT FROM NEW.password_hash OR OLD.active <> NEW.active)
    EXECUTE FUNCTION end_sessions();
