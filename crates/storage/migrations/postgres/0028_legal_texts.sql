-- Terms, privacy, imprint and terms of the token, version by version; and which terms an account was opened by.
CREATE TABLE legal_texts (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

ALTER TABLE accounts ADD COLUMN terms_version TEXT;
