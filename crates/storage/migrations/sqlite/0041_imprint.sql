-- By what the master secret of this shop is known again: a digest, from which nobody finds the secret.
ALTER TABLE vendor ADD COLUMN imprint BLOB;
