-- Names are bytes: they are compared as such, and a text of PostgreSQL can't hold every one.
-- Versions come from one sequence, so that none comes back when a name does.
CREATE SEQUENCE atpass_client_version;

CREATE TABLE atpass_client_session (
    name bytea PRIMARY KEY,
    did text NOT NULL,
    version bigint NOT NULL DEFAULT nextval('atpass_client_version'),
    record bytea NOT NULL
);
CREATE INDEX atpass_client_session_by_did ON atpass_client_session (did);

CREATE TABLE atpass_client_login (
    name bytea PRIMARY KEY,
    until bigint NOT NULL,
    record bytea NOT NULL
);
CREATE INDEX atpass_client_login_by_time ON atpass_client_login (until);
