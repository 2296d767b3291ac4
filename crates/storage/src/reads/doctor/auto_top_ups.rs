//! A probe of automatic top-ups: each is waited for in one place, and nothing rings that nobody wants.

use scrip_domain::account::Account;

use super::{Probe, named};

pub fn probes() -> [Probe; 1] {
    [Probe {
        name: "auto-top-ups",
        proves: "each automatic top-up either is armed in its wallet or has an errand, and neither is without one",
        subject: named::<Account>,
        counted: "auto_top_ups",
        rows: "SELECT a.account AS subject, CASE WHEN a.stopped IS NULL THEN 1 ELSE 0 END AS expected,
                (SELECT COUNT(*) FROM accounts c JOIN wallets w ON w.id = c.wallet
                    WHERE c.id = a.account AND w.alarm = a.below)
                + (SELECT COUNT(*) FROM auto_errands e WHERE e.account = a.account) AS found FROM auto_top_ups a
            UNION ALL SELECT w.account, 1, (SELECT COUNT(*) FROM auto_top_ups a
                WHERE a.account = w.account AND a.below = w.alarm AND a.stopped IS NULL)
                FROM wallets w WHERE w.alarm IS NOT NULL
            UNION ALL SELECT e.account, 1, (SELECT COUNT(*) FROM auto_top_ups a
                WHERE a.account = e.account AND a.stopped IS NULL) FROM auto_errands e
            UNION ALL SELECT a.account, a.account, (SELECT u.account FROM top_ups u WHERE u.id = a.top_up)
                FROM auto_top_ups a WHERE a.top_up IS NOT NULL"
            .into(),
    }]
}
