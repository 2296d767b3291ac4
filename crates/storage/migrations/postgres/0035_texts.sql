-- What a product says in further languages, as JSON: {"de": {"title": ...}}. It stands last, behind the description, so that
-- whoever needs neither reads neither page.
ALTER TABLE products ADD COLUMN texts TEXT NOT NULL DEFAULT '{}';
