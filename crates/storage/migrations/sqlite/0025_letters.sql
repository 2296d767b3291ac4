-- Mail: letters, how far the feed has become letters, and small purchases that wait for their day's letter.

ALTER TABLE accounts ADD COLUMN verified_at INTEGER;

-- A new password ends every session of its account.
CREATE INDEX sessions_of_account ON sessions (account);

CREATE TABLE letters (
    id INTEGER PRIMARY KEY,
    account INTEGER,
    recipient TEXT NOT NULL,
    about TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    sent_at INTEGER,
    trouble TEXT,
    created_at INTEGER NOT NULL,
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) STRICT;

CREATE INDEX letters_due ON letters (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE postbox (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE digests (
    account INTEGER PRIMARY KEY,
    orders TEXT NOT NULL,
    more INTEGER NOT NULL,
    total INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;

CREATE INDEX digests_due ON digests (due_at);

-- Of which tokens that expire owners have been told.
CREATE TABLE warned (
    account INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
