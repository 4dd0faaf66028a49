-- Accounts of an entryway: what their PDSes forward, and what is being made.

ALTER TABLE accounts ADD COLUMN email_confirmed_at INTEGER;
ALTER TABLE accounts ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN deactivated_at INTEGER;
-- When all of its sessions were ended last.
ALTER TABLE accounts ADD COLUMN sessions_ended_at INTEGER;
-- The operation that makes the DID, while the account is being made.
ALTER TABLE accounts ADD COLUMN sign_up TEXT;
ALTER TABLE accounts ADD COLUMN invite TEXT;
-- Whether it still is as an import left it, so that another import may bring it up to date.
ALTER TABLE accounts ADD COLUMN untouched INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_in_the_making ON accounts (created_at) WHERE sign_up IS NOT NULL;
CREATE INDEX accounts_by_audience ON accounts (audience);

CREATE TABLE email_codes (
    did        TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    code       BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (did, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX email_codes_by_code ON email_codes (purpose, code);
CREATE INDEX email_codes_by_end ON email_codes (expires_at);

CREATE TABLE app_passwords (
    did        TEXT NOT NULL,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    privileged INTEGER NOT NULL,
    PRIMARY KEY (did, name)
) STRICT, WITHOUT ROWID;

-- Sessions of apps that know no OAuth. The id is a random number.
CREATE TABLE legacy_sessions (
    id           INTEGER PRIMARY KEY,
    did          TEXT NOT NULL,
    app_password TEXT,
    privileged   INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    rotated_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX legacy_sessions_by_did ON legacy_sessions (did);
CREATE INDEX legacy_sessions_by_end ON legacy_sessions (expires_at);

CREATE TABLE invites (
    code       TEXT PRIMARY KEY,
    uses       INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What scopes of access tokens stand for, where the scope itself would be too long.
CREATE TABLE scope_references (
    reference  TEXT PRIMARY KEY,
    scope      TEXT NOT NULL,
    used_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_references_by_end ON scope_references (used_until);

-- Triggers, so that no act can forget it. An import sets the mark after what it writes.
CREATE TRIGGER accounts_touched
AFTER UPDATE OF handle, email, email_confirmed_at, password_hash, active, deactivated_at ON accounts
WHEN old.untouched BEGIN
    UPDATE accounts SET untouched = 0 WHERE did = new.did;
END;
CREATE TRIGGER app_passwords_added AFTER INSERT ON app_passwords BEGIN
    UPDATE accounts SET untouched = 0 WHERE did = new.did AND untouched;
END;
CREATE TRIGGER app_passwords_removed AFTER DELETE ON app_passwords BEGIN
    UPDATE accounts SET untouched = 0 WHERE did = old.did AND untouched;
END;
CREATE TRIGGER legacy_sessions_begun AFTER INSERT ON legacy_sessions BEGIN
    UPDATE accounts SET untouched = 0 WHERE did = new.did AND untouched;
END;
