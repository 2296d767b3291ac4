-- The merchants that know an account, to be listed.
CREATE INDEX merchant_subjects_of_account ON merchant_subjects (account, merchant);
