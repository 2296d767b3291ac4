-- Payment methods: the cards of accounts, and what processors call the accounts.

CREATE TABLE customers (
    account INTEGER NOT NULL,
    processor TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, processor)
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_methods (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    processor TEXT NOT NULL,
    brand TEXT NOT NULL,
    last_four TEXT NOT NULL,
    expiry_year INTEGER NOT NULL,
    expiry_month INTEGER NOT NULL CHECK (expiry_month BETWEEN 1 AND 12),
    created_at INTEGER NOT NULL,
    detach_at INTEGER,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- What the processor has to be told of cards that were removed.
CREATE INDEX payment_methods_leaving ON payment_methods (detach_at) WHERE detach_at IS NOT NULL;

-- The card that an account pays with when none is named, for the doctor.
CREATE VIEW default_payment_methods AS
SELECT id AS account, person ->> 'payment_method' AS name FROM accounts
WHERE person ->> 'payment_method' IS NOT NULL;
