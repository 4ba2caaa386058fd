-- Media that are not ready at once, derivatives of several kinds, and what models see and read in them.

ALTER TABLE media
    ALTER COLUMN width DROP NOT NULL,
    ALTER COLUMN height DROP NOT NULL,
    ALTER COLUMN frames DROP NOT NULL,
    ALTER COLUMN stored_as DROP NOT NULL,
    ADD CONSTRAINT media_kind CHECK (kind IN ('image', 'video', 'audio')),
    -- pending: the file is kept and its derivatives are still to be made; failed: they cannot be made, and it is never shown.
    ADD COLUMN status text NOT NULL DEFAULT 'ready' CHECK (status IN ('pending', 'ready', 'failed')),
    -- Why, in a sentence for people.
    ADD COLUMN failure text,
    -- The file as it came, metadata and all. Never served; kept while the clean copy is still to be made or cannot be.
    ADD COLUMN uploaded_as text,
    ADD COLUMN duration_ms integer CHECK (duration_ms >= 0),
    ADD COLUMN sound boolean NOT NULL DEFAULT false,
    -- The row is the job, as for texts that wait for their score: of the image model, and of the reading of text.
    ADD COLUMN assess_state text NOT NULL DEFAULT 'waiting' CHECK (assess_state IN ('waiting', 'assessed', 'failed')),
    ADD COLUMN assess_claimed_until timestamptz,
    ADD COLUMN assess_attempts smallint NOT NULL DEFAULT 0,
    -- What the image model says: {"model", "hash", "classes": {name: probability or null where it cannot tell}}.
    ADD COLUMN assessment jsonb,
    ADD COLUMN read_state text NOT NULL DEFAULT 'waiting' CHECK (read_state IN ('waiting', 'read', 'failed')),
    ADD COLUMN read_claimed_until timestamptz,
    ADD COLUMN read_attempts smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT media_ready CHECK (status <> 'ready' OR stored_as IS NOT NULL),
    ADD CONSTRAINT media_failure CHECK ((status = 'failed') = (failure IS NOT NULL)),
    ADD CONSTRAINT media_pending CHECK (status <> 'pending' OR uploaded_as IS NOT NULL);
CREATE INDEX media_to_assess ON media (uploaded_at)
    WHERE status = 'ready' AND assess_state = 'waiting' AND kind <> 'audio';
CREATE INDEX media_to_read ON media (uploaded_at) WHERE status = 'ready' AND read_state = 'waiting' AND kind <> 'audio';

-- What a worker last said of its image model: which one is at work, or why none is. At most one row.
CREATE TABLE image_model_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    model text,
    hash text,
    problem text,
    at timestamptz NOT NULL DEFAULT now()
);

-- gray and colour: blurred pictures of level 0 (plain, small) to 4; lines: a line drawing; of videos gray and colour are of
-- the first frame shown, sheet is the contact sheet and proxy the muted gray video; wave: the waveform of sound.
ALTER TABLE media_derivatives
    DROP CONSTRAINT media_derivatives_pkey,
    DROP CONSTRAINT media_derivatives_level_check,
    ADD COLUMN variant text NOT NULL DEFAULT 'gray'
        CHECK (variant IN ('gray', 'colour', 'lines', 'sheet', 'proxy', 'wave')),
    ADD CONSTRAINT media_derivatives_level_check CHECK (level BETWEEN 0 AND 4),
    ADD PRIMARY KEY (media_id, variant, level);
ALTER TABLE media_derivatives ALTER COLUMN variant DROP DEFAULT;

-- Fingerprints of frames of a video, and of later frames of an animation, by which known pictures are found in them.
CREATE TABLE media_frames (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    position_ms integer NOT NULL,
    pdq bit(256) NOT NULL,
    pdq_quality smallint NOT NULL CHECK (pdq_quality BETWEEN 0 AND 100),
    PRIMARY KEY (media_id, position_ms)
);

-- Text that was read in a picture, and what the text classifier makes of it.
CREATE TABLE media_texts (
    media_id uuid PRIMARY KEY REFERENCES media ON DELETE CASCADE,
    -- One object a line: {"text", "box": [[x, y] x 4, as shares of width and height], "confidence"}.
    lines jsonb NOT NULL,
    score jsonb,
    bundle text,
    read_at timestamptz NOT NULL DEFAULT now()
);

-- How somebody wants media shown to themselves; never below what the rules ask for. NULL: as the rules say.
CREATE TABLE media_preferences (
    principal_id uuid PRIMARY KEY REFERENCES principals,
    level smallint CHECK (level BETWEEN 0 AND 4),
    colour boolean NOT NULL DEFAULT false,
    lines_first boolean NOT NULL DEFAULT false,
    -- Slurs and graphic words of texts are covered until they are asked for.
    mask_text boolean NOT NULL DEFAULT true,
    set_at timestamptz NOT NULL DEFAULT now()
);
