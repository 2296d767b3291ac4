-- Refunds of orders, and tokens that expire.

-- When the next of a wallet's tokens expire: what is due is found without looking at anything else.
ALTER TABLE wallets ADD COLUMN next_expiry INTEGER;
CREATE INDEX wallets_due ON wallets (next_expiry) WHERE next_expiry IS NOT NULL;

-- The order in which lots paid. So far all were alike, and paid in the order of their ids.
ALTER TABLE line_payments ADD COLUMN place INTEGER NOT NULL DEFAULT 0;

DROP VIEW open_lots;
CREATE VIEW open_lots AS
SELECT w.id AS wallet, l.value ->> 0 AS lot, l.value ->> 1 AS kind, l.value ->> 2 AS remaining,
    l.value ->> 3 AS held, l.value ->> 5 AS expires_at
FROM wallets w, json_each(w.lots) l;

-- What befell a lot between its beginning and its end: a credit that joined it, or tokens that expired.
CREATE TABLE lot_changes (
    transfer INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('joined', 'expired')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (transfer, lot)
) STRICT, WITHOUT ROWID;

-- Refunds lie by order, as all that is decided about an order does.
CREATE TABLE refunds (
    "order" INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    transfer INTEGER,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    licenses TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY ("order", id)
) STRICT, WITHOUT ROWID;

CREATE TABLE refund_lines (
    "order" INTEGER NOT NULL,
    refund INTEGER NOT NULL,
    line INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY ("order", refund, line)
) STRICT, WITHOUT ROWID;

-- What came back to which lot, and what of it had expired meanwhile.
CREATE TABLE refund_lots (
    "order" INTEGER NOT NULL,
    refund INTEGER NOT NULL,
    line INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    PRIMARY KEY ("order", refund, line, lot),
    CHECK (expired <= amount)
) STRICT, WITHOUT ROWID;
