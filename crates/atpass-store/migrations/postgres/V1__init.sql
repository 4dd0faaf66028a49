-- Times are seconds since the epoch. Secrets are here as SHA-256 only, or sealed under the master key.
-- What changes at each refresh has no index, and pages keep room for it: such changes touch one page.

CREATE TABLE requests (
    id         bytea PRIMARY KEY,
    request    text NOT NULL,
    jkt        bytea NOT NULL,
    client_key text,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX requests_by_end ON requests (expires_at);

-- Kept for a day after their issue, so that no challenge and no state is used twice.
CREATE TABLE codes (
    id           bytea PRIMARY KEY,
    client_id    text NOT NULL,
    redirect_uri text NOT NULL,
    challenge    bytea NOT NULL CONSTRAINT codes_challenge UNIQUE,
    state        bytea NOT NULL,
    jkt          bytea NOT NULL,
    client_key   text,
    did          text NOT NULL,
    scope        text NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    session      bigint
);
CREATE INDEX codes_by_state ON codes (client_id, state);
CREATE INDEX codes_by_age ON codes (created_at);
CREATE INDEX codes_open_by_did ON codes (did) WHERE session IS NULL;

-- One row for each session, updated in place at each refresh. The id is a random number.
CREATE TABLE sessions (
    id                 bigint PRIMARY KEY,
    did                text NOT NULL,
    client_id          text NOT NULL,
    jkt                bytea NOT NULL,
    client_key         text,
    scope              text NOT NULL,
    generation         bigint NOT NULL,
    rotated_at         bigint NOT NULL,
    created_at         bigint NOT NULL,
    expires_at         bigint NOT NULL,
    refresh_expires_at bigint NOT NULL,
    ended_at           bigint,
    end_reason         text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
CREATE INDEX sessions_by_did ON sessions (did);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at, id) WHERE ended_at IS NOT NULL;

-- What an account last granted to a client: what it may have again without being asked.
CREATE TABLE approvals (
    did         text NOT NULL,
    client_id   text NOT NULL,
    scope       text NOT NULL,
    approved_at bigint NOT NULL,
    PRIMARY KEY (did, client_id)
);
CREATE INDEX approvals_by_age ON approvals (approved_at);

-- What counts once only, for as long as it would be accepted.
CREATE TABLE seen (
    key        bytea PRIMARY KEY,
    expires_at bigint NOT NULL
);
CREATE INDEX seen_by_end ON seen (expires_at);

CREATE TABLE devices (
    id         bytea PRIMARY KEY,
    expires_at bigint NOT NULL,
    remembered boolean NOT NULL
);
CREATE INDEX devices_by_end ON devices (expires_at);

CREATE TABLE device_accounts (
    device       bytea NOT NULL REFERENCES devices (id) ON UPDATE CASCADE ON DELETE CASCADE,
    did          text NOT NULL,
    signed_in_at bigint NOT NULL,
    PRIMARY KEY (device, did)
);
CREATE INDEX device_accounts_by_did ON device_accounts (did);

CREATE TABLE signing_keys (
    kid        text PRIMARY KEY,
    number     bigint GENERATED ALWAYS AS IDENTITY,
    sealed     bytea NOT NULL,
    created_at bigint NOT NULL,
    signs_from bigint NOT NULL,
    retired_at bigint
);

CREATE TABLE secrets (
    name   text PRIMARY KEY,
    sealed bytea NOT NULL
);

CREATE TABLE accounts (
    did                text PRIMARY KEY,
    handle             text NOT NULL CONSTRAINT accounts_handle UNIQUE,
    email              text CONSTRAINT accounts_email UNIQUE,
    email_confirmed_at bigint,
    password_hash      text NOT NULL,
    audience           text NOT NULL,
    created_at         bigint NOT NULL,
    active             boolean NOT NULL,
    deactivated_at     bigint,
    -- When all of its sessions were ended last.
    sessions_ended_at  bigint,
    -- The operation that makes the DID, while the account is being made.
    sign_up            text,
    invite             text,
    -- Whether it still is as an import left it, so that another import may bring it up to date.
    untouched          boolean NOT NULL DEFAULT false
);
CREATE INDEX accounts_in_the_making ON accounts (created_at) WHERE sign_up IS NOT NULL;
CREATE INDEX accounts_by_audience ON accounts (audience);

CREATE TABLE email_codes (
    did        text NOT NULL,
    purpose    text NOT NULL,
    code       bytea NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (did, purpose)
);
CREATE INDEX email_codes_by_code ON email_codes (purpose, code);
CREATE INDEX email_codes_by_end ON email_codes (expires_at);

CREATE TABLE app_passwords (
    did        text NOT NULL,
    name       text NOT NULL,
    hash       text NOT NULL,
    created_at bigint NOT NULL,
    privileged boolean NOT NULL,
    PRIMARY KEY (did, name)
);

-- Sessions of apps that know no OAuth. The id is a random number.
CREATE TABLE legacy_sessions (
    id           bigint PRIMARY KEY,
    did          text NOT NULL,
    app_password text,
    privileged   boolean NOT NULL,
    generation   bigint NOT NULL,
    rotated_at   bigint NOT NULL,
    expires_at   bigint NOT NULL
);
CREATE INDEX legacy_sessions_by_did ON legacy_sessions (did);
CREATE INDEX legacy_sessions_by_end ON legacy_sessions (expires_at);

CREATE TABLE invites (
    code       text PRIMARY KEY,
    uses       bigint NOT NULL,
    created_at bigint NOT NULL
);

-- What scopes of access tokens stand for, where the scope itself would be too long.
CREATE TABLE scope_references (
    reference  text PRIMARY KEY,
    scope      text NOT NULL,
    used_until bigint NOT NULL
);
CREATE INDEX scope_references_by_end ON scope_references (used_until);

-- Permission sets as they were last resolved.
CREATE TABLE lexicons (
    nsid        text PRIMARY KEY,
    did         text NOT NULL,
    cid         text NOT NULL,
    document    text NOT NULL,
    resolved_at bigint NOT NULL
);
CREATE INDEX lexicons_by_age ON lexicons (resolved_at);

-- The servers on this database, and what each was configured with.
CREATE TABLE nodes (
    id            bytea PRIMARY KEY,
    name          text NOT NULL,
    version       text NOT NULL,
    configuration bytea NOT NULL,
    started_at    bigint NOT NULL,
    seen_at       bigint NOT NULL
);

-- The state of the database as a whole: one row.
CREATE TABLE database_state (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Programs that know a schema older than this can't serve on it.
    oldest_program bigint NOT NULL,
    -- While a database is being copied here: which one, and how far it is. Nobody serves on it meanwhile.
    copying        text
);
INSERT INTO database_state (oldest_program) VALUES (1);

-- Triggers, so that no act can forget it. An import sets the mark after what it writes.
CREATE FUNCTION account_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.untouched := false;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_touched
BEFORE UPDATE OF handle, email, email_confirmed_at, password_hash, active, deactivated_at ON accounts
FOR EACH ROW WHEN (OLD.untouched) EXECUTE FUNCTION account_touched();

CREATE FUNCTION account_of_row_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET untouched = false
    WHERE did = CASE TG_OP WHEN 'DELETE' THEN OLD.did ELSE NEW.did END AND untouched;
    RETURN NULL;
END $$;
CREATE TRIGGER app_passwords_changed AFTER INSERT OR DELETE ON app_passwords
FOR EACH ROW EXECUTE FUNCTION account_of_row_touched();
CREATE TRIGGER legacy_sessions_begun AFTER INSERT ON legacy_sessions
FOR EACH ROW EXECUTE FUNCTION account_of_row_touched();
