//! Probes of accounts: each has its wallet and its address.

use scrip_domain::account::Account;
use scrip_domain::wallet::Wallet;

use super::{Probe, named};
use crate::index::{EVENT, TRANSFERS};
use crate::reads::among;

/// What begins something: none of it comes after an erasure.
const BEGINS: &str =
    "'top_up', 'adjustment', 'grant', 'purchase', 'hold', 'exchange_hold', 'capture', 'exchange'";

pub fn probes() -> [Probe; 5] {
    [
        Probe {
            name: "account-wallets",
            proves: "each account owns the wallet that it names",
            subject: named::<Account>,
            counted: "accounts",
            rows: "SELECT a.id AS subject, a.id AS expected,
                    (SELECT w.account FROM wallets w WHERE w.id = a.wallet) AS found FROM accounts a"
                .into(),
        },
        Probe {
            name: "wallet-accounts",
            proves: "each wallet belongs to the account that names it",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: "SELECT w.id AS subject, w.id AS expected,
                    (SELECT a.wallet FROM accounts a WHERE a.id = w.account) AS found FROM wallets w"
                .into(),
        },
        Probe {
            name: "logins",
            proves: "each account has one address that signs in, or none and comes from a provider or is erased, and each address its account",
            subject: named::<Account>,
            counted: "logins",
            rows: "SELECT a.id AS subject, CASE WHEN i.account IS NULL AND a.erased_at IS NULL THEN 1 ELSE 0 END AS expected, COALESCE(l.addresses, 0) AS found FROM accounts a
                    LEFT JOIN (SELECT account, COUNT(*) AS addresses FROM logins GROUP BY account) l
                    ON l.account = a.id LEFT JOIN identities i ON i.account = a.id
                UNION ALL SELECT l.account, l.account, (SELECT a.id FROM accounts a WHERE a.id = l.account)
                    FROM logins l"
                .into(),
        },
        Probe {
            name: "erased-accounts",
            proves: "of an account that is erased no address is kept, no name, no card, and once it was swept no way in, no key, \
                     no letter, no warning and no link",
            subject: named::<Account>,
            counted: "accounts",
            rows: "SELECT a.id AS subject, 0 AS expected,
                    CASE WHEN a.email <> '' OR a.person <> '{}' OR a.verified_at IS NOT NULL THEN 1 ELSE 0 END
                    + CASE WHEN a.sweep_at IS NULL THEN
                        (SELECT COUNT(*) FROM sessions s WHERE s.account = a.id)
                        + (SELECT COUNT(*) FROM api_keys k WHERE k.account = a.id)
                        + (SELECT COUNT(*) FROM letters l WHERE l.account = a.id)
                        + (SELECT COUNT(*) FROM digests d WHERE d.account = a.id)
                        + (SELECT COUNT(*) FROM warned w WHERE w.account = a.id)
                        + (SELECT COUNT(*) FROM links k WHERE k.account = a.id AND k.state <> 'ended')
                        ELSE 0 END
                    + (SELECT COUNT(*) FROM auto_errands e WHERE e.account = a.id)
                    + (SELECT COUNT(*) FROM payment_methods p WHERE p.account = a.id
                        AND (p.detach_at IS NULL OR p.last_four <> '' OR p.brand <> '')) AS found
                    FROM accounts a WHERE a.erased_at IS NOT NULL
                UNION ALL SELECT a.id, 0, 1 FROM accounts a WHERE a.sweep_at IS NOT NULL AND a.erased_at IS NULL"
                .into(),
        },
        Probe {
            name: "erased-wallets",
            proves: "in the wallet of an account that is erased is no more than came back since, and nothing has begun in it",
            subject: named::<Account>,
            counted: "accounts",
            rows: wallets_of_nobody().into(),
        },
    ]
}

/// What is in those wallets beyond what came back at or after the erasure; and what was booked after it, by the time and by
/// the names of both, since a clock may have been set back in between.
fn wallets_of_nobody() -> String {
    let listed = format!(
        "by_account b JOIN transfers t ON t.id = b.target WHERE b.account = a.id AND b.kind {kinds}",
        kinds = among(&TRANSFERS),
    );
    let named = format!(
        "b.key > (SELECT MAX(e.key) FROM by_account e JOIN events v ON v.id = e.target
            WHERE e.account = a.id AND e.kind = {EVENT} AND v.kind = 'account.erased')"
    );
    let back = format!(
        "(SELECT COALESCE(SUM(t.amount), 0) FROM {listed} AND t.credit = w.id AND (t.at >= a.erased_at OR {named})
            AND t.reason NOT IN ({BEGINS}))"
    );
    let holds = "w.free_credits - w.free_debits + w.held_credits - w.held_debits";
    format!(
        "SELECT a.id AS subject, 0 AS expected, CASE WHEN {holds} > {back} THEN {holds} - {back} ELSE 0 END AS found
            FROM accounts a JOIN wallets w ON w.id = a.wallet WHERE a.erased_at IS NOT NULL
        UNION ALL SELECT a.id, 0, (SELECT COUNT(*) FROM {listed} AND t.at > a.erased_at AND t.reason IN ({BEGINS})
            AND {named}) FROM accounts a WHERE a.erased_at IS NOT NULL"
    )
}
