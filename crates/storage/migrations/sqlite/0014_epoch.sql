-- Restores, and what is heard of other servers after one.

CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE reunions (
    epoch INTEGER NOT NULL,
    peer TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    place TEXT NOT NULL,
    booked INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    trouble TEXT,
    ended_at INTEGER,
    PRIMARY KEY (epoch, peer),
    CHECK ((state = 'asking') = (due_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX reunions_due ON reunions (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE discrepancies (
    peer TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    "order" TEXT NOT NULL,
    lack TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    detail TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (peer, name)
) STRICT, WITHOUT ROWID;
