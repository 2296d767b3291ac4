-- Where money between partners goes to, and keys of receipts.

-- Bank accounts: a partner's under its number, our own under zero.
CREATE TABLE bank_details (
    owner INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    iban TEXT NOT NULL,
    bic TEXT
) STRICT;

CREATE TABLE settlement_keys (
    key INTEGER PRIMARY KEY,
    fingerprint INTEGER NOT NULL,
    settlement INTEGER NOT NULL
) STRICT;
