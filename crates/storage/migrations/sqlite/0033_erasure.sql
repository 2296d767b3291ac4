-- Accounts are erased: what is kept of a person is found by account, to go.
ALTER TABLE accounts ADD COLUMN erased_at INTEGER;

CREATE INDEX api_keys_of_account ON api_keys (account, id) WHERE account IS NOT NULL;
CREATE INDEX letters_of_account ON letters (account, id) WHERE account IS NOT NULL;
