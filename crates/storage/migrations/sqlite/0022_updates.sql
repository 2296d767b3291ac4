-- What electron-updater knows files by: SHA-512 in base64. Empty until it is first asked for, where it was not known when
-- the release was entered.
ALTER TABLE files ADD COLUMN sha512 TEXT NOT NULL DEFAULT '';
