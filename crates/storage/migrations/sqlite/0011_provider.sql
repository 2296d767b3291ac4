-- Providers: merchants, the purchases that buyers confirm for them, and what is reserved, captured and given back.

-- Which lots a hold has reserved, in the order in which they pay.
ALTER TABLE hold_lots ADD COLUMN kind TEXT NOT NULL DEFAULT 'paid';
ALTER TABLE hold_lots ADD COLUMN place INTEGER NOT NULL DEFAULT 0;

-- What a merchant has earned is a ledger account of its own, without a floor.
CREATE TABLE merchants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    return_origins TEXT NOT NULL,
    limits_order INTEGER NOT NULL,
    limits_open INTEGER NOT NULL,
    limits_day INTEGER NOT NULL,
    fee_basis_points INTEGER NOT NULL CHECK (fee_basis_points >= 0 AND fee_basis_points <= 10000),
    fee_fixed INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    state TEXT NOT NULL,
    invitation BLOB,
    balance_debits INTEGER NOT NULL CHECK (balance_debits >= 0),
    balance_credits INTEGER NOT NULL CHECK (balance_credits >= 0),
    seq INTEGER NOT NULL,
    open INTEGER NOT NULL CHECK (open >= 0),
    day INTEGER NOT NULL,
    day_captured INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX merchants_by_invitation ON merchants (invitation) WHERE invitation IS NOT NULL;

CREATE TABLE merchant_urls (
    url TEXT PRIMARY KEY,
    merchant INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Idempotency keys of calls between servers, for ever.
CREATE TABLE merchant_keys (
    merchant INTEGER NOT NULL,
    owner TEXT NOT NULL,
    key INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (merchant, owner, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE merchant_transfers (
    merchant INTEGER NOT NULL,
    transfer INTEGER NOT NULL,
    PRIMARY KEY (merchant, transfer)
) STRICT, WITHOUT ROWID;

CREATE TABLE merchant_events (
    merchant INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    request INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (merchant, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE payouts (
    merchant INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    tokens INTEGER NOT NULL CHECK (tokens > 0),
    money_amount INTEGER NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    reference TEXT NOT NULL,
    transfer INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (merchant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE purchase_requests (
    id INTEGER PRIMARY KEY,
    merchant INTEGER NOT NULL,
    "order" TEXT NOT NULL,
    account INTEGER,
    state TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    offer TEXT NOT NULL,
    confirmation TEXT,
    receipt TEXT,
    fulfilment TEXT,
    reference BLOB NOT NULL,
    code_hash BLOB,
    code_until INTEGER,
    hold INTEGER,
    fee INTEGER NOT NULL CHECK (fee >= 0 AND fee <= amount),
    refunded INTEGER NOT NULL CHECK (refunded >= 0 AND refunded <= amount),
    opened_at INTEGER NOT NULL,
    decided_at INTEGER,
    captured_at INTEGER,
    fulfilled_at INTEGER,
    pay_until INTEGER NOT NULL,
    hold_until INTEGER,
    fulfil_until INTEGER,
    refund_until INTEGER,
    due_at INTEGER
) STRICT;
CREATE UNIQUE INDEX purchase_requests_of_merchant ON purchase_requests (merchant, "order");
CREATE UNIQUE INDEX purchase_requests_by_reference ON purchase_requests (reference);
CREATE UNIQUE INDEX purchase_requests_by_code ON purchase_requests (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX purchase_requests_of_account ON purchase_requests (account, id) WHERE account IS NOT NULL;
CREATE INDEX purchase_requests_due ON purchase_requests (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE request_refunds (
    request INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    transfer INTEGER,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    "by" TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (request, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE request_refund_lots (
    request INTEGER NOT NULL,
    refund INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    expired INTEGER NOT NULL CHECK (expired >= 0 AND expired <= amount),
    PRIMARY KEY (request, refund, lot)
) STRICT, WITHOUT ROWID;

-- What merchants have to be told.
CREATE TABLE notices (
    request INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (due_at);

CREATE TABLE connections (
    id INTEGER PRIMARY KEY,
    merchant INTEGER NOT NULL,
    return_url TEXT NOT NULL,
    reference BLOB NOT NULL,
    state TEXT NOT NULL,
    account INTEGER,
    code_hash BLOB,
    code_until INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connections_by_reference ON connections (reference);
CREATE UNIQUE INDEX connections_by_code ON connections (code_hash) WHERE code_hash IS NOT NULL;

-- Buyers, as one merchant knows them.
CREATE TABLE merchant_subjects (
    merchant INTEGER NOT NULL,
    subject BLOB NOT NULL,
    account INTEGER NOT NULL,
    share_funded INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (merchant, subject)
) STRICT, WITHOUT ROWID;
