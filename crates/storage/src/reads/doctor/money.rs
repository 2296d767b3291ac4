//! Probes of the ledger: conservation, counters, lots, holds, top-ups.

use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::lot::Lot;
use scrip_domain::top_up::TopUp;
use scrip_domain::wallet::Wallet;
use scrip_domain::{account::Account, ledger::Transfer};

use super::{Probe, all_books, named};
use crate::index::{self, TOP_UP};
use crate::reads::among;

pub fn probes() -> Vec<Probe> {
    let mut probes = vec![
        Probe {
            name: "conservation",
            proves: "all wallets, all merchants and the vendor's own accounts together sum to zero",
            subject: all_books,
            counted: "wallets",
            rows: "SELECT 0 AS subject, 0 AS expected,
                (SELECT COALESCE(SUM(free_credits - free_debits + held_credits - held_debits
                    + owed_credits - owed_debits), 0) FROM wallets)
                + (SELECT COALESCE(SUM(balance_credits - balance_debits), 0) FROM merchants)
                + (SELECT COALESCE(SUM(credits - debits), 0) FROM house) AS found"
                .into(),
        },
        Probe {
            name: "wallet-floors",
            proves: "no wallet is below zero, and none is owed anything",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: "SELECT id AS subject, CASE WHEN free_credits < free_debits THEN 0
                    ELSE free_credits - free_debits END AS expected, free_credits - free_debits AS found FROM wallets
                UNION ALL SELECT id, CASE WHEN held_credits < held_debits THEN 0
                    ELSE held_credits - held_debits END, held_credits - held_debits FROM wallets
                UNION ALL SELECT id, CASE WHEN owed_debits < owed_credits THEN 0
                    ELSE owed_debits - owed_credits END, owed_debits - owed_credits FROM wallets"
                .into(),
        },
        Probe {
            name: "wallet-counters",
            proves: "each wallet's counters equal the sums of its transfers",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: wallet_counters().into(),
        },
        Probe {
            name: "house-counters",
            proves: "the vendor's own counters equal the sums of their transfers",
            subject: house_name,
            counted: "transfers",
            rows: house_counters().into(),
        },
    ];
    probes.extend(lots());
    probes.push(seasoning());
    probes.extend(gifts());
    probes.extend(top_ups());
    probes.push(states());
    probes.extend(cards());
    probes
}

fn lots() -> [Probe; 4] {
    [
        Probe {
            name: "lots",
            proves: "each lot lies in its wallet, once at most, and of it 0 <= held <= remaining <= what came in",
            subject: named::<Lot>,
            counted: "lots",
            rows: "SELECT l.id AS subject, 1 AS expected,
                    CASE WHEN EXISTS (SELECT 1 FROM wallets w WHERE w.id = l.wallet) THEN 1 ELSE 0 END AS found FROM lots l
                UNION ALL SELECT o.lot, 1, CASE WHEN MIN(o.held) >= 0 AND MIN(o.remaining - o.held) >= 0
                    AND MIN(o.remaining) > 0 AND MIN(l.amount + COALESCE(j.amount, 0) - o.remaining) >= 0
                    THEN COUNT(*) ELSE 0 END
                    FROM open_lots o LEFT JOIN lots l ON l.id = o.lot AND l.wallet = o.wallet AND l.kind = o.kind
                    LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM lot_changes WHERE kind = 'joined' GROUP BY lot) j
                        ON j.lot = o.lot GROUP BY o.lot"
                .into(),
        },
        Probe {
            name: "wallet-lots",
            proves: "each wallet's balance is what its lots have left",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: "SELECT w.id AS subject,
                    w.free_credits - w.free_debits + w.held_credits - w.held_debits AS expected,
                    (SELECT COALESCE(SUM(l.remaining), 0) FROM open_lots l WHERE l.wallet = w.id) AS found
                FROM wallets w"
                .into(),
        },
        Probe {
            name: "lots-spent",
            proves: "what is left of a lot is what came in and came back, without what has paid, what has expired and what was taken back",
            subject: named::<Lot>,
            counted: "lots",
            // What is left lies in JSON, whose values SQLite looks up by none but a CAST: it would go through all for each lot.
            rows: "SELECT l.id AS subject, l.amount - COALESCE(p.amount, 0) + COALESCE(r.amount, 0)
                    + COALESCE(c.amount, 0) - COALESCE(v.amount, 0) - COALESCE(d.amount, 0)
                    - COALESCE(h.amount, 0) + COALESCE(q.amount, 0) + COALESCE(x.amount, 0) AS found, COALESCE(o.remaining, 0) AS expected
                FROM lots l LEFT JOIN (SELECT CAST(lot AS BIGINT) AS lot, SUM(remaining) AS remaining FROM open_lots
                    GROUP BY CAST(lot AS BIGINT)) o ON o.lot = l.id
                LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM line_payments GROUP BY lot) p ON p.lot = l.id
                LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM refund_lots GROUP BY lot) r ON r.lot = l.id
                LEFT JOIN (SELECT lot, SUM(CASE kind WHEN 'joined' THEN amount ELSE -amount END) AS amount
                    FROM lot_changes GROUP BY lot) c ON c.lot = l.id
                LEFT JOIN (SELECT v.lot, SUM(v.amount) AS amount FROM reversal_lots v
                    JOIN reversals r ON r.top_up = v.top_up AND r.id = v.reversal
                    WHERE r.state NOT IN ('failed', 'won') GROUP BY v.lot) v ON v.lot = l.id
                LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM debt_payments GROUP BY lot) d ON d.lot = l.id
                LEFT JOIN (SELECT p.lot, SUM(p.amount) AS amount FROM hold_lots p JOIN holds s ON s.id = p.hold
                    WHERE s.state = 'posted' GROUP BY p.lot) h ON h.lot = l.id
                LEFT JOIN (SELECT lot, SUM(amount) AS amount FROM request_refund_lots GROUP BY lot) q ON q.lot = l.id
                LEFT JOIN (SELECT p.lot, SUM(p.amount) AS amount FROM hold_lots p JOIN exchanges x ON x.hold = p.hold
                    WHERE x.state IN ('reversed', 'written_off') GROUP BY p.lot) x ON x.lot = l.id"
                .into(),
        },
        Probe {
            name: "holds",
            proves: "what a wallet's held account holds, its lots and its open holds reserve, and each hold names its lots",
            subject: named::<Wallet>,
            counted: "holds",
            rows: "SELECT w.id AS subject, w.held_credits - w.held_debits AS expected,
                    (SELECT COALESCE(SUM(l.held), 0) FROM open_lots l WHERE l.wallet = w.id) AS found FROM wallets w
                UNION ALL SELECT w.id, w.held_credits - w.held_debits, COALESCE(h.amount, 0) FROM wallets w
                    LEFT JOIN (SELECT wallet, SUM(amount) AS amount FROM holds WHERE state = 'open' GROUP BY wallet) h
                    ON h.wallet = w.id
                UNION ALL SELECT h.wallet, h.amount,
                    (SELECT COALESCE(SUM(p.amount), 0) FROM hold_lots p WHERE p.hold = h.id) FROM holds h"
                .into(),
        },
    ]
}

fn seasoning() -> Probe {
    Probe {
        name: "lot-seasoning",
        proves: "no tokens can be exchanged sooner than the record of their lot says, nor much later, and gifts and credit never",
        subject: named::<Lot>,
        counted: "lots",
        rows: "SELECT l.id AS subject, 0 AS expected, COUNT(*) AS found FROM lots l
                WHERE l.kind NOT IN ('paid', 'exchange') AND l.exchangeable_at IS NOT NULL GROUP BY l.id
            UNION ALL SELECT o.lot, l.exchangeable_at, CASE WHEN o.exchangeable_at > l.exchangeable_at
                AND o.exchangeable_at <= w.joined_until THEN l.exchangeable_at ELSE o.exchangeable_at END
                FROM open_lots o JOIN lots l ON l.id = o.lot JOIN wallets w ON w.id = o.wallet"
            .into(),
    }
}

/// What came into the lots of these kinds, by wallet: as lots of their own, or joined to one.
fn arrived(kinds: &str) -> String {
    format!(
        "SELECT p.wallet, SUM(p.amount) AS amount, COUNT(*) AS number FROM (
            SELECT wallet, amount FROM lots WHERE kind IN ({kinds})
            UNION ALL SELECT l.wallet, c.amount FROM lot_changes c JOIN lots l ON l.id = c.lot
                WHERE c.kind = 'joined' AND l.kind IN ({kinds})) p GROUP BY p.wallet"
    )
}

fn gifts() -> [Probe; 3] {
    let granted = LedgerAccount::House(House::Granted).number();
    let breakage = LedgerAccount::House(House::Breakage).number();
    let promo = arrived("'promo'");
    [
        Probe {
            name: "lot-expiry",
            proves: "what expired in a wallet's lots, and nothing else, went to the breakage",
            subject: named::<Transfer>,
            counted: "lot_changes",
            rows: format!(
                "SELECT t.id AS subject, t.amount AS expected, (SELECT SUM(c.amount) FROM lot_changes c
                    JOIN lots l ON l.id = c.lot AND l.wallet = t.debit
                    WHERE c.transfer = t.id AND c.kind = 'expired' AND t.reason = 'expiry') AS found
                FROM transfers t WHERE t.credit = {breakage}
                UNION ALL SELECT c.transfer, 1, (SELECT COUNT(*) FROM transfers t WHERE t.id = c.transfer
                    AND CASE c.kind WHEN 'expired' THEN t.credit = {breakage} ELSE t.reason <> 'expiry' END)
                FROM lot_changes c"
            )
            .into(),
        },
        Probe {
            name: "wallet-expiry",
            proves: "each wallet says when the next of its tokens expire",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: "SELECT w.id AS subject, (SELECT MIN(l.expires_at) FROM open_lots l
                    WHERE l.wallet = w.id AND l.remaining > l.held) AS found, w.next_expiry AS expected FROM wallets w"
                .into(),
        },
        Probe {
            name: "grants",
            proves: "promotional lots hold what was granted, and what was granted lies in promotional lots",
            subject: named::<Wallet>,
            counted: "lots",
            rows: format!(
                "SELECT w.id AS subject, COALESCE(p.amount, 0) AS expected, COALESCE(g.amount, 0) AS found
                FROM wallets w LEFT JOIN ({promo}) p ON p.wallet = w.id
                LEFT JOIN (SELECT credit, SUM(amount) AS amount FROM transfers WHERE debit = {granted} GROUP BY credit) g
                    ON g.credit = w.id
                UNION ALL SELECT t.credit, t.credit, (SELECT l.wallet FROM lots l
                    WHERE l.id = t.subject AND l.kind = 'promo') FROM transfers t WHERE t.reason = 'grant'"
            )
            .into(),
        },
    ]
}

/// Whether a top-up `u` was credited, whatever became of it since.
pub const CREDITED: &str =
    "u.state IN ('credited', 'refunded', 'disputed', 'dispute_won', 'dispute_lost')";

/// Of a top-up `u`, the tokens that it has brought, and by how many transfers.
const BROUGHT: &str = "CASE WHEN u.due_reference IS NOT NULL THEN u.due_brought
    WHEN u.state IN ('credited', 'refunded', 'disputed', 'dispute_won', 'dispute_lost') THEN u.tokens ELSE 0 END";
const TRANSFERS: &str = "CASE WHEN u.due_reference IS NOT NULL
    THEN (SELECT COUNT(*) FROM remittances r WHERE r.top_up = u.id AND r.tokens > 0)
    WHEN u.state IN ('credited', 'refunded', 'disputed', 'dispute_won', 'dispute_lost') THEN 1 ELSE 0 END";

fn top_ups() -> [Probe; 3] {
    let number = |house| LedgerAccount::House(house).number();
    let (issued, granted) = (number(House::Issued), number(House::Granted));
    let all = arrived("'paid', 'promo', 'credit'");
    let sum = |of: &str| {
        format!(
            "SELECT COALESCE(SUM({of}), 0) FROM by_account b JOIN top_ups u ON u.id = b.target
             WHERE b.account = a.id AND b.kind = {TOP_UP}"
        )
    };
    let (brought, transfers) = (sum(BROUGHT), sum(TRANSFERS));
    let kinds = among(&index::TRANSFERS);
    let grants = |what: &str| {
        format!(
            "SELECT {what} FROM by_account b JOIN transfers t ON t.id = b.target
             WHERE b.account = a.id AND b.kind {kinds} AND t.reason = 'grant'"
        )
    };
    let (granted_sum, granted_count) = (grants("COALESCE(SUM(t.amount), 0)"), grants("COUNT(*)"));
    [
        Probe {
            name: "top-up-transfers",
            proves: "tokens are issued or given only for a top-up, to its account and in the amounts that it brought",
            subject: named::<Transfer>,
            counted: "transfers",
            rows: format!(
                "SELECT t.id AS subject, t.amount AS expected, CASE WHEN u.account = w.account THEN
                    CASE WHEN u.due_reference IS NOT NULL
                        THEN (SELECT SUM(r.tokens) FROM remittances r WHERE r.top_up = u.id AND r.transfer = t.id)
                    WHEN {CREDITED} THEN u.tokens END END AS found
                FROM transfers t LEFT JOIN top_ups u ON u.id = t.subject LEFT JOIN wallets w ON w.id = t.credit
                WHERE t.debit IN ({issued}, {granted}) AND t.reason <> 'grant'"
            )
            .into(),
        },
        Probe {
            name: "top-ups-credited",
            proves: "each credited top-up, and each part of one that is paid offline, brought one transfer, the others none",
            subject: named::<Account>,
            counted: "top_ups",
            rows: format!(
                "SELECT a.id AS subject, ({transfers}) AS expected,
                (SELECT CASE WHEN COUNT(*) = COUNT(DISTINCT COALESCE(r.id, t.subject)) THEN COUNT(*) ELSE -1 END
                    FROM by_account b JOIN transfers t ON t.id = b.target
                    LEFT JOIN remittances r ON r.top_up = t.subject AND r.transfer = t.id
                    WHERE b.account = a.id AND b.kind {kinds} AND t.debit IN ({issued}, {granted})
                        AND t.reason <> 'grant') AS found
                FROM accounts a"
            )
            .into(),
        },
        Probe {
            name: "top-up-lots",
            proves: "an account's lots hold what its top-ups brought and what was granted, one lot each or joined to one",
            subject: named::<Account>,
            counted: "lots",
            rows: format!(
                "SELECT a.id AS subject, ({brought}) + ({granted_sum}) AS expected, COALESCE(l.amount, 0) AS found
                    FROM accounts a LEFT JOIN ({all}) l ON l.wallet = a.wallet
                UNION ALL SELECT a.id, ({transfers}) + ({granted_count}), COALESCE(l.number, 0)
                    FROM accounts a LEFT JOIN ({all}) l ON l.wallet = a.wallet"
            )
            .into(),
        },
    ]
}

fn states() -> Probe {
    Probe {
        name: "top-up-states",
        proves: "credited top-ups, and no others, say when",
        subject: named::<TopUp>,
        counted: "top_ups",
        rows: format!(
            "SELECT u.id AS subject, CASE WHEN {CREDITED} THEN 1 ELSE 0 END AS expected,
            CASE WHEN u.credited_at IS NOT NULL THEN 1 ELSE 0 END AS found FROM top_ups u"
        )
        .into(),
    }
}

fn cards() -> [Probe; 2] {
    [
        Probe {
            name: "charges",
            proves: "each top-up credited by card was charged what it cost, once, and no charge is without its top-up",
            subject: named::<TopUp>,
            counted: "charges",
            rows: format!("SELECT u.id AS subject, u.pay_amount AS expected, c.amount AS found FROM top_ups u
                    LEFT JOIN (SELECT top_up, money_unit, SUM(money_amount) AS amount FROM charges
                        GROUP BY top_up, money_unit) c ON c.top_up = u.id AND c.money_unit = u.pay_unit
                    WHERE u.method = 'card' AND {CREDITED}
                UNION ALL SELECT c.top_up, 1, (SELECT COUNT(*) FROM top_ups u WHERE u.id = c.top_up AND u.method = 'card')
                    FROM charges c")
                .into(),
        },
        Probe {
            name: "errands",
            proves: "somebody is asked about each top-up that waits for the bureau or the processor, or is to be given back, and about no stranger's",
            subject: named::<TopUp>,
            counted: "errands",
            rows: "SELECT u.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM errands e WHERE e.top_up = u.id) AS found
                    FROM top_ups u WHERE u.state = 'assessing' OR (u.method = 'card'
                    AND u.state IN ('authorizing', 'requires_action', 'authorized', 'capturing', 'unknown'))
                UNION ALL SELECT r.top_up, 1, (SELECT COUNT(*) FROM errands e WHERE e.top_up = r.top_up)
                    FROM reversals r WHERE r.state = 'pending'
                UNION ALL SELECT e.top_up, 1, (SELECT COUNT(*) FROM top_ups u WHERE u.id = e.top_up) FROM errands e"
                .into(),
        },
    ]
}

/// Six comparisons: both sides of the free, of the held and of the owed account. What is listed on the wallet's
/// statement is summed; that the list is whole is a probe of its own.
fn wallet_counters() -> String {
    let sides = [
        ("free_credits", "t.credit = w.id"),
        ("free_debits", "t.debit = w.id"),
        ("held_credits", "t.credit = -w.id"),
        ("held_debits", "t.debit = -w.id"),
        ("owed_credits", "t.credit = w.id + 4611686018427387904"),
        ("owed_debits", "t.debit = w.id + 4611686018427387904"),
    ];
    let kinds = among(&index::TRANSFERS);
    let arm = |(counter, side): (&str, &str)| {
        format!(
            "SELECT w.id AS subject, w.{counter} AS expected, (SELECT COALESCE(SUM(t.amount), 0)
                FROM by_account b JOIN transfers t ON t.id = b.target
                WHERE b.account = w.account AND b.kind {kinds} AND {side}) AS found FROM wallets w"
        )
    };
    sides.map(arm).join(" UNION ALL ")
}

/// Both counters of each of the vendor's accounts. `+ 0` keeps SQLite from building an index over
/// all transfers for the comparison.
fn house_counters() -> String {
    let mut arms = Vec::new();
    for house in House::ALL {
        let number = LedgerAccount::House(*house).number();
        for (counter, side) in [("credits", "credit"), ("debits", "debit")] {
            arms.push(format!(
                "SELECT {number} AS subject,
                    COALESCE((SELECT h.{counter} FROM house h WHERE h.name = '{house}'), 0) AS expected,
                    (SELECT COALESCE(SUM(t.amount), 0) FROM transfers t WHERE t.{side} + 0 = {number}) AS found"
            ));
        }
    }
    arms.join(" UNION ALL ")
}

fn house_name(number: u64) -> String {
    let account = i64::try_from(number).ok().and_then(LedgerAccount::from_number);
    match account {
        Some(LedgerAccount::House(house)) => house.to_string(),
        _ => number.to_string(),
    }
}
