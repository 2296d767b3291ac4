-- Mail: letters, how far the feed has become letters, and small purchases that wait for their day's letter.

ALTER TABLE accounts ADD COLUMN verified_at BIGINT;

-- A new password ends every session of its account.
CREATE INDEX sessions_of_account ON sessions (account);

CREATE TABLE letters (
    id BIGINT PRIMARY KEY,
    account BIGINT,
    recipient TEXT NOT NULL,
    about TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT,
    sent_at BIGINT,
    trouble TEXT,
    created_at BIGINT NOT NULL,
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);

CREATE INDEX letters_due ON letters (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE postbox (
    number BIGINT PRIMARY KEY,
    position BIGINT NOT NULL
);

CREATE TABLE digests (
    account BIGINT PRIMARY KEY,
    orders TEXT NOT NULL,
    more BIGINT NOT NULL,
    total BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);

CREATE INDEX digests_due ON digests (due_at);

-- Of which tokens that expire owners have been told.
CREATE TABLE warned (
    account BIGINT PRIMARY KEY,
    until BIGINT NOT NULL
);
