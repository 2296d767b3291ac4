-- Records: what a replay, an order's evidence and the vendor's own history are put together from.

-- Every problem names its request, and a replayed one names the first.
ALTER TABLE top_ups ADD COLUMN request_id BIGINT;
UPDATE top_ups SET request_id = 0 WHERE request_key IS NOT NULL;

-- A confirmation goes on naming the vendor as it was called when it was paid.
ALTER TABLE vendor ADD COLUMN former_names TEXT NOT NULL DEFAULT '[]';

-- The events of an order. Orders grow, so this index grows at its right edge.
CREATE INDEX events_of_subject ON events (subject);

-- Tickets with which bytes were sent: they live on for a day, and rows older than that are cleared away.
CREATE TABLE started_tickets (
    license BIGINT NOT NULL,
    file BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (license, file, issued_at)
);

-- Which act of the vendor's staff changed what.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    changes TEXT NOT NULL,
    request BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- What is long in a listing lies apart, so that the rest of a hundred thousand is a few pages: what has
-- a common word is sorted without reading any words. Rows that are there move when they are next written.
ALTER TABLE listings ALTER COLUMN title SET STORAGE MAIN;
ALTER TABLE listings SET (toast_tuple_target = 256);
