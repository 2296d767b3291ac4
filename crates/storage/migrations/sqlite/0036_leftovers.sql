-- Erasures are finished beside the commit that erases: when what is left of an account is looked for.
ALTER TABLE accounts ADD COLUMN sweep_at INTEGER;
UPDATE accounts SET sweep_at = erased_at WHERE erased_at IS NOT NULL;
CREATE INDEX accounts_to_sweep ON accounts (sweep_at, id) WHERE sweep_at IS NOT NULL;

-- A clock was set back: since when a server's ids have run ahead of it, and how far they can have come.
ALTER TABLE servers ADD COLUMN ahead_from INTEGER;
ALTER TABLE servers ADD COLUMN ahead_until INTEGER;

-- By the times at which it was booked, more may have been spent then than came in.
CREATE TABLE day_figures_signed (
    day INTEGER PRIMARY KEY,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    lines INTEGER NOT NULL CHECK (lines >= 0),
    spent INTEGER NOT NULL CHECK (spent >= 0),
    sold INTEGER NOT NULL CHECK (sold >= 0),
    paid TEXT NOT NULL,
    refunded INTEGER NOT NULL CHECK (refunded >= 0),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    clawed_back INTEGER NOT NULL CHECK (clawed_back >= 0),
    downloads INTEGER NOT NULL CHECK (downloads >= 0),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    accounts INTEGER NOT NULL CHECK (accounts >= 0),
    outstanding INTEGER NOT NULL
) STRICT;
INSERT INTO day_figures_signed SELECT day, orders, lines, spent, sold, paid, refunded, expired, clawed_back, downloads,
    bytes, accounts, outstanding FROM day_figures;
DROP TABLE day_figures;
ALTER TABLE day_figures_signed RENAME TO day_figures;
