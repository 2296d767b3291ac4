//! Probes of payment methods.

use scrip_domain::account::Account;
use scrip_domain::payment_method::MOST;
use scrip_domain::top_up::{TopUp, TopUpState};

use super::{Probe, named};

pub fn probes() -> [Probe; 3] {
    [
        Probe {
            name: "payment-methods",
            proves: "each account that keeps a card is known to the card's processor, and keeps no more than it may",
            subject: named::<Account>,
            counted: "payment_methods",
            rows: format!(
                "SELECT p.account AS subject, p.account AS expected, (SELECT c.account FROM customers c
                    JOIN accounts a ON a.id = c.account
                    WHERE c.account = p.account AND c.processor = p.processor) AS found FROM payment_methods p
                UNION ALL SELECT p.account, 0, CASE WHEN COUNT(*) > {MOST} THEN COUNT(*) ELSE 0 END
                    FROM payment_methods p GROUP BY p.account"
            )
            .into(),
        },
        Probe {
            name: "default-payment-methods",
            proves: "the card that an account pays with is one of its own, and not removed",
            subject: named::<Account>,
            counted: "accounts",
            rows: "SELECT d.account AS subject, d.account AS expected, (SELECT p.account FROM payment_methods p
                    WHERE p.account = d.account AND p.name = d.name AND p.detach_at IS NULL) AS found
                    FROM default_payment_methods d"
                .into(),
        },
        Probe {
            name: "top-up-cards",
            proves: "the card of each payment that is under way is still its account's, unless it is the demo's",
            subject: named::<TopUp>,
            counted: "top_ups",
            rows: top_up_cards().into(),
        },
    ]
}

/// A card is on record, removed or not, for as long as a payment may still need it.
fn top_up_cards() -> String {
    let open = TopUpState::ALL.iter().filter(|state| !state.is_final());
    let open: Vec<_> = open.map(|state| format!("'{state}'")).collect();
    format!(
        "SELECT u.id AS subject, u.account AS expected, (SELECT p.account FROM payment_methods p
            WHERE p.account = u.account AND p.name = u.payment_method) AS found
            FROM top_ups u WHERE u.method = 'card' AND u.state IN ({})
            AND u.payment_method IS NOT NULL AND SUBSTR(u.payment_method, 1, 5) <> 'demo_'",
        open.join(", ")
    )
}
