-- Search: what is found of a case, by words of many languages and by parts of handles, kept true by triggers; and saved views.
-- Words are cut and folded here and not by the parser of PostgreSQL: so the same text gives the same words under every locale,
-- and scripts without spaces can be searched. The same functions read what is asked for.

-- As words are compared: small letters, no accents on Latin and Greek letters, no vowel points, nothing that cannot be seen.
-- Compatibility forms (full width, mathematical letters) become plain ones; the composed form is restored for Hangul and for
-- the letters that Cyrillic stems end in.
CREATE FUNCTION search_fold(said text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT normalize(regexp_replace(regexp_replace(lower(normalize(said, NFKD)), '([a-zα-ω])[\u0300-\u036f]+', '\1', 'g'),
        '[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+',
        '', 'g'), NFC)
$$;

-- The words of a folded text with their places. Of scripts without spaces, of Hangul, whose particles are written onto a word, and
-- of emoji every two neighbours are a word, and so is the last sign by itself, which is a `tail` where it stands behind others:
-- so one sign is found as the beginning of a word, and several as neighbours.
CREATE FUNCTION search_tokens(folded text) RETURNS TABLE (token text, place bigint, dense boolean, tail boolean)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN parts.dense THEN sign || coalesce(after, '') ELSE left(sign, 80) END, row_number() OVER (ORDER BY ord, i),
           parts.dense, parts.dense AND i > 1 AND after IS NULL
    FROM (
        SELECT w.ord, w.dense, c.sign, c.i, CASE WHEN w.dense THEN lead(c.sign) OVER (PARTITION BY w.ord ORDER BY c.i) END AS after
        FROM (
            SELECT word, ord, left(word, 1) ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U0001f000-\U0001faff\U00020000-\U0003ffff]' AS dense
            FROM string_to_table(
                regexp_replace(
                    regexp_replace(folded, '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u2190-\u25ff\u3000-\u303f\ufe10-\ufe6f]+', ' ', 'g'),
                    '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U0001f000-\U0001faff\U00020000-\U0003ffff]+)', ' \1 ', 'g'),
                ' ') WITH ORDINALITY AS s (word, ord)
            WHERE word <> '' OFFSET 0
        ) AS w
        -- Each word is looked at once (OFFSET 0), and its signs come by unnesting: what looks at a long run again for each of its
        -- signs takes minutes.
        CROSS JOIN LATERAL unnest(CASE WHEN w.dense THEN string_to_array(w.word, NULL) ELSE ARRAY[w.word] END)
            WITH ORDINALITY AS c (sign, i)
    ) AS parts
$$;

-- What words written past a filter say: fr33, p0rn, f.r.e.e, frее with Cyrillic letters. A digit that may stand for two letters
-- gives both. Words without such signs give nothing.
CREATE FUNCTION search_decoded(folded text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT decoded FROM regexp_split_to_table(folded, '\s+') AS w
    CROSS JOIN LATERAL (VALUES
        (regexp_replace(translate(w, 'асеорхуіѕјԁɡһкмтοαινρκτυ43105789@$!|€', 'aceopxyisjdghkmtoaivpktuaeiostbgasile'), '[^a-z]', '', 'g')),
        (regexp_replace(translate(w, 'асеорхуіѕјԁɡһкмтοαινρκτυ43105789@$!|€', 'aceopxyisjdghkmtoaivpktuaelostbgasile'), '[^a-z]', '', 'g'))
    ) AS v (decoded)
    WHERE length(w) BETWEEN 3 AND 40 AND w ~ '[a-z]' AND w !~ '[26]'
      AND (w ~ '[0-9@$!|€][a-z]|[a-z][0-9@$|€]' OR w ~ '^[a-z]([._*~-]+[a-z])+$' OR w ~ '[асеорхуіѕјοαινρκτυ]')
      AND length(decoded) >= 3 AND decoded <> w
$$;

-- The dictionary that takes endings off the words of a language (BCP 47). Of a text whose language nobody said, and of one for whose
-- language there is none, the English one: to other words it does little, and questions are asked in all of them.
CREATE FUNCTION search_dictionary(language text) RETURNS regdictionary LANGUAGE sql STABLE AS $$
    SELECT CASE lower(split_part(language, '-', 1))
        WHEN 'ar' THEN 'arabic_stem' WHEN 'ca' THEN 'catalan_stem' WHEN 'da' THEN 'danish_stem' WHEN 'de' THEN 'german_stem'
        WHEN 'el' THEN 'greek_stem' WHEN 'es' THEN 'spanish_stem' WHEN 'fi' THEN 'finnish_stem' WHEN 'fr' THEN 'french_stem'
        WHEN 'hi' THEN 'hindi_stem' WHEN 'hu' THEN 'hungarian_stem' WHEN 'id' THEN 'indonesian_stem'
        WHEN 'it' THEN 'italian_stem' WHEN 'lt' THEN 'lithuanian_stem' WHEN 'ne' THEN 'nepali_stem' WHEN 'nl' THEN 'dutch_stem'
        WHEN 'nb' THEN 'norwegian_stem' WHEN 'no' THEN 'norwegian_stem' WHEN 'pt' THEN 'portuguese_stem'
        WHEN 'ro' THEN 'romanian_stem' WHEN 'ru' THEN 'russian_stem' WHEN 'sr' THEN 'serbian_stem' WHEN 'sv' THEN 'swedish_stem'
        WHEN 'ta' THEN 'tamil_stem' WHEN 'tr' THEN 'turkish_stem' ELSE 'english_stem' END::regdictionary
$$;

-- A text as it is searched: its words with their places, their stems, and what obfuscated words say. Above the limit of a
-- tsvector an insert would fail, and a report be lost: so of what is longer the beginning.
CREATE FUNCTION search_vector(said text, language text, weight text, most integer) RETURNS tsvector LANGUAGE sql STABLE AS $$
    WITH folded AS MATERIALIZED (SELECT left(search_fold(left(said, most)), most) AS words),
    tokens AS MATERIALIZED (SELECT t.* FROM folded, search_tokens(folded.words) AS t)
    SELECT coalesce((SELECT string_agg('''' || token || ''':' || place || weight, ' ') FROM tokens), '')::tsvector
        || array_to_tsvector(ARRAY(
            SELECT DISTINCT stem FROM tokens CROSS JOIN LATERAL unnest(ts_lexize((SELECT search_dictionary(language)), token)) AS stem
            WHERE NOT dense AND stem <> token AND stem <> ''))
        || array_to_tsvector(ARRAY(SELECT d FROM folded, search_decoded(folded.words) AS d))
    WHERE said <> ''
$$;

-- What is asked for, as a tsquery: a word in each form that an index may hold it in (itself, its stem in every language, what it
-- says past a filter); several that stand together as neighbours; `exact` without stems, `beginning` as the start of a word.
-- NULL where nothing of it is a word.
CREATE FUNCTION search_query(said text, exact boolean, beginning boolean) RETURNS tsquery LANGUAGE sql STABLE AS $$
    WITH folded AS MATERIALIZED (SELECT search_fold(left(said, 200)) AS words),
    tokens AS MATERIALIZED (
        SELECT t.*, count(*) OVER () AS all_of_them, row_number() OVER (ORDER BY t.place) AS number
        FROM folded, search_tokens(folded.words) AS t WHERE NOT t.tail
    ),
    stems AS (
        SELECT DISTINCT stem FROM tokens
        CROSS JOIN (SELECT dictname::regdictionary AS dictionary FROM pg_ts_dict WHERE dictname LIKE '%\_stem') AS known
        CROSS JOIN LATERAL unnest(ts_lexize(dictionary, token)) AS stem
        WHERE all_of_them = 1 AND NOT (dense OR exact OR beginning) AND stem <> '' AND stem !~ '[''\\]'
        UNION SELECT d FROM folded, search_decoded(folded.words) AS d WHERE NOT (exact OR beginning)
    )
    SELECT CASE WHEN max(all_of_them) = 1 THEN (
            SELECT string_agg('''' || form || '''' || CASE WHEN starts THEN ':*' ELSE '' END, ' | ') FROM (
                SELECT token AS form, beginning OR (dense AND length(token) = 1) AS starts FROM tokens
                UNION SELECT stem, false FROM stems) AS forms)
        ELSE (
            SELECT string_agg(CASE WHEN number > 1 THEN '<' || place - before || '>' ELSE '' END || '''' || token || ''''
                              || CASE WHEN (beginning AND number = all_of_them) OR (dense AND length(token) = 1) THEN ':*' ELSE '' END,
                              ' ' ORDER BY number)
            FROM (SELECT *, lag(place) OVER (ORDER BY number) AS before FROM tokens) AS neighbours)
            || coalesce((SELECT string_agg(' | ''' || d || '''', '') FROM folded, search_decoded(folded.words) AS d WHERE NOT exact), '')
        END::tsquery
    FROM tokens HAVING count(*) > 0
$$;

-- What a case is found by, one row for each text that was written by itself: its content under the case's id, reports, notes and
-- decisions under their own. So another report costs its own words and not those of all before it, and some people can be kept
-- from a decision or a note for a while.
CREATE TABLE search_documents (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases ON DELETE CASCADE,
    words tsvector NOT NULL
);
-- Of a case with many documents the first ones are ranked.
CREATE INDEX search_documents_case ON search_documents (case_id, id);
CREATE INDEX search_documents_words ON search_documents USING gin (words);

-- The cases of a rare question's documents; NULL where more than `most` documents answer it. How rare a word is the statistics of
-- the planner do not know below the thousand most frequent: it must find out by the index, and by no other way.
CREATE FUNCTION search_rare(asked tsquery, kept uuid[], most integer) RETURNS uuid[] LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_indexscan = off AS $$
    SELECT CASE WHEN count(*) <= most THEN coalesce(array_agg(DISTINCT found.case_id), '{}') END
    FROM (SELECT f.case_id FROM search_documents f WHERE f.words @@ asked AND f.id <> ALL (kept) LIMIT most + 1) AS found
$$;

-- The three-letter parts of a handle: a part of it is looked up by them.
CREATE FUNCTION search_parts(handle text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    folded text := lower(handle);
    parts text[] := '{}';
BEGIN
    FOR i IN 1..length(folded) - 2 LOOP
        parts := parts || substr(folded, i, 3);
    END LOOP;
    RETURN parts;
END $$;
CREATE INDEX subjects_author_parts ON subjects USING gin (search_parts(author_id));
CREATE INDEX subjects_external_parts ON subjects USING gin (search_parts(external_id));
CREATE INDEX reports_reporter_parts ON reports USING gin (search_parts(reporter_id));

-- The content as the page of a case shows it. Ids by their last twelve signs, which pages show, in front. What it is made from
-- comes from several transactions: under the lock of the case the later one sees what the earlier one wrote.
CREATE FUNCTION search_refresh(wanted uuid) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT FROM cases WHERE id = wanted FOR NO KEY UPDATE;
    INSERT INTO search_documents (id, case_id, words)
    SELECT c.id, c.id,
           coalesce(search_vector(concat_ws(' ', right(c.id::text, 12), s.external_id, s.author_id), NULL, 'A', 1000), '')
               || coalesce(search_vector(e.text, e.language, 'B', 30000), '')
               || coalesce(search_vector(read.lines, e.language, 'C', 10000), '')
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    CROSS JOIN LATERAL (
        SELECT string_agg(line ->> 'text', ' ') AS lines
        FROM evidence_media m JOIN media_texts t ON t.media_id = m.media_id CROSS JOIN LATERAL jsonb_array_elements(t.lines) AS line
        WHERE m.evidence_id = c.evidence_id
    ) AS read
    WHERE c.id = wanted
    ON CONFLICT (id) DO UPDATE SET words = EXCLUDED.words
$$;
-- What somebody wrote about a case, with its id and, of a report, who it is from. A report that goes to another case takes it along.
CREATE FUNCTION search_note(wanted uuid, of_case uuid, told_by text, note text, weight text) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO search_documents (id, case_id, words)
    SELECT wanted, of_case, coalesce(search_vector(concat_ws(' ', right(wanted::text, 12), told_by), NULL, 'A', 1000), '')
        || coalesce(search_vector(note, NULL, weight, 10000), '')
    ON CONFLICT (id) DO UPDATE SET case_id = EXCLUDED.case_id
$$;

CREATE FUNCTION search_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_refresh(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER search_case AFTER INSERT ON cases FOR EACH ROW EXECUTE FUNCTION search_case();
CREATE TRIGGER search_case_again AFTER UPDATE OF evidence_id ON cases FOR EACH ROW
    WHEN (OLD.evidence_id IS DISTINCT FROM NEW.evidence_id) EXECUTE FUNCTION search_case();
CREATE FUNCTION search_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_refresh(c.id) FROM (SELECT id FROM cases WHERE subject_id = NEW.id ORDER BY id) AS c;
    RETURN NULL;
END $$;
CREATE TRIGGER search_subject AFTER UPDATE OF author_id ON subjects FOR EACH ROW
    WHEN (OLD.author_id IS DISTINCT FROM NEW.author_id) EXECUTE FUNCTION search_subject();
CREATE FUNCTION search_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_note(NEW.id, NEW.case_id, NEW.reporter_id, NEW.note, 'C');
    RETURN NULL;
END $$;
CREATE TRIGGER search_report AFTER INSERT OR UPDATE OF case_id ON reports FOR EACH ROW EXECUTE FUNCTION search_report();
-- As long as it is open. By itself, not with the content: that would lock the case, which whoever decides has locked before.
CREATE FUNCTION search_question() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.answered_at IS NULL AND NEW.withdrawn_at IS NULL THEN
        PERFORM search_note(NEW.id, NEW.case_id, NULL, NEW.question, 'C');
    ELSE
        DELETE FROM search_documents WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_question AFTER INSERT OR UPDATE OF case_id, answered_at, withdrawn_at ON second_opinions
    FOR EACH ROW EXECUTE FUNCTION search_question();
CREATE FUNCTION search_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_note(NEW.id, NEW.case_id, NULL, NEW.note, 'D');
    RETURN NULL;
END $$;
CREATE TRIGGER search_decision AFTER INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION search_decision();
CREATE FUNCTION search_case_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_note(NEW.id, NEW.case_id, NULL, NEW.body, 'D');
    RETURN NULL;
END $$;
CREATE TRIGGER search_case_note AFTER INSERT ON case_notes FOR EACH ROW EXECUTE FUNCTION search_case_note();
-- Text in pictures is read when a case may show them already, or be yet to name them.
CREATE FUNCTION search_read_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_refresh(shown.id)
    FROM (SELECT DISTINCT c.id FROM made JOIN evidence_media m ON m.media_id = made.media_id
          JOIN media_texts t ON t.media_id = made.media_id AND t.lines <> '[]' JOIN cases c ON c.evidence_id = m.evidence_id
          ORDER BY c.id) AS shown;
    RETURN NULL;
END $$;
CREATE TRIGGER search_read_text AFTER INSERT ON media_texts REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION search_read_text();
CREATE TRIGGER search_read_again AFTER UPDATE ON media_texts REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION search_read_text();
CREATE TRIGGER search_shown_text AFTER INSERT ON evidence_media REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION search_read_text();

-- Cases from before: a worker takes them in from the newest backwards, in small batches. No row: nothing is left to do.
CREATE TABLE search_backfill (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    below uuid NOT NULL
);
INSERT INTO search_backfill (below) SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff' WHERE EXISTS (SELECT FROM cases);

-- The severity that a score finds most likely, as pages show it.
CREATE FUNCTION likely_severity(score jsonb) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT (place - 1)::smallint FROM jsonb_array_elements(score -> 'severity') WITH ORDINALITY AS s (share, place)
    ORDER BY share::float8 DESC, place LIMIT 1
$$;
CREATE INDEX evidence_judged ON evidence ((score ->> 'primary_area'), likely_severity(score)) WHERE score IS NOT NULL;
CREATE INDEX decisions_area ON decisions (policy_area, severity);

-- All decisions that this person is kept from: those for which is_kept_back is true, found from where that can come from instead of
-- by asking about each decision.
CREATE FUNCTION kept_back_from(person uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    WITH checked AS (
        SELECT i.case_id FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id
        WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL
    ), subjects AS (
        SELECT k.subject_id FROM second_opinions o JOIN cases k ON k.id = o.case_id LEFT JOIN decisions a ON a.id = o.decision_id
        WHERE o.withdrawn_at IS NULL AND (o.answered_at IS NULL OR a.undo_until > now())
        UNION SELECT k.subject_id FROM checked JOIN cases k ON k.id = checked.case_id
        UNION SELECT k.subject_id FROM checked JOIN decisions m ON m.case_id = checked.case_id
            JOIN decisions a ON a.cluster_id = m.cluster_id JOIN cases k ON k.id = a.case_id
    )
    SELECT d.id FROM subjects JOIN cases c ON c.subject_id = subjects.subject_id JOIN decisions d ON d.case_id = c.id
    WHERE is_kept_back(d.id, person)
$$;

-- All notes on cases that this person is kept from, as long as they have to judge by themselves: while a second opinion is wanted
-- those of whoever asked, in a blind check those of everybody else.
CREATE FUNCTION notes_kept_from(person uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT n.id FROM second_opinions o JOIN case_notes n ON n.case_id = o.case_id AND n.written_by = o.asked_by
    WHERE o.answered_at IS NULL AND o.withdrawn_at IS NULL AND n.written_by <> person
    UNION SELECT n.id FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id AND i.state = 'waiting'
        JOIN cases k ON k.id = i.case_id JOIN cases c ON c.subject_id = k.subject_id JOIN case_notes n ON n.case_id = c.id
    WHERE r.reviewer = person AND r.answered_at IS NULL AND r.released_at IS NULL AND n.written_by <> person
$$;

-- Questions that people keep. They hold words that may be content: here, and in no address and no log.
CREATE TABLE search_views (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL REFERENCES principals,
    name text NOT NULL,
    query text NOT NULL,
    sorted text NOT NULL CHECK (sorted IN ('relevance', 'newest', 'risk')),
    -- Everybody who may search finds it.
    shared boolean NOT NULL DEFAULT false,
    -- Shown without being asked for, to whoever finds it.
    pinned boolean NOT NULL DEFAULT false,
    made_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, name)
);
CREATE INDEX search_views_shared ON search_views (name) WHERE shared;
-- When somebody last looked at a view: what came since is new to them.
CREATE TABLE search_looks (
    view_id uuid NOT NULL REFERENCES search_views ON DELETE CASCADE,
    principal_id uuid NOT NULL REFERENCES principals,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view_id, principal_id)
);
