-- Buyers ask for refunds: what was promised with an order, and each request.
ALTER TABLE orders ADD COLUMN refund_policy TEXT;

CREATE TABLE refund_requests (
    "order" INTEGER NOT NULL,
    id INTEGER NOT NULL,
    line INTEGER NOT NULL,
    account INTEGER NOT NULL,
    state TEXT NOT NULL,
    covered INTEGER NOT NULL,
    reason TEXT NOT NULL,
    word TEXT,
    refund INTEGER,
    at INTEGER NOT NULL,
    decided_at INTEGER,
    PRIMARY KEY ("order", id),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((state = 'accepted') = (refund IS NOT NULL)),
    CHECK ((state = 'declined') = (word IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX refund_requests_by_id ON refund_requests (id);
-- Of a line one is open at a time.
CREATE UNIQUE INDEX refund_requests_open ON refund_requests (line) WHERE state = 'open';
CREATE INDEX refund_requests_by_state ON refund_requests (state, id);
CREATE INDEX refund_requests_of_account ON refund_requests (account, id);
