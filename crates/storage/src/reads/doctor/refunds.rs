//! Probes of refunds: no more went back than was sold and paid, and everything that says so agrees.

use scrip_domain::ledger::{House, LedgerAccount, Transfer};
use scrip_domain::lot::Lot;
use scrip_domain::order::{Line, Order};
use scrip_domain::refund::Refund;

use super::{Probe, named};

pub fn probes() -> Vec<Probe> {
    let mut probes = Vec::from(refunds());
    probes.extend(orders());
    probes
}

fn refunds() -> [Probe; 4] {
    let ours = r#"NOT EXISTS (SELECT 1 FROM checkouts k WHERE k."order" = r."order")"#;
    let revenue = LedgerAccount::House(House::Revenue).number();
    [
        Probe {
            name: "refund-totals",
            proves: "each refund is the sum of its lines, of what came back to lots, and of its transfer",
            subject: named::<Refund>,
            counted: "refunds",
            rows: format!(
                r#"SELECT r.id AS subject, r.amount AS expected, (SELECT COALESCE(SUM(l.amount), 0) FROM refund_lines l
                    WHERE l."order" = r."order" AND l.refund = r.id) AS found FROM refunds r
                UNION ALL SELECT r.id, r.amount, (SELECT COALESCE(SUM(l.amount), 0) FROM refund_lots l
                    WHERE l."order" = r."order" AND l.refund = r.id) FROM refunds r WHERE {ours}
                UNION ALL SELECT r.id, CASE WHEN r.amount > 0 THEN r.amount END, (SELECT t.amount FROM transfers t
                    JOIN orders o ON o.id = t.subject JOIN accounts a ON a.id = o.account
                    WHERE t.id = r.transfer AND t.reason = 'refund' AND t.subject = r."order"
                        AND t.debit = {revenue} AND t.credit = a.wallet) FROM refunds r WHERE {ours}"#
            )
            .into(),
        },
        Probe {
            name: "refund-transfers",
            proves: "tokens go back only by a refund of the order, or of a merchant's",
            subject: named::<Transfer>,
            counted: "refunds",
            rows: r#"SELECT t.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM refunds r
                    WHERE r."order" = t.subject AND r.transfer = t.id)
                    + (SELECT COUNT(*) FROM request_refunds q WHERE q.request = t.subject AND q.transfer = t.id) AS found
                FROM transfers t WHERE t.reason = 'refund'"#
                .into(),
        },
        Probe {
            name: "refund-lines",
            proves: "no line gives back more units than it sold or more than it cost, and lots get it",
            subject: named::<Line>,
            counted: "refund_lines",
            rows: r#"SELECT f.line AS subject, 0 AS expected, CASE WHEN SUM(f.amount) <= MIN(l.price * l.quantity - COALESCE(l.discount, 0))
                    AND SUM(f.quantity) <= MIN(l.quantity) THEN 0 ELSE 1 END AS found
                FROM refund_lines f LEFT JOIN order_lines l ON l."order" = f."order" AND l.id = f.line GROUP BY f.line
                UNION ALL SELECT f.line, 1, (SELECT COUNT(*) FROM refunds r
                    WHERE r."order" = f."order" AND r.id = f.refund) FROM refund_lines f
                UNION ALL SELECT f.line, f.amount, (SELECT COALESCE(SUM(b.amount), 0) FROM refund_lots b
                    WHERE b."order" = f."order" AND b.refund = f.refund AND b.line = f.line) FROM refund_lines f
                    WHERE NOT EXISTS (SELECT 1 FROM checkouts k WHERE k."order" = f."order")"#
                .into(),
        },
        Probe {
            name: "refund-lots",
            proves: "no lot gets back more than it paid for the line, and what was gone of it has expired",
            subject: named::<Lot>,
            counted: "refund_lots",
            rows: "SELECT f.lot AS subject, 0 AS expected,
                    CASE WHEN SUM(f.amount) <= COALESCE(MIN(p.amount), 0) THEN 0 ELSE 1 END AS found
                FROM refund_lots f LEFT JOIN line_payments p ON p.line = f.line AND p.lot = f.lot
                GROUP BY f.line, f.lot
                UNION ALL SELECT f.lot, 0, CASE WHEN f.expired <= COALESCE(c.amount, 0) THEN 0 ELSE 1 END
                FROM (SELECT lot, SUM(expired) AS expired FROM refund_lots GROUP BY lot) f
                LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM lot_changes WHERE kind = 'expired' GROUP BY lot) c
                    ON c.lot = f.lot"
                .into(),
        },
    ]
}

fn orders() -> [Probe; 2] {
    [
        Probe {
            name: "refund-states",
            proves: "an order says whether a part of it went back, or all",
            subject: named::<Order>,
            counted: "orders",
            rows: r#"SELECT o.id AS subject,
                    CASE o.state WHEN 'refunded' THEN 2 WHEN 'partially_refunded' THEN 1 ELSE 0 END AS expected,
                    CASE WHEN NOT EXISTS (SELECT 1 FROM refunds r WHERE r."order" = o.id) THEN 0
                        WHEN (SELECT SUM(f.quantity) FROM refund_lines f WHERE f."order" = o.id)
                            = (SELECT SUM(l.quantity) FROM order_lines l WHERE l."order" = o.id) THEN 2
                        ELSE 1 END AS found FROM orders o WHERE o.state <> 'refund_pending'"#
                .into(),
        },
        Probe {
            name: "refund-licenses",
            proves: "no more licenses of a line have ended than units went back that end them",
            subject: named::<Line>,
            counted: "order_lines",
            rows: r#"SELECT l.id AS subject, 0 AS expected, CASE WHEN (SELECT COUNT(*) FROM licenses c
                    WHERE c."order" = l."order" AND c.line = l.id AND c.state = 'refunded')
                    <= (SELECT COALESCE(SUM(f.quantity), 0) FROM refund_lines f
                        JOIN refunds r ON r."order" = f."order" AND r.id = f.refund
                        WHERE f."order" = l."order" AND f.line = l.id AND r.licenses = 'revoke')
                    THEN 0 ELSE 1 END AS found FROM order_lines l"#
                .into(),
        },
    ]
}
