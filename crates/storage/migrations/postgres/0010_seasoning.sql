-- When tokens can be exchanged for another vendor's.

-- Until when tokens wait at the latest that joined a lot which could have been exchanged sooner.
ALTER TABLE wallets ADD COLUMN joined_until BIGINT;

DROP VIEW open_lots;
CREATE VIEW open_lots AS
SELECT w.id AS wallet, (l ->> 0)::BIGINT AS lot, l ->> 1 AS kind, (l ->> 2)::BIGINT AS remaining,
    (l ->> 3)::BIGINT AS held, (l ->> 5)::BIGINT AS expires_at, (l ->> 6)::BIGINT AS exchangeable_at
FROM wallets w CROSS JOIN LATERAL jsonb_array_elements(w.lots::JSONB) l;
