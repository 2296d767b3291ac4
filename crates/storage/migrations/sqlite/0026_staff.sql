-- People of the vendor. They are no accounts.

CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT,
    invitation BLOB,
    invited_until INTEGER,
    series INTEGER NOT NULL,
    factor_issue INTEGER NOT NULL,
    factor_since INTEGER,
    factor_step INTEGER NOT NULL,
    recovery TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    joined_at INTEGER,
    ended_at INTEGER,
    CHECK ((invitation IS NULL) = (invited_until IS NULL))
) STRICT;

CREATE UNIQUE INDEX staff_by_invitation ON staff (invitation) WHERE invitation IS NOT NULL;

-- Whose an address is; gone when its member is ended.
CREATE TABLE staff_logins (
    email TEXT PRIMARY KEY,
    member INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staff_sessions (
    token BLOB PRIMARY KEY,
    member INTEGER NOT NULL,
    series INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX staff_sessions_by_member ON staff_sessions (member, expires_at);

-- The guard of who is an owner: one row.
CREATE TABLE staff_roll (
    number INTEGER PRIMARY KEY,
    owners INTEGER NOT NULL CHECK (owners >= 0)
) STRICT;

INSERT INTO staff_roll (number, owners) VALUES (1, 0);

-- The log, by what was done to: what befell one thing is read without the rest.
CREATE INDEX audit_by_subject ON audit (subject, id);
