-- The feed of events, and webhooks.

-- The place of an event in the order of all, given after its commit. The index holds those without a place
-- together at one end, where the publisher finds them, and the others in order: it grows at two places only.
ALTER TABLE events ADD COLUMN seq BIGINT CHECK (seq > 0);

CREATE INDEX events_by_seq ON events (seq, id);

-- Events of before are listed with their accounts too.
INSERT INTO by_account (account, kind, key, target, note) SELECT account, 13, id, id, 0 FROM events;

CREATE TABLE feed (
    number BIGINT PRIMARY KEY,
    last BIGINT NOT NULL,
    endpoints BIGINT NOT NULL
);

INSERT INTO feed (number, last, endpoints) VALUES (1, 0, 0);

CREATE TABLE webhook_endpoints (
    id BIGINT PRIMARY KEY,
    url TEXT NOT NULL,
    label TEXT NOT NULL,
    events TEXT NOT NULL,
    issue BIGINT NOT NULL,
    rotated_at BIGINT,
    position BIGINT NOT NULL,
    failing_since BIGINT,
    disabled TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    CHECK ((disabled IS NULL) = (disabled_at IS NULL))
);

CREATE TABLE deliveries (
    id BIGINT PRIMARY KEY,
    endpoint BIGINT NOT NULL,
    event BIGINT,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT,
    tried_at BIGINT,
    status BIGINT,
    answer TEXT,
    CHECK ((state = 'pending') = (due_at IS NOT NULL))
);

CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE due_at IS NOT NULL;
