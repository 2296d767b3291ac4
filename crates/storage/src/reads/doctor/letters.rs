//! Probes of letters, and of how far the feed has become letters.

use scrip_domain::account::Account;
use scrip_domain::letter::Letter;

use super::{Probe, all_books, named};

pub fn probes() -> [Probe; 3] {
    [
        Probe {
            name: "letters",
            proves: "each letter is to staff or to an account that exists; it has a time for just what it is: due or sent; one to a provider's buyer is of the account that they have",
            subject: named::<Letter>,
            counted: "letters",
            rows: "SELECT l.id AS subject, l.account AS expected,
                    (SELECT a.id FROM accounts a WHERE a.id = l.account) AS found FROM letters l
                UNION ALL SELECT l.id, CASE WHEN l.state = 'waiting' THEN 1 ELSE 0 END,
                    CASE WHEN l.due_at IS NOT NULL THEN 1 ELSE 0 END FROM letters l
                UNION ALL SELECT l.id, CASE WHEN l.state = 'sent' THEN 1 ELSE 0 END,
                    CASE WHEN l.sent_at IS NOT NULL THEN 1 ELSE 0 END FROM letters l
                UNION ALL SELECT l.id, l.account, (SELECT MAX(i.account) FROM identities i
                    WHERE i.account = l.account AND i.subject = SUBSTR(l.recipient, 9))
                    FROM letters l WHERE l.recipient LIKE 'subject %'"
                .into(),
        },
        Probe {
            name: "postbox",
            proves: "events have become letters up to one place, and that was given",
            subject: all_books,
            counted: "postbox",
            rows: "SELECT 0 AS subject, 0 AS expected,
                    CASE WHEN p.position > (SELECT MAX(f.last) FROM feed f) THEN 1 ELSE 0 END AS found FROM postbox p
                UNION ALL SELECT 1, 1, p.number FROM postbox p"
                .into(),
        },
        Probe {
            name: "digests",
            proves: "what is gathered for a daily letter is something, of an account that exists, and was not free; so is who was told of what expires",
            subject: named::<Account>,
            counted: "digests",
            rows: "SELECT d.account AS subject, d.account AS expected,
                    (SELECT a.id FROM accounts a WHERE a.id = d.account) AS found FROM digests d
                UNION ALL SELECT n.account, n.account, (SELECT a.id FROM accounts a WHERE a.id = n.account) FROM warned n
                UNION ALL SELECT d.account, 1, CASE WHEN d.orders = '[]' THEN 0 ELSE 1 END FROM digests d
                UNION ALL SELECT d.account, 0, CASE WHEN d.more > 0 AND d.total = 0 THEN 1 ELSE 0 END FROM digests d"
                .into(),
        },
    ]
}
