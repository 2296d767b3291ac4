-- Records: what a replay, an order's evidence and the vendor's own history are put together from.

-- Every problem names its request, and a replayed one names the first.
ALTER TABLE top_ups ADD COLUMN request_id INTEGER;
UPDATE top_ups SET request_id = 0 WHERE request_key IS NOT NULL;

-- A confirmation goes on naming the vendor as it was called when it was paid.
ALTER TABLE vendor ADD COLUMN former_names TEXT NOT NULL DEFAULT '[]';

-- The events of an order. Orders grow, so this index grows at its right edge.
CREATE INDEX events_of_subject ON events (subject);

-- Tickets with which bytes were sent: they live on for a day, and rows older than that are cleared away.
CREATE TABLE started_tickets (
    license INTEGER NOT NULL,
    file INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (license, file, issued_at)
) STRICT, WITHOUT ROWID;

-- Which act of the vendor's staff changed what.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    changes TEXT NOT NULL,
    request INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
