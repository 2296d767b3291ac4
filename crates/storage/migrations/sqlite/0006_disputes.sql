-- Refunds and disputes of top-ups: the tokens that are taken back, what is owed, and what processors
-- keep and have given back.

CREATE TABLE reversals (
    top_up INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    name TEXT,
    claimed INTEGER NOT NULL,
    money INTEGER NOT NULL CHECK (money >= 0 AND money <= claimed),
    tokens INTEGER NOT NULL,
    owed INTEGER NOT NULL CHECK (owed >= 0 AND owed <= tokens),
    reason TEXT NOT NULL,
    request_key INTEGER,
    request_fingerprint INTEGER,
    request_id INTEGER,
    at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (top_up, id)
) STRICT, WITHOUT ROWID;

-- What a reversal took from which lot.
CREATE TABLE reversal_lots (
    top_up INTEGER NOT NULL,
    reversal INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (top_up, reversal, lot)
) STRICT, WITHOUT ROWID;

-- What a lot has paid of what its wallet owes, by now.
CREATE TABLE debt_payments (
    wallet INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (wallet, lot)
) STRICT, WITHOUT ROWID;

-- What a wallet owes is the third of its ledger accounts: never in credit.
ALTER TABLE wallets ADD COLUMN owed_debits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE wallets ADD COLUMN owed_credits INTEGER NOT NULL DEFAULT 0 CHECK (owed_credits <= owed_debits);

ALTER TABLE accounts ADD COLUMN frozen_by_dispute INTEGER NOT NULL DEFAULT 0;
ALTER TABLE top_ups ADD COLUMN reversed TEXT;
ALTER TABLE charges ADD COLUMN fee_amount INTEGER;
ALTER TABLE charges ADD COLUMN fee_unit TEXT;
ALTER TABLE charges ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded <= money_amount);
ALTER TABLE charges ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0 CHECK (refunded + disputed <= money_amount);

-- Credited payments are asked for from now on, too.
INSERT INTO errands (top_up, due_at, attempts)
SELECT id, credited_at + 86400000, 0 FROM top_ups WHERE method = 'card' AND state = 'credited';
