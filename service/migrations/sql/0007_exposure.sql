-- How long somebody looks at what, when that ended, and what follows from it for the cases they are given.

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

-- The one place that says from when to when something was open. A statement that began before an exposure did sees it
-- last no time, not less than none.
CREATE VIEW exposure_spans AS
SELECT x.id AS exposure, x.principal_id AS person, x.media_id AS media, x.case_id AS case_id, x.lease_token AS lease,
       x.kind, coalesce(x.level, 3)::smallint AS level, x.at AS since,
       greatest(x.at, least(x.expires_at, e.at, now())) AS until
FROM exposures x LEFT JOIN exposure_ends e ON e.exposure_id = x.id;
COMMENT ON VIEW exposure_spans IS 'From when to when each original was open to whom, samples too: one row for each exposure.';
COMMENT ON COLUMN exposure_spans.exposure IS 'the exposure';
COMMENT ON COLUMN exposure_spans.person IS 'who looked';
COMMENT ON COLUMN exposure_spans.media IS 'what was open';
COMMENT ON COLUMN exposure_spans.case_id IS 'the case that it was opened for';
COMMENT ON COLUMN exposure_spans.lease IS 'the lease that it was opened under';
COMMENT ON COLUMN exposure_spans.kind IS 'whole, lens (a part at a time), video or audio';
COMMENT ON COLUMN exposure_spans.level IS
    'the blur that was asked for when it was opened, 0 to 4: how graphic it is held to be; 3 for those from before it was kept';
COMMENT ON COLUMN exposure_spans.since IS 'when it was opened';
COMMENT ON COLUMN exposure_spans.until IS
    'when it was blurred again, or its address ran out; now, for what is open still';

-- What somebody's work looks like from a claim: each lease knows since when its holder had been at work without a break
-- (ten minutes, by default) and without the end of a shift (four hours). NULL for leases that nobody was handed.
ALTER TABLE leases
    ADD COLUMN high_exposure boolean NOT NULL DEFAULT false,
    ADD COLUMN working_since timestamptz,
    ADD COLUMN shift_since timestamptz,
    -- When what was fetched ahead was opened: before that it is nobody's work.
    ADD COLUMN opened_at timestamptz,
    -- When it was last renewed: the pages do so only while their person is at it.
    ADD COLUMN renewed_at timestamptz,
    ADD CONSTRAINT leases_work CHECK ((working_since IS NULL) = (shift_since IS NULL));
-- The same of blind checks: they show content to people as cases do.
ALTER TABLE qa_reviews
    ADD COLUMN high_exposure boolean NOT NULL DEFAULT false,
    ADD COLUMN working_since timestamptz,
    ADD COLUMN shift_since timestamptz,
    ADD CONSTRAINT qa_reviews_work CHECK ((working_since IS NULL) = (shift_since IS NULL));
CREATE INDEX leases_worked ON leases (holder, granted_at DESC) WHERE working_since IS NOT NULL;

-- Breaks that were announced. Any pause is a break as well; a break ends with the next case at the latest.
CREATE TABLE breaks (
    id uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principals,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz CHECK (ended_at >= started_at)
);
CREATE INDEX breaks_person ON breaks (principal_id, started_at);
-- "Not now": no cases of high exposure for this person until then. Known to nobody else, with no history kept.
CREATE TABLE not_now (
    principal_id uuid PRIMARY KEY REFERENCES principals,
    until timestamptz NOT NULL
);
-- Since when somebody knows that leads see that they have reached the cap of a day. No lead is told before.
CREATE TABLE exposure_told (
    principal_id uuid PRIMARY KEY REFERENCES principals,
    at timestamptz NOT NULL DEFAULT now()
);

-- Seconds in a period for which anything was open to somebody; what was open at the same time counts once. No address
-- of an original works for more than four hours (the settings see to that), so those from before are over.
CREATE FUNCTION exposed_seconds(looker uuid, begun timestamptz, over timestamptz) RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float8 FROM (
        SELECT unnest(range_agg(tstzrange(greatest(s.since, begun), least(s.until, over)))) AS r FROM exposure_spans s
        WHERE s.person = looker AND s.since >= begun - interval '4 hours' AND s.since < over AND s.until > begun
    ) AS apart
$$;
-- The same by level, 0 to 4, with how many were opened. Time with several open belongs to the most graphic of them, so
-- that the seconds of all levels add up to those above.
CREATE FUNCTION exposure_by_level(looker uuid, begun timestamptz, over timestamptz)
RETURNS TABLE (level smallint, seconds double precision, items bigint) LANGUAGE sql STABLE AS $$
    WITH spans AS MATERIALIZED (
        SELECT s.level, s.since >= begun AS opened,
               CASE WHEN s.until > begun THEN tstzrange(greatest(s.since, begun), least(s.until, over)) END AS span
        FROM exposure_spans s
        WHERE s.person = looker AND s.since >= begun - interval '4 hours' AND s.since < over AND s.until >= begun
    ), reached AS (
        SELECT l.level, coalesce(
                   (SELECT sum(extract(epoch FROM upper(r) - lower(r)))
                    FROM (SELECT unnest(range_agg(x.span)) AS r FROM spans x WHERE x.level >= l.level) AS apart), 0) AS seconds,
               (SELECT count(*) FROM spans x WHERE x.level = l.level AND x.opened) AS items
        FROM generate_series(0, 4) AS l (level)
    )
    SELECT r.level::smallint, (r.seconds - lead(r.seconds, 1, 0) OVER (ORDER BY r.level))::float8, r.items
    FROM reached r ORDER BY r.level
$$;

-- When somebody was last at work, and since when without a break of `pause` seconds and within the same shift; that is
-- now for whoever has had the break. Work is to take a case or a check, to keep it, to be done with one, and to have
-- something open; what runs out by itself is none. Ten are more than anybody has in hand.
CREATE FUNCTION work_of(worker uuid, pause double precision,
                        OUT active_at timestamptz, OUT working_since timestamptz, OUT shift_since timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- Each case carries on from the one before or begins now, so that the latest moments are those of the newest.
    SELECT greatest(max(l.begun_at), max(l.renewed_at), max(l.ended_at) FILTER (WHERE l.outcome <> 'lapsed'),
                    (SELECT max(s.until) FROM (SELECT x.until FROM exposure_spans x WHERE x.person = worker
                                               ORDER BY x.since DESC LIMIT 10) AS s)),
           max(l.working_since), max(l.shift_since)
    INTO active_at, working_since, shift_since FROM (
        (SELECT coalesce(k.opened_at, k.granted_at) AS begun_at, k.renewed_at, k.ended_at, k.outcome, k.working_since, k.shift_since
         FROM leases k
         WHERE k.holder = worker AND k.working_since IS NOT NULL AND NOT k.prefetched AND k.outcome IS DISTINCT FROM 'unopened'
           -- Without this, the leases of everybody else are read where one person had nearly all of them so far.
           AND k.granted_at > now() - interval '24 hours'
         ORDER BY k.granted_at DESC LIMIT 10)
        UNION ALL
        (SELECT r.claimed_at, NULL, coalesce(r.answered_at, r.released_at), 'checked', r.working_since, r.shift_since
         FROM qa_reviews r WHERE r.reviewer = worker AND r.working_since IS NOT NULL
           AND r.claimed_at > now() - interval '24 hours'
         ORDER BY r.claimed_at DESC LIMIT 10)
    ) AS l;
    IF active_at IS NULL OR working_since IS NULL OR now() - active_at >= make_interval(secs => pause) THEN
        working_since := now();
    END IF;
    IF active_at IS NULL OR shift_since IS NULL OR now() - active_at >= interval '4 hours' THEN
        shift_since := now();
    END IF;
END $$;

-- Seconds since then that somebody was at work of high exposure: with such a case or check in hand, or with something open.
CREATE FUNCTION high_exposure_seconds(worker uuid, begun timestamptz) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float8 FROM (
        SELECT unnest(range_agg(w.span)) AS r FROM (
            SELECT tstzrange(coalesce(l.opened_at, l.granted_at),
                             greatest(coalesce(l.opened_at, l.granted_at), coalesce(l.ended_at, now()))) AS span
            FROM leases l
            WHERE l.holder = worker AND l.working_since IS NOT NULL AND l.high_exposure
              AND l.granted_at >= begun - interval '4 hours' AND coalesce(l.opened_at, l.granted_at) >= begun
              AND NOT l.prefetched AND l.outcome IS DISTINCT FROM 'unopened'
            UNION ALL
            SELECT tstzrange(r.claimed_at, least(r.expires_at, coalesce(r.answered_at, r.released_at, now()))) FROM qa_reviews r
            WHERE r.reviewer = worker AND r.claimed_at >= begun AND r.high_exposure
            UNION ALL
            SELECT tstzrange(s.since, s.until) FROM exposure_spans s WHERE s.person = worker AND s.since >= begun
        ) AS w
    ) AS apart
$$;

-- Why somebody is given no cases of high exposure now, NULL when they are: what they asked for themselves, then what lasts
-- longest. `working` is since when they have been at work without a break.
CREATE FUNCTION high_exposure_held_back(worker uuid, working timestamptz, day_seconds double precision,
                                        stretch_seconds double precision, in_a_row integer) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN EXISTS (SELECT FROM not_now n WHERE n.principal_id = worker AND n.until > now()) THEN 'not_now'
        -- Most people are far below both: only who could have reached a limit is counted exactly.
        WHEN (SELECT coalesce(extract(epoch FROM sum(least(x.expires_at, now()) - x.at)), 0) FROM exposures x
              WHERE x.principal_id = worker AND x.at > now() - interval '28 hours') >= day_seconds
         AND exposed_seconds(worker, now() - interval '24 hours', now()) >= day_seconds THEN 'day'
        WHEN extract(epoch FROM now() - working) >= stretch_seconds
         AND high_exposure_seconds(worker, working) >= stretch_seconds THEN 'stretch'
        WHEN (SELECT count(*) FILTER (WHERE l.high_exposure) FROM (
                (SELECT k.high_exposure, k.granted_at FROM leases k
                 WHERE k.holder = worker AND k.working_since IS NOT NULL AND k.granted_at >= working
                   AND k.outcome IS DISTINCT FROM 'unopened'
                 ORDER BY k.granted_at DESC LIMIT in_a_row)
                UNION ALL
                (SELECT r.high_exposure, r.claimed_at FROM qa_reviews r
                 WHERE r.reviewer = worker AND r.working_since IS NOT NULL AND r.claimed_at >= working
                 ORDER BY r.claimed_at DESC LIMIT in_a_row)
                ORDER BY 2 DESC LIMIT in_a_row
              ) AS l) >= in_a_row THEN 'in_a_row'
    END;
END $$;

-- What suits somebody who is given milder content for now (`mild`), as above.
CREATE FUNCTION suited_scopes(person uuid, mild boolean) RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT s.id FROM case_scopes s
    WHERE s.id IN (SELECT suited_scopes(suited_scopes.person)) AND NOT (suited_scopes.mild AND s.high_exposure)
$$;
-- What a claim asks in one call: since when somebody is at work and, if it could bring them a case of high exposure
-- (`graphic`), why it does not. Of two such claims of one person at once the second waits here for the first, and then
-- sees its case.
CREATE FUNCTION claim_terms(worker uuid, graphic boolean, pause double precision, day_seconds double precision,
                            stretch_seconds double precision, in_a_row integer,
                            OUT working_since timestamptz, OUT shift_since timestamptz, OUT why text)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF graphic THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('claim ' || worker, 0));
    END IF;
    SELECT w.working_since, w.shift_since INTO working_since, shift_since FROM work_of(worker, pause) w;
    IF graphic THEN
        why := high_exposure_held_back(worker, working_since, day_seconds, stretch_seconds, in_a_row);
    END IF;
END $$;
-- Whether any case of these scopes waits that this person has not passed over.
CREATE FUNCTION any_waits(person uuid, scopes integer[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM unnest(scopes) AS scope CROSS JOIN LATERAL (
            SELECT FROM cases c
            WHERE c.scope_id = scope AND c.status = 'open'
              AND NOT EXISTS (SELECT FROM skips k WHERE k.principal_id = person AND k.case_id = c.id AND k.until > now())
            ORDER BY c.rank_value DESC, c.id LIMIT 1) AS waits);
END $$;

-- What was open at the same time under the same row counts once, as it does for the caps of a claim.
CREATE OR REPLACE VIEW exposure_seconds AS
SELECT g.person, p.vendor, p.site, g.day::date AS day, g.language, g.area, g.policy,
       (SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0) FROM unnest(g.spans) AS r)::float8 AS seconds,
       g.reveals
FROM (
    SELECT x.person, day,
           CASE WHEN c.case_id IS NOT NULL THEN language_group(e.language) END AS language,
           CASE WHEN c.case_id IS NOT NULL THEN d.policy_area END AS area,
           CASE WHEN c.case_id IS NOT NULL THEN v.area || ' v' || v.number END AS policy,
           range_agg(tsrange(greatest(x.since, day), least(x.until, day + interval '1 day'))) AS spans,
           count(*) FILTER (WHERE x.since >= day) AS reveals
    FROM (
        SELECT person, case_id, lease, since AT TIME ZONE 'UTC' AS since, until AT TIME ZONE 'UTC' AS until
        FROM exposure_spans
    ) AS x
    CROSS JOIN LATERAL generate_series(date_trunc('day', x.since), x.until, interval '1 day') AS day
    JOIN cases k ON k.id = x.case_id AND NOT k.sample
    LEFT JOIN counted_cases c ON c.case_id = x.case_id JOIN evidence e ON e.id = k.evidence_id
    LEFT JOIN decisions d ON d.lease_token = x.lease LEFT JOIN policy_versions v ON v.id = d.policy_id
    WHERE x.until > x.since
    GROUP BY 1, 2, 3, 4, 5
) AS g JOIN principals p ON p.id = g.person;
COMMENT ON COLUMN exposure_seconds.seconds IS
    'for how long originals were open; two at once count once, as they do for the caps of a claim';
