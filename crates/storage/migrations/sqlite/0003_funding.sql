-- Funding: what is known of an account's credit, and what processors are asked and have taken.

CREATE TABLE credit_files (
    account INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    day_count INTEGER NOT NULL,
    day_tokens INTEGER NOT NULL,
    credited INTEGER NOT NULL,
    declined INTEGER NOT NULL,
    disputed INTEGER NOT NULL
) STRICT;

-- One row for each charge of a processor: what was taken once is credited once.
CREATE TABLE charges (
    processor TEXT NOT NULL,
    name TEXT NOT NULL,
    top_up INTEGER NOT NULL,
    money_amount INTEGER NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (processor, name)
) STRICT, WITHOUT ROWID;

-- Top-ups for which a processor has to be asked something.
CREATE TABLE errands (
    top_up INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;

CREATE INDEX errands_due ON errands (due_at);

-- What waits for a person.
CREATE INDEX top_ups_in_review ON top_ups (id) WHERE state = 'in_review';
