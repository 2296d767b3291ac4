-- Refunds of orders, and tokens that expire.

-- When the next of a wallet's tokens expire: what is due is found without looking at anything else.
ALTER TABLE wallets ADD COLUMN next_expiry BIGINT;
CREATE INDEX wallets_due ON wallets (next_expiry) WHERE next_expiry IS NOT NULL;

-- The order in which lots paid. So far all were alike, and paid in the order of their ids.
ALTER TABLE line_payments ADD COLUMN place BIGINT NOT NULL DEFAULT 0;

DROP VIEW open_lots;
CREATE VIEW open_lots AS
SELECT w.id AS wallet, (l ->> 0)::BIGINT AS lot, l ->> 1 AS kind, (l ->> 2)::BIGINT AS remaining,
    (l ->> 3)::BIGINT AS held, (l ->> 5)::BIGINT AS expires_at
FROM wallets w CROSS JOIN LATERAL jsonb_array_elements(w.lots::JSONB) l;

-- What befell a lot between its beginning and its end: a credit that joined it, or tokens that expired.
CREATE TABLE lot_changes (
    transfer BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('joined', 'expired')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (transfer, lot)
);

-- Refunds lie by order, as all that is decided about an order does.
CREATE TABLE refunds (
    "order" BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    transfer BIGINT,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    licenses TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY ("order", id)
);

CREATE TABLE refund_lines (
    "order" BIGINT NOT NULL,
    refund BIGINT NOT NULL,
    line BIGINT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    PRIMARY KEY ("order", refund, line)
);

-- What came back to which lot, and what of it had expired meanwhile.
CREATE TABLE refund_lots (
    "order" BIGINT NOT NULL,
    refund BIGINT NOT NULL,
    line BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    expired BIGINT NOT NULL CHECK (expired >= 0),
    PRIMARY KEY ("order", refund, line, lot),
    CHECK (expired <= amount)
);
