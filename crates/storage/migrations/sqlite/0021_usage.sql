-- Licenses in use.
ALTER TABLE order_lines ADD COLUMN extends INTEGER;
ALTER TABLE order_lines ADD COLUMN bundle INTEGER;

CREATE TABLE usages (
    license INTEGER PRIMARY KEY,
    added INTEGER NOT NULL CHECK (added >= 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    leased INTEGER NOT NULL CHECK (leased >= 0),
    machines INTEGER NOT NULL CHECK (machines >= 0),
    moves INTEGER NOT NULL CHECK (moves >= 0),
    moves_since INTEGER NOT NULL
) STRICT;

CREATE TABLE activations (
    license INTEGER NOT NULL,
    machine BLOB NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    activated_at INTEGER NOT NULL,
    offline_until INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (license, machine)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX activations_by_id ON activations (license, id);
-- Whose leave to be offline lasts longer than they: told in the revocation list until then.
CREATE INDEX activations_ended ON activations (offline_until) WHERE ended_at IS NOT NULL;

CREATE TABLE consumptions (
    license INTEGER NOT NULL,
    key TEXT NOT NULL,
    units INTEGER NOT NULL CHECK (units >= 0),
    lease INTEGER,
    "left" INTEGER NOT NULL CHECK ("left" >= 0),
    at INTEGER NOT NULL,
    PRIMARY KEY (license, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    license INTEGER NOT NULL,
    id INTEGER NOT NULL,
    machine BLOB NOT NULL,
    units INTEGER NOT NULL CHECK (units >= 0),
    used INTEGER CHECK (used BETWEEN 0 AND units),
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    returned_at INTEGER,
    PRIMARY KEY (license, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_returned ON leases (expires_at) WHERE returned_at IS NOT NULL;

CREATE TABLE extensions (
    line INTEGER PRIMARY KEY,
    license INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    expires_at INTEGER,
    at INTEGER NOT NULL,
    refunded_at INTEGER
) STRICT;
CREATE INDEX extensions_of_license ON extensions (license);

CREATE TABLE tried (
    product INTEGER NOT NULL,
    machine BLOB NOT NULL,
    license INTEGER NOT NULL,
    PRIMARY KEY (product, machine)
) STRICT, WITHOUT ROWID;

CREATE TABLE reminders (
    license INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX reminders_due ON reminders (due_at);

CREATE TABLE bundle_items (
    bundle INTEGER NOT NULL,
    place INTEGER NOT NULL,
    item INTEGER NOT NULL,
    PRIMARY KEY (bundle, place)
) STRICT, WITHOUT ROWID;

-- Licenses of which some code is dead: the revocation list.
CREATE INDEX licenses_dead ON licenses (id) WHERE state IN ('revoked', 'suspended', 'refunded') OR issue > 1;
