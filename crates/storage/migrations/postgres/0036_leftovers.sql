-- Erasures are finished beside the commit that erases: when what is left of an account is looked for.
ALTER TABLE accounts ADD COLUMN sweep_at BIGINT;
UPDATE accounts SET sweep_at = erased_at WHERE erased_at IS NOT NULL;
CREATE INDEX accounts_to_sweep ON accounts (sweep_at, id) WHERE sweep_at IS NOT NULL;

-- A clock was set back: since when a server's ids have run ahead of it, and how far they can have come.
ALTER TABLE servers ADD COLUMN ahead_from BIGINT;
ALTER TABLE servers ADD COLUMN ahead_until BIGINT;

-- By the times at which it was booked, more may have been spent then than came in.
ALTER TABLE day_figures DROP CONSTRAINT day_figures_outstanding_check;
