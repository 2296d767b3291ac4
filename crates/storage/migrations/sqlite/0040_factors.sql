-- Second factors of buyers, kept as those of the staff are.
ALTER TABLE logins ADD COLUMN factor_issue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN factor_since INTEGER;
ALTER TABLE logins ADD COLUMN factor_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN recovery TEXT NOT NULL DEFAULT '[]';
