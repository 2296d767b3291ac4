//! Probes of reversals: what was taken back of top-ups, what is owed, and what processors have.

use scrip_domain::account::Account;
use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::reversal::Reversal;
use scrip_domain::top_up::TopUp;
use scrip_domain::wallet::Wallet;

use super::money::CREDITED;
use super::{Probe, named};

pub fn probes() -> Vec<Probe> {
    let mut probes = Vec::from(taken());
    probes.extend(told());
    probes.push(cards());
    probes
}

/// Of a top-up `u`, the money and the tokens that can be taken back.
const MONEY: &str =
    "CASE WHEN u.due_reference IS NOT NULL THEN u.due_received ELSE COALESCE(u.pay_amount, 0) END";
const TOKENS: &str = "CASE WHEN u.due_reference IS NOT NULL THEN u.due_brought ELSE u.tokens END";
/// Whether a reversal `r` has taken what it says.
const IN_FORCE: &str = "r.state NOT IN ('failed', 'won')";

fn taken() -> [Probe; 4] {
    let reclaimed = LedgerAccount::House(House::Reclaimed).number();
    [
        Probe {
            name: "reversals",
            proves: "each reversal took its tokens from lots or they are owed, and together no more than the top-up brought",
            subject: named::<Reversal>,
            counted: "reversals",
            rows: format!(
                "SELECT r.id AS subject, r.tokens AS expected, r.owed + (SELECT COALESCE(SUM(l.amount), 0)
                    FROM reversal_lots l WHERE l.top_up = r.top_up AND l.reversal = r.id) AS found FROM reversals r
                UNION ALL SELECT MIN(r.id), 0, CASE WHEN SUM(r.money) <= MIN({MONEY})
                    AND SUM(r.tokens) <= MIN({TOKENS}) THEN 0 ELSE 1 END
                    FROM reversals r LEFT JOIN top_ups u ON u.id = r.top_up WHERE {IN_FORCE} GROUP BY r.top_up
                UNION ALL SELECT l.reversal, 1, (SELECT COUNT(*) FROM reversals r
                    WHERE r.top_up = l.top_up AND r.id = l.reversal) FROM reversal_lots l
                UNION ALL SELECT r.id, CASE WHEN r.state IN ('pending', 'open') THEN 0 ELSE 1 END,
                    CASE WHEN r.settled_at IS NULL THEN 0 ELSE 1 END FROM reversals r"
            )
            .into(),
        },
        Probe {
            name: "reclaimed",
            proves: "what reversals have taken, and nothing else, lies in the account for it",
            subject: named::<TopUp>,
            counted: "reversals",
            rows: format!(
                "SELECT r.top_up AS subject, r.tokens AS expected, COALESCE(t.amount, 0) AS found
                    FROM (SELECT r.top_up, SUM(CASE WHEN {IN_FORCE} THEN r.tokens ELSE 0 END) AS tokens
                        FROM reversals r GROUP BY r.top_up) r
                    LEFT JOIN (SELECT t.subject, SUM(CASE WHEN t.credit = {reclaimed} THEN t.amount ELSE -t.amount END)
                        AS amount FROM transfers t WHERE t.credit = {reclaimed} OR t.debit = {reclaimed}
                        GROUP BY t.subject) t ON t.subject = r.top_up
                UNION ALL SELECT t.subject, t.subject, (SELECT MIN(r.top_up) FROM reversals r
                    WHERE r.top_up = t.subject) FROM transfers t
                    WHERE t.credit = {reclaimed} OR t.debit = {reclaimed}"
            )
            .into(),
        },
        Probe {
            name: "debts",
            proves: "what each wallet owes is what reversals could not take, without what lots have paid of it",
            subject: named::<Wallet>,
            counted: "wallets",
            rows: format!(
                "SELECT w.id AS subject, w.owed_debits - w.owed_credits AS expected,
                    COALESCE(r.owed, 0) - COALESCE(d.amount, 0) AS found FROM wallets w
                    LEFT JOIN (SELECT u.account, SUM(r.owed) AS owed FROM reversals r JOIN top_ups u ON u.id = r.top_up
                        WHERE {IN_FORCE} GROUP BY u.account) r ON r.account = w.account
                    LEFT JOIN (SELECT wallet, SUM(amount) AS amount FROM debt_payments GROUP BY wallet) d
                        ON d.wallet = w.id"
            )
            .into(),
        },
        Probe {
            name: "debt-payments",
            proves: "what is owed is paid by bought tokens of the same wallet",
            subject: named::<Wallet>,
            counted: "debt_payments",
            rows: "SELECT d.wallet AS subject, d.wallet AS expected, (SELECT l.wallet FROM lots l
                    WHERE l.id = d.lot AND l.kind IN ('paid', 'exchange')) AS found FROM debt_payments d"
                .into(),
        },
    ]
}

fn told() -> [Probe; 2] {
    let sum = |what: &str, which: &str| {
        format!(
            "(SELECT COALESCE(SUM(r.{what}), 0) FROM reversals r WHERE r.top_up = u.id AND {IN_FORCE} AND {which})"
        )
    };
    let (done, dispute) = ("r.state = 'done'", "r.kind = 'dispute'");
    let (refunded, refunded_tokens) = (sum("money", done), sum("tokens", done));
    let (disputed, disputed_tokens) = (sum("money", dispute), sum("tokens", dispute));
    let any = |state: &str| {
        format!("EXISTS (SELECT 1 FROM reversals r WHERE r.top_up = u.id AND r.state = '{state}')")
    };
    let (open, lost, won) = (any("open"), any("lost"), any("won"));
    [
        Probe {
            name: "reversed-top-ups",
            proves: "each top-up says what was taken back of it",
            subject: named::<TopUp>,
            counted: "top_ups",
            rows: format!(
                r#"SELECT u.id AS subject, CASE u.state WHEN 'disputed' THEN 1 WHEN 'dispute_lost' THEN 2
                    WHEN 'refunded' THEN 3 WHEN 'dispute_won' THEN 4 ELSE 0 END AS expected,
                    CASE WHEN {open} THEN 1 WHEN {lost} THEN 2
                        WHEN {refunded} = {MONEY} AND {refunded_tokens} = {TOKENS} THEN 3
                        WHEN {won} THEN 4 ELSE 0 END AS found FROM top_ups u WHERE {CREDITED}
                UNION ALL SELECT u.id, CASE WHEN u.reversed IS NULL THEN 0 ELSE 1 END, CASE WHEN EXISTS
                    (SELECT 1 FROM reversals r WHERE r.top_up = u.id) THEN 1 ELSE 0 END FROM top_ups u
                UNION ALL SELECT u.id, 1, CASE WHEN u.reversed LIKE '%"refunded":' || {refunded} || ',%'
                    AND u.reversed LIKE '%"refunded_tokens":' || {refunded_tokens} || ',%'
                    AND u.reversed LIKE '%"disputed":' || {disputed} || ',%'
                    AND u.reversed LIKE '%"disputed_tokens":' || {disputed_tokens} || ',%' THEN 1 ELSE 0 END
                    FROM top_ups u WHERE u.reversed IS NOT NULL"#
            )
            .into(),
        },
        Probe {
            name: "disputes",
            proves: "each credit file counts the disputes that are open or lost, and who is frozen by one is frozen",
            subject: named::<Account>,
            counted: "accounts",
            rows: "SELECT a.id AS subject, COALESCE((SELECT f.disputed FROM credit_files f WHERE f.account = a.id), 0)
                    AS expected, COALESCE(r.disputes, 0) AS found FROM accounts a
                    LEFT JOIN (SELECT u.account, COUNT(*) AS disputes FROM reversals r JOIN top_ups u ON u.id = r.top_up
                        WHERE r.state IN ('open', 'lost') GROUP BY u.account) r ON r.account = a.id
                UNION ALL SELECT a.id, 1, CASE WHEN a.frozen_at IS NULL THEN 0 ELSE 1 END
                    FROM accounts a WHERE a.frozen_by_dispute = 1"
                .into(),
        },
    ]
}

/// Of each charge: it was credited, or went back (a bank may have taken it), or is on its way back; and of what was credited and went back
/// there is a refund.
fn cards() -> Probe {
    Probe {
        name: "card-money",
        proves: "what processors captured was credited or given back, or is on its way back; and each refund is booked",
        subject: named::<TopUp>,
        counted: "charges",
        rows: format!(
            "SELECT c.top_up AS subject, c.money_amount AS expected, CASE WHEN {CREDITED} THEN u.pay_amount
                    WHEN EXISTS (SELECT 1 FROM errands e WHERE e.top_up = c.top_up) THEN c.money_amount
                    ELSE c.refunded + c.disputed END AS found FROM charges c LEFT JOIN top_ups u ON u.id = c.top_up
            UNION ALL SELECT c.top_up, c.refunded, (SELECT COALESCE(SUM(r.claimed), 0) FROM reversals r
                    WHERE r.top_up = u.id AND r.state = 'done') FROM charges c JOIN top_ups u ON u.id = c.top_up
                    WHERE {CREDITED} AND NOT EXISTS
                        (SELECT 1 FROM reversals r WHERE r.top_up = u.id AND r.state = 'pending')"
        )
        .into(),
    }
}
