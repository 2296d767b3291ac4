//! Orders: a selection with its price snapshot, from draft to paid.
//!
//! ```text
//! draft ──confirm──▶ paid ──refund──▶ partially_refunded ──refund──▶ refunded
//!   │ ├──confirm, short of tokens──▶ declined ──confirm again──▶ paid
//!   │ └──cancel──▶ cancelled
//!   └──30 minutes──▶ expired (derived: a draft past `expires_at`)
//! ```
//! A one-step purchase is born `paid`, or `declined`.
//!
//! At a merchant, whose buyers pay at a provider:
//!
//! ```text
//! draft ──confirm──▶ open ──▶ claimed ──▶ authorized ──▶ captured ──fulfilled──▶ paid ──refund──▶ refund_pending
//!   │                 │          │           │              └─already refunded──▶ refunded          ──▶ partially_refunded
//!   ├─▶ cancelled     └──────────┴───────────┴─▶ declined, cancelled, expired                       ──▶ refunded
//!   └─▶ expired (derived)
//! ```
//! There `paid` means released: the provider has said `fulfilled`, and the codes are the buyer's.

use scrip_license::{Limits, Terms};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::Amount;
use crate::catalog::{Offer, Product, Release};
use crate::coupon::OrderCoupon;
use crate::id::Id;
use crate::license::License;
use crate::lot::{Lot, LotKind, Part};
use crate::refund_request::RefundPolicy;
use crate::request::RequestId;
use crate::time::{Span, Timestamp};
use crate::words;

/// How long a draft holds its prices.
pub const DRAFT_LIFETIME: Span = Span::minutes(30);
/// The most lines of an order.
pub const MAX_LINES: usize = 50;
/// The most units of an order, over all lines: one license and code per unit.
pub const MAX_UNITS: u32 = 100;

words! {
    /// Where an order stands.
    pub enum OrderState {
        /// Selected, not confirmed.
        Draft = "draft",
        /// The buyer is sent to the provider.
        Open = "open",
        /// An account at the provider has it, and has not decided.
        Claimed = "claimed",
        /// The buyer has confirmed; the provider holds the tokens.
        Authorized = "authorized",
        /// The provider has taken the tokens; the codes are made, and withheld.
        Captured = "captured",
        /// Paid and released.
        Paid = "paid",
        /// Paid, and the provider is asked to give something back.
        RefundPending = "refund_pending",
        /// Paid, and a part of it given back.
        PartiallyRefunded = "partially_refunded",
        /// Paid, and all of it given back.
        Refunded = "refunded",
        /// Not approved; nothing was charged.
        Declined = "declined",
        /// Given up by the buyer.
        Cancelled = "cancelled",
        /// Not confirmed in time. Of a draft derived from `expires_at`, and stored only where a provider says it.
        Expired = "expired",
    }
}

impl OrderState {
    /// Whether it was paid, whatever was given back since.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::RefundPending | Self::PartiallyRefunded | Self::Refunded)
    }

    /// Whether a provider has been asked, and has not had its last word before delivery.
    pub fn is_at_provider(self) -> bool {
        matches!(self, Self::Open | Self::Claimed | Self::Authorized | Self::Captured)
    }
}

/// A selection of offers with its price snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: Id<Self>,
    /// Who ordered; none while nobody has confirmed a visitor's order.
    pub account: Option<Id<Account>>,
    /// Where it stands.
    pub state: OrderState,
    /// The sum of its lines, in smallest units of the token.
    pub total: Amount,
    /// The coupon that takes something off its lines.
    pub coupon: Option<OrderCoupon>,
    /// Why it was declined, if it was.
    pub reason: Option<DeclineReason>,
    /// Whether the buyer insists on buying again what is already owned.
    pub again: bool,
    /// The checks that were made, in order.
    pub checks: Vec<Check>,
    /// When the selection was made.
    pub selected_at: Timestamp,
    /// Until when a draft holds its prices.
    pub expires_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// What could be spent after it was paid.
    pub balance_after: Option<Amount>,
    /// The version of the terms under which it was selected: what is shown before it is confirmed, and accepted by that.
    pub terms_version: Option<String>,
    /// The payment method chosen for the account when it was paid.
    pub payment_method: Option<String>,
    /// What the vendor promised of refunds when it was selected; nothing on record of orders from before there were policies.
    pub refund_policy: Option<RefundPolicy>,
}

impl Order {
    /// A draft selected at `at`, which holds its prices for [`DRAFT_LIFETIME`].
    pub fn draft(
        id: Id<Self>,
        account: Option<Id<Account>>,
        total: Amount,
        again: bool,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            state: OrderState::Draft,
            total,
            coupon: None,
            reason: None,
            again,
            checks: Vec::new(),
            selected_at: at,
            expires_at: at.plus(DRAFT_LIFETIME),
            paid_at: None,
            balance_after: None,
            terms_version: None,
            payment_method: None,
            refund_policy: None,
        }
    }

    /// Whether it is this account's.
    pub fn is_of(&self, account: Id<Account>) -> bool {
        self.account == Some(account)
    }

    /// Whether its codes were ever handed out: paid for, and not given back before that.
    pub fn is_released(&self) -> bool {
        self.state.is_paid() && self.paid_at.is_some()
    }

    /// The version of the terms that its buyer accepted by confirming it.
    pub fn accepted_terms(&self) -> Option<&str> {
        let unconfirmed = matches!(
            self.state,
            OrderState::Draft | OrderState::Declined | OrderState::Expired | OrderState::Cancelled
        );
        self.terms_version.as_deref().filter(|_| !unconfirmed)
    }

    /// Whether it was bought in one step, without a draft before.
    pub fn is_one_step(&self) -> bool {
        self.paid_at == Some(self.selected_at)
    }

    /// Where it stands at `at`: a draft, or an order declined for funds, that was not confirmed in
    /// time has expired.
    pub fn state_at(&self, at: Timestamp) -> OrderState {
        match self.state {
            OrderState::Draft if at >= self.expires_at => OrderState::Expired,
            state => state,
        }
    }
}

words! {
    /// Why an order was declined.
    pub enum DeclineReason {
        /// The balance did not cover the total.
        InsufficientBalance = "insufficient_balance",
        /// The balance was below the threshold.
        BalanceBelowThreshold = "balance_below_threshold",
        /// The account was frozen.
        AccountFrozen = "account_frozen",
    }
}

/// One offer in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The order it belongs to.
    pub order: Id<Order>,
    /// Its name.
    pub id: Id<Self>,
    /// What was chosen.
    pub offer: Id<Offer>,
    /// What that sells.
    pub product: Id<Product>,
    /// The product's title as sold.
    pub title: String,
    /// What one unit cost when it was selected.
    pub price: Amount,
    /// What the order's coupon takes off all of its units together, where it is for this line.
    pub discount: Option<Amount>,
    /// How many units: one license each.
    pub quantity: u32,
    /// The terms as sold.
    pub terms: Terms,
    /// The limits as sold.
    pub limits: Limits,
    /// The release as sold, for a download; a published release never changes.
    pub release: Option<Id<Release>>,
    /// The license that it adds to, in place of one that it makes.
    pub extends: Option<Id<License>>,
    /// The offer of a bundle that it is a part of: its price is then its share of the bundle's.
    pub bundle: Option<Id<Offer>>,
}

impl Line {
    /// What the line costs; `None` out of range.
    pub fn total(&self) -> Option<Amount> {
        self.list_total()?.checked_sub(self.discount.unwrap_or_default())
    }

    /// What it would cost without a coupon; `None` out of range.
    pub fn list_total(&self) -> Option<Amount> {
        self.price.checked_mul(u64::from(self.quantity))
    }
}

/// Tokens of one lot that paid for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePayment {
    /// The line that was paid.
    pub line: Id<Line>,
    /// The lot that paid.
    pub lot: Id<Lot>,
    /// Of which kind that is.
    pub kind: LotKind,
    /// How much.
    pub amount: Amount,
    /// Its place among the lots that paid the order: lots get back in the reverse order.
    pub place: u32,
}

/// A check that was made on the way to an order, kept with it. Every order keeps some for good, so it is written
/// briefly; the longer names are those of orders that were kept before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What was checked.
    #[serde(rename = "c", alias = "check")]
    pub check: CheckKind,
    /// Against what.
    #[serde(rename = "b", alias = "basis", skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<Basis>,
    /// The balance that was required.
    #[serde(rename = "n", alias = "required", skip_serializing_if = "Option::is_none", default)]
    pub required: Option<Amount>,
    /// The balance that was there.
    #[serde(rename = "v", alias = "available", skip_serializing_if = "Option::is_none", default)]
    pub available: Option<Amount>,
    /// Whether it was enough.
    #[serde(
        rename = "r",
        alias = "result",
        skip_serializing_if = "CheckResult::is_passed",
        default
    )]
    pub result: CheckResult,
    /// When.
    #[serde(rename = "t", alias = "at", with = "crate::time::millis")]
    pub at: Timestamp,
    /// The idempotency key (its number) of the confirm that made this check, or that it declined.
    #[serde(rename = "q", alias = "request", skip_serializing_if = "Option::is_none", default)]
    pub request: Option<u64>,
    /// The request that it declined, by the name in its answer.
    #[serde(rename = "i", alias = "request_id", skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<RequestId>,
}

words! {
    /// What a check is about.
    pub enum CheckKind {
        /// The account exists and permits transactions.
        Account = "account",
        /// The available balance.
        Balance = "balance",
    }
}

words! {
    /// What a balance was compared with.
    pub enum Basis {
        /// The threshold that opens ordering.
        Threshold = "threshold",
        /// The total of the selection.
        Selection = "selection",
    }
}

words! {
    /// What a check found.
    #[derive(Default)]
    pub enum CheckResult {
        /// Enough.
        #[default]
        Passed = "passed",
        /// Not enough.
        Failed = "failed",
    }
}

impl CheckResult {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_passed(&self) -> bool {
        *self == Self::Passed
    }
}

/// Shares what lots gave among lines with these totals, in order: which lot paid how much of which
/// line. `None` when the two sides do not add up to the same.
pub fn allot(lines: &[(Id<Line>, Amount)], parts: &[Part]) -> Option<Vec<LinePayment>> {
    let mut parts = parts.iter().copied().filter(|part| !part.amount.is_zero());
    let mut open: Option<Part> = None;
    let mut payments = Vec::with_capacity(lines.len());
    for (line, total) in lines {
        let mut due = *total;
        while !due.is_zero() {
            let part = match open.take() {
                Some(part) => part,
                None => parts.next()?,
            };
            let amount = part.amount.min(due);
            due = due.checked_sub(amount)?;
            let left = part.amount.checked_sub(amount)?;
            open = (!left.is_zero()).then_some(Part { amount: left, ..part });
            let place = u32::try_from(payments.len()).ok()?;
            let Part { lot, kind, .. } = part;
            payments.push(LinePayment { line: *line, lot, kind, amount, place });
        }
    }
    (open.is_none() && parts.next().is_none()).then_some(payments)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn shares(lines: &[u64], lots: &[u64]) -> Option<Vec<(u64, u64, u64)>> {
        let lines: Vec<_> =
            lines.iter().zip(1..).map(|(t, id)| (Id::new(id).unwrap(), amount(*t))).collect();
        let part = |(units, id): (&u64, u64)| Part {
            lot: Id::new(id).unwrap(),
            kind: LotKind::Paid,
            amount: amount(*units),
        };
        let lots: Vec<_> = lots.iter().zip(1..).map(part).collect();
        let payments = allot(&lines, &lots)?;
        Some(payments.iter().map(|p| (p.line.number(), p.lot.number(), p.amount.units())).collect())
    }

    #[test]
    fn checks_are_brief_and_old_ones_are_read() {
        let at = Timestamp::from_millis(1_795_991_234_567);
        let check = Check {
            check: CheckKind::Balance,
            basis: Some(Basis::Selection),
            required: Some(amount(100)),
            available: Some(amount(2_500)),
            result: CheckResult::Passed,
            at,
            request: None,
            request_id: None,
        };
        let brief = r#"{"c":"balance","b":"selection","n":100,"v":2500,"t":1795991234567}"#;
        assert_eq!(serde_json::to_string(&check).unwrap(), brief);
        let before = format!(
            r#"{{"check":"balance","basis":"selection","required":100,"available":2500,"result":"passed","at":"{at}"}}"#
        );
        for text in [brief, &before] {
            assert_eq!(serde_json::from_str::<Check>(text).unwrap(), check);
        }
        let failed = Check { result: CheckResult::Failed, request: Some(7), ..check };
        let brief = r#"{"c":"balance","b":"selection","n":100,"v":2500,"r":"failed","t":1795991234567,"q":7}"#;
        assert_eq!(serde_json::to_string(&failed).unwrap(), brief);
        assert_eq!(serde_json::from_str::<Check>(brief).unwrap(), failed);
    }

    #[test]
    fn lots_pay_lines_in_order() {
        assert_eq!(shares(&[3, 4], &[5, 2]), Some(vec![(1, 1, 3), (2, 1, 2), (2, 2, 2)]));
        assert_eq!(shares(&[0, 4], &[4]), Some(vec![(2, 1, 4)]));
        assert_eq!(shares(&[3], &[2]), None);
        assert_eq!(shares(&[3], &[4]), None);
    }

    proptest! {
        #[test]
        fn no_token_is_lost_between_lots_and_lines(lines in proptest::collection::vec(0_u64..50, 1..8), cut in 1_u64..40) {
            let total: u64 = lines.iter().sum();
            let mut lots = vec![cut; usize::try_from(total / cut).unwrap()];
            lots.push(total % cut);
            let shares = shares(&lines, &lots).unwrap();
            for (index, line) in lines.iter().enumerate() {
                let paid: u64 = shares.iter().filter(|s| s.0 == index as u64 + 1).map(|s| s.2).sum();
                prop_assert_eq!(paid, *line);
            }
        }
    }
}
