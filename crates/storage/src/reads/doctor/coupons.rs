//! Probes of coupons: each use is an order that was paid with it, and took off what the coupon says.

use scrip_domain::coupon::Coupon;
use scrip_domain::order::{Line, Order};

use super::{Probe, named, orders};
use crate::index::COUPON;

pub fn probes() -> [Probe; 4] {
    let paid = orders::paid();
    [
        Probe {
            name: "coupon-uses",
            proves: "each coupon counts the orders that were paid with it, no more than it allows, all or by account",
            subject: named::<Coupon>,
            counted: "coupons",
            rows: format!(
                "SELECT c.id AS subject, c.uses AS expected, (SELECT COUNT(*) FROM orders o
                    WHERE o.coupon_id = c.id AND o.coupon_code = c.code AND o.state IN ({paid})) AS found FROM coupons c
                UNION ALL SELECT c.id, 0, CASE WHEN c.uses > c.max_uses THEN 1 ELSE 0 END FROM coupons c
                UNION ALL SELECT c.id, 0, CASE WHEN (SELECT MAX(u.uses) FROM (SELECT COUNT(*) AS uses FROM orders o
                    WHERE o.coupon_id = c.id AND o.state IN ({paid}) GROUP BY o.account) u) > c.max_uses_per_account
                    THEN 1 ELSE 0 END FROM coupons c"
            )
            .into(),
        },
        Probe {
            name: "coupon-orders",
            proves: "each order that was paid with a coupon is listed with it, and nothing else is",
            subject: named::<Order>,
            counted: "orders",
            rows: format!(
                "SELECT o.id AS subject, CASE WHEN o.state IN ({paid}) THEN 1 ELSE 0 END AS expected,
                    (SELECT COUNT(*) FROM by_account b WHERE b.account = o.account AND b.kind = {COUPON}
                        AND b.key = o.coupon_id AND b.target = o.id) AS found
                    FROM orders o WHERE o.coupon_id IS NOT NULL
                UNION ALL SELECT o.id, 1, (SELECT COUNT(*) FROM coupons c WHERE c.id = o.coupon_id)
                    FROM orders o WHERE o.coupon_id IS NOT NULL
                UNION ALL SELECT b.target, b.key, (SELECT o.coupon_id FROM orders o
                    WHERE o.id = b.target AND o.account = b.account) FROM by_account b WHERE b.kind = {COUPON}"
            )
            .into(),
        },
        Probe {
            name: "coupon-discounts",
            proves: "each order's coupon took off what it says: of each line, or of all together",
            subject: named::<Order>,
            counted: "orders",
            rows: r#"SELECT o.id AS subject, CASE WHEN c.discount_percent IS NOT NULL THEN (SELECT
                    SUM(l.price * l.quantity * c.discount_percent / 100) FROM order_lines l
                    WHERE l."order" = o.id AND l.discount IS NOT NULL)
                    ELSE (SELECT CASE WHEN SUM(l.price * l.quantity) < c.discount_amount
                        THEN SUM(l.price * l.quantity) ELSE c.discount_amount END FROM order_lines l
                        WHERE l."order" = o.id AND l.discount IS NOT NULL) END AS expected,
                    (SELECT SUM(l.discount) FROM order_lines l WHERE l."order" = o.id) AS found
                    FROM orders o JOIN coupons c ON c.id = o.coupon_id"#
                .into(),
        },
        Probe {
            name: "line-discounts",
            proves: "something comes off a line only by a coupon, and never more than it costs",
            subject: named::<Line>,
            counted: "order_lines",
            rows: r#"SELECT l.id AS subject, 0 AS expected, CASE WHEN o.coupon_id IS NOT NULL
                    AND l.discount BETWEEN 0 AND l.price * l.quantity THEN 0 ELSE 1 END AS found
                FROM order_lines l LEFT JOIN orders o ON o.id = l."order" WHERE l.discount IS NOT NULL"#
                .into(),
        },
    ]
}
