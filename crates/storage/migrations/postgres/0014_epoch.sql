-- Restores, and what is heard of other servers after one.

CREATE TABLE epochs (
    number BIGINT PRIMARY KEY,
    since BIGINT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE reunions (
    epoch BIGINT NOT NULL,
    peer TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    place TEXT NOT NULL,
    booked BIGINT NOT NULL,
    listed BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT,
    trouble TEXT,
    ended_at BIGINT,
    PRIMARY KEY (epoch, peer),
    CHECK ((state = 'asking') = (due_at IS NOT NULL))
);
CREATE INDEX reunions_due ON reunions (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE discrepancies (
    peer TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    epoch BIGINT NOT NULL,
    "order" TEXT NOT NULL,
    lack TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    detail TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (peer, name)
);
