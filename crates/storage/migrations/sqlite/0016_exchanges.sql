-- Exchanges: what a buyer was told first, in which lot the tokens lie, and what lists and doctors look for.

ALTER TABLE exchanges ADD COLUMN told TEXT;
ALTER TABLE incoming_exchanges ADD COLUMN lot INTEGER;

CREATE INDEX exchanges_by_state ON exchanges (state, id);
CREATE INDEX incoming_exchanges_by_name ON incoming_exchanges (exchange);
CREATE INDEX incoming_exchanges_of_account ON incoming_exchanges (account, lot) WHERE lot IS NOT NULL;
