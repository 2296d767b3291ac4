-- Credit lines: what an account may owe, and does, in money. Its two counters are a ledger account.
CREATE TABLE credit_lines (
    account BIGINT PRIMARY KEY,
    limit_amount BIGINT NOT NULL CHECK (limit_amount >= 0),
    limit_unit TEXT NOT NULL,
    owed_debits BIGINT NOT NULL,
    owed_credits BIGINT NOT NULL,
    CHECK (owed_debits >= owed_credits)
);

CREATE TABLE repayments (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    money_amount BIGINT NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    owed BIGINT NOT NULL CHECK (owed >= 0),
    note TEXT NOT NULL,
    request_key BIGINT NOT NULL,
    request_fingerprint BIGINT NOT NULL,
    request_id BIGINT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX repayments_of_account ON repayments (account, id);

-- What a buyer says whose top-up was declined.
ALTER TABLE top_ups ADD COLUMN appeal TEXT;

-- Automatic top-ups: what buyers want, and which have to be looked after. Below its alarm a wallet rings.
ALTER TABLE wallets ADD COLUMN alarm BIGINT;

CREATE TABLE auto_top_ups (
    account BIGINT PRIMARY KEY,
    below BIGINT NOT NULL CHECK (below > 0),
    target BIGINT NOT NULL CHECK (target > below),
    payment_method TEXT,
    monthly_limit_amount BIGINT,
    monthly_limit_unit TEXT,
    top_up BIGINT,
    declines BIGINT NOT NULL,
    stopped TEXT,
    day BIGINT NOT NULL,
    day_count BIGINT NOT NULL,
    month BIGINT NOT NULL,
    month_paid BIGINT NOT NULL
);

CREATE TABLE auto_errands (
    account BIGINT PRIMARY KEY,
    due_at BIGINT NOT NULL
);

CREATE INDEX auto_errands_due ON auto_errands (due_at);
