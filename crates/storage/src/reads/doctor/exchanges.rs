//! Probes of exchanges between vendors: what moved, what is owed, and what is only reserved.

use scrip_domain::exchange::Exchange;
use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::partner::Partner;
use scrip_domain::wallet::Wallet;

use super::{Probe, all_books, named};

pub fn probes() -> [Probe; 11] {
    [
        outgoing_states(),
        incoming_states(),
        quotes(),
        holds(),
        transfers(),
        lots(),
        tokens(),
        entries(),
        counters(),
        reserved(),
        days(),
    ]
}

/// Whether our commit of an exchange `x` is there.
const COMMITTED: &str = "x.state IN ('committed', 'fulfilled', 'reversed', 'written_off')";
/// Whether what was given in it came back.
const RETURNED: &str = "x.state IN ('reversed', 'written_off')";
/// Whether the partner has signed that it will never issue for it.
const REFUSED: &str = "x.state = 'reversed' OR (x.state = 'written_off' AND x.answer IS NOT NULL AND x.reason IS NOT NULL)";

fn outgoing_states() -> Probe {
    Probe {
        name: "exchange-states",
        proves: "an exchange of our tokens has the documents and times of its state, and waits for what is to come",
        subject: named::<Exchange>,
        counted: "exchanges",
        rows: r#"SELECT x.id AS subject, 1 AS expected, CASE WHEN CASE
                WHEN x.state = 'reserved' THEN x.prepared IS NULL AND x."commit" IS NULL AND x.due_at IS NOT NULL
                WHEN x.state = 'prepared' THEN x.prepared IS NOT NULL AND x."commit" IS NULL AND x.due_at IS NOT NULL
                WHEN x.state = 'refused' THEN x."commit" IS NULL AND x.reason IS NOT NULL AND x.due_at IS NULL
                WHEN x.state = 'expired' THEN x."commit" IS NULL
                WHEN x.state = 'committed' THEN x.prepared IS NOT NULL AND x."commit" IS NOT NULL AND x.cycle IS NOT NULL
                    AND x.committed_at IS NOT NULL AND x.answer IS NULL AND x.due_at IS NOT NULL
                WHEN x.state = 'fulfilled' THEN x.prepared IS NOT NULL AND x."commit" IS NOT NULL AND x.answer IS NOT NULL
                    AND x.answered_at IS NOT NULL AND x.reason IS NULL AND x.due_at IS NULL
                WHEN x.state = 'reversed' THEN x.prepared IS NOT NULL AND x."commit" IS NOT NULL AND x.answer IS NOT NULL
                    AND x.answered_at IS NOT NULL AND x.reason IS NOT NULL AND x.due_at IS NULL
                WHEN x.state = 'written_off' THEN x.prepared IS NOT NULL AND x."commit" IS NOT NULL
                    AND x.written_off_at IS NOT NULL AND (x.answer IS NULL) = (x.answered_at IS NULL)
                    AND (x.answer IS NULL) = (x.due_at IS NOT NULL)
                ELSE FALSE END THEN 1 ELSE 0 END AS found FROM exchanges x"#
            .into(),
    }
}

fn incoming_states() -> Probe {
    Probe {
        name: "incoming-states",
        proves: "an exchange for our tokens has the documents and figures of its state, and what was said for good is signed",
        subject: named::<Exchange>,
        counted: "incoming_exchanges",
        rows: r#"SELECT i.exchange AS subject, 1 AS expected, CASE WHEN CASE
                WHEN i.state IN ('prepared', 'lapsed') THEN i.prepared IS NOT NULL AND i.account IS NOT NULL
                    AND i.agreement IS NOT NULL AND i.figures_give IS NOT NULL AND i."commit" IS NULL AND i.answer IS NULL
                    AND i.cycle IS NULL
                WHEN i.state = 'fulfilled' THEN i.prepared IS NOT NULL AND i.account IS NOT NULL
                    AND i.agreement IS NOT NULL AND i.figures_give IS NOT NULL AND i."commit" IS NOT NULL
                    AND i.answer IS NOT NULL AND i.answered_at IS NOT NULL AND i.cycle IS NOT NULL AND i.lot IS NOT NULL
                WHEN i.state = 'late' THEN i.prepared IS NOT NULL AND i."commit" IS NOT NULL AND i.answer IS NOT NULL
                    AND i.answered_at IS NOT NULL AND i.cycle IS NULL
                WHEN i.state = 'rejected' THEN i."commit" IS NOT NULL AND i.answer IS NOT NULL
                    AND i.answered_at IS NOT NULL AND i.cycle IS NULL
                ELSE FALSE END THEN 1 ELSE 0 END AS found FROM incoming_exchanges i"#
            .into(),
    }
}

fn quotes() -> Probe {
    Probe {
        name: "exchange-quotes",
        proves: "each exchange has used up one quote, of its account, partner and figures, and no quote is used by two",
        subject: named::<Exchange>,
        counted: "exchange_quotes",
        rows: "SELECT x.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM exchange_quotes q WHERE q.id = x.quote
                    AND q.exchange = x.id AND q.account = x.account AND q.partner = x.partner
                    AND q.agreement = x.agreement AND q.figures_give = x.figures_give
                    AND q.figures_receive = x.figures_receive AND q.figures_compensation = x.figures_compensation) AS found
                FROM exchanges x
            UNION ALL SELECT q.exchange, 1, (SELECT COUNT(*) FROM exchanges x WHERE x.id = q.exchange AND x.quote = q.id)
                FROM exchange_quotes q WHERE q.exchange IS NOT NULL"
            .into(),
    }
}

fn holds() -> Probe {
    Probe {
        name: "exchange-holds",
        proves: "what a buyer gives is held of their own wallet, whole, until it is committed or free again",
        subject: named::<Exchange>,
        counted: "exchanges",
        rows: format!(
            "SELECT x.id AS subject, x.figures_give AS expected, (SELECT h.amount FROM holds h
                    JOIN accounts a ON a.id = x.account AND a.wallet = h.wallet
                    WHERE h.id = x.hold AND h.subject = x.id AND h.reason = 'exchange_hold'
                        AND CASE WHEN x.state IN ('reserved', 'prepared') THEN h.state = 'open'
                            WHEN {COMMITTED} THEN h.state = 'posted' ELSE h.state IN ('voided', 'expired') END) AS found
                FROM exchanges x
            UNION ALL SELECT h.subject, 1, (SELECT COUNT(*) FROM exchanges x WHERE x.hold = h.id AND x.id = h.subject)
                FROM holds h WHERE h.reason = 'exchange_hold'"
        )
        .into(),
    }
}

fn transfers() -> Probe {
    let out = LedgerAccount::House(House::ExchangedOut).number();
    let into = LedgerAccount::House(House::ExchangedIn).number();
    Probe {
        name: "exchange-transfers",
        proves: "tokens left for a partner once for each commit, came back once for each that was reversed or written off, \
            and were issued once for each that was fulfilled here",
        subject: named::<Exchange>,
        counted: "exchanges",
        rows: format!(
            "SELECT x.id AS subject, CASE WHEN {COMMITTED} THEN x.figures_give END AS expected,
                    (SELECT t.amount FROM transfers t JOIN accounts a ON a.id = x.account AND t.debit = -a.wallet
                        WHERE t.id = x.transfer AND t.credit = {out} AND t.subject = x.id AND t.reason = 'exchange') AS found
                FROM exchanges x
            UNION ALL SELECT t.subject, t.id, (SELECT x.transfer FROM exchanges x WHERE x.id = t.subject)
                FROM transfers t WHERE t.credit + 0 = {out}
            UNION ALL SELECT x.id, CASE WHEN {RETURNED} THEN x.figures_give END, r.amount FROM exchanges x
                LEFT JOIN accounts a ON a.id = x.account
                LEFT JOIN (SELECT subject, credit, SUM(amount) AS amount FROM transfers
                    WHERE debit + 0 = {out} AND reason = 'reversal' GROUP BY subject, credit) r
                    ON r.subject = x.id AND r.credit = a.wallet
            UNION ALL SELECT t.subject, 1, (SELECT COUNT(*) FROM exchanges x WHERE x.id = t.subject AND {RETURNED})
                FROM transfers t WHERE t.debit + 0 = {out}
            UNION ALL SELECT i.exchange, CASE WHEN i.state = 'fulfilled' THEN i.figures_receive END,
                    (SELECT t.amount FROM transfers t JOIN accounts a ON a.id = i.account AND t.credit = a.wallet
                        WHERE t.id = i.transfer AND t.debit = {into} AND t.subject = i.exchange AND t.reason = 'exchange')
                FROM incoming_exchanges i
            UNION ALL SELECT t.subject, 1, (SELECT COUNT(*) FROM incoming_exchanges i
                    WHERE i.exchange = t.subject AND i.transfer = t.id) FROM transfers t WHERE t.debit + 0 = {into}"
        )
        .into(),
    }
}

fn lots() -> Probe {
    let into = LedgerAccount::House(House::ExchangedIn).number();
    Probe {
        name: "exchange-lots",
        proves: "what was issued for partners' tokens lies in lots of its own kind, in the wallet that it is for",
        subject: named::<Wallet>,
        counted: "lots",
        rows: format!(
            "SELECT w.id AS subject, COALESCE(t.amount, 0) AS expected, COALESCE(p.amount, 0) AS found FROM wallets w
                LEFT JOIN (SELECT credit, SUM(amount) AS amount FROM transfers WHERE debit + 0 = {into} GROUP BY credit) t
                    ON t.credit = w.id
                LEFT JOIN (SELECT q.wallet, SUM(q.amount) AS amount FROM (
                        SELECT wallet, amount FROM lots WHERE kind = 'exchange'
                        UNION ALL SELECT l.wallet, c.amount FROM lot_changes c JOIN lots l ON l.id = c.lot
                            WHERE c.kind = 'joined' AND l.kind = 'exchange') q GROUP BY q.wallet) p ON p.wallet = w.id
            UNION ALL SELECT a.wallet, a.wallet, (SELECT l.wallet FROM lots l WHERE l.id = i.lot AND l.kind = 'exchange')
                FROM incoming_exchanges i JOIN accounts a ON a.id = i.account WHERE i.lot IS NOT NULL"
        )
        .into(),
    }
}

/// Issued and exchanged in is redeemed, outstanding, expired, taken back and exchanged out: that all accounts sum to zero
/// says so much. This says that the last of these are the exchanges, and nothing else.
fn tokens() -> Probe {
    Probe {
        name: "exchanged-tokens",
        proves: "what has left for partners is what was committed and did not come back, and what came from them what was fulfilled",
        subject: all_books,
        counted: "exchanges",
        rows: format!(
            "SELECT 0 AS subject, (SELECT COALESCE(SUM(x.figures_give), 0) FROM exchanges x
                    WHERE {COMMITTED} AND NOT ({RETURNED})) AS found,
                (SELECT COALESCE(SUM(credits - debits), 0) FROM house WHERE name = 'exchanged_out') AS expected
            UNION ALL SELECT 1, (SELECT COALESCE(SUM(i.figures_receive), 0) FROM incoming_exchanges i
                    WHERE i.state = 'fulfilled'),
                (SELECT COALESCE(SUM(debits - credits), 0) FROM house WHERE name = 'exchanged_in')"
        )
        .into(),
    }
}

fn entries() -> Probe {
    let sums = |side: &str| {
        format!(
            "(SELECT partner, subject, SUM(CASE kind WHEN 'exchange' THEN amount ELSE 0 END) AS booked,
                SUM(CASE kind WHEN 'reversal' THEN amount ELSE 0 END) AS reversed, COUNT(*) AS number
              FROM partner_entries WHERE side = '{side}' AND kind IN ('exchange', 'reversal') GROUP BY partner, subject)"
        )
    };
    let (payable, receivable) = (sums("payable"), sums("receivable"));
    Probe {
        name: "exchange-entries",
        proves: "each commit is owed once, in its cycle, and no more once the partner has refused it; what was fulfilled here is \
            claimed once, and nothing else",
        subject: named::<Exchange>,
        counted: "partner_entries",
        rows: format!(
            "SELECT x.id AS subject, CASE WHEN {COMMITTED} THEN x.figures_compensation ELSE 0 END AS expected,
                    COALESCE(e.booked, 0) AS found FROM exchanges x LEFT JOIN {payable} e
                    ON e.partner = x.partner AND e.subject = x.id
            UNION ALL SELECT x.id, CASE WHEN {REFUSED} THEN x.figures_compensation ELSE 0 END, COALESCE(e.reversed, 0)
                FROM exchanges x LEFT JOIN {payable} e ON e.partner = x.partner AND e.subject = x.id
            UNION ALL SELECT x.id, CASE WHEN {REFUSED} THEN 2 WHEN {COMMITTED} THEN 1 ELSE 0 END, COALESCE(e.number, 0)
                FROM exchanges x LEFT JOIN {payable} e ON e.partner = x.partner AND e.subject = x.id
            UNION ALL SELECT i.exchange, CASE WHEN i.state = 'fulfilled' THEN i.figures_compensation ELSE 0 END,
                    COALESCE(e.booked, 0) FROM incoming_exchanges i LEFT JOIN {receivable} e
                    ON e.partner = i.partner AND e.subject = i.exchange
            UNION ALL SELECT i.exchange, CASE WHEN i.state = 'fulfilled' THEN 1 ELSE 0 END, COALESCE(e.number, 0)
                FROM incoming_exchanges i LEFT JOIN {receivable} e ON e.partner = i.partner AND e.subject = i.exchange
            UNION ALL SELECT e.subject, e.cycle, CASE e.side
                    WHEN 'payable' THEN (SELECT x.cycle FROM exchanges x WHERE x.id = e.subject AND x.partner = e.partner)
                    ELSE (SELECT i.cycle FROM incoming_exchanges i WHERE i.partner = e.partner AND i.exchange = e.subject) END
                FROM partner_entries e WHERE e.kind IN ('exchange', 'reversal')"
        )
        .into(),
    }
}

fn counters() -> Probe {
    let sum = |side: &str, kind: &str| {
        format!(
            "(SELECT COALESCE(SUM(e.amount), 0) FROM partner_entries e
                WHERE e.partner = p.id AND e.side = '{side}' AND e.kind {kind} 'exchange')"
        )
    };
    let (owed, less) = (sum("payable", "="), sum("payable", "<>"));
    let (claimed, paid) = (sum("receivable", "="), sum("receivable", "<>"));
    Probe {
        name: "partner-counters",
        proves: "what partners owe each other is the sum of what changed it, and no less than nothing",
        subject: named::<Partner>,
        counted: "partners",
        rows: format!(
            "SELECT p.id AS subject, p.payable_credits AS expected, {owed} AS found FROM partners p
            UNION ALL SELECT p.id, p.payable_debits, {less} FROM partners p
            UNION ALL SELECT p.id, p.receivable_debits, {claimed} FROM partners p
            UNION ALL SELECT p.id, p.receivable_credits, {paid} FROM partners p
            UNION ALL SELECT p.id, 1, CASE WHEN p.payable_credits >= p.payable_debits
                AND p.receivable_debits >= p.receivable_credits THEN 1 ELSE 0 END FROM partners p
            UNION ALL SELECT e.partner, 1, (SELECT COUNT(*) FROM partners p WHERE p.id = e.partner) FROM partner_entries e"
        )
        .into(),
    }
}

fn reserved() -> Probe {
    Probe {
        name: "partner-reserved",
        proves: "what is reserved with a partner is the sum of what is open with it, each way",
        subject: named::<Partner>,
        counted: "partners",
        rows: "SELECT p.id AS subject, p.payable_reserved AS expected, (SELECT COALESCE(SUM(x.figures_compensation), 0)
                    FROM exchanges x WHERE x.partner = p.id AND x.state IN ('reserved', 'prepared')) AS found FROM partners p
            UNION ALL SELECT p.id, p.receivable_reserved, (SELECT COALESCE(SUM(i.figures_compensation), 0)
                    FROM incoming_exchanges i WHERE i.partner = p.id AND i.state = 'prepared') FROM partners p"
            .into(),
    }
}

/// Counting more than there was only keeps buyers waiting: a clock that goes back over midnight does that.
fn days() -> Probe {
    let day = "(x.at - x.at % 86400000)";
    let out = format!("x.state NOT IN ('refused', 'expired') AND NOT ({REFUSED})");
    let into = "x.state IN ('prepared', 'fulfilled')";
    let arm = |who: &str, table: &str, whose: &str, counted: &str, rows: &str, state: &str| {
        format!(
            "SELECT {who} AS subject, 1 AS expected, CASE WHEN (SELECT COALESCE(SUM(x.figures_give), 0) FROM {rows} x
                WHERE {whose} AND {day} = d.day AND {state}) <= d.{counted} THEN 1 ELSE 0 END AS found FROM {table} d"
        )
    };
    let (all, one) = ("x.partner = d.id", "x.partner = d.partner AND x.account = d.account");
    let rows = [
        arm("d.id", "partners", all, "day_given", "exchanges", &out),
        arm("d.id", "partners", all, "day_taken", "incoming_exchanges", into),
        arm("d.partner", "exchange_days", one, "given", "exchanges", &out),
        arm("d.partner", "exchange_days", one, "taken", "incoming_exchanges", into),
    ];
    Probe {
        name: "exchange-days",
        proves: "nothing that was exchanged today is missing from what is counted for the day, of a buyer or of all",
        subject: named::<Partner>,
        counted: "exchange_days",
        rows: rows.join(" UNION ALL ").into(),
    }
}
