-- The first schema. Amounts are smallest units, times are milliseconds since 1970, ids are 63-bit
-- numbers that grow with time. A wallet's row is the guard of everything that belongs to its account.

CREATE TABLE servers (
    number BIGINT PRIMARY KEY,
    ceiling BIGINT NOT NULL
);

-- Counted up by each commit that changes what servers remember between requests: sessions, keys,
-- accounts, settings, catalogue. So the others on the same database know when to forget.
CREATE TABLE generation (
    number BIGINT NOT NULL
);
INSERT INTO generation (number) VALUES (0);

CREATE TABLE vendor (
    id BIGINT PRIMARY KEY,
    settings TEXT NOT NULL
);

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    wallet BIGINT NOT NULL,
    email TEXT NOT NULL,
    person TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    frozen_at BIGINT
);

CREATE TABLE logins (
    email TEXT PRIMARY KEY,
    account BIGINT NOT NULL,
    password TEXT NOT NULL
);

CREATE TABLE sessions (
    token BYTEA PRIMARY KEY,
    account BIGINT NOT NULL,
    wallet BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id BIGINT PRIMARY KEY,
    account BIGINT,
    secret BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- Money. -----------------------------------------------------------------------------------------

CREATE TABLE wallets (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    free_debits BIGINT NOT NULL CHECK (free_debits >= 0),
    free_credits BIGINT NOT NULL,
    held_debits BIGINT NOT NULL CHECK (held_debits >= 0),
    held_credits BIGINT NOT NULL,
    -- What is left of its lots: arrays of lot, kind, remaining, held, priority, expires_at and
    -- exchangeable_at. Here, and not in rows of their own, because each purchase changes it.
    lots TEXT NOT NULL,
    -- The floor: no user account below zero, whatever the code above believes.
    CHECK (free_credits >= free_debits),
    CHECK (held_credits >= held_debits)
);

-- The vendor's own ledger accounts: counters without a floor, added to once per batch.
CREATE TABLE house (
    name TEXT PRIMARY KEY,
    debits BIGINT NOT NULL CHECK (debits >= 0),
    credits BIGINT NOT NULL CHECK (credits >= 0)
);

-- How tokens came in together; never changed. What is left of them lies in the wallet.
CREATE TABLE lots (
    id BIGINT PRIMARY KEY,
    wallet BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'promo', 'exchange', 'credit')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    priority BIGINT NOT NULL,
    expires_at BIGINT,
    exchangeable_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE VIEW open_lots AS
SELECT w.id AS wallet, (l ->> 0)::BIGINT AS lot, l ->> 1 AS kind, (l ->> 2)::BIGINT AS remaining, (l ->> 3)::BIGINT AS held
FROM wallets w CROSS JOIN LATERAL jsonb_array_elements(w.lots::JSONB) l;

CREATE TABLE holds (
    id BIGINT PRIMARY KEY,
    wallet BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    subject BIGINT NOT NULL,
    -- open, then exactly once: posted, voided or expired
    state TEXT NOT NULL CHECK (state IN ('open', 'posted', 'voided', 'expired')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    resolved_at BIGINT,
    CHECK ((state = 'open') = (resolved_at IS NULL))
);

CREATE TABLE hold_lots (
    hold BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (hold, lot)
);

CREATE TABLE transfers (
    id BIGINT PRIMARY KEY,
    debit BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    subject BIGINT NOT NULL,
    at BIGINT NOT NULL,
    CHECK (debit <> credit)
);

CREATE TABLE top_ups (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    method TEXT NOT NULL,
    payment_method TEXT,
    tokens BIGINT NOT NULL CHECK (tokens > 0),
    pay_amount BIGINT,
    pay_unit TEXT,
    assessments TEXT NOT NULL,
    payment TEXT,
    lots TEXT NOT NULL,
    note TEXT,
    created_at BIGINT NOT NULL,
    credited_at BIGINT,
    request_key BIGINT,
    request_fingerprint BIGINT
);

-- Catalogue. -------------------------------------------------------------------------------------

CREATE TABLE products (
    id BIGINT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    labels TEXT NOT NULL,
    pictures TEXT NOT NULL,
    visibility TEXT NOT NULL,
    price_from BIGINT,
    cheapest BIGINT,
    release BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Last, because they are long: lists never read as far.
    instructions TEXT NOT NULL,
    description TEXT NOT NULL
);

-- What is for sale, as lists and searches find it: published products only, a few numbers each, so
-- that a page of a list costs the same among a hundred products and a hundred thousand. `title` is
-- folded. The `see_` columns are ranks of levels; NULL is the vendor's setting.
CREATE TABLE listings (
    product BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    price BIGINT,
    cheapest BIGINT,
    see_product BIGINT,
    see_price BIGINT,
    see_description BIGINT,
    -- Every word once, folded: those that everybody who sees the product may find it by, and those
    -- of the description apart, because who may not see it must not find anything by it.
    words TEXT NOT NULL,
    description_words TEXT NOT NULL
);
CREATE INDEX listings_by_title ON listings (title, product);
CREATE INDEX listings_by_price ON listings (price, product);

-- Labels of what is for sale, with what labelled lists are sorted by.
CREATE TABLE labelled (
    product BIGINT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    price BIGINT,
    PRIMARY KEY (product, kind, label)
);
CREATE INDEX labelled_by_product ON labelled (kind, label, product);
CREATE INDEX labelled_by_title ON labelled (kind, label, title, product);
CREATE INDEX labelled_by_price ON labelled (kind, label, price, product);

CREATE TABLE offers (
    id BIGINT PRIMARY KEY,
    product BIGINT NOT NULL,
    key TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    current BIGINT NOT NULL,
    retired_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX offers_of_product ON offers (product, key);
CREATE INDEX offers_by_price ON offers (price) WHERE current = 1 AND price > 0;

CREATE TABLE releases (
    id BIGINT PRIMARY KEY,
    product BIGINT NOT NULL,
    version TEXT NOT NULL,
    channel TEXT NOT NULL,
    notes TEXT NOT NULL,
    manifest TEXT NOT NULL,
    published_at BIGINT
);
CREATE UNIQUE INDEX releases_of_product ON releases (product, version, channel);

CREATE TABLE files (
    release BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 0),
    sha256 TEXT NOT NULL,
    platform TEXT NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (release, id)
);

-- Orders and licenses. ---------------------------------------------------------------------------

CREATE TABLE orders (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    state TEXT NOT NULL,
    total BIGINT NOT NULL CHECK (total >= 0),
    reason TEXT,
    again BIGINT NOT NULL,
    checks TEXT NOT NULL,
    selected_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    paid_at BIGINT,
    balance_after BIGINT,
    terms_version TEXT,
    payment_method TEXT
);

CREATE TABLE order_lines (
    "order" BIGINT NOT NULL,
    id BIGINT NOT NULL,
    offer BIGINT NOT NULL,
    product BIGINT NOT NULL,
    title TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    release BIGINT,
    PRIMARY KEY ("order", id)
);

CREATE TABLE line_payments (
    line BIGINT NOT NULL,
    lot BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (line, lot)
);

CREATE TABLE licenses (
    id BIGINT PRIMARY KEY,
    "order" BIGINT NOT NULL,
    line BIGINT NOT NULL,
    account BIGINT NOT NULL,
    product BIGINT NOT NULL,
    offer BIGINT NOT NULL,
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    release BIGINT,
    state TEXT NOT NULL,
    issue BIGINT NOT NULL,
    kid TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX licenses_of_order ON licenses ("order");

-- Receipts are numbered without gaps, when they are first asked for.
CREATE TABLE receipts (
    "order" BIGINT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    issued_at BIGINT NOT NULL
);

CREATE TABLE downloads (
    license BIGINT NOT NULL,
    file BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (license, file, at)
);

-- The one index by account: orders, owned products, idempotency keys and statement lines of an
-- account lie side by side, so that a purchase touches one randomly placed index page, not four.
CREATE TABLE by_account (
    account BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    key BIGINT NOT NULL,
    target BIGINT NOT NULL,
    note BIGINT NOT NULL,
    PRIMARY KEY (account, kind, key, target)
);

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    account BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- Search: the words of what is for sale. They are folded and told apart before they come here, so no
-- parser and no dictionary has anything to decide.
ALTER TABLE listings
    ADD COLUMN search_words tsvector GENERATED ALWAYS AS
        (array_to_tsvector(string_to_array(words, ' '))) STORED,
    ADD COLUMN search_all tsvector GENERATED ALWAYS AS
        (array_to_tsvector(string_to_array(words, ' '))
            || array_to_tsvector(string_to_array(description_words, ' '))) STORED;
CREATE INDEX listings_search_all ON listings USING gin (search_all);
