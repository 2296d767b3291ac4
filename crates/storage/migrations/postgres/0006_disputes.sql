-- Refunds and disputes of top-ups: the tokens that are taken back, what is owed, and what processors
-- keep and have given back.

CREATE TABLE reversals (
    top_up BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    name TEXT,
    claimed BIGINT NOT NULL,
    money BIGINT NOT NULL CHECK (money >= 0 AND money <= claimed),
    tokens BIGINT NOT NULL,
    owed BIGINT NOT NULL CHECK (owed >= 0 AND owed <= tokens),
    reason TEXT NOT NULL,
    request_key BIGINT,
    request_fingerprint BIGINT,
    request_id BIGINT,
    at BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (top_up, id)
);

-- What a reversal took from which lot.
CREATE TABLE reversal_lots (
    top_up BIGINT NOT NULL,
    reversal BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (top_up, reversal, lot)
);

-- What a lot has paid of what its wallet owes, by now.
CREATE TABLE debt_payments (
    wallet BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (wallet, lot)
);

-- What a wallet owes is the third of its ledger accounts: never in credit.
ALTER TABLE wallets ADD COLUMN owed_debits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE wallets ADD COLUMN owed_credits BIGINT NOT NULL DEFAULT 0 CHECK (owed_credits <= owed_debits);

ALTER TABLE accounts ADD COLUMN frozen_by_dispute BIGINT NOT NULL DEFAULT 0;
ALTER TABLE top_ups ADD COLUMN reversed TEXT;
ALTER TABLE charges ADD COLUMN fee_amount BIGINT;
ALTER TABLE charges ADD COLUMN fee_unit TEXT;
ALTER TABLE charges ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0 CHECK (refunded <= money_amount);
ALTER TABLE charges ADD COLUMN disputed BIGINT NOT NULL DEFAULT 0 CHECK (refunded + disputed <= money_amount);

-- Credited payments are asked for from now on, too.
INSERT INTO errands (top_up, due_at, attempts)
SELECT id, credited_at + 86400000, 0 FROM top_ups WHERE method = 'card' AND state = 'credited';
