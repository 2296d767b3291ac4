-- Whether a buyer gets no letters of a merchant through here.
ALTER TABLE merchant_subjects ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
