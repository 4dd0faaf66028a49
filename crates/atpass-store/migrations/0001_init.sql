-- Times are seconds since the epoch. Secrets are here as SHA-256 only.

CREATE TABLE requests (
    id         BLOB PRIMARY KEY,
    request    TEXT NOT NULL,
    jkt        BLOB NOT NULL,
    client_key TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_end ON requests (expires_at);

-- Kept for a day after their issue, so that no challenge and no state is used twice.
CREATE TABLE codes (
    id           BLOB PRIMARY KEY,
    client_id    TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge    BLOB NOT NULL UNIQUE,
    state        BLOB NOT NULL,
    jkt          BLOB NOT NULL,
    client_key   TEXT,
    did          TEXT NOT NULL,
    scope        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    session      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_state ON codes (client_id, state);
CREATE INDEX codes_by_age ON codes (created_at);

-- One row for each session, updated in place at each refresh. The id is a random number.
CREATE TABLE sessions (
    id                 INTEGER PRIMARY KEY,
    did                TEXT NOT NULL,
    client_id          TEXT NOT NULL,
    jkt                BLOB NOT NULL,
    client_key         TEXT,
    scope              TEXT NOT NULL,
    generation         INTEGER NOT NULL,
    rotated_at         INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    refresh_expires_at INTEGER NOT NULL,
    ended_at           INTEGER,
    end_reason         TEXT
) STRICT;
CREATE INDEX sessions_by_did ON sessions (did);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at, id) WHERE ended_at IS NOT NULL;

-- What an account last granted to a client: what it may have again without being asked.
CREATE TABLE approvals (
    did         TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    approved_at INTEGER NOT NULL,
    PRIMARY KEY (did, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_age ON approvals (approved_at);

-- Client assertions that were seen, for as long as they would be accepted.
CREATE TABLE seen (
    key        BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_by_end ON seen (expires_at);

CREATE TABLE devices (
    id         BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    remembered INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_end ON devices (expires_at);

CREATE TABLE device_accounts (
    device       BLOB NOT NULL REFERENCES devices (id) ON UPDATE CASCADE ON DELETE CASCADE,
    did          TEXT NOT NULL,
    signed_in_at INTEGER NOT NULL,
    PRIMARY KEY (device, did)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_accounts_by_did ON device_accounts (did);

CREATE TABLE signing_keys (
    kid        TEXT PRIMARY KEY,
    pkcs8      BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE accounts (
    did           TEXT PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    email         TEXT UNIQUE,
    password_hash TEXT NOT NULL,
    audience      TEXT NOT NULL,
    active        INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Permission sets as they were last resolved.
CREATE TABLE lexicons (
    nsid        TEXT PRIMARY KEY,
    did         TEXT NOT NULL,
    cid         TEXT NOT NULL,
    document    TEXT NOT NULL,
    resolved_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lexicons_by_age ON lexicons (resolved_at);
