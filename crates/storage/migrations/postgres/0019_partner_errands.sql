-- What partners are yet to be told.
ALTER TABLE partners ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE partners ADD COLUMN suspended_there_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE partners ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE partners ADD COLUMN due_at BIGINT;
ALTER TABLE partners ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE agreements ADD COLUMN untold TEXT;
ALTER TABLE links ADD COLUMN due_at BIGINT;
ALTER TABLE links ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;

CREATE INDEX partners_due ON partners (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX links_due ON links (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX link_requests_by_code ON link_requests (code_hash) WHERE code_hash IS NOT NULL;
DROP INDEX link_requests_of_link;
CREATE UNIQUE INDEX link_requests_by_link ON link_requests (partner, link);
