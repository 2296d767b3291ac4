-- Merchants: orders that are paid at a provider, and the buyers who come from there.

-- An order of a visitor is nobody's until somebody has confirmed it at the provider. The rest is what SQLite, which makes
-- the table anew for it, does too.
ALTER TABLE orders ALTER COLUMN account DROP NOT NULL;
ALTER TABLE orders DROP CONSTRAINT orders_total_check;
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0);
DROP INDEX orders_by_coupon;
CREATE INDEX orders_by_coupon ON orders (coupon_id) WHERE coupon_id IS NOT NULL;

-- What a merchant remembers of an order that is paid at a provider: the documents as they came, and what is to be
-- asked when.
CREATE TABLE checkouts (
    "order" BIGINT PRIMARY KEY,
    provider TEXT NOT NULL,
    request TEXT,
    url TEXT,
    pay_until BIGINT,
    asked_key BIGINT NOT NULL,
    asked_fingerprint BIGINT NOT NULL,
    asked_id BIGINT NOT NULL,
    offer TEXT NOT NULL,
    confirmation TEXT,
    receipt TEXT,
    fulfilment TEXT,
    refunds TEXT NOT NULL,
    subject TEXT,
    reason TEXT,
    refund TEXT,
    due_at BIGINT,
    attempts BIGINT NOT NULL
);
CREATE INDEX checkouts_due ON checkouts (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX checkouts_by_request ON checkouts (request) WHERE request IS NOT NULL;

-- A provider's buyers, under the names that it has for this merchant alone.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account BIGINT NOT NULL,
    funded BIGINT,
    heard_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_of_account ON identities (account);

-- Visitors' orders, by the key with which they were asked for.
CREATE TABLE visits (
    key BIGINT PRIMARY KEY,
    fingerprint BIGINT NOT NULL,
    "order" BIGINT NOT NULL,
    at BIGINT NOT NULL
);
