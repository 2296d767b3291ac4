-- What a vendor that was restored asks its partners, and quotes that nobody took.
ALTER TABLE incoming_exchanges ADD COLUMN offer TEXT;

CREATE INDEX links_by_subject ON links (partner, subject) WHERE subject IS NOT NULL;
CREATE INDEX exchange_quotes_unused ON exchange_quotes (at) WHERE exchange IS NULL;
