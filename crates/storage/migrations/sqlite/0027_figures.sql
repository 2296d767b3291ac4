-- What each finished day came to, one row a day, how what happened in a day is found, and what staff look for.
CREATE TABLE day_figures (
    day INTEGER PRIMARY KEY,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    lines INTEGER NOT NULL CHECK (lines >= 0),
    spent INTEGER NOT NULL CHECK (spent >= 0),
    sold INTEGER NOT NULL CHECK (sold >= 0),
    paid TEXT NOT NULL,
    refunded INTEGER NOT NULL CHECK (refunded >= 0),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    clawed_back INTEGER NOT NULL CHECK (clawed_back >= 0),
    downloads INTEGER NOT NULL CHECK (downloads >= 0),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    accounts INTEGER NOT NULL CHECK (accounts >= 0),
    outstanding INTEGER NOT NULL CHECK (outstanding >= 0)
) STRICT;

-- All three grow at their right edge.
CREATE INDEX orders_by_payment ON orders (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX downloads_by_time ON downloads (at);
CREATE INDEX remittances_by_time ON remittances (at);

-- Lists of one state. What most orders and top-ups come to is not in them: that is found among all.
CREATE INDEX orders_by_state ON orders (state, id) WHERE state <> 'paid';
CREATE INDEX top_ups_by_state ON top_ups (state, id) WHERE state <> 'credited';
