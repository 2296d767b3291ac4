-- Vouchers, and what is paid offline.

CREATE TABLE voucher_batches (
    id BIGINT PRIMARY KEY,
    label TEXT NOT NULL,
    tokens BIGINT NOT NULL CHECK (tokens > 0),
    count BIGINT NOT NULL,
    redeemed BIGINT NOT NULL CHECK (redeemed <= count),
    kind TEXT NOT NULL,
    starts_at BIGINT,
    expires_at BIGINT,
    per_account BIGINT,
    tokens_expire_after_days BIGINT,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);

-- A code is kept as its SHA-256 only.
CREATE TABLE vouchers (
    code BYTEA PRIMARY KEY,
    batch BIGINT NOT NULL,
    top_up BIGINT
);

CREATE INDEX vouchers_of_batch ON vouchers (batch);
CREATE UNIQUE INDEX vouchers_of_top_up ON vouchers (top_up) WHERE top_up IS NOT NULL;

-- What an offline top-up waits for, and what came of it so far.
ALTER TABLE top_ups ADD COLUMN due_reference TEXT;
ALTER TABLE top_ups ADD COLUMN due_instructions TEXT;
ALTER TABLE top_ups ADD COLUMN due_received BIGINT;
ALTER TABLE top_ups ADD COLUMN due_brought BIGINT;

CREATE UNIQUE INDEX top_ups_by_reference ON top_ups (due_reference) WHERE due_reference IS NOT NULL;

-- The money that came for them.
CREATE TABLE remittances (
    top_up BIGINT NOT NULL,
    id BIGINT NOT NULL,
    money_amount BIGINT NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    tokens BIGINT NOT NULL,
    transfer BIGINT,
    note TEXT NOT NULL,
    request_key BIGINT NOT NULL,
    request_fingerprint BIGINT NOT NULL,
    request_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (top_up, id)
);
