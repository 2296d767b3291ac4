-- Funding: what is known of an account's credit, and what processors are asked and have taken.

CREATE TABLE credit_files (
    account BIGINT PRIMARY KEY,
    day BIGINT NOT NULL,
    day_count BIGINT NOT NULL,
    day_tokens BIGINT NOT NULL,
    credited BIGINT NOT NULL,
    declined BIGINT NOT NULL,
    disputed BIGINT NOT NULL
);

-- One row for each charge of a processor: what was taken once is credited once.
CREATE TABLE charges (
    processor TEXT NOT NULL,
    name TEXT NOT NULL,
    top_up BIGINT NOT NULL,
    money_amount BIGINT NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (processor, name)
);

-- Top-ups for which a processor has to be asked something.
CREATE TABLE errands (
    top_up BIGINT PRIMARY KEY,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);

CREATE INDEX errands_due ON errands (due_at);

-- What waits for a person.
CREATE INDEX top_ups_in_review ON top_ups (id) WHERE state = 'in_review';
