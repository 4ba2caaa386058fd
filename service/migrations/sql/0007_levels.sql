-- What is known about one medium that says how strongly it is blurred: a key is null while that was not looked at.
-- still: it is one picture, and no animation, video or sound; classes: of the image model; read: probabilities of areas for the text that was read in it; matches: the nearest of each bank at work.
-- Not in plain SQL: that would be planned anew within every statement that uses it, those on cases without media too.
CREATE FUNCTION media_facts(m media) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'still', m.kind = 'image' AND m.frames IS NOT DISTINCT FROM 1,
        'classes', CASE WHEN m.assess_state = 'assessed' THEN m.assessment -> 'classes' END,
        'read', CASE WHEN m.read_state = 'read' THEN (
            SELECT CASE WHEN t.lines = '[]' THEN '{}' ELSE t.score -> 'areas' END FROM media_texts t WHERE t.media_id = m.id) END,
        'matches', coalesce((
            SELECT jsonb_agg(jsonb_build_object('bank', one.name, 'level', one.level, 'area', one.policy_area,
                                                'distance', one.distance)
                             ORDER BY one.level DESC, one.distance, one.name)
            FROM (SELECT b.name, b.level, b.policy_area, min(k.distance) AS distance
                  FROM bank_matches k JOIN bank_hashes h ON h.id = k.hash_id AND h.removed_at IS NULL
                  JOIN hash_banks b ON b.id = h.bank_id AND b.active
                  WHERE k.media_id = m.id AND k.acts GROUP BY b.id) AS one), '[]'));
END $$;

-- However a lease ends, what was open under it is closed: the case is out of its holder's hands.
CREATE FUNCTION close_exposures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO exposure_ends (exposure_id, at, why)
    SELECT x.id, NEW.ended_at, 'lease' FROM exposures x
    WHERE x.case_id = NEW.case_id AND x.lease_token = NEW.token AND x.expires_at > NEW.ended_at
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER close_exposures AFTER UPDATE OF ended_at ON leases FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION close_exposures();
