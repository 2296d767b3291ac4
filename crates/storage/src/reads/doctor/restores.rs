//! Probes of restores.

use scrip_domain::restore::Discrepancy;

use super::{Probe, all_books, named};

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "epochs",
            proves: "restores are counted from two on without a gap, and each peer that was to be asked was so after one of them",
            subject: all_books,
            counted: "epochs",
            rows: "SELECT 0 AS subject, (SELECT COUNT(*) FROM epochs) AS expected,
                    (SELECT COALESCE(MAX(e.number), 1) - 1 FROM epochs e) AS found
                UNION ALL SELECT 1, 1, (SELECT COUNT(*) FROM epochs e WHERE e.number = u.epoch) FROM reunions u
                UNION ALL SELECT 2, CASE WHEN u.state = 'asking' THEN 0 ELSE 1 END,
                    CASE WHEN u.ended_at IS NOT NULL THEN 1 ELSE 0 END FROM reunions u
                UNION ALL SELECT 3, 0, CASE WHEN u.state = 'asking' AND u.epoch < (SELECT MAX(e.number) FROM epochs e)
                    THEN 1 ELSE 0 END FROM reunions u"
                .into(),
        },
        Probe {
            name: "discrepancies",
            proves: "each peer's count of what the books lack is the number of those that are listed",
            subject: named::<Discrepancy>,
            counted: "discrepancies",
            rows: "SELECT d.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM reunions u
                    WHERE u.epoch = d.epoch AND u.peer = d.peer AND u.listed > 0) AS found FROM discrepancies d
                UNION ALL SELECT u.epoch, u.listed, (SELECT COUNT(*) FROM discrepancies d
                    WHERE d.epoch = u.epoch AND d.peer = u.peer) FROM reunions u"
                .into(),
        },
    ]
}
