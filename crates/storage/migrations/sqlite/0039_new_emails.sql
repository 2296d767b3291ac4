-- The address that is to take the place of another, as typed, and when it was asked for.
ALTER TABLE logins ADD COLUMN new_email TEXT;
ALTER TABLE logins ADD COLUMN new_email_at INTEGER;
