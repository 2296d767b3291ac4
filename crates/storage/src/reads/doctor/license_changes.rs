//! Probes of licenses that change: what was added to them was bought, and each later code and reminder has its license.

use scrip_domain::license::License;
use scrip_domain::order::{Line, Order};

use super::orders::paid;
use super::{Probe, named};

pub fn probes() -> Vec<Probe> {
    vec![extensions(), added(), ends(), reissues(), reminders(), bundles()]
}

fn extensions() -> Probe {
    let paid = paid();
    Probe {
        name: "extensions",
        proves: "each paid line that extends has added to a license of its buyer and product, and nothing else has",
        subject: named::<Line>,
        counted: "extensions",
        rows: format!(
            r#"SELECT l.id AS subject, CASE WHEN o.state IN ({paid}) THEN l.extends END AS expected,
                (SELECT e.license FROM extensions e JOIN licenses c ON c.id = e.license
                    WHERE e.line = l.id AND c.account = o.account AND c.product = l.product) AS found
            FROM order_lines l JOIN orders o ON o.id = l."order" WHERE l.extends IS NOT NULL
            UNION ALL SELECT e.line, e.license, (SELECT l.extends FROM order_lines l JOIN orders o ON o.id = l."order"
                WHERE l.id = e.line AND o.state IN ({paid})) FROM extensions e"#
        )
        .into(),
    }
}

fn added() -> Probe {
    Probe {
        name: "license-added",
        proves: "what a license has besides its terms is what its extensions have added, less what was refunded",
        subject: named::<License>,
        counted: "usages",
        rows: r#"SELECT c.id AS subject,
                CASE WHEN c.terms LIKE '{"kind":"rental",%' AND c.expires_at IS NOT NULL THEN 0
                    ELSE (SELECT COALESCE(SUM(e.amount), 0) FROM extensions e
                        WHERE e.license = c.id AND e.refunded_at IS NULL) END AS found,
                COALESCE((SELECT u.added FROM usages u WHERE u.license = c.id), 0) AS expected
            FROM (SELECT license FROM usages UNION SELECT license FROM extensions) x
            LEFT JOIN licenses c ON c.id = x.license"#
            .into(),
    }
}

/// Whether units of an extension of `license` went back: then what was told of it before is more than there is now.
pub(super) fn touched(license: &str) -> String {
    format!(
        r#"EXISTS (SELECT 1 FROM extensions e JOIN order_lines l ON l.id = e.line
        JOIN refund_lines f ON f."order" = l."order" AND f.line = l.id
        JOIN refunds r ON r."order" = f."order" AND r.id = f.refund
        WHERE e.license = {license} AND f.quantity > 0 AND r.licenses = 'revoke')"#
    )
}

/// Refunds of a part move the end as well: of what they touched only the furthest end is known.
fn ends() -> Probe {
    let touched = touched("c.id");
    Probe {
        name: "license-ends",
        proves: "a license ends when its last extension said, no later, and only if its terms do",
        subject: named::<License>,
        counted: "licenses",
        rows: format!(
            r#"SELECT c.id AS subject, CASE WHEN {touched} THEN c.expires_at ELSE x.told END AS expected,
                CASE WHEN {touched} AND c.expires_at > x.told THEN NULL ELSE c.expires_at END AS found
            FROM (SELECT license, MAX(expires_at) AS told FROM extensions WHERE expires_at IS NOT NULL GROUP BY license) x
            JOIN licenses c ON c.id = x.license
            UNION ALL SELECT c.id,
                CASE WHEN c.terms LIKE '%"from":"purchase"%' OR c.terms LIKE '{{"kind":"trial",%' THEN 1 ELSE 0 END,
                CASE WHEN c.expires_at IS NOT NULL THEN 1 ELSE 0 END
            FROM licenses c WHERE c.terms NOT LIKE '%"from":"first_activation"%'"#
        )
        .into(),
    }
}

fn reissues() -> Probe {
    Probe {
        name: "reissues",
        proves: "each issue of a code after the first is on record, and no other",
        subject: named::<License>,
        counted: "reissues",
        rows: "SELECT c.id AS subject, c.issue AS expected, 1 + (SELECT COUNT(*) FROM reissues r
                WHERE r.license = c.id AND r.issue BETWEEN 2 AND c.issue) AS found FROM licenses c WHERE c.issue > 1
            UNION ALL SELECT r.license, 1, (SELECT COUNT(*) FROM licenses c WHERE c.id = r.license AND c.issue >= r.issue)
            FROM reissues r"
            .into(),
    }
}

fn reminders() -> Probe {
    Probe {
        name: "reminders",
        proves: "who is reminded has a license that ends, a week or a day later",
        subject: named::<License>,
        counted: "reminders",
        rows: "SELECT r.license AS subject, 1 AS expected, (SELECT COUNT(*) FROM licenses c
                WHERE c.id = r.license AND c.state IN ('valid', 'suspended')
                AND c.expires_at - r.due_at IN (604800000, 86400000)) AS found FROM reminders r"
            .into(),
    }
}

fn bundles() -> Probe {
    Probe {
        name: "bundle-lines",
        proves: "an order has all lines of a bundle, each as often as the others, and nothing else of it",
        subject: named::<Order>,
        counted: "bundle_items",
        rows: r#"SELECT l."order" AS subject, COUNT(*) AS expected,
                (SELECT COUNT(*) FROM bundle_items i WHERE i.bundle = l.bundle)
                    * SUM(CASE WHEN i.place = 0 THEN 1 ELSE 0 END) AS found
            FROM order_lines l LEFT JOIN bundle_items i ON i.bundle = l.bundle AND i.item = l.offer
            WHERE l.bundle IS NOT NULL GROUP BY l."order", l.bundle
            UNION ALL SELECT l."order", COUNT(*), COUNT(i.item)
            FROM order_lines l LEFT JOIN bundle_items i ON i.bundle = l.bundle AND i.item = l.offer
            WHERE l.bundle IS NOT NULL GROUP BY l."order", l.bundle, l.offer"#
            .into(),
    }
}
