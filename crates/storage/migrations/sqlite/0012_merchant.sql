-- Merchants: orders that are paid at a provider, and the buyers who come from there.

-- An order of a visitor is nobody's until somebody has confirmed it at the provider.
CREATE TABLE orders_of_all (
    id INTEGER PRIMARY KEY,
    account INTEGER,
    state TEXT NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    reason TEXT,
    again INTEGER NOT NULL,
    checks TEXT NOT NULL,
    selected_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    paid_at INTEGER,
    balance_after INTEGER,
    terms_version TEXT,
    payment_method TEXT,
    coupon_id INTEGER,
    coupon_code TEXT
) STRICT;
INSERT INTO orders_of_all SELECT id, account, state, total, reason, again, checks, selected_at, expires_at, paid_at,
    balance_after, terms_version, payment_method, coupon_id, coupon_code FROM orders;
DROP TABLE orders;
ALTER TABLE orders_of_all RENAME TO orders;
CREATE INDEX orders_by_coupon ON orders (coupon_id) WHERE coupon_id IS NOT NULL;

-- What a merchant remembers of an order that is paid at a provider: the documents as they came, and what is to be
-- asked when.
CREATE TABLE checkouts (
    "order" INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    request TEXT,
    url TEXT,
    pay_until INTEGER,
    asked_key INTEGER NOT NULL,
    asked_fingerprint INTEGER NOT NULL,
    asked_id INTEGER NOT NULL,
    offer TEXT NOT NULL,
    confirmation TEXT,
    receipt TEXT,
    fulfilment TEXT,
    refunds TEXT NOT NULL,
    subject TEXT,
    reason TEXT,
    refund TEXT,
    due_at INTEGER,
    attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX checkouts_due ON checkouts (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX checkouts_by_request ON checkouts (request) WHERE request IS NOT NULL;

-- A provider's buyers, under the names that it has for this merchant alone.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account INTEGER NOT NULL,
    funded INTEGER,
    heard_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identities_of_account ON identities (account);

-- Visitors' orders, by the key with which they were asked for.
CREATE TABLE visits (
    key INTEGER PRIMARY KEY,
    fingerprint INTEGER NOT NULL,
    "order" INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
