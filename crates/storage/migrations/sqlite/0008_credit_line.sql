-- Credit lines: what an account may owe, and does, in money. Its two counters are a ledger account.
CREATE TABLE credit_lines (
    account INTEGER PRIMARY KEY,
    limit_amount INTEGER NOT NULL CHECK (limit_amount >= 0),
    limit_unit TEXT NOT NULL,
    owed_debits INTEGER NOT NULL,
    owed_credits INTEGER NOT NULL,
    CHECK (owed_debits >= owed_credits)
) STRICT;

CREATE TABLE repayments (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    money_amount INTEGER NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    owed INTEGER NOT NULL CHECK (owed >= 0),
    note TEXT NOT NULL,
    request_key INTEGER NOT NULL,
    request_fingerprint INTEGER NOT NULL,
    request_id INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX repayments_of_account ON repayments (account, id);

-- What a buyer says whose top-up was declined.
ALTER TABLE top_ups ADD COLUMN appeal TEXT;

-- Automatic top-ups: what buyers want, and which have to be looked after. Below its alarm a wallet rings.
ALTER TABLE wallets ADD COLUMN alarm INTEGER;

CREATE TABLE auto_top_ups (
    account INTEGER PRIMARY KEY,
    below INTEGER NOT NULL CHECK (below > 0),
    target INTEGER NOT NULL CHECK (target > below),
    payment_method TEXT,
    monthly_limit_amount INTEGER,
    monthly_limit_unit TEXT,
    top_up INTEGER,
    declines INTEGER NOT NULL,
    stopped TEXT,
    day INTEGER NOT NULL,
    day_count INTEGER NOT NULL,
    month INTEGER NOT NULL,
    month_paid INTEGER NOT NULL
) STRICT;

CREATE TABLE auto_errands (
    account INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL
) STRICT;

CREATE INDEX auto_errands_due ON auto_errands (due_at);
