//! Probes of accounts: each has its wallet and its address.

use scrip_domain::account::Account;
use scrip_domain::wallet::Wallet;

use super::{Probe, named};

pub fn probes() -> [Probe; 3] {
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
            proves: "each account has one address that signs in, or none and comes from a provider, and each address its account",
            subject: named::<Account>,
            counted: "logins",
            rows: "SELECT a.id AS subject, CASE WHEN i.account IS NULL THEN 1 ELSE 0 END AS expected, COALESCE(l.addresses, 0) AS found FROM accounts a
                    LEFT JOIN (SELECT account, COUNT(*) AS addresses FROM logins GROUP BY account) l
                    ON l.account = a.id LEFT JOIN identities i ON i.account = a.id
                UNION ALL SELECT l.account, l.account, (SELECT a.id FROM accounts a WHERE a.id = l.account)
                    FROM logins l"
                .into(),
        },
    ]
}
