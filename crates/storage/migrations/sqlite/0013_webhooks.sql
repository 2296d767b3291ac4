-- The feed of events, and webhooks.

-- The place of an event in the order of all, given after its commit. The index holds those without a place
-- together at one end, where the publisher finds them, and the others in order: it grows at two places only.
ALTER TABLE events ADD COLUMN seq INTEGER CHECK (seq > 0);

CREATE INDEX events_by_seq ON events (seq, id);

-- Events of before are listed with their accounts too.
INSERT INTO by_account (account, kind, key, target, note) SELECT account, 13, id, id, 0 FROM events;

CREATE TABLE feed (
    number INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    endpoints INTEGER NOT NULL
) STRICT;

INSERT INTO feed (number, last, endpoints) VALUES (1, 0, 0);

CREATE TABLE webhook_endpoints (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    label TEXT NOT NULL,
    events TEXT NOT NULL,
    issue INTEGER NOT NULL,
    rotated_at INTEGER,
    position INTEGER NOT NULL,
    failing_since INTEGER,
    disabled TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    CHECK ((disabled IS NULL) = (disabled_at IS NULL))
) STRICT;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL,
    event INTEGER,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    tried_at INTEGER,
    status INTEGER,
    answer TEXT,
    CHECK ((state = 'pending') = (due_at IS NOT NULL))
) STRICT;

CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE due_at IS NOT NULL;
