-- Banks of known pictures, and which media match them.

CREATE TABLE hash_banks (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    purpose text NOT NULL,
    owner text NOT NULL,
    -- What a match is a sign of, and how strongly it has the picture blurred.
    policy_area text NOT NULL,
    level smallint NOT NULL DEFAULT 4 CHECK (level BETWEEN 2 AND 4),
    -- Most bits of 256 in which a match may differ; searches look no farther than 31, which PDQ's authors give.
    distance smallint NOT NULL DEFAULT 31 CHECK (distance BETWEEN 0 AND 31),
    -- Of all media that match, this share has an effect, the others are only counted: a new bank is tried before it is trusted.
    match_share real NOT NULL DEFAULT 0 CHECK (match_share BETWEEN 0 AND 1),
    active boolean NOT NULL DEFAULT true,
    disabled_note text,
    -- Its hashes up to this one were looked for among media; those beyond are the worker's job. Whoever adds hashes locks
    -- the bank first, so that none with a lower number appears later.
    looked_for bigint NOT NULL DEFAULT 0,
    -- Since when a change of the bank has still to reach its matches and the cases that they are of.
    unsettled_since timestamptz,
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    CHECK (active = (disabled_note IS NULL))
);
-- Who changed what of a bank: {field: [before, after]}.
CREATE TABLE bank_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank_id uuid NOT NULL REFERENCES hash_banks,
    changed jsonb NOT NULL,
    note text NOT NULL DEFAULT '',
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bank_changes_of ON bank_changes (bank_id, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bank_changes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON bank_changes EXECUTE FUNCTION refuse_change();

CREATE TABLE bank_hashes (
    -- In the order in which they were added to their bank.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank_id uuid NOT NULL REFERENCES hash_banks,
    pdq bit(256) NOT NULL,
    note text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    -- False where an exchange calls it a lead that needs looking into, not a picture that somebody has judged.
    confirmed boolean NOT NULL DEFAULT true,
    -- Where it came from: a file of an exchange, or a decision of ours.
    source text NOT NULL DEFAULT '',
    decision_id uuid REFERENCES decisions,
    added_by uuid REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    removed_by uuid REFERENCES principals,
    removed_note text,
    CHECK ((removed_at IS NULL) = (removed_note IS NULL))
);
CREATE UNIQUE INDEX bank_hashes_once ON bank_hashes (bank_id, pdq) WHERE removed_at IS NULL;
CREATE INDEX bank_hashes_of ON bank_hashes (bank_id, id);
CREATE INDEX bank_hashes_decided ON bank_hashes (decision_id) WHERE decision_id IS NOT NULL;

CREATE TABLE bank_matches (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    hash_id bigint NOT NULL REFERENCES bank_hashes,
    -- Of a frame of a video; 0 for a picture.
    position_ms integer NOT NULL DEFAULT 0,
    -- Bits of 256 that differ.
    distance smallint NOT NULL CHECK (distance BETWEEN 0 AND 256),
    -- Whether it has an effect now, or is only counted.
    acts boolean NOT NULL,
    matched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media_id, hash_id)
);
CREATE INDEX bank_matches_of ON bank_matches (hash_id);
CREATE INDEX bank_matches_lately ON bank_matches (matched_at);

-- What was decided on copies of a picture is looked up with every claim of one that is known.
CREATE INDEX decisions_evidence ON decisions (evidence_id);

-- Whether matches of a medium with a bank act at this share. The same media act whenever it is asked, and a share that
-- grows keeps them.
CREATE FUNCTION bank_acts(medium uuid, bank uuid, share real) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(CAST('x' || left(md5(CAST(medium AS text) || CAST(bank AS text)), 8) AS bit(32)) AS bigint)
       < CAST(share AS float8) * 4294967296;

-- Exact search by Hamming distance, block by block (models/hamming.py). Those of hashes hold all that the search reads: every
-- upload looks 4,000 candidates in a million up, and pages of the table would be read for each. Those of frames are as on media.
DO $$
BEGIN
    FOR place IN 0..15 LOOP
        EXECUTE format('CREATE INDEX bank_block_%s ON bank_hashes ((CAST(substring(pdq FROM %s FOR 16) AS bit(16))::int))'
                       ' INCLUDE (pdq, id)', place, 16 * place + 1);
        EXECUTE format('CREATE INDEX frame_block_%s ON media_frames ((CAST(substring(pdq FROM %s FOR 16) AS bit(16))::int))',
                       place, 16 * place + 1);
    END LOOP;
END $$;
