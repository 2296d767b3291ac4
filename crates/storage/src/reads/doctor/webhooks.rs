//! Probes of the feed of events, and of webhooks.

use scrip_domain::webhook::WebhookEndpoint;

use super::{Probe, all_books, named};

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "feed",
            proves: "published events have the places from 1 to the last one that was given, and no place is given twice",
            subject: all_books,
            counted: "events",
            rows: "SELECT 0 AS subject, f.last AS expected, (SELECT COUNT(DISTINCT e.seq) FROM events e) AS found FROM feed f
                UNION ALL SELECT 1, f.last, (SELECT COUNT(e.seq) FROM events e) FROM feed f
                UNION ALL SELECT 2, f.last, (SELECT COALESCE(MAX(e.seq), 0) FROM events e) FROM feed f
                UNION ALL SELECT 3, f.endpoints, (SELECT COUNT(*) FROM webhook_endpoints w WHERE w.removed_at IS NULL)
                    FROM feed f
                UNION ALL SELECT 4, 1, (SELECT COUNT(*) FROM feed)"
                .into(),
        },
        Probe {
            name: "webhook-deliveries",
            proves: "each delivery is of a published event, or a test, to an endpoint that exists; each endpoint stands at a place that was given",
            subject: named::<WebhookEndpoint>,
            counted: "deliveries",
            rows: "SELECT d.endpoint AS subject, d.endpoint AS expected,
                    (SELECT w.id FROM webhook_endpoints w WHERE w.id = d.endpoint) AS found FROM deliveries d
                UNION ALL SELECT d.endpoint, d.event,
                    (SELECT e.id FROM events e WHERE e.id = d.event AND e.seq IS NOT NULL) FROM deliveries d
                UNION ALL SELECT d.endpoint, CASE WHEN d.state = 'pending' THEN 1 ELSE 0 END,
                    CASE WHEN d.due_at IS NOT NULL THEN 1 ELSE 0 END FROM deliveries d
                UNION ALL SELECT w.id, 0, CASE WHEN w.position > (SELECT MAX(f.last) FROM feed f) THEN 1 ELSE 0 END
                    FROM webhook_endpoints w
                UNION ALL SELECT w.id, CASE WHEN w.disabled IS NULL THEN 0 ELSE 1 END,
                    CASE WHEN w.disabled_at IS NULL THEN 0 ELSE 1 END FROM webhook_endpoints w"
                .into(),
        },
    ]
}
