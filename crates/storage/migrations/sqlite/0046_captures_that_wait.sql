-- What of a merchant's captures waits for delivery, which is little, and for the end of a refund window, which is all that was
-- sold for weeks: that is summed without the rows, which hold signed documents.
CREATE INDEX purchase_requests_undelivered ON purchase_requests (merchant)
    WHERE captured_at IS NOT NULL AND fulfilled_at IS NULL;
CREATE INDEX purchase_requests_by_window
    ON purchase_requests (merchant, refund_until, amount, fee, refunded, captured_at, fulfilled_at)
    WHERE captured_at IS NOT NULL AND fulfilled_at IS NOT NULL;
