-- Many wallets expire in one moment (a campaign's tokens): they are gone through in the order of their numbers, too.
DROP INDEX wallets_due;
CREATE INDEX wallets_due ON wallets (next_expiry, id) WHERE next_expiry IS NOT NULL;
