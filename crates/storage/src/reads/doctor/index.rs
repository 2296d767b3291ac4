//! Probes of the index by account: everything is listed, and everything listed exists.

use scrip_domain::account::Account;
use scrip_domain::event::EventType;
use scrip_license::Terms;

use super::{Probe, named};
use crate::index::{EVENTS, EXCHANGE, LICENSED, ORDERS, OWNED, REQUEST, TOP_UP, TRANSFERS, TRIAL};
use crate::reads::among;

/// Of a transfer `t`, the wallet that takes part in it. The vendor's own accounts have numbers that
/// no wallet can have; a held account is its wallet's number negated, an owed one has 2^62 added. From -2^62 down
/// there are merchants.
const WALLET: &str = "(CASE WHEN ABS(t.debit) >= 100 AND t.debit > -4611686018427387904 THEN ABS(t.debit) ELSE ABS(t.credit) END) % 4611686018427387904";

pub fn probes() -> [Probe; 7] {
    let probe = |name, proves, counted, rows: String| Probe {
        name,
        proves,
        subject: named::<Account>,
        counted,
        rows: rows.into(),
    };
    [
        probe(
            "index-orders",
            "each order is listed with its buyer, and each listed order exists",
            "orders",
            by_id("orders", "r.account IS NOT NULL", &ORDERS),
        ),
        probe(
            "index-top-ups",
            "each top-up is listed with its account, and each listed top-up exists",
            "top_ups",
            by_id("top_ups", "TRUE", &[TOP_UP]),
        ),
        probe(
            "index-events",
            "each event is listed with its account, but for those of licenses that were issued, and each listed event exists",
            "events",
            by_id("events", &format!("r.kind <> '{}'", EventType::LicenseIssued), &EVENTS),
        ),
        probe(
            "index-exchanges",
            "each exchange is listed with its account, and each listed exchange exists",
            "exchanges",
            by_id("exchanges", "TRUE", &[EXCHANGE]),
        ),
        probe(
            "index-transfers",
            "each transfer is on the statement of its wallet's account, and each statement line exists",
            "transfers",
            transfers(),
        ),
        probe(
            "index-licenses",
            "each license is listed with its owner and product, and each listed license exists",
            "licenses",
            licenses(),
        ),
        probe(
            "index-requests",
            // An order at a merchant becomes the property of whoever confirms it; who selected it keeps their key.
            "each idempotency key names an order, top-up, repayment, exchange, refund, request for one, confirmed offer, license, or grant of its account",
            "by_account",
            format!(
                r#"SELECT b.account AS subject, b.account AS expected,
                    COALESCE((SELECT CASE WHEN EXISTS
                            (SELECT 1 FROM checkouts c WHERE c."order" = o.id AND c.confirmation IS NOT NULL)
                            THEN b.account ELSE o.account END FROM orders o WHERE o.id = b.target),
                        (SELECT u.account FROM top_ups u WHERE u.id = b.target),
                        (SELECT p.account FROM repayments p WHERE p.id = b.target),
                        (SELECT q.account FROM purchase_requests q WHERE q.id = b.target),
                        (SELECT x.account FROM exchanges x WHERE x.id = b.target),
                        (SELECT o.account FROM refunds r JOIN orders o ON o.id = r."order" WHERE r.id = b.target),
                        (SELECT c.account FROM licenses c WHERE c.id = b.target),
                        (SELECT q.account FROM refund_requests q WHERE q.id = b.target),
                        (SELECT u.account FROM reversals r JOIN top_ups u ON u.id = r.top_up WHERE r.id = b.target),
                        (SELECT w.account FROM transfers t JOIN wallets w ON w.id = t.credit
                            WHERE t.id = b.target AND t.reason = 'grant')) AS found
                FROM by_account b WHERE b.kind = {REQUEST}"#
            ),
        ),
    ]
}

/// Both directions for a table of whose rows `r` these are listed, under their own id.
fn by_id(table: &str, these: &str, kinds: &[u8]) -> String {
    let kinds = among(kinds);
    format!(
        "SELECT r.account AS subject, 1 AS expected, (SELECT COUNT(*) FROM by_account b
            WHERE b.account = r.account AND b.kind {kinds} AND b.key = r.id AND b.target = r.id) AS found
        FROM {table} r WHERE {these}
        UNION ALL SELECT b.account, b.key,
            (SELECT r.id FROM {table} r WHERE r.id = b.target AND r.account = b.account AND {these})
        FROM by_account b WHERE b.kind {kinds}"
    )
}

fn transfers() -> String {
    let kinds = among(&TRANSFERS);
    format!(
        "SELECT t.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM wallets w
            JOIN by_account b ON b.account = w.account AND b.kind {kinds} AND b.key = t.id AND b.target = t.id
            WHERE w.id = {WALLET}) AS found FROM transfers t
            WHERE t.debit > -4611686018427387904 OR ABS(t.credit) >= 100
        UNION ALL SELECT b.account, b.account, (SELECT w.account FROM transfers t JOIN wallets w ON w.id = {WALLET}
            WHERE t.id = b.target AND t.id = b.key) FROM by_account b WHERE b.kind {kinds}"
    )
}

/// A license is listed by its product; the kind tells whether it is perpetual and in force, or a trial that was had.
fn licenses() -> String {
    let [perpetual, trial] = sold_once();
    format!(
        "SELECT c.account AS subject,
            CASE WHEN c.state IN ('valid', 'suspended') AND c.terms = '{perpetual}' THEN {OWNED}
                WHEN c.state <> 'withheld' AND c.terms LIKE '{trial},%' THEN {OWNED} + 100 * {TRIAL}
                ELSE {LICENSED} END AS expected,
            (SELECT SUM(b.kind + 100 * b.note) FROM by_account b WHERE b.account = c.account
                AND b.kind IN ({OWNED}, {LICENSED}) AND b.key = c.product AND b.target = c.id) AS found
        FROM licenses c
        UNION ALL SELECT b.account, b.target, (SELECT c.id FROM licenses c
            WHERE c.id = b.target AND c.account = b.account AND c.product = b.key)
        FROM by_account b WHERE b.kind IN ({OWNED}, {LICENSED})"
    )
}

/// Terms of what is not sold twice, as they are kept: those for good, and how those of a trial begin, before a comma.
pub(super) fn sold_once() -> [String; 2] {
    [Terms::Perpetual, Terms::Trial { seconds: 0 }].map(|terms| {
        let kept = serde_json::to_string(&terms).unwrap_or_default();
        kept.split(',').next().unwrap_or_default().to_owned()
    })
}
