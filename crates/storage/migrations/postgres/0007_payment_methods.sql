-- Payment methods: the cards of accounts, and what processors call the accounts.

CREATE TABLE customers (
    account BIGINT NOT NULL,
    processor TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, processor)
);

CREATE TABLE payment_methods (
    account BIGINT NOT NULL,
    name TEXT NOT NULL,
    processor TEXT NOT NULL,
    brand TEXT NOT NULL,
    last_four TEXT NOT NULL,
    expiry_year BIGINT NOT NULL,
    expiry_month BIGINT NOT NULL CHECK (expiry_month BETWEEN 1 AND 12),
    created_at BIGINT NOT NULL,
    detach_at BIGINT,
    PRIMARY KEY (account, name)
);

-- What the processor has to be told of cards that were removed.
CREATE INDEX payment_methods_leaving ON payment_methods (detach_at) WHERE detach_at IS NOT NULL;

-- The card that an account pays with when none is named, for the doctor.
CREATE VIEW default_payment_methods AS
SELECT id AS account, person::JSONB ->> 'payment_method' AS name FROM accounts
WHERE person::JSONB ->> 'payment_method' IS NOT NULL;
