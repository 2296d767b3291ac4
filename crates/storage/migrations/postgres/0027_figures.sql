-- What each finished day came to, one row a day, and how what happened in a day is found.
CREATE TABLE day_figures (
    day BIGINT PRIMARY KEY,
    orders BIGINT NOT NULL CHECK (orders >= 0),
    lines BIGINT NOT NULL CHECK (lines >= 0),
    spent BIGINT NOT NULL CHECK (spent >= 0),
    sold BIGINT NOT NULL CHECK (sold >= 0),
    paid TEXT NOT NULL,
    refunded BIGINT NOT NULL CHECK (refunded >= 0),
    expired BIGINT NOT NULL CHECK (expired >= 0),
    clawed_back BIGINT NOT NULL CHECK (clawed_back >= 0),
    downloads BIGINT NOT NULL CHECK (downloads >= 0),
    bytes BIGINT NOT NULL CHECK (bytes >= 0),
    accounts BIGINT NOT NULL CHECK (accounts >= 0),
    outstanding BIGINT NOT NULL CHECK (outstanding >= 0)
);

-- All three grow at their right edge.
CREATE INDEX orders_by_payment ON orders (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX downloads_by_time ON downloads (at);
CREATE INDEX remittances_by_time ON remittances (at);
