//! Probes of merchants: what they have earned, their statements, events, payouts and names.

use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::merchant::{Merchant, Payout};

use super::{Probe, named};

pub fn probes() -> Vec<Probe> {
    vec![counters(), statements(), events(), open(), payouts(), names()]
}

/// Of a merchant `m`, the number of its ledger account.
const ACCOUNT: &str = "-(4611686018427387904 + m.id)";

fn counters() -> Probe {
    let arm = |counter: &str, side: &str| {
        format!(
            "SELECT m.id AS subject, m.{counter} AS expected, (SELECT COALESCE(SUM(t.amount), 0)
                FROM merchant_transfers l JOIN transfers t ON t.id = l.transfer
                WHERE l.merchant = m.id AND t.{side} = {ACCOUNT}) AS found FROM merchants m"
        )
    };
    let rows = format!(
        "{} UNION ALL {}",
        arm("balance_credits", "credit"),
        arm("balance_debits", "debit")
    );
    Probe {
        name: "merchant-counters",
        proves: "each merchant's counters equal the sums of its transfers",
        subject: named::<Merchant>,
        counted: "merchants",
        rows: rows.into(),
    }
}

fn statements() -> Probe {
    Probe {
        name: "merchant-transfers",
        proves: "each transfer of a merchant is on its statement, once, and each line of one exists",
        subject: named::<Merchant>,
        counted: "merchant_transfers",
        rows: format!(
            "SELECT l.merchant AS subject, 1 AS expected, (SELECT COUNT(*) FROM transfers t JOIN merchants m
                ON m.id = l.merchant WHERE t.id = l.transfer AND {ACCOUNT} IN (t.debit, t.credit)) AS found
                FROM merchant_transfers l
            UNION ALL SELECT t.id, 1, (SELECT COUNT(*) FROM merchant_transfers l WHERE l.transfer = t.id)
                FROM transfers t WHERE t.debit <= -4611686018427387904 OR t.credit <= -4611686018427387904"
        )
        .into(),
    }
}

fn events() -> Probe {
    Probe {
        name: "merchant-events",
        proves: "a merchant's events are numbered from one on without a gap, and each is about a request of its own",
        subject: named::<Merchant>,
        counted: "merchant_events",
        rows: "SELECT m.id AS subject, m.seq AS expected, (SELECT CASE WHEN COALESCE(MAX(e.seq), 0) = COUNT(*)
                    AND COALESCE(MIN(e.seq), 1) = 1 THEN COUNT(*) ELSE -1 END
                FROM merchant_events e WHERE e.merchant = m.id) AS found FROM merchants m
            UNION ALL SELECT e.merchant, CASE WHEN e.kind = 'merchant.paid_out' THEN 0 ELSE 1 END,
                (SELECT COUNT(*) FROM purchase_requests r WHERE r.id = e.request AND r.merchant = e.merchant)
                FROM merchant_events e"
            .into(),
    }
}

fn open() -> Probe {
    Probe {
        name: "merchant-open",
        proves: "each merchant knows how many of its requests are open, and how much it captured on its last day",
        subject: named::<Merchant>,
        counted: "merchants",
        rows: "SELECT m.id AS subject, m.open AS expected, (SELECT COUNT(*) FROM purchase_requests r
                WHERE r.merchant = m.id AND r.state IN ('open', 'claimed', 'authorized')) AS found FROM merchants m
            UNION ALL SELECT m.id, 0, (SELECT CASE WHEN COALESCE(SUM(r.amount), 0) <= m.day_captured THEN 0 ELSE 1 END
                FROM purchase_requests r WHERE r.merchant = m.id AND r.captured_at >= m.day
                AND r.captured_at < m.day + 86400000) FROM merchants m"
            .into(),
    }
}

fn payouts() -> Probe {
    let paid_out = LedgerAccount::House(House::PaidOut).number();
    Probe {
        name: "payouts",
        proves: "each payout took its tokens from its merchant, and nothing else was taken as paid",
        subject: named::<Payout>,
        counted: "payouts",
        rows: format!(
            "SELECT p.id AS subject, p.tokens AS expected, (SELECT t.amount FROM transfers t JOIN merchants m
                ON m.id = p.merchant WHERE t.id = p.transfer AND t.subject = p.id AND t.reason = 'payout'
                AND t.debit = {ACCOUNT} AND t.credit = {paid_out}) AS found FROM payouts p
            UNION ALL SELECT t.subject, 1, (SELECT COUNT(*) FROM payouts p WHERE p.transfer = t.id)
                FROM transfers t WHERE t.credit + 0 = {paid_out}"
        )
        .into(),
    }
}

fn names() -> Probe {
    Probe {
        name: "merchant-names",
        proves: "each merchant is found by its address, and each buyer that a merchant knows, or whose connection it is, exists",
        subject: named::<Merchant>,
        counted: "merchant_urls",
        rows: "SELECT m.id AS subject, m.id AS expected, (SELECT u.merchant FROM merchant_urls u WHERE u.url = m.url) AS found
                FROM merchants m
            UNION ALL SELECT u.merchant, 1, (SELECT COUNT(*) FROM merchants m WHERE m.id = u.merchant AND m.url = u.url)
                FROM merchant_urls u
            UNION ALL SELECT s.merchant, 1, (SELECT COUNT(*) FROM merchants m JOIN accounts a ON a.id = s.account
                WHERE m.id = s.merchant) FROM merchant_subjects s
            UNION ALL SELECT c.merchant, CASE c.state WHEN 'open' THEN 0 ELSE 1 END, (SELECT COUNT(*) FROM merchants m
                JOIN accounts a ON a.id = c.account WHERE m.id = c.merchant) FROM connections c"
            .into(),
    }
}
