//! Probes of a merchant: what the provider has signed is what was delivered, and nothing else was.

use scrip_domain::account::Account;
use scrip_domain::order::Order;

use super::index::sold_once;
use super::{Probe, named};
use crate::index::{PROMISED, TRIAL};

pub fn probes() -> [Probe; 5] {
    let probe = |name, proves, rows: String| Probe {
        name,
        proves,
        subject: named::<Order>,
        counted: "checkouts",
        rows: rows.into(),
    };
    [
        probe(
            "checkout-documents",
            "an order has the signed documents that its state rests on, each on top of those before it; what is owned is not paid for",
            r#"SELECT k."order" AS subject, CASE
                    WHEN o.state IN ('paid', 'refund_pending', 'partially_refunded', 'refunded') THEN 3
                    WHEN o.state = 'captured' THEN 2 WHEN o.state = 'authorized' THEN 1
                    WHEN o.state IN ('open', 'claimed') THEN 0 END AS expected,
                CASE WHEN k.fulfilment IS NOT NULL AND k.receipt IS NOT NULL AND k.confirmation IS NOT NULL THEN 3
                    WHEN k.fulfilment IS NOT NULL THEN -1
                    WHEN k.receipt IS NOT NULL AND k.confirmation IS NOT NULL THEN 2
                    WHEN k.receipt IS NOT NULL THEN -1
                    WHEN k.confirmation IS NOT NULL THEN 1 ELSE 0 END AS found
            FROM checkouts k JOIN orders o ON o.id = k."order"
            WHERE o.state NOT IN ('declined', 'cancelled', 'expired')
            UNION ALL SELECT k."order", 0, CASE WHEN k.receipt IS NOT NULL OR k.fulfilment IS NOT NULL THEN 1 ELSE 0 END
            FROM checkouts k JOIN orders o ON o.id = k."order" WHERE o.state IN ('declined', 'cancelled', 'expired')
            UNION ALL SELECT k."order", 1, CASE WHEN o.state IN ('authorized', 'declined') THEN 1 ELSE 0 END
            FROM checkouts k JOIN orders o ON o.id = k."order" WHERE k.reason IN ('already_owned', 'trial_used')
            UNION ALL SELECT k."order", k."order", (SELECT o.id FROM orders o WHERE o.id = k."order") FROM checkouts k"#.into(),
        ),
        probe(
            "checkout-licenses",
            "codes are withheld from the capture to the provider's last word, and what was given back before ends",
            r#"SELECT k."order" AS subject, 0 AS expected, (SELECT COUNT(*) FROM licenses c WHERE c."order" = k."order"
                    AND CASE WHEN o.state = 'captured' THEN c.state <> 'withheld'
                        WHEN o.paid_at IS NULL THEN c.state <> 'refunded'
                        ELSE c.state = 'withheld' END) AS found
            FROM checkouts k JOIN orders o ON o.id = k."order"
            UNION ALL SELECT c."order", 1, (SELECT COUNT(*) FROM checkouts k WHERE k."order" = c."order")
            FROM licenses c WHERE c.state = 'withheld'"#.into(),
        ),
        probe(
            "checkout-orders",
            "an order that is confirmed at a provider is its buyer's, and one that is paid says when",
            r#"SELECT k."order" AS subject, 2 AS expected,
                CASE WHEN (k.confirmation IS NULL OR k.subject IS NULL) OR (o.account IS NOT NULL AND o.account =
                    (SELECT i.account FROM identities i WHERE i.issuer = k.provider AND i.subject = k.subject))
                    THEN 1 ELSE 0 END
                + CASE WHEN o.state NOT IN ('paid', 'refund_pending', 'partially_refunded') OR o.paid_at IS NOT NULL
                    THEN 1 ELSE 0 END AS found
            FROM checkouts k JOIN orders o ON o.id = k."order"
            UNION ALL SELECT o.id, 1, (SELECT COUNT(*) FROM checkouts k WHERE k."order" = o.id) FROM orders o
            WHERE o.state IN ('open', 'claimed', 'authorized', 'captured', 'refund_pending', 'expired')"#.into(),
        ),
        probe(
            "checkout-promises",
            "what is not sold twice is promised from when its tokens are held until its code is out, and no longer",
            promises(),
        ),
        Probe {
            name: "identities",
            proves: "each buyer of a provider is an account here, and no two are the same",
            subject: named::<Account>,
            counted: "identities",
            rows: "SELECT i.account AS subject, i.account AS expected,
                    (SELECT a.id FROM accounts a WHERE a.id = i.account) AS found FROM identities i
                UNION ALL SELECT account, 1, COUNT(*) FROM identities GROUP BY account"
                .into(),
        },
    ]
}

/// Both directions: an entry for each line that is promised, and a promised line for each entry.
fn promises() -> String {
    let [perpetual, trial] = sold_once();
    let promised = format!(
        r#"SELECT o.id AS "order", o.account, l.product, l.id AS line,
            CASE WHEN l.terms = '{perpetual}' THEN 0 ELSE {TRIAL} END AS note
        FROM checkouts k JOIN orders o ON o.id = k."order" JOIN order_lines l ON l."order" = o.id
        WHERE o.state IN ('authorized', 'captured') AND k.reason IS NULL
            AND (l.terms = '{perpetual}' OR l.terms LIKE '{trial},%')"#
    );
    format!(
        r#"SELECT p."order" AS subject, 1 AS expected, (SELECT COUNT(*) FROM by_account b
            WHERE b.account = p.account AND b.kind = {PROMISED} AND b.key = p.product AND b.target = p.line
                AND b.note = p.note) AS found FROM ({promised}) p
        UNION ALL SELECT COALESCE((SELECT l."order" FROM order_lines l WHERE l.id = b.target), b.target), 1,
            (SELECT COUNT(*) FROM ({promised}) p WHERE p.line = b.target AND p.account = b.account)
        FROM by_account b WHERE b.kind = {PROMISED}"#
    )
}
