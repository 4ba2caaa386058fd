-- Banks of known pictures, and which media match them.

CREATE TABLE hash_banks (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    purpose text NOT NULL,
    owner text NOT NULL,
    -- What a match is a sign of, and how strongly it has the picture blurred.
    policy_area text NOT NULL,
    level smallint NOT NULL DEFAULT 4 CHECK (level BETWEEN 2 AND 4),
    -- Of all matches this share has an effect, the others are only counted: a new bank is tried before it is trusted.
    match_share real NOT NULL DEFAULT 0 CHECK (match_share BETWEEN 0 AND 1),
    active boolean NOT NULL DEFAULT true,
    disabled_note text,
    made_by uuid REFERENCES principals,
    made_at timestamptz NOT NULL DEFAULT now(),
    CHECK (active OR disabled_note IS NOT NULL)
);
CREATE TABLE bank_hashes (
    id uuid PRIMARY KEY,
    bank_id uuid NOT NULL REFERENCES hash_banks,
    pdq bit(256) NOT NULL,
    note text NOT NULL DEFAULT '',
    -- Where it came from: a file of an exchange, or a decision of ours.
    source text NOT NULL DEFAULT '',
    decision_id uuid REFERENCES decisions,
    added_by uuid REFERENCES principals,
    added_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    UNIQUE (bank_id, pdq)
);
CREATE TABLE bank_matches (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    hash_id uuid NOT NULL REFERENCES bank_hashes,
    -- Of a frame of a video; 0 for a picture.
    position_ms integer NOT NULL DEFAULT 0,
    -- Bits of 256 that differ.
    distance smallint NOT NULL CHECK (distance BETWEEN 0 AND 256),
    -- Whether it has an effect, or is only counted (match_share when it was found).
    acts boolean NOT NULL,
    matched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media_id, hash_id)
);
