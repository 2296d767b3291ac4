-- Codes of licenses that were issued again, and what extensions told.
CREATE TABLE reissues (
    license INTEGER NOT NULL,
    issue INTEGER NOT NULL CHECK (issue > 1),
    former_kid TEXT NOT NULL,
    former_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    expires_at INTEGER,
    request INTEGER NOT NULL,
    PRIMARY KEY (license, issue)
) STRICT, WITHOUT ROWID;

ALTER TABLE extensions ADD COLUMN "left" INTEGER;
ALTER TABLE extensions ADD COLUMN issue INTEGER NOT NULL DEFAULT 1;

