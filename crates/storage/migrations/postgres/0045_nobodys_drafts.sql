-- Drafts that are nobody's are found when they are old, and forgotten.
CREATE INDEX orders_of_nobody ON orders (id) WHERE state = 'draft' AND account IS NULL;
