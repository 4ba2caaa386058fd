-- Keys with a name, a purpose and an end; passwords that are good for one sign-in; what an organisation shows media as.

-- NULL in `scopes`: everything that the role of the account may do, as for the key that an account is made with.
ALTER TABLE api_keys
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN name text NOT NULL DEFAULT 'first key',
    -- How the key begins, for people who have to find it again; it opens nothing.
    ADD COLUMN prefix text NOT NULL DEFAULT '',
    ADD COLUMN scopes text[],
    ADD COLUMN expires_at timestamptz,
    -- To the minute: it is written at most once in that time.
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN made_by uuid REFERENCES principals,
    ADD COLUMN revoked_by uuid REFERENCES principals;
CREATE INDEX api_keys_of_account ON api_keys (principal_id);

-- With `password_expires_at` the password is good for one sign-in until then, at which another one is chosen.
ALTER TABLE principals
    ADD COLUMN password_expires_at timestamptz,
    ADD COLUMN signed_in_at timestamptz,
    ADD COLUMN closed_at timestamptz;

-- One row: how media are shown to whoever has not said it for themselves.
CREATE TABLE media_defaults (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    level smallint CHECK (level BETWEEN 0 AND 4),
    colour boolean NOT NULL DEFAULT false,
    lines_first boolean NOT NULL DEFAULT false,
    mask_text boolean NOT NULL DEFAULT true,
    set_by uuid REFERENCES principals,
    set_at timestamptz NOT NULL DEFAULT now()
);
