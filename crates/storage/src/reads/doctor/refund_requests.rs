//! Probes of what buyers ask back: what was accepted went back, and what is open has something left.

use scrip_domain::refund_request::RefundRequest;

use super::{Probe, named};

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "refund-requests",
            proves: "each request for a refund is of its own order's line and buyer, one of a line is open at a time, and what \
                     was accepted names a refund of that line, which accepts no other",
            subject: named::<RefundRequest>,
            counted: "refund_requests",
            rows: r#"SELECT q.id AS subject, q.account AS expected, (SELECT o.account FROM orders o
                    JOIN order_lines l ON l."order" = o.id AND l.id = q.line WHERE o.id = q."order") AS found
                    FROM refund_requests q
                UNION ALL SELECT q.id, CASE q.state WHEN 'accepted' THEN q.refund END, (SELECT f.refund FROM refund_lines f
                    WHERE f."order" = q."order" AND f.refund = q.refund AND f.line = q.line) FROM refund_requests q
                UNION ALL SELECT MIN(q.id), 1, COUNT(*) FROM refund_requests q WHERE q.state = 'open' GROUP BY q.line
                UNION ALL SELECT MIN(q.id), 1, COUNT(*) FROM refund_requests q WHERE q.state = 'accepted' GROUP BY q.line"#
                .into(),
        },
        Probe {
            name: "refund-requests-open",
            proves: "a request for a refund is open for as long as something of its line is left, and not decided",
            subject: named::<RefundRequest>,
            counted: "refund_requests",
            rows: r#"SELECT q.id AS subject, 1 AS expected, CASE WHEN l.quantity > (SELECT COALESCE(SUM(f.quantity), 0)
                    FROM refund_lines f WHERE f."order" = q."order" AND f.line = q.line) THEN 1 ELSE 0 END AS found
                FROM refund_requests q LEFT JOIN order_lines l ON l."order" = q."order" AND l.id = q.line
                    WHERE q.state = 'open'
                UNION ALL SELECT q.id, CASE q.state WHEN 'open' THEN 0 ELSE 1 END,
                    CASE WHEN q.decided_at IS NULL THEN 0 ELSE 1 END FROM refund_requests q
                UNION ALL SELECT q.id, CASE q.state WHEN 'declined' THEN 1 ELSE 0 END,
                    CASE WHEN q.word IS NULL THEN 0 ELSE 1 END FROM refund_requests q"#
                .into(),
        },
    ]
}
