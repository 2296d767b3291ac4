-- The sessions of an account that are good, and those to be cleared away, each found without the others.
DROP INDEX sessions_of_account;
CREATE INDEX sessions_of_account ON sessions (account, expires_at);
