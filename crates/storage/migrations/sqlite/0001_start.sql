-- The first schema. Amounts are smallest units, times are milliseconds since 1970, ids are 63-bit
-- numbers that grow with time. A wallet's row is the guard of everything that belongs to its account.

CREATE TABLE servers (
    number INTEGER PRIMARY KEY,
    ceiling INTEGER NOT NULL
) STRICT;

-- Counted up by each commit that changes what servers remember between requests: sessions, keys,
-- accounts, settings, catalogue. So the others on the same database know when to forget.
CREATE TABLE generation (
    number INTEGER NOT NULL
) STRICT;
INSERT INTO generation (number) VALUES (0);

CREATE TABLE vendor (
    id INTEGER PRIMARY KEY,
    settings TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    wallet INTEGER NOT NULL,
    email TEXT NOT NULL,
    person TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    frozen_at INTEGER
) STRICT;

CREATE TABLE logins (
    email TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    password TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token BLOB PRIMARY KEY,
    account INTEGER NOT NULL,
    wallet INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    account INTEGER,
    secret BLOB NOT NULL,
    scopes TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Money. -----------------------------------------------------------------------------------------

CREATE TABLE wallets (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    free_debits INTEGER NOT NULL CHECK (free_debits >= 0),
    free_credits INTEGER NOT NULL,
    held_debits INTEGER NOT NULL CHECK (held_debits >= 0),
    held_credits INTEGER NOT NULL,
    -- What is left of its lots: arrays of lot, kind, remaining, held, priority, expires_at and
    -- exchangeable_at. Here, and not in rows of their own, because each purchase changes it.
    lots TEXT NOT NULL,
    -- The floor: no user account below zero, whatever the code above believes.
    CHECK (free_credits >= free_debits),
    CHECK (held_credits >= held_debits)
) STRICT;

-- The vendor's own ledger accounts: counters without a floor, added to once per batch.
CREATE TABLE house (
    name TEXT PRIMARY KEY,
    debits INTEGER NOT NULL CHECK (debits >= 0),
    credits INTEGER NOT NULL CHECK (credits >= 0)
) STRICT, WITHOUT ROWID;

-- How tokens came in together; never changed. What is left of them lies in the wallet.
CREATE TABLE lots (
    id INTEGER PRIMARY KEY,
    wallet INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'promo', 'exchange', 'credit')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    priority INTEGER NOT NULL,
    expires_at INTEGER,
    exchangeable_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE VIEW open_lots AS
SELECT w.id AS wallet, l.value ->> 0 AS lot, l.value ->> 1 AS kind, l.value ->> 2 AS remaining, l.value ->> 3 AS held
FROM wallets w, json_each(w.lots) l;

CREATE TABLE holds (
    id INTEGER PRIMARY KEY,
    wallet INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    subject INTEGER NOT NULL,
    -- open, then exactly once: posted, voided or expired
    state TEXT NOT NULL CHECK (state IN ('open', 'posted', 'voided', 'expired')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    resolved_at INTEGER,
    CHECK ((state = 'open') = (resolved_at IS NULL))
) STRICT;

CREATE TABLE hold_lots (
    hold INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (hold, lot)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfers (
    id INTEGER PRIMARY KEY,
    debit INTEGER NOT NULL,
    credit INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    subject INTEGER NOT NULL,
    at INTEGER NOT NULL,
    CHECK (debit <> credit)
) STRICT;

CREATE TABLE top_ups (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    method TEXT NOT NULL,
    payment_method TEXT,
    tokens INTEGER NOT NULL CHECK (tokens > 0),
    pay_amount INTEGER,
    pay_unit TEXT,
    assessments TEXT NOT NULL,
    payment TEXT,
    lots TEXT NOT NULL,
    note TEXT,
    created_at INTEGER NOT NULL,
    credited_at INTEGER,
    request_key INTEGER,
    request_fingerprint INTEGER
) STRICT;

-- Catalogue. -------------------------------------------------------------------------------------

CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    labels TEXT NOT NULL,
    pictures TEXT NOT NULL,
    visibility TEXT NOT NULL,
    price_from INTEGER,
    cheapest INTEGER,
    release INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Last, because they are long: lists never read as far.
    instructions TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

-- What is for sale, as lists and searches find it: published products only, a few numbers each, so
-- that a page of a list costs the same among a hundred products and a hundred thousand. `title` is
-- folded. The `see_` columns are ranks of levels; NULL is the vendor's setting.
CREATE TABLE listings (
    product INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    price INTEGER,
    cheapest INTEGER,
    see_product INTEGER,
    see_price INTEGER,
    see_description INTEGER,
    -- Every word once, folded: those that everybody who sees the product may find it by, and those
    -- of the description apart, because who may not see it must not find anything by it.
    words TEXT NOT NULL,
    description_words TEXT NOT NULL
) STRICT;
CREATE INDEX listings_by_title ON listings (title, product);
CREATE INDEX listings_by_price ON listings (price, product);

-- Labels of what is for sale, with what labelled lists are sorted by.
CREATE TABLE labelled (
    product INTEGER NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    title TEXT NOT NULL,
    price INTEGER,
    PRIMARY KEY (product, kind, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX labelled_by_product ON labelled (kind, label, product);
CREATE INDEX labelled_by_title ON labelled (kind, label, title, product);
CREATE INDEX labelled_by_price ON labelled (kind, label, price, product);

CREATE TABLE offers (
    id INTEGER PRIMARY KEY,
    product INTEGER NOT NULL,
    key TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    current INTEGER NOT NULL,
    retired_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX offers_of_product ON offers (product, key);
CREATE INDEX offers_by_price ON offers (price) WHERE current = 1 AND price > 0;

CREATE TABLE releases (
    id INTEGER PRIMARY KEY,
    product INTEGER NOT NULL,
    version TEXT NOT NULL,
    channel TEXT NOT NULL,
    notes TEXT NOT NULL,
    manifest TEXT NOT NULL,
    published_at INTEGER
) STRICT;
CREATE UNIQUE INDEX releases_of_product ON releases (product, version, channel);

CREATE TABLE files (
    release INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),
    sha256 TEXT NOT NULL,
    platform TEXT NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (release, id)
) STRICT, WITHOUT ROWID;

-- Orders and licenses. ---------------------------------------------------------------------------

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
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
    payment_method TEXT
) STRICT;

CREATE TABLE order_lines (
    "order" INTEGER NOT NULL,
    id INTEGER NOT NULL,
    offer INTEGER NOT NULL,
    product INTEGER NOT NULL,
    title TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    release INTEGER,
    PRIMARY KEY ("order", id)
) STRICT, WITHOUT ROWID;

CREATE TABLE line_payments (
    line INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (line, lot)
) STRICT, WITHOUT ROWID;

CREATE TABLE licenses (
    id INTEGER PRIMARY KEY,
    "order" INTEGER NOT NULL,
    line INTEGER NOT NULL,
    account INTEGER NOT NULL,
    product INTEGER NOT NULL,
    offer INTEGER NOT NULL,
    terms TEXT NOT NULL,
    limits TEXT NOT NULL,
    release INTEGER,
    state TEXT NOT NULL,
    issue INTEGER NOT NULL,
    kid TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX licenses_of_order ON licenses ("order");

-- Receipts are numbered without gaps, when they are first asked for.
CREATE TABLE receipts (
    "order" INTEGER PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    issued_at INTEGER NOT NULL
) STRICT;

CREATE TABLE downloads (
    license INTEGER NOT NULL,
    file INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (license, file, at)
) STRICT, WITHOUT ROWID;

-- The one index by account: orders, owned products, idempotency keys and statement lines of an
-- account lie side by side, so that a purchase touches one randomly placed index page, not four.
CREATE TABLE by_account (
    account INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key INTEGER NOT NULL,
    target INTEGER NOT NULL,
    note INTEGER NOT NULL,
    PRIMARY KEY (account, kind, key, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    account INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Search: the words of what is for sale, kept in step by triggers. The words are folded and told
-- apart before they come here, so the tokenizer has nothing to decide.
CREATE VIRTUAL TABLE search USING fts5 (
    words, description_words,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3'
);
CREATE TRIGGER search_insert AFTER INSERT ON listings BEGIN
    INSERT INTO search (rowid, words, description_words)
    VALUES (new.product, new.words, new.description_words);
END;
CREATE TRIGGER search_delete AFTER DELETE ON listings BEGIN
    DELETE FROM search WHERE rowid = old.product;
END;
CREATE TRIGGER search_update AFTER UPDATE ON listings
WHEN old.words <> new.words OR old.description_words <> new.description_words BEGIN
    DELETE FROM search WHERE rowid = old.product;
    INSERT INTO search (rowid, words, description_words)
    VALUES (new.product, new.words, new.description_words);
END;
