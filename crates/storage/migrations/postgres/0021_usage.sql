-- Licenses in use.
ALTER TABLE order_lines ADD COLUMN extends BIGINT;
ALTER TABLE order_lines ADD COLUMN bundle BIGINT;

CREATE TABLE usages (
    license BIGINT PRIMARY KEY,
    added BIGINT NOT NULL CHECK (added >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    leased BIGINT NOT NULL CHECK (leased >= 0),
    machines BIGINT NOT NULL CHECK (machines >= 0),
    moves BIGINT NOT NULL CHECK (moves >= 0),
    moves_since BIGINT NOT NULL
);

CREATE TABLE activations (
    license BIGINT NOT NULL,
    machine BYTEA NOT NULL,
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    activated_at BIGINT NOT NULL,
    offline_until BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (license, machine)
);
CREATE UNIQUE INDEX activations_by_id ON activations (license, id);
-- Whose leave to be offline lasts longer than they: told in the revocation list until then.
CREATE INDEX activations_ended ON activations (offline_until) WHERE ended_at IS NOT NULL;

CREATE TABLE consumptions (
    license BIGINT NOT NULL,
    key TEXT NOT NULL,
    units BIGINT NOT NULL CHECK (units >= 0),
    lease BIGINT,
    "left" BIGINT NOT NULL CHECK ("left" >= 0),
    at BIGINT NOT NULL,
    PRIMARY KEY (license, key)
);

CREATE TABLE leases (
    license BIGINT NOT NULL,
    id BIGINT NOT NULL,
    machine BYTEA NOT NULL,
    units BIGINT NOT NULL CHECK (units >= 0),
    used BIGINT CHECK (used BETWEEN 0 AND units),
    at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    returned_at BIGINT,
    PRIMARY KEY (license, id)
);
CREATE INDEX leases_returned ON leases (expires_at) WHERE returned_at IS NOT NULL;

CREATE TABLE extensions (
    line BIGINT PRIMARY KEY,
    license BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    expires_at BIGINT,
    at BIGINT NOT NULL,
    refunded_at BIGINT
);
CREATE INDEX extensions_of_license ON extensions (license);

CREATE TABLE tried (
    product BIGINT NOT NULL,
    machine BYTEA NOT NULL,
    license BIGINT NOT NULL,
    PRIMARY KEY (product, machine)
);

CREATE TABLE reminders (
    license BIGINT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
CREATE INDEX reminders_due ON reminders (due_at);

CREATE TABLE bundle_items (
    bundle BIGINT NOT NULL,
    place BIGINT NOT NULL,
    item BIGINT NOT NULL,
    PRIMARY KEY (bundle, place)
);

-- Licenses of which some code is dead: the revocation list.
CREATE INDEX licenses_dead ON licenses (id) WHERE state IN ('revoked', 'suspended', 'refunded') OR issue > 1;
