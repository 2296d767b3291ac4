-- Providers: merchants, the purchases that buyers confirm for them, and what is reserved, captured and given back.

-- Which lots a hold has reserved, in the order in which they pay.
ALTER TABLE hold_lots ADD COLUMN kind TEXT NOT NULL DEFAULT 'paid';
ALTER TABLE hold_lots ADD COLUMN place BIGINT NOT NULL DEFAULT 0;

-- What a merchant has earned is a ledger account of its own, without a floor.
CREATE TABLE merchants (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    return_origins TEXT NOT NULL,
    limits_order BIGINT NOT NULL,
    limits_open BIGINT NOT NULL,
    limits_day BIGINT NOT NULL,
    fee_basis_points BIGINT NOT NULL CHECK (fee_basis_points >= 0 AND fee_basis_points <= 10000),
    fee_fixed BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    state TEXT NOT NULL,
    invitation BYTEA,
    balance_debits BIGINT NOT NULL CHECK (balance_debits >= 0),
    balance_credits BIGINT NOT NULL CHECK (balance_credits >= 0),
    seq BIGINT NOT NULL,
    open BIGINT NOT NULL CHECK (open >= 0),
    day BIGINT NOT NULL,
    day_captured BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX merchants_by_invitation ON merchants (invitation) WHERE invitation IS NOT NULL;

CREATE TABLE merchant_urls (
    url TEXT PRIMARY KEY,
    merchant BIGINT NOT NULL
);

-- Idempotency keys of calls between servers, for ever.
CREATE TABLE merchant_keys (
    merchant BIGINT NOT NULL,
    owner TEXT NOT NULL,
    key BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    target BIGINT NOT NULL,
    PRIMARY KEY (merchant, owner, key)
);

CREATE TABLE merchant_transfers (
    merchant BIGINT NOT NULL,
    transfer BIGINT NOT NULL,
    PRIMARY KEY (merchant, transfer)
);

CREATE TABLE merchant_events (
    merchant BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    request BIGINT,
    at BIGINT NOT NULL,
    PRIMARY KEY (merchant, seq)
);

CREATE TABLE payouts (
    merchant BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    tokens BIGINT NOT NULL CHECK (tokens > 0),
    money_amount BIGINT NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    reference TEXT NOT NULL,
    transfer BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (merchant, id)
);

CREATE TABLE purchase_requests (
    id BIGINT PRIMARY KEY,
    merchant BIGINT NOT NULL,
    "order" TEXT NOT NULL,
    account BIGINT,
    state TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    offer TEXT NOT NULL,
    confirmation TEXT,
    receipt TEXT,
    fulfilment TEXT,
    reference BYTEA NOT NULL,
    code_hash BYTEA,
    code_until BIGINT,
    hold BIGINT,
    fee BIGINT NOT NULL CHECK (fee >= 0 AND fee <= amount),
    refunded BIGINT NOT NULL CHECK (refunded >= 0 AND refunded <= amount),
    opened_at BIGINT NOT NULL,
    decided_at BIGINT,
    captured_at BIGINT,
    fulfilled_at BIGINT,
    pay_until BIGINT NOT NULL,
    hold_until BIGINT,
    fulfil_until BIGINT,
    refund_until BIGINT,
    due_at BIGINT
);
CREATE UNIQUE INDEX purchase_requests_of_merchant ON purchase_requests (merchant, "order");
CREATE UNIQUE INDEX purchase_requests_by_reference ON purchase_requests (reference);
CREATE UNIQUE INDEX purchase_requests_by_code ON purchase_requests (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX purchase_requests_of_account ON purchase_requests (account, id) WHERE account IS NOT NULL;
CREATE INDEX purchase_requests_due ON purchase_requests (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE request_refunds (
    request BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    transfer BIGINT,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    "by" TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (request, id)
);

CREATE TABLE request_refund_lots (
    request BIGINT NOT NULL,
    refund BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    expired BIGINT NOT NULL CHECK (expired >= 0 AND expired <= amount),
    PRIMARY KEY (request, refund, lot)
);

-- What merchants have to be told.
CREATE TABLE notices (
    request BIGINT PRIMARY KEY,
    due_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX notices_due ON notices (due_at);

CREATE TABLE connections (
    id BIGINT PRIMARY KEY,
    merchant BIGINT NOT NULL,
    return_url TEXT NOT NULL,
    reference BYTEA NOT NULL,
    state TEXT NOT NULL,
    account BIGINT,
    code_hash BYTEA,
    code_until BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX connections_by_reference ON connections (reference);
CREATE UNIQUE INDEX connections_by_code ON connections (code_hash) WHERE code_hash IS NOT NULL;

-- Buyers, as one merchant knows them.
CREATE TABLE merchant_subjects (
    merchant BIGINT NOT NULL,
    subject BYTEA NOT NULL,
    account BIGINT NOT NULL,
    share_funded BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (merchant, subject)
);
