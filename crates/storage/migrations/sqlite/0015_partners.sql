-- Partners: agreements, links, exchanges, statements and settlements.

-- Other vendors. What the two owe each other is in millionths of the agreement's currency.
CREATE TABLE partners (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    agreement INTEGER,
    currency TEXT,
    suspended TEXT,
    suspended_there INTEGER NOT NULL,
    payable_debits INTEGER NOT NULL,
    payable_credits INTEGER NOT NULL,
    receivable_debits INTEGER NOT NULL,
    receivable_credits INTEGER NOT NULL,
    payable_reserved INTEGER NOT NULL CHECK (payable_reserved >= 0),
    receivable_reserved INTEGER NOT NULL CHECK (receivable_reserved >= 0),
    cycle INTEGER NOT NULL,
    cycle_began_at INTEGER NOT NULL,
    day INTEGER NOT NULL,
    day_given INTEGER NOT NULL,
    day_taken INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CHECK (payable_debits >= 0 AND payable_credits >= payable_debits),
    CHECK (receivable_credits >= 0 AND receivable_debits >= receivable_credits)
) STRICT;

CREATE TABLE partner_urls (
    url TEXT PRIMARY KEY,
    partner INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change of what is owed.
CREATE TABLE partner_entries (
    partner INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    subject INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (partner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE agreements (
    id INTEGER PRIMARY KEY,
    partner INTEGER NOT NULL,
    version INTEGER NOT NULL,
    proposed_by TEXT NOT NULL,
    state TEXT NOT NULL,
    terms TEXT NOT NULL,
    proposal TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    acceptance TEXT,
    proposed_at INTEGER NOT NULL,
    decided_at INTEGER,
    effective_at INTEGER,
    ends_at INTEGER,
    due_at INTEGER,
    attempts INTEGER NOT NULL
) STRICT;

-- Which account at a partner is a buyer's own.
CREATE TABLE links (
    account INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    state TEXT NOT NULL,
    subject TEXT,
    at INTEGER NOT NULL,
    linked_at INTEGER,
    PRIMARY KEY (account, partner)
) STRICT, WITHOUT ROWID;

CREATE TABLE link_requests (
    id INTEGER PRIMARY KEY,
    partner INTEGER NOT NULL,
    link INTEGER NOT NULL,
    return_url TEXT NOT NULL,
    reference BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,
    account INTEGER,
    code_hash BLOB,
    code_until INTEGER,
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE partner_subjects (
    partner INTEGER NOT NULL,
    subject BLOB NOT NULL,
    account INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (partner, subject)
) STRICT, WITHOUT ROWID;

-- Exchanges of our tokens, and for our tokens.
CREATE TABLE exchange_quotes (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    agreement INTEGER NOT NULL,
    figures_give INTEGER NOT NULL,
    figures_receive INTEGER NOT NULL,
    figures_compensation INTEGER NOT NULL,
    figures_numerator INTEGER NOT NULL,
    figures_denominator INTEGER NOT NULL,
    document TEXT NOT NULL,
    exchange INTEGER,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    agreement INTEGER NOT NULL,
    quote INTEGER NOT NULL,
    figures_give INTEGER NOT NULL CHECK (figures_give > 0),
    figures_receive INTEGER NOT NULL CHECK (figures_receive > 0),
    figures_compensation INTEGER NOT NULL CHECK (figures_compensation > 0),
    figures_numerator INTEGER NOT NULL,
    figures_denominator INTEGER NOT NULL,
    state TEXT NOT NULL,
    hold INTEGER NOT NULL,
    reason TEXT,
    prepared TEXT,
    "commit" TEXT,
    answer TEXT,
    transfer INTEGER,
    cycle INTEGER,
    at INTEGER NOT NULL,
    committed_at INTEGER,
    answered_at INTEGER,
    written_off_at INTEGER,
    due_at INTEGER,
    attempts INTEGER NOT NULL,
    CHECK (("commit" IS NULL) = (cycle IS NULL)),
    CHECK ("commit" IS NOT NULL OR answer IS NULL),
    CHECK (("commit" IS NULL) = (transfer IS NULL))
) STRICT;

CREATE TABLE incoming_exchanges (
    partner INTEGER NOT NULL,
    exchange INTEGER NOT NULL,
    quote TEXT NOT NULL,
    account INTEGER,
    agreement INTEGER,
    figures_give INTEGER,
    figures_receive INTEGER,
    figures_compensation INTEGER,
    figures_numerator INTEGER,
    figures_denominator INTEGER,
    state TEXT NOT NULL,
    prepared TEXT,
    "commit" TEXT,
    answer TEXT,
    transfer INTEGER,
    cycle INTEGER,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    answered_at INTEGER,
    PRIMARY KEY (partner, exchange),
    CHECK ((state = 'fulfilled') = (transfer IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE exchange_days (
    partner INTEGER NOT NULL,
    account INTEGER NOT NULL,
    day INTEGER NOT NULL,
    given INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    PRIMARY KEY (partner, account)
) STRICT, WITHOUT ROWID;

-- What is owed for a cycle, and how it is paid.
CREATE TABLE statements (
    partner INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    agreement INTEGER NOT NULL,
    state TEXT NOT NULL,
    "from" INTEGER NOT NULL,
    "to" INTEGER NOT NULL,
    gross_out INTEGER NOT NULL,
    count_out INTEGER NOT NULL,
    digest_out BLOB NOT NULL,
    gross_in INTEGER NOT NULL,
    count_in INTEGER NOT NULL,
    digest_in BLOB NOT NULL,
    carried_in INTEGER NOT NULL,
    carried_out INTEGER NOT NULL,
    net INTEGER NOT NULL,
    ours TEXT,
    theirs TEXT,
    agreed_at INTEGER,
    pay_until INTEGER,
    due_at INTEGER,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (partner, cycle)
) STRICT, WITHOUT ROWID;

CREATE TABLE differences (
    statement INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    exchange INTEGER NOT NULL,
    here INTEGER,
    there INTEGER,
    PRIMARY KEY (statement, ours, exchange)
) STRICT, WITHOUT ROWID;

CREATE TABLE settlements (
    id INTEGER PRIMARY KEY,
    statement INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    reference TEXT NOT NULL,
    method TEXT,
    state TEXT NOT NULL,
    money_amount INTEGER NOT NULL CHECK (money_amount > 0),
    money_unit TEXT NOT NULL,
    at INTEGER NOT NULL,
    ended_at INTEGER,
    receipt TEXT,
    due_at INTEGER,
    attempts INTEGER NOT NULL
) STRICT;

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
