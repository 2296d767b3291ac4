//! Probes of accounts: each has its wallet and its address.

use scrip_domain::account::Account;
use scrip_domain::wallet::Wallet;

use super::{Probe, named};

pub fn probes() -> [Probe; 4] {
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
            proves: "of an account that is erased no address is kept, no name, no way in, no card, no key, no letter, no warning and \
                     no link",
            subject: named::<Account>,
            counted: "accounts",
            rows: "SELECT a.id AS subject, 0 AS expected,
                    CASE WHEN a.email <> '' OR a.person <> '{}' OR a.verified_at IS NOT NULL THEN 1 ELSE 0 END
                    + (SELECT COUNT(*) FROM sessions s WHERE s.account = a.id)
                    + (SELECT COUNT(*) FROM api_keys k WHERE k.account = a.id)
                    + (SELECT COUNT(*) FROM letters l WHERE l.account = a.id)
                    + (SELECT COUNT(*) FROM digests d WHERE d.account = a.id)
                    + (SELECT COUNT(*) FROM warned w WHERE w.account = a.id)
                    + (SELECT COUNT(*) FROM links k WHERE k.account = a.id AND k.state <> 'ended')
                    + (SELECT COUNT(*) FROM auto_errands e WHERE e.account = a.id)
                    + (SELECT COUNT(*) FROM payment_methods p WHERE p.account = a.id
                        AND (p.detach_at IS NULL OR p.last_four <> '' OR p.brand <> '')) AS found
                    FROM accounts a WHERE a.erased_at IS NOT NULL"
                .into(),
        },
    ]
}
