-- Where money between partners goes to, and keys of receipts.

-- Bank accounts: a partner's under its number, our own under zero.
CREATE TABLE bank_details (
    owner BIGINT PRIMARY KEY,
    holder TEXT NOT NULL,
    iban TEXT NOT NULL,
    bic TEXT
);

CREATE TABLE settlement_keys (
    key BIGINT PRIMARY KEY,
    fingerprint BIGINT NOT NULL,
    settlement BIGINT NOT NULL
);
