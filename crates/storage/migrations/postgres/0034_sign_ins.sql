-- When an address signed in first: that is no news to its owner.
ALTER TABLE logins ADD COLUMN signed_in_at BIGINT;
