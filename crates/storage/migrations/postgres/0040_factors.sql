-- Second factors of buyers, kept as those of the staff are.
ALTER TABLE logins ADD COLUMN factor_issue BIGINT NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN factor_since BIGINT;
ALTER TABLE logins ADD COLUMN factor_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN recovery TEXT NOT NULL DEFAULT '[]';
