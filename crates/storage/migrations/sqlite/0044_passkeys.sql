-- Passkeys of buyers, with the address that they sign in to; no more than the devices' own public keys.
ALTER TABLE logins ADD COLUMN passkeys TEXT NOT NULL DEFAULT '[]';
