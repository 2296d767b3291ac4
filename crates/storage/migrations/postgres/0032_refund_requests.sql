-- Buyers ask for refunds: what was promised with an order, and each request.
ALTER TABLE orders ADD COLUMN refund_policy TEXT;

CREATE TABLE refund_requests (
    "order" BIGINT NOT NULL,
    id BIGINT NOT NULL,
    line BIGINT NOT NULL,
    account BIGINT NOT NULL,
    state TEXT NOT NULL,
    covered BIGINT NOT NULL,
    reason TEXT NOT NULL,
    word TEXT,
    refund BIGINT,
    at BIGINT NOT NULL,
    decided_at BIGINT,
    PRIMARY KEY ("order", id),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((state = 'accepted') = (refund IS NOT NULL)),
    CHECK ((state = 'declined') = (word IS NOT NULL))
);

CREATE UNIQUE INDEX refund_requests_by_id ON refund_requests (id);
-- Of a line one is open at a time.
CREATE UNIQUE INDEX refund_requests_open ON refund_requests (line) WHERE state = 'open';
CREATE INDEX refund_requests_by_state ON refund_requests (state, id);
CREATE INDEX refund_requests_of_account ON refund_requests (account, id);
