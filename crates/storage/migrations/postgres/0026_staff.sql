-- People of the vendor. They are no accounts.

CREATE TABLE staff (
    id BIGINT PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT,
    invitation BYTEA,
    invited_until BIGINT,
    series BIGINT NOT NULL,
    factor_issue BIGINT NOT NULL,
    factor_since BIGINT,
    factor_step BIGINT NOT NULL,
    recovery TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    joined_at BIGINT,
    ended_at BIGINT,
    CHECK ((invitation IS NULL) = (invited_until IS NULL))
);

CREATE UNIQUE INDEX staff_by_invitation ON staff (invitation) WHERE invitation IS NOT NULL;

-- Whose an address is; gone when its member is ended.
CREATE TABLE staff_logins (
    email TEXT PRIMARY KEY,
    member BIGINT NOT NULL
);

CREATE TABLE staff_sessions (
    token BYTEA PRIMARY KEY,
    member BIGINT NOT NULL,
    series BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX staff_sessions_by_member ON staff_sessions (member, expires_at);

-- The guard of who is an owner: one row.
CREATE TABLE staff_roll (
    number BIGINT PRIMARY KEY,
    owners BIGINT NOT NULL CHECK (owners >= 0)
);

INSERT INTO staff_roll (number, owners) VALUES (1, 0);

-- The log, by what was done to: what befell one thing is read without the rest.
CREATE INDEX audit_by_subject ON audit (subject, id);
