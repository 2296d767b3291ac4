-- Codes of licenses that were issued again, and what extensions told.
CREATE TABLE reissues (
    license BIGINT NOT NULL,
    issue BIGINT NOT NULL CHECK (issue > 1),
    former_kid TEXT NOT NULL,
    former_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    expires_at BIGINT,
    request BIGINT NOT NULL,
    PRIMARY KEY (license, issue)
);

ALTER TABLE extensions ADD COLUMN "left" BIGINT;
ALTER TABLE extensions ADD COLUMN issue BIGINT NOT NULL DEFAULT 1;

