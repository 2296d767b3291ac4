-- Vouchers, and what is paid offline.

CREATE TABLE voucher_batches (
    id INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    tokens INTEGER NOT NULL CHECK (tokens > 0),
    count INTEGER NOT NULL,
    redeemed INTEGER NOT NULL CHECK (redeemed <= count),
    kind TEXT NOT NULL,
    starts_at INTEGER,
    expires_at INTEGER,
    per_account INTEGER,
    tokens_expire_after_days INTEGER,
    created_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

-- A code is kept as its SHA-256 only.
CREATE TABLE vouchers (
    code BLOB PRIMARY KEY,
    batch INTEGER NOT NULL,
    top_up INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX vouchers_of_batch ON vouchers (batch);
CREATE UNIQUE INDEX vouchers_of_top_up ON vouchers (top_up) WHERE top_up IS NOT NULL;

-- What an offline top-up waits for, and what came of it so far.
ALTER TABLE top_ups ADD COLUMN due_reference TEXT;
ALTER TABLE top_ups ADD COLUMN due_instructions TEXT;
ALTER TABLE top_ups ADD COLUMN due_received INTEGER;
ALTER TABLE top_ups ADD COLUMN due_brought INTEGER;

CREATE UNIQUE INDEX top_ups_by_reference ON top_ups (due_reference) WHERE due_reference IS NOT NULL;

-- The money that came for them.
CREATE TABLE remittances (
    top_up INTEGER NOT NULL,
    id INTEGER NOT NULL,
    money_amount INTEGER NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    transfer INTEGER,
    note TEXT NOT NULL,
    request_key INTEGER NOT NULL,
    request_fingerprint INTEGER NOT NULL,
    request_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (top_up, id)
) STRICT, WITHOUT ROWID;
