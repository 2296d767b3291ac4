-- The exchanges with one partner, newest first, which its page shows.
CREATE INDEX exchanges_of_partner ON exchanges (partner, id);
