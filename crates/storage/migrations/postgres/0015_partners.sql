-- Partners: agreements, links, exchanges, statements and settlements.

-- Other vendors. What the two owe each other is in millionths of the agreement's currency.
CREATE TABLE partners (
    id BIGINT PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    agreement BIGINT,
    currency TEXT,
    suspended TEXT,
    suspended_there BIGINT NOT NULL,
    payable_debits BIGINT NOT NULL,
    payable_credits BIGINT NOT NULL,
    receivable_debits BIGINT NOT NULL,
    receivable_credits BIGINT NOT NULL,
    payable_reserved BIGINT NOT NULL CHECK (payable_reserved >= 0),
    receivable_reserved BIGINT NOT NULL CHECK (receivable_reserved >= 0),
    cycle BIGINT NOT NULL,
    cycle_began_at BIGINT NOT NULL,
    day BIGINT NOT NULL,
    day_given BIGINT NOT NULL,
    day_taken BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK (payable_debits >= 0 AND payable_credits >= payable_debits),
    CHECK (receivable_credits >= 0 AND receivable_debits >= receivable_credits)
);

CREATE TABLE partner_urls (
    url TEXT PRIMARY KEY,
    partner BIGINT NOT NULL
);

-- Every change of what is owed.
CREATE TABLE partner_entries (
    partner BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    subject BIGINT NOT NULL,
    cycle BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (partner, id)
);

CREATE TABLE agreements (
    id BIGINT PRIMARY KEY,
    partner BIGINT NOT NULL,
    version BIGINT NOT NULL,
    proposed_by TEXT NOT NULL,
    state TEXT NOT NULL,
    terms TEXT NOT NULL,
    proposal TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    acceptance TEXT,
    proposed_at BIGINT NOT NULL,
    decided_at BIGINT,
    effective_at BIGINT,
    ends_at BIGINT,
    due_at BIGINT,
    attempts BIGINT NOT NULL
);

-- Which account at a partner is a buyer's own.
CREATE TABLE links (
    account BIGINT NOT NULL,
    partner BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    subject TEXT,
    at BIGINT NOT NULL,
    linked_at BIGINT,
    PRIMARY KEY (account, partner)
);

CREATE TABLE link_requests (
    id BIGINT PRIMARY KEY,
    partner BIGINT NOT NULL,
    link BIGINT NOT NULL,
    return_url TEXT NOT NULL,
    reference BYTEA NOT NULL UNIQUE,
    state TEXT NOT NULL,
    account BIGINT,
    code_hash BYTEA,
    code_until BIGINT,
    at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE partner_subjects (
    partner BIGINT NOT NULL,
    subject BYTEA NOT NULL,
    account BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (partner, subject)
);

-- Exchanges of our tokens, and for our tokens.
CREATE TABLE exchange_quotes (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    partner BIGINT NOT NULL,
    agreement BIGINT NOT NULL,
    figures_give BIGINT NOT NULL,
    figures_receive BIGINT NOT NULL,
    figures_compensation BIGINT NOT NULL,
    figures_numerator BIGINT NOT NULL,
    figures_denominator BIGINT NOT NULL,
    document TEXT NOT NULL,
    exchange BIGINT,
    at BIGINT NOT NULL
);

CREATE TABLE exchanges (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    partner BIGINT NOT NULL,
    agreement BIGINT NOT NULL,
    quote BIGINT NOT NULL,
    figures_give BIGINT NOT NULL CHECK (figures_give > 0),
    figures_receive BIGINT NOT NULL CHECK (figures_receive > 0),
    figures_compensation BIGINT NOT NULL CHECK (figures_compensation > 0),
    figures_numerator BIGINT NOT NULL,
    figures_denominator BIGINT NOT NULL,
    state TEXT NOT NULL,
    hold BIGINT NOT NULL,
    reason TEXT,
    prepared TEXT,
    "commit" TEXT,
    answer TEXT,
    transfer BIGINT,
    cycle BIGINT,
    at BIGINT NOT NULL,
    committed_at BIGINT,
    answered_at BIGINT,
    written_off_at BIGINT,
    due_at BIGINT,
    attempts BIGINT NOT NULL,
    CHECK (("commit" IS NULL) = (cycle IS NULL)),
    CHECK ("commit" IS NOT NULL OR answer IS NULL),
    CHECK (("commit" IS NULL) = (transfer IS NULL))
);

CREATE TABLE incoming_exchanges (
    partner BIGINT NOT NULL,
    exchange BIGINT NOT NULL,
    quote TEXT NOT NULL,
    account BIGINT,
    agreement BIGINT,
    figures_give BIGINT,
    figures_receive BIGINT,
    figures_compensation BIGINT,
    figures_numerator BIGINT,
    figures_denominator BIGINT,
    state TEXT NOT NULL,
    prepared TEXT,
    "commit" TEXT,
    answer TEXT,
    transfer BIGINT,
    cycle BIGINT,
    at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (partner, exchange),
    CHECK ((state = 'fulfilled') = (transfer IS NOT NULL))
);

CREATE TABLE exchange_days (
    partner BIGINT NOT NULL,
    account BIGINT NOT NULL,
    day BIGINT NOT NULL,
    given BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (partner, account)
);

-- What is owed for a cycle, and how it is paid.
CREATE TABLE statements (
    partner BIGINT NOT NULL,
    cycle BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    agreement BIGINT NOT NULL,
    state TEXT NOT NULL,
    "from" BIGINT NOT NULL,
    "to" BIGINT NOT NULL,
    gross_out BIGINT NOT NULL,
    count_out BIGINT NOT NULL,
    digest_out BYTEA NOT NULL,
    gross_in BIGINT NOT NULL,
    count_in BIGINT NOT NULL,
    digest_in BYTEA NOT NULL,
    carried_in BIGINT NOT NULL,
    carried_out BIGINT NOT NULL,
    net BIGINT NOT NULL,
    ours TEXT,
    theirs TEXT,
    agreed_at BIGINT,
    pay_until BIGINT,
    due_at BIGINT,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (partner, cycle)
);

CREATE TABLE differences (
    statement BIGINT NOT NULL,
    ours BIGINT NOT NULL,
    exchange BIGINT NOT NULL,
    here BIGINT,
    there BIGINT,
    PRIMARY KEY (statement, ours, exchange)
);

CREATE TABLE settlements (
    id BIGINT PRIMARY KEY,
    statement BIGINT NOT NULL,
    partner BIGINT NOT NULL,
    reference TEXT NOT NULL,
    method TEXT,
    state TEXT NOT NULL,
    money_amount BIGINT NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    at BIGINT NOT NULL,
    ended_at BIGINT,
    receipt TEXT,
    due_at BIGINT,
    attempts BIGINT NOT NULL
);

CREATE INDEX partner_entries_of_cycle ON partner_entries (partner, side, cycle, id);
CREATE INDEX agreements_of_partner ON agreements (partner, version);
CREATE INDEX agreements_due ON agreements (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX link_requests_of_link ON link_requests (partner, link);
CREATE INDEX partner_subjects_of_account ON partner_subjects (account, partner);
CREATE UNIQUE INDEX exchanges_by_quote ON exchanges (quote);
CREATE INDEX exchanges_due ON exchanges (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX exchanges_of_cycle ON exchanges (partner, cycle, id) WHERE cycle IS NOT NULL;
CREATE INDEX exchanges_unanswered ON exchanges (partner, cycle) WHERE "commit" IS NOT NULL AND answer IS NULL;
CREATE UNIQUE INDEX incoming_exchanges_by_quote ON incoming_exchanges (quote);
CREATE INDEX incoming_exchanges_of_cycle ON incoming_exchanges (partner, cycle, exchange) WHERE cycle IS NOT NULL;
CREATE INDEX incoming_exchanges_prepared ON incoming_exchanges (until) WHERE state = 'prepared';
CREATE INDEX statements_due ON statements (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX settlements_by_statement ON settlements (statement);
CREATE INDEX settlements_due ON settlements (due_at) WHERE due_at IS NOT NULL;
