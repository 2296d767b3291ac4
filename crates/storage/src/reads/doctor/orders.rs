//! Probes of orders: what was paid is what was asked, and is what was delivered.

use scrip_domain::account::Account;
use scrip_domain::ledger::Transfer;
use scrip_domain::license::License;
use scrip_domain::order::{Line, Order, OrderState};

use super::{Probe, all_books, named};
use crate::index::{ORDERS, TRANSFERS};
use crate::reads::among;

pub fn probes() -> Vec<Probe> {
    let mut probes = Vec::from(orders());
    probes.extend(payments());
    probes.extend(deliveries());
    probes
}

/// The states of an order that was paid, as a list in SQL.
pub(super) fn paid() -> String {
    words(OrderState::is_paid)
}

/// Of an order `o`: it is paid from a wallet here, and not at a provider.
pub(super) const OURS: &str = r#"NOT EXISTS (SELECT 1 FROM checkouts k WHERE k."order" = o.id)"#;

fn words(chosen: impl Fn(OrderState) -> bool) -> String {
    let chosen = OrderState::ALL.iter().filter(|state| chosen(**state));
    chosen.map(|state| format!("'{state}'")).collect::<Vec<_>>().join(", ")
}

fn orders() -> [Probe; 4] {
    let (paid, stored) = (
        paid(),
        words(|state| {
            state != OrderState::Expired
                && state != OrderState::RefundPending
                && !state.is_at_provider()
        }),
    );
    let (listed, moved) = (among(&ORDERS), among(&TRANSFERS));
    [
        Probe {
            name: "order-states",
            proves: "paid orders, and no others, say when they were paid and what was left",
            subject: named::<Order>,
            counted: "orders",
            rows: format!(
                "SELECT o.id AS subject, CASE WHEN o.state IN ({paid}) THEN 3 WHEN o.state IN ({stored}) THEN 1 END AS expected,
                    CASE WHEN o.paid_at IS NOT NULL THEN 1 ELSE 0 END
                    + CASE WHEN o.balance_after IS NOT NULL THEN 1 ELSE 0 END
                    + CASE WHEN o.account IS NOT NULL OR o.state IN ('draft', 'cancelled') THEN 1 ELSE 0 END AS found
                FROM orders o WHERE {OURS}"
            )
            .into(),
        },
        Probe {
            name: "order-totals",
            proves: "each order's total is the sum of its lines, less what a coupon takes off",
            subject: named::<Order>,
            counted: "orders",
            rows: r#"SELECT o.id AS subject, o.total AS expected, (SELECT SUM(l.price * l.quantity - COALESCE(l.discount, 0))
                    FROM order_lines l WHERE l."order" = o.id) AS found FROM orders o"#
                .into(),
        },
        Probe {
            name: "order-transfers",
            proves: "tokens are taken only for a paid order, from its buyer and in its total",
            subject: named::<Transfer>,
            counted: "transfers",
            rows: format!(
                "SELECT t.id AS subject, t.amount AS expected,
                    CASE WHEN o.state IN ({paid}) AND o.account = w.account THEN o.total END AS found
                FROM transfers t LEFT JOIN orders o ON o.id = t.subject LEFT JOIN wallets w ON w.id = t.debit
                WHERE t.reason = 'purchase'"
            )
            .into(),
        },
        Probe {
            name: "orders-charged",
            proves: "each paid order that costs something was charged once, the others never",
            subject: named::<Account>,
            counted: "orders",
            rows: format!(
                "SELECT a.id AS subject, (SELECT COUNT(*) FROM by_account b JOIN orders o ON o.id = b.target
                    WHERE b.account = a.id AND b.kind {listed} AND o.state IN ({paid}) AND o.total > 0 AND {OURS}) AS expected,
                (SELECT CASE WHEN COUNT(*) = COUNT(DISTINCT t.subject) THEN COUNT(*) ELSE -1 END
                    FROM by_account b JOIN transfers t ON t.id = b.target
                    WHERE b.account = a.id AND b.kind {moved} AND t.reason = 'purchase') AS found
                FROM accounts a"
            )
            .into(),
        },
    ]
}

fn payments() -> [Probe; 3] {
    let paid = paid();
    [
        Probe {
            name: "line-payments",
            proves: "lots paid for each line of a paid order what it costs, and for no other line",
            subject: named::<Line>,
            counted: "order_lines",
            rows: format!(
                r#"SELECT l.id AS subject,
                    CASE WHEN o.state IN ({paid}) THEN l.price * l.quantity - COALESCE(l.discount, 0) WHEN o.id IS NOT NULL THEN 0 END AS expected,
                    (SELECT COALESCE(SUM(p.amount), 0) FROM line_payments p WHERE p.line = l.id) AS found
                FROM order_lines l LEFT JOIN orders o ON o.id = l."order" WHERE {OURS}"#
            )
            .into(),
        },
        Probe {
            name: "payment-lots",
            proves: "what paid a line came from lots of its buyer's wallet",
            subject: named::<Line>,
            counted: "line_payments",
            rows: r#"SELECT l.id AS subject,
                    (SELECT COALESCE(SUM(p.amount), 0) FROM line_payments p WHERE p.line = l.id) AS expected,
                    (SELECT COALESCE(SUM(p.amount), 0) FROM line_payments p
                        JOIN lots t ON t.wallet = a.wallet AND t.id = p.lot AND t.kind = p.kind
                        WHERE p.line = l.id) AS found
                FROM order_lines l JOIN orders o ON o.id = l."order" JOIN accounts a ON a.id = o.account"#
                .into(),
        },
        Probe {
            name: "payments-total",
            proves: "lots gave no more than paid orders cost",
            subject: all_books,
            counted: "line_payments",
            rows: format!(
                "SELECT 0 AS subject, (SELECT COALESCE(SUM(o.total), 0) FROM orders o WHERE o.state IN ({paid}) AND {OURS}) AS expected,
                    (SELECT COALESCE(SUM(amount), 0) FROM line_payments) AS found"
            )
            .into(),
        },
    ]
}

fn deliveries() -> [Probe; 3] {
    let (paid, delivered) =
        (paid(), words(|state| state.is_paid() || state == OrderState::Captured));
    [
        Probe {
            name: "licenses",
            proves: "each unit of a paid line has one license, of its buyer, product and offer; other lines, and those that extend one, have none",
            subject: named::<Line>,
            counted: "order_lines",
            rows: format!(
                r#"SELECT l.id AS subject,
                    CASE WHEN o.state IN ({delivered}) AND l.extends IS NULL THEN l.quantity ELSE 0 END AS expected,
                    (SELECT COUNT(*) FROM licenses c WHERE c."order" = l."order" AND c.line = l.id
                        AND c.account = o.account AND c.product = l.product AND c.offer = l.offer) AS found
                FROM order_lines l JOIN orders o ON o.id = l."order""#
            )
            .into(),
        },
        Probe {
            name: "license-lines",
            proves: "each license was bought: its line exists and sold what it is for",
            subject: named::<License>,
            counted: "licenses",
            rows: format!(
                r#"SELECT c.id AS subject, c.product AS expected, (SELECT l.product FROM order_lines l
                    JOIN orders o ON o.id = l."order" WHERE l."order" = c."order" AND l.id = c.line
                    AND o.account = c.account AND o.state IN ({delivered})) AS found FROM licenses c"#
            )
            .into(),
        },
        Probe {
            name: "receipts",
            proves: "receipts are numbered without gaps, for paid orders only",
            subject: named::<Order>,
            counted: "receipts",
            rows: format!(
                r#"SELECT 0 AS subject, COALESCE(MAX(number), 0) AS expected, COUNT(*) AS found FROM receipts
                UNION ALL SELECT r."order", 1, CASE WHEN r.number >= 1 AND EXISTS
                    (SELECT 1 FROM orders o WHERE o.id = r."order" AND o.state IN ({paid})) THEN 1 ELSE 0 END
                FROM receipts r"#
            )
            .into(),
        },
    ]
}
