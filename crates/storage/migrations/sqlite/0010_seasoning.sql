-- When tokens can be exchanged for another vendor's.

-- Until when tokens wait at the latest that joined a lot which could have been exchanged sooner.
ALTER TABLE wallets ADD COLUMN joined_until INTEGER;

DROP VIEW open_lots;
CREATE VIEW open_lots AS
SELECT w.id AS wallet, l.value ->> 0 AS lot, l.value ->> 1 AS kind, l.value ->> 2 AS remaining,
    l.value ->> 3 AS held, l.value ->> 5 AS expires_at, l.value ->> 6 AS exchangeable_at
FROM wallets w, json_each(w.lots) l;
