//! Probes of purchase requests: what is held, captured and given back is what was signed and told.

use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::purchase_request::{PurchaseRequest, RequestRefund};

use super::{Probe, named};

pub fn probes() -> Vec<Probe> {
    let mut probes = vec![states(), holds(), transfers(), due()];
    probes.extend(refunds());
    probes
}

/// Whether a request `r` was captured.
const CAPTURED: &str = "r.state IN ('captured', 'fulfilled', 'partially_refunded', 'refunded')";

fn states() -> Probe {
    Probe {
        name: "request-states",
        proves: "a purchase request has the documents, times and buyer of its state: none is captured without a receipt, \
            none fulfilled without the provider's word",
        subject: named::<PurchaseRequest>,
        counted: "purchase_requests",
        rows: "SELECT r.id AS subject, 1 AS expected, CASE WHEN CASE
                WHEN r.state = 'open' THEN r.account IS NULL AND r.confirmation IS NULL AND r.receipt IS NULL
                WHEN r.state = 'claimed' THEN r.account IS NOT NULL AND r.confirmation IS NULL AND r.receipt IS NULL
                WHEN r.state = 'authorized' THEN r.account IS NOT NULL AND r.confirmation IS NOT NULL
                    AND r.hold_until IS NOT NULL AND r.receipt IS NULL
                WHEN r.state = 'voided' THEN r.account IS NOT NULL AND r.confirmation IS NOT NULL AND r.receipt IS NULL
                WHEN r.state IN ('declined', 'expired') THEN r.confirmation IS NOT NULL AND r.hold IS NULL
                    AND r.receipt IS NULL
                WHEN r.state = 'cancelled' THEN r.hold IS NULL AND r.receipt IS NULL
                WHEN r.state = 'captured' THEN r.receipt IS NOT NULL AND r.captured_at IS NOT NULL
                    AND r.fulfil_until IS NOT NULL AND r.refund_until IS NOT NULL AND r.fulfilment IS NULL
                    AND r.fulfilled_at IS NULL AND r.refunded = 0
                WHEN r.state = 'fulfilled' THEN r.receipt IS NOT NULL AND r.captured_at IS NOT NULL
                    AND r.fulfilment IS NOT NULL AND r.fulfilled_at IS NOT NULL AND r.refunded = 0
                WHEN r.state = 'partially_refunded' THEN r.receipt IS NOT NULL AND r.captured_at IS NOT NULL
                    AND (r.fulfilment IS NULL) = (r.fulfilled_at IS NULL) AND r.refunded < r.amount
                WHEN r.state = 'refunded' THEN r.receipt IS NOT NULL AND r.captured_at IS NOT NULL
                    AND r.refunded = r.amount
                ELSE FALSE END THEN 1 ELSE 0 END AS found FROM purchase_requests r"
            .into(),
    }
}

fn holds() -> Probe {
    Probe {
        name: "request-holds",
        proves: "what a buyer has confirmed is held of their own wallet, whole, until it is captured or free again; a hold that a restore forgot is over",
        subject: named::<PurchaseRequest>,
        counted: "purchase_requests",
        rows: "SELECT r.id AS subject, r.amount AS expected, CASE WHEN r.hold IS NULL AND (r.amount = 0 OR r.state = 'voided') THEN r.amount
                ELSE (SELECT h.amount FROM holds h JOIN accounts a ON a.id = r.account AND a.wallet = h.wallet
                    WHERE h.id = r.hold AND h.subject = r.id AND CASE r.state WHEN 'authorized' THEN h.state = 'open'
                        WHEN 'voided' THEN h.state IN ('voided', 'expired') ELSE h.state = 'posted' END) END AS found
            FROM purchase_requests r WHERE r.state IN ('authorized', 'voided', 'captured', 'fulfilled',
                'partially_refunded', 'refunded')
            UNION ALL SELECT h.subject, 1, (SELECT COUNT(*) FROM purchase_requests r WHERE r.hold = h.id AND r.id = h.subject)
                FROM holds h WHERE h.reason = 'hold'"
            .into(),
    }
}

fn transfers() -> Probe {
    let fees = LedgerAccount::House(House::Fees).number();
    let sum = |reason: &str, more: &str| {
        format!(
            "(SELECT COALESCE(SUM(t.amount), 0) FROM merchant_transfers l JOIN transfers t ON t.id = l.transfer
                WHERE l.merchant = r.merchant AND t.subject = r.id AND t.reason = '{reason}'{more})"
        )
    };
    let (capture, refund) = (sum("capture", ""), sum("refund", ""));
    let fee = sum("fee", &format!(" AND t.credit = {fees}"));
    Probe {
        name: "request-transfers",
        proves: "a merchant got what was captured, once, and gave the fee and what went back",
        subject: named::<PurchaseRequest>,
        counted: "purchase_requests",
        rows: format!(
            "SELECT r.id AS subject, CASE WHEN {CAPTURED} THEN r.amount ELSE 0 END AS expected, {capture} AS found
                FROM purchase_requests r
            UNION ALL SELECT r.id, r.fee, {fee} FROM purchase_requests r
            UNION ALL SELECT r.id, r.refunded, {refund} FROM purchase_requests r"
        )
        .into(),
    }
}

fn due() -> Probe {
    Probe {
        name: "request-due",
        proves: "each purchase request says when the clock next changes something, and notices are about requests",
        subject: named::<PurchaseRequest>,
        counted: "purchase_requests",
        rows: "SELECT r.id AS subject, CASE WHEN r.state IN ('open', 'claimed') THEN r.pay_until
                WHEN r.state = 'authorized' THEN r.hold_until
                WHEN r.state IN ('captured', 'partially_refunded') AND r.fulfilled_at IS NULL THEN r.fulfil_until
                END AS expected, r.due_at AS found FROM purchase_requests r
            UNION ALL SELECT n.request, 1, (SELECT COUNT(*) FROM purchase_requests r WHERE r.id = n.request) FROM notices n"
            .into(),
    }
}

fn refunds() -> [Probe; 2] {
    [
        Probe {
            name: "request-refunds",
            proves: "what went back of a purchase request is the sum of its refunds, each signed, and no more than was captured",
            subject: named::<PurchaseRequest>,
            counted: "request_refunds",
            rows: format!(
                "SELECT r.id AS subject, r.refunded AS expected, (SELECT COALESCE(SUM(q.amount), 0) FROM request_refunds q
                    WHERE q.request = r.id AND q.document <> '') AS found FROM purchase_requests r
                UNION ALL SELECT r.id, 1, CASE WHEN r.refunded = 0 OR ({CAPTURED} AND r.refunded <= r.amount) THEN 1 ELSE 0 END
                    FROM purchase_requests r"
            )
            .into(),
        },
        Probe {
            name: "request-refund-lots",
            proves: "each refund came back to lots that were held for the request, and to none more than it gave",
            subject: named::<RequestRefund>,
            counted: "request_refund_lots",
            rows: "SELECT q.id AS subject, q.amount AS expected, (SELECT COALESCE(SUM(l.amount), 0) FROM request_refund_lots l
                    WHERE l.request = q.request AND l.refund = q.id) AS found FROM request_refunds q
                UNION ALL SELECT MIN(l.refund), 0, CASE WHEN SUM(l.amount) <= COALESCE(MIN(p.amount), 0) THEN 0 ELSE 1 END
                    FROM request_refund_lots l LEFT JOIN purchase_requests r ON r.id = l.request
                    LEFT JOIN hold_lots p ON p.hold = r.hold AND p.lot = l.lot GROUP BY l.request, l.lot"
                .into(),
        },
    ]
}
